package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/moldau-io/moldau/converters/registry"
	"github.com/moldau-io/moldau/internal/schemas"
	"github.com/moldau-io/moldau/plugins/standard"
	"github.com/moldau-io/moldau/runtime/preview"
	"github.com/moldau-io/moldau/runtime/settings"
)

const registryHelp = `The registry is that of --url, or of --config: a JSON or properties file with the
settings of a converter, or of a connector or worker whose value.converter or
key.converter has them. --set gives single settings by the converters' names:
basic.auth.credentials.source=USER_INFO with basic.auth.user.info=user:password,
bearer.auth.credentials.source with bearer.auth.token, schema.registry.ssl.*,
proxy.host and others.`

// registryFlags say which registry to ask.
type registryFlags struct {
	url, config string
	sets        []string
}

func (f *registryFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.url, "url", "", "URLs of the registry, separated by commas")
	cmd.Flags().StringVarP(&f.config, "config", "c", "", "`file` with settings of a connector, worker or converter, JSON or properties")
	cmd.Flags().StringArrayVar(&f.sets, "set", nil, "a setting of the registry's client, `name=value`; may be repeated")
}

func (f *registryFlags) settings() (schemas.Settings, error) {
	s := schemas.Settings{URL: f.url, Sets: map[string]string{}}
	for _, set := range f.sets {
		name, value, ok := strings.Cut(set, "=")
		if !ok {
			return s, fmt.Errorf("--set %s: expected name=value", set)
		}
		s.Sets[name] = value
	}
	if f.config == "" {
		return s, nil
	}
	text, err := os.ReadFile(f.config)
	if err != nil {
		return s, fmt.Errorf("--config: %w; check its path", err)
	}
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte{'{'}) {
		s.File, err = preview.ReadConfig(text)
	} else {
		s.File, err = settings.ReadProperties(bytes.NewReader(text))
	}
	if err != nil {
		return s, fmt.Errorf("--config %s: %w", f.config, err)
	}
	return s, nil
}

// with calls a function with the client, and closes it.
func (f *registryFlags) with(use func(*registry.HTTP) error) error {
	s, err := f.settings()
	if err != nil {
		return err
	}
	c, err := s.Open()
	if err != nil {
		return err
	}
	return errors.Join(use(c), c.Close())
}

func newRegistryCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "registry",
		Short: "Look into a schema registry, and ask it before schemas are registered",
		Long: `Look into a schema registry, and ask it before schemas are registered.

` + registryHelp,
	}
	cmd.AddCommand(newRegistrySubjectsCommand(), newRegistryShowCommand(), newRegistryCheckCommand())
	return cmd
}

func newRegistrySubjectsCommand() *cobra.Command {
	var (
		f      registryFlags
		format string
	)
	cmd := &cobra.Command{
		Use:   "subjects",
		Short: "List subjects with their versions, and type and id of the latest",
		Long: `List subjects with their versions, and the type and id of the latest version.

` + registryHelp,
		Example: "  moldau registry subjects --url http://registry:8081",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "table" && format != "json" {
				return fmt.Errorf("--output %s: it is table or json", format)
			}
			return f.with(func(c *registry.HTTP) error {
				all, err := schemas.List(cmd.Context(), c)
				if err != nil {
					return err
				}
				if format == "table" {
					return schemas.PrintList(cmd.OutOrStdout(), all)
				}
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetEscapeHTML(false)
				e.SetIndent("", "  ")
				return e.Encode(all)
			})
		},
	}
	f.register(cmd)
	cmd.Flags().StringVarP(&format, "output", "o", "table", "table or json")
	return cmd
}

func newRegistryShowCommand() *cobra.Command {
	var (
		f    registryFlags
		only bool
	)
	cmd := &cobra.Command{
		Use:   "show SUBJECT [VERSION|latest]",
		Short: "Show a version of a subject, by default the latest",
		Long: `Show a version of a subject, by default the latest: its id and type, what it refers to,
and the schema. A version that was deleted is shown as long as the registry keeps it.

` + registryHelp,
		Example: `  moldau registry show orders-value --url http://registry:8081
  moldau registry show orders-value 2 --schema --url http://registry:8081 > orders.avsc`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			version := "latest"
			if len(args) == 2 {
				version = args[1]
			}
			return f.with(func(c *registry.HTTP) error {
				r, err := schemas.Find(cmd.Context(), c, args[0], version)
				if err != nil {
					return err
				}
				if only {
					return schemas.PrintSchema(cmd.OutOrStdout(), r)
				}
				return schemas.Print(cmd.OutOrStdout(), r)
			})
		},
	}
	f.register(cmd)
	cmd.Flags().BoolVar(&only, "schema", false, "print the schema alone")
	return cmd
}

