package ctl

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/moldau-io/moldau/api/client"
)

func (s *session) createCommand() *cobra.Command {
	var w waitFlags
	var files []string
	var state string
	cmd := &cobra.Command{
		Use: "create -f FILE | create NAME KEY=VALUE …", Short: "Create connectors; it is an error if they exist",
		Long: "Create connectors from files, or one from its settings.\n\n" + fileHelp + `

Do not give secrets as arguments, where others can see them; use a file, or a config
provider such as ${env:PASSWORD}.`,
		Example: `  moldau connector create -f sink.json --wait
  moldau connector create lines connector.class=FileStreamSource file=/var/log/syslog topic=lines`,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			wanted, err := s.toCreate(files, args)
			if err != nil {
				return err
			}
			if state = strings.ToUpper(state); state != "" && !slices.Contains(initialStates, state) {
				return usage("--state %s is not known: running, paused or stopped", state)
			}
			c, err := s.client()
			if err != nil {
				return err
			}
			var failed []error
			wishes := map[string][]string{}
			for _, d := range wanted {
				if state != "" {
					d.state = state
				}
				if _, masks, _ := keepHidden(d.config, nil, s.secretsOf(ctx, c, d.config["connector.class"])); len(masks) > 0 {
					failed = append(failed, usage("%s: the value of %s is only the mask of a secret", d.source, strings.Join(masks, ", ")))
					continue
				}
				if err := c.Create(ctx, d.name, d.config, d.state); err != nil {
					failed = append(failed, about(err, "connector %s", d.name))
					continue
				}
				s.printf("connector %s created\n", d.name)
				goal := d.state
				if goal == "" {
					goal = "RUNNING"
				}
				wishes[goal] = append(wishes[goal], d.name)
			}
			if w.wait {
				for _, goal := range initialStates {
					if len(wishes[goal]) == 0 {
						continue
					}
					if err := s.wait(ctx, c, wishes[goal], wish{state: goal, timeout: w.timeout}); err != nil {
						failed = append(failed, err)
					}
				}
			}
			return join(failed)
		},
	}
	cmd.Flags().StringArrayVarP(&files, "file", "f", nil, "`file` or folder of connectors; may be repeated")
	cmd.Flags().StringVar(&state, "state", "", "`state` to begin in: running, paused or stopped")
	w.register(cmd, "they are in their state, or a task fails")
	return cmd
}

func (s *session) toCreate(files, args []string) ([]definition, error) {
	if (len(files) == 0) == (len(args) == 0) {
		return nil, usage("give connectors either with -f FILE or as NAME KEY=VALUE …")
	}
	if len(files) > 0 {
		return s.load(files)
	}
	config := map[string]string{}
	for _, arg := range args[1:] {
		key, value, ok := strings.Cut(arg, "=")
		if !ok || key == "" {
			return nil, usage("%s is not KEY=VALUE, such as tasks.max=2", arg)
		}
		config[key] = value
	}
	d, err := newDefinition("the arguments", args[0], config, "")
	return []definition{d}, err
}

func (s *session) patchCommand() *cobra.Command {
	var w waitFlags
	var file string
	var plan bool
	cmd := &cobra.Command{
		Use: "patch NAME KEY=VALUE … KEY- …", Short: "Change single settings of a connector",
		Long: `Change single settings of a connector: KEY=VALUE sets one, KEY- takes one away. -f gives
them as an object in JSON or YAML, where null takes a setting away. The differences are
shown first; nothing is written if there are none.`,
		Example: `  moldau connector patch my-sink tasks.max=4 errors.tolerance- --wait`,
		Args:    cobra.MinimumNArgs(1), ValidArgsFunction: s.completeSettings,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, name := cmd.Context(), args[0]
			patch, err := s.patchOf(file, args[1:])
			if err != nil {
				return err
			}
			c, err := s.client()
			if err != nil {
				return err
			}
			info, err := c.Connector(ctx, name)
			if err != nil {
				return about(err, "connector %s", name)
			}
			known := s.secretsOf(ctx, c, info.Config["connector.class"])
			for k, v := range patch {
				// A masked value is the one that is there.
				if v != nil && known.hidden(k, *v) {
					delete(patch, k)
				}
			}
			changes := diff(info.Config, client.Patched(info.Config, patch))
			if len(changes) == 0 {
				s.printf("= connector %s: no changes\n", name)
				return nil
			}
			s.printf("%s\n", s.style().yellow("~ connector "+name+": "+plural(len(changes), "setting changes", "settings change")))
			s.printChanges(changes, known)
			if plan {
				return nil
			}
			wished := wish{state: "RUNNING", timeout: w.timeout}
			if w.wait {
				if wished.before, err = look(ctx, c, []string{name}); err != nil {
					return err
				}
				if old := wished.before[name]; old != nil && slices.Contains(initialStates, old.Connector.State) {
					wished.state = old.Connector.State
				}
			}
			if err := c.PatchConfig(ctx, name, patch, info.Config); err != nil {
				return about(err, "connector %s", name)
			}
			s.printf("connector %s patched\n", name)
			if w.wait {
				return s.wait(ctx, c, []string{name}, wished)
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "`file` with the settings, JSON or YAML; - is standard input")
	cmd.Flags().BoolVar(&plan, "plan", false, "show what would change, and change nothing")
	w.register(cmd, "it is RUNNING again, or a task fails")
	return cmd
}

func (s *session) patchOf(file string, args []string) (map[string]*string, error) {
	patch := map[string]*string{}
	if file != "" {
		text, err := s.read(file)
		if err != nil {
			return nil, err
		}
		docs, err := documents(text)
		if err != nil {
			return nil, usage("%s: %v", file, err)
		}
		if len(docs) != 1 {
			return nil, usage("%s: one object of settings is expected", file)
		}
		fields, ok := docs[0].(map[string]any)
		if !ok {
			return nil, usage("%s: one object of settings is expected", file)
		}
		for k, v := range fields {
			if v == nil {
				patch[k] = nil
				delete(fields, k)
			}
		}
		set, err := plainTexts(file, fields)
		if err != nil {
			return nil, err
		}
		for _, k := range slices.Sorted(maps.Keys(set)) {
			v := set[k]
			patch[k] = &v
		}
	}
	for _, arg := range args {
		key, value, ok := strings.Cut(arg, "=")
		switch {
		case ok && key != "":
			patch[key] = &value
		case !ok && len(arg) > 1 && strings.HasSuffix(arg, "-"):
			patch[strings.TrimSuffix(arg, "-")] = nil
		default:
			return nil, usage("%s is neither KEY=VALUE nor KEY-", arg)
		}
	}
	if len(patch) == 0 {
		return nil, usage("nothing to change: give KEY=VALUE, KEY- or -f FILE")
	}
	return patch, nil
}
