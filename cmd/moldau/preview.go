package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/moldau-io/moldau/plugins/standard"
	"github.com/moldau-io/moldau/runtime/preview"
)

func newPreviewCommand() *cobra.Command {
	var (
		opts  preview.Options
		file  string
		sets  []string
		batch bool
	)
	cmd := &cobra.Command{
		Use:   "preview --config connector.json [flags]",
		Short: "Run records through a connector's transforms, without a cluster",
		Long: `preview reads records from standard input, one a line of JSON, puts them through the
transforms and predicates of a connector's configuration, and prints what comes out.

The configuration is the JSON of any connector, as it is posted to the REST API or
printed by it: {"name":…,"config":{…}} or the inner object alone. The connector itself
need not be known.

A line is one of
  a record     {"kind":"source"|"sink","topic":…,"partition":…,"timestamp":…,"key":ENV,
               "value":ENV,"headers":[{"name":…,"value":ENV}…]}, sink records also with
               "offset" and "timestampType"; what is left out is filled in. ENV is
               {"schema":…,"payload":…} as JsonConverter writes it. In place of "key"
               and "value" there may be "keyBytes" and "valueBytes", base64, which go
               through key.converter and value.converter of the configuration.
  an ENV       of a value alone
  other JSON   a value without a schema

For each line there is one line of output: the record in the same notation,
{"dropped":true} for one that was filtered, or {"error":{"class","message","stage",
"transform"}}, where stage counts the transforms from 0; it is key.converter or
value.converter where a converter fails, and a line that cannot be read has "line"
in its place. A configuration that is wrong prints {"configError":{"class","message",
"phase",…}}.

With --batch each line is {"id","config","record"}, with a configuration of its own, and
gives a line {"id","result"}.

Exit status: 0 if no record failed, 1 if some did or input cannot be read, 2 if the
configuration is wrong.`,
		Example: `  echo '{"user":"ann","password":"x"}' | moldau preview --config mask.json
  moldau preview --config connector.json --explain < records.jsonl
  moldau preview --set transforms=r --set transforms.r.type=RegexRouter \
    --set 'transforms.r.regex=(.*)' --set 'transforms.r.replacement=eu-$1' < records.jsonl`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			engine := preview.New(standard.Registry(), time.Now)
			in, out := cmd.InOrStdin(), cmd.OutOrStdout()
			if batch {
				if file != "" || len(sets) > 0 || opts != (preview.Options{}) {
					return errors.New("--batch takes no other flags: each line has its own configuration")
				}
				_, err := engine.Batch(cmd.Context(), in, out)
				return err
			}
			config, err := previewConfig(file, sets)
			if err != nil {
				return err
			}
			sum, err := engine.Run(cmd.Context(), preview.Job{Options: opts, Config: config}, in, out)
			var wrong *preview.ConfigError
			switch {
			case errors.As(err, &wrong):
				return &exitError{2}
			case err == nil && sum.Failed > 0:
				return &exitError{1}
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&file, "config", "c", "", "`file` with the connector's configuration, JSON")
	flags.StringArrayVar(&sets, "set", nil, "a setting of the connector, `name=value`, over those of --config; may be repeated")
	flags.StringVar(&opts.Topic, "topic", "", "topic of records that name none (default the first of the connector's topics)")
	flags.BoolVar(&opts.FailFast, "fail-fast", false, "end at the first record that fails")
	flags.BoolVar(&opts.Explain, "explain", false, "show the record, and what each transform changes in it, before each result")
	flags.BoolVar(&opts.Bytes, "bytes", false, "add keyBytes and valueBytes: what key.converter and value.converter make of the result")
	flags.BoolVar(&batch, "batch", false, "read a configuration and a record from each line")
	return cmd
}

// previewConfig reads the configuration and puts single settings over it.
func previewConfig(file string, sets []string) (map[string]string, error) {
	if file == "" && len(sets) == 0 {
		return nil, errors.New("--config is missing: give a file with a connector's configuration, or settings with --set")
	}
	config := map[string]string{}
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read the configuration: %w", err)
		}
		if config, err = preview.ReadConfig(b); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	for _, s := range sets {
		name, value, ok := strings.Cut(s, "=")
		if !ok {
			return nil, fmt.Errorf("--set %s: expected name=value", s)
		}
		config[name] = value
	}
	return config, nil
}
