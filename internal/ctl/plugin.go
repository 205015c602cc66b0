package ctl

import (
	"cmp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/moldau-io/moldau/api/client"
)

func (s *session) pluginCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "plugin", Aliases: []string{"plugins"}, Short: "Look at what a server can run, and validate configurations"}
	cmd.AddCommand(s.pluginList(), s.pluginDescribe(), s.pluginValidate())
	return cmd
}

func (s *session) pluginList() *cobra.Command {
	var all bool
	var kind string
	cmd := &cobra.Command{
		Use: "list [PATTERN …]", Aliases: []string{"ls"}, Short: "List the connectors of a server, with --all transforms and converters, too",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			wanted, err := matchers(args)
			if err != nil {
				return err
			}
			list, err := c.Plugins(cmd.Context(), all || kind != "")
			if err != nil {
				return err
			}
			shown := []client.Plugin{}
			t := newTable("CLASS", "TYPE", "VERSION")
			for _, p := range list {
				take := len(wanted) == 0
				for _, m := range wanted {
					take = take || m.matches(p.Class) || m.matches(simple(p.Class))
				}
				if take && (kind == "" || strings.EqualFold(kind, p.Type)) {
					shown = append(shown, p)
				}
			}
			slices.SortStableFunc(shown, func(a, b client.Plugin) int {
				return cmp.Or(strings.Compare(a.Type, b.Type), strings.Compare(a.Class, b.Class))
			})
			for _, p := range shown {
				t.add(p.Class, p.Type, dash(p.Version))
			}
			if len(shown) == 0 {
				s.notef("no plugins\n")
			}
			return s.show(shown, t)
		},
	}
	cmd.Flags().BoolVarP(&all, "all", "a", false, "list transforms, predicates and converters, too")
	cmd.Flags().StringVar(&kind, "type", "", "list those of this `type` alone: source, sink, transformation, predicate, converter, header_converter")
	return cmd
}

func (s *session) pluginDescribe() *cobra.Command {
	return &cobra.Command{
		Use: "describe CLASS", Short: "Show the settings of a plugin", Args: cobra.ExactArgs(1), ValidArgsFunction: s.completePlugin,
		Long: "Show the settings of a plugin: connector, transform, predicate or converter. -o wide adds\nwhat each is for.",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			keys, err := c.PluginConfig(cmd.Context(), args[0])
			if err != nil {
				return about(err, "plugin %s", args[0])
			}
			t := newTable("NAME", "TYPE", "DEFAULT", "IMPORTANCE").wide("DOCUMENTATION")
			for _, k := range keys {
				value := "(required)"
				switch {
				case k.Default != nil && *k.Default == "":
					value = `""`
				case k.Default != nil:
					value = *k.Default
				case !k.Required:
					value = "null"
				}
				t.add(k.Name, strings.ToLower(k.Type), value, strings.ToLower(k.Importance), strings.Join(strings.Fields(k.Documentation), " "))
			}
			return s.show(keys, t)
		},
	}
}

// checked is the outcome of a validation, as it is shown.
type checked struct {
	Name   string         `json:"name"`
	Source string         `json:"file"`
	Errors []settingError `json:"errors"`
	Notes  []settingError `json:"notes,omitempty"`
}

func (s *session) pluginValidate() *cobra.Command {
	var files []string
	cmd := &cobra.Command{
		Use: "validate -f FILE|FOLDER", Short: "Let the server check configurations, without making anything",
		Long: "Let the server check configurations, without making anything. It ends with status 2 if a\nsetting is wrong.\n\n" + fileHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(files) == 0 {
				return usage("-f is missing: a file or folder of connectors")
			}
			wanted, err := s.load(files)
			if err != nil {
				return err
			}
			c, err := s.client()
			if err != nil {
				return err
			}
			all, wrong := []checked{}, 0
			t := newTable("NAME")
			for _, d := range wanted {
				found, notes, err := validate(cmd.Context(), c, d.config)
				if err != nil {
					return about(err, "%s: connector %s", d.source, d.name)
				}
				wrong += len(found)
				all = append(all, checked{d.name, d.source, found, notes})
				t.add(d.name)
			}
			if o := s.flags.output; o == "json" || o == "yaml" {
				if err := s.show(all, t); err != nil {
					return err
				}
			} else {
				s.printChecked(all)
			}
			if wrong > 0 {
				return usage("%s wrong", plural(wrong, "setting is", "settings are")).next("moldau plugin describe CLASS explains the settings")
			}
			return nil
		},
	}
	cmd.Flags().StringArrayVarP(&files, "file", "f", nil, "`file` or folder of connectors; may be repeated")
	return cmd
}

func (s *session) printChecked(all []checked) {
	y := s.style()
	for _, x := range all {
		if len(x.Errors) == 0 {
			s.printf("%s %s\n", y.green("ok"), x.Name)
		} else {
			s.printf("%s %s (%s)\n", y.red("wrong"), x.Name, x.Source)
		}
		for _, e := range x.Errors {
			s.printf("    %s %s: %s\n", y.red("!"), e.Key, indented(e.Message, 6))
		}
		for _, e := range x.Notes {
			s.printf("    %s %s: %s\n", y.yellow("?"), e.Key, e.Message)
		}
	}
}
