package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/moldau-io/moldau/internal/doctor"
	"github.com/moldau-io/moldau/plugins/standard"
	"github.com/moldau-io/moldau/runtime/settings"
)

func newDoctorCommand() *cobra.Command {
	var (
		timeout               time.Duration
		standalone, quiet     bool
		strict, asJSON, plain bool
	)
	cmd := &cobra.Command{
		Use:   "doctor worker.properties",
		Short: "Examine a worker's settings and surroundings before it starts",
		Long: `Examine a worker's settings and what it will need, and say the cure for what is wrong:
unknown and misspelt settings, wrong values, converters, the brokers and the addresses
they advertise, the topics that keep the cluster's state, the user's rights, the
workers' group, the REST listeners and the address that other workers are told, and the
clock. Nothing is changed.

Environment variables CONNECT_* set properties, as for moldau worker.

Exit status: 0 if the worker can run, 1 if there are problems (with --strict also if
there are warnings), 2 if the settings cannot be read.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			props := map[string]string{}
			if len(args) == 1 {
				var err error
				if props, err = settings.LoadProperties(args[0]); err != nil {
					fmt.Fprintln(cmd.ErrOrStderr(), "moldau:", err)
					return &exitError{2}
				}
			}
			maps.Copy(props, settings.FromEnvironment(os.Environ()))
			if len(props) == 0 {
				fmt.Fprintln(cmd.ErrOrStderr(), "moldau: no settings: name a worker.properties file, or set CONNECT_BOOTSTRAP_SERVERS and the others")
				return &exitError{2}
			}
			mode := doctor.ModeOf(props)
			if standalone {
				mode = settings.Standalone
			}
			color := !plain && os.Getenv("NO_COLOR") == "" && term.IsTerminal(int(os.Stdout.Fd()))
			p := &doctor.Printer{Out: cmd.OutOrStdout(), Color: color, Quiet: quiet}
			findings := []doctor.Finding{}
			report := p.Print
			if asJSON {
				count := &doctor.Printer{Out: cmd.ErrOrStderr()}
				p, report = count, func(f doctor.Finding) {
					count.Count(f)
					findings = append(findings, f)
				}
			}
			doctor.Run(cmd.Context(), doctor.Options{
				Props: props, Mode: mode, Plugins: standard.Registry(), Timeout: timeout, Report: report,
				Logger: slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn})),
			})
			if asJSON {
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetEscapeHTML(false)
				e.SetIndent("", "  ")
				if err := e.Encode(findings); err != nil {
					return err
				}
			} else {
				p.Sum()
			}
			if p.Problems > 0 || strict && p.Warned > 0 {
				return &exitError{1}
			}
			return nil
		},
	}
	cmd.Flags().DurationVar(&timeout, "timeout", 10*time.Second, "how long to wait for each answer of the network")
	cmd.Flags().BoolVar(&standalone, "standalone", false, "the settings are for a worker on its own (found out by default)")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "leave out what is as it should be")
	cmd.Flags().BoolVar(&strict, "strict", false, "end with status 1 for warnings, too")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the findings as JSON")
	cmd.Flags().BoolVar(&plain, "no-color", false, "no colours")
	return cmd
}
