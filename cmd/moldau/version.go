package main

import (
	"fmt"
	"runtime/debug"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/plugins/standard"
)

// version and commit are set by the linker in released builds.
var version, commit string

// buildInfo returns the version and commit of this binary.
func buildInfo() (v, c string) {
	v, c = version, commit
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return orElse(v, "unknown"), orElse(c, "unknown")
	}
	if v == "" {
		v = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && c == "" {
			c = s.Value
		}
	}
	return orElse(v, "unknown"), orElse(c, "unknown")
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func newVersionCommand() *cobra.Command {
	var list bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version, and with --plugins what ships",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v, c := buildInfo()
			out := cmd.OutOrStdout()
			if _, err := fmt.Fprintf(out, "moldau %s (commit %s), as Apache Kafka Connect %s\n", v, c, connect.Version); err != nil || !list {
				return err
			}
			w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
			for _, p := range standard.Registry().List() {
				if _, err := fmt.Fprintf(w, "%s\t%s\t%s\n", p.Kind, p.Class, p.Version); err != nil {
					return err
				}
			}
			return w.Flush()
		},
	}
	cmd.Flags().BoolVar(&list, "plugins", false, "list the connectors, converters, transforms and predicates that ship")
	return cmd
}