// checkFlags are those of check.
type checkFlags struct {
	registryFlags
	file, subject, kind, topic string
	references                 []string
}

func newRegistryCheckCommand() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check -f FILE --subject SUBJECT | check --config connector.json",
		Short: "Ask whether schemas may be registered, before they are",
		Long: `Ask the registry whether a schema is compatible with those under a subject, as far as the
registry's own settings for the subject demand. Nothing is registered.

With -f the schema is that of a file.

Without it, --config is a source connector's configuration. Records on standard input, in
the notation of 'moldau preview', go through its transforms and converters with an empty
registry in memory, and the real registry is asked about each schema that comes to be
registered there, under its subject. So it is with auto.register.schemas=false, too.
Records that fail are listed on the error stream. Where a schema refers to another one
that is not in the registry yet, the registry cannot be asked about it.

` + registryHelp + `

Exit status: 0 if all schemas are compatible, 1 if some are not, are not known to be, or
records failed, 2 if the registry does not answer or the settings are wrong.`,
		Example: `  moldau registry check -f orders.avsc --subject orders-value --url http://registry:8081
  moldau registry check --config connector.json --topic orders < samples.jsonl`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			verdicts, failed, err := f.run(cmd)
			if err != nil {
				fmt.Fprintln(cmd.ErrOrStderr(), "moldau:", err)
				return &exitError{2}
			}
			bad := failed > 0
			for _, v := range verdicts {
				bad = bad || !v.Compatible
				if err := v.Print(cmd.OutOrStdout()); err != nil {
					return err
				}
			}
			if bad {
				return &exitError{1}
			}
			return nil
		},
	}
	f.register(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&f.file, "file", "f", "", "the schema's `file`")
	flags.StringVar(&f.subject, "subject", "", "the subject that the file's schema is meant for, such as orders-value")
	flags.StringVar(&f.kind, "type", "", "AVRO, JSON or PROTOBUF (default by the file's ending: .avsc, .json, .proto)")
	flags.StringArrayVar(&f.references, "reference", nil, "a schema that the file's refers to, `NAME=SUBJECT:VERSION`; may be repeated")
	flags.StringVar(&f.topic, "topic", "", "topic of records that name none (default the connector's setting topic or kafka.topic)")
	return cmd
}

// run returns what the registry says, and how many records failed.
func (f *checkFlags) run(cmd *cobra.Command) (verdicts []schemas.Verdict, failed int, err error) {
	switch {
	case f.file == "" && f.config == "":
		return nil, 0, errors.New("say -f with a schema's file, or --config with a source connector's configuration")
	case f.file == "" && (f.subject != "" || f.kind != "" || len(f.references) > 0):
		return nil, 0, errors.New("--subject, --type and --reference are for the schema of a file: give -f")
	case f.file == "":
		return f.chain(cmd)
	case f.subject == "":
		return nil, 0, errors.New("--subject is missing: name the subject that the schema is meant for, such as orders-value")
	}
	text, err := os.ReadFile(f.file)
	if err != nil {
		return nil, 0, fmt.Errorf("-f: %w; check its path", err)
	}
	d := registry.Document{Text: string(text)}
	if d.Format, err = schemas.FormatOf(f.kind, f.file); err != nil {
		return nil, 0, err
	}
	for _, r := range f.references {
		ref, err := schemas.ParseReference(r)
		if err != nil {
			return nil, 0, err
		}
		d.References = append(d.References, ref)
	}
	err = f.with(func(c *registry.HTTP) error {
		v, err := schemas.Check(cmd.Context(), c, f.subject, d)
		verdicts = append(verdicts, v)
		return err
	})
	return verdicts, 0, err
}

func (f *checkFlags) chain(cmd *cobra.Command) ([]schemas.Verdict, int, error) {
	s, err := f.settings()
	if err != nil {
		return nil, 0, err
	}
	topic := f.topic
	for _, key := range []string{"topic", "kafka.topic"} {
		if topic == "" {
			topic = s.File[key]
		}
	}
	if topic == "" {
		return nil, 0, errors.New("--topic is missing: subjects are named after the topic, and the configuration names none")
	}
	chain := schemas.Chain{Engine: preview.New(standard.Registry(), time.Now), Settings: s, Config: s.File, Topic: topic}
	o, err := chain.Check(cmd.Context(), cmd.InOrStdin(), cmd.ErrOrStderr())
	return o.Verdicts, o.Failed, err
}
