package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/moldau-io/moldau/plugins/standard"
	"github.com/moldau-io/moldau/runtime/convert"
)

func newConvertCommand() *cobra.Command {
	var (
		setup    convert.Setup
		settings []string
		key      bool
		value    bool
		batch    bool
	)
	cmd := &cobra.Command{
		Use:   "convert --converter CLASS [flags] decode|encode",
		Short: "Decode or encode bytes with one converter",
		Long: `convert runs one converter, as Connect would, over what it reads from standard input.

  decode   reads base64, one a line, and prints {"schema":…,"payload":…} for each
  encode   reads {"schema":…,"payload":…}, one a line, and prints base64 for each

null stands for a null record, both ways. What fails prints
{"error":{"class":…,"message":…}}, and the exit status is 1 in the end. A converter
that is unknown or refuses its settings prints {"configError":…}, with exit status 2.

With --batch each line says for itself what to do,
{"id","class","method","config","isKey","input"} with one of the methods
fromConnectData, toConnectData, fromConnectHeader and toConnectHeader, and gives a
line {"id","result"}. A line for a converter whose schemas are in a registry is answered
with a registry in memory, fresh for it: "registry" lists the schemas that are in it
beforehand, {"subject","version","id","schemaType","schema","references"}; "headers" are
the record's, {"key","value"}; the method may be roundTrip; and the result has what was
registered, next to the bytes.`,
		Example: `  echo eyJhIjoxfQ== | moldau convert --converter JsonConverter --set schemas.enable=false decode
  echo '{"schema":null,"payload":{"a":1}}' | moldau convert --converter StringConverter encode`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			engine := convert.New(standard.Registry())
			in, out := cmd.InOrStdin(), cmd.OutOrStdout()
			if batch {
				if len(args) > 0 {
					return fmt.Errorf("--batch takes no %q: each line names its method", args[0])
				}
				_, err := engine.Batch(cmd.Context(), in, out)
				return err
			}
			if setup.Class == "" {
				return fmt.Errorf("--converter is missing: give a class name, such as JsonConverter")
			}
			if key && (value || setup.Header != "") || value && setup.Header != "" {
				return fmt.Errorf("--key, --value and --header exclude each other")
			}
			setup.IsKey = key
			setup.Config = map[string]string{}
			for _, s := range settings {
				name, value, ok := strings.Cut(s, "=")
				if !ok {
					return fmt.Errorf("--set %s: expected name=value", s)
				}
				setup.Config[name] = value
			}
			run := engine.Decode
			switch {
			case len(args) == 0:
				return fmt.Errorf("say decode or encode")
			case args[0] == "encode":
				run = engine.Encode
			case args[0] != "decode":
				return fmt.Errorf("%q is neither decode nor encode", args[0])
			}
			failed, err := run(cmd.Context(), setup, in, out)
			var config *convert.ConfigError
			switch {
			case errors.As(err, &config):
				return &exitError{2}
			case err == nil && failed > 0:
				return &exitError{1}
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&setup.Class, "converter", "", "class name or alias of a converter, or with --header of a header converter")
	flags.StringArrayVar(&settings, "set", nil, "a setting of the converter, `name=value`; may be repeated")
	flags.BoolVar(&key, "key", false, "convert record keys")
	flags.BoolVar(&value, "value", false, "convert record values (the default)")
	flags.StringVar(&setup.Header, "header", "", "convert the header of this `name`")
	flags.StringVar(&setup.Topic, "topic", "t", "the topic the records are thought to be in")
	flags.BoolVar(&batch, "batch", false, "read a converter, a method and an input from each line")
	return cmd
}
