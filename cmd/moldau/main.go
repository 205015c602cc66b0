// Command moldau is a Kafka Connect worker in one binary, and its tools.
//
// This package holds flags, wiring and signals; what commands do is in the packages
// they call.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
	_ "golang.org/x/crypto/x509roots/fallback" // so that TLS works where there are no system roots, as in a scratch image

	"github.com/moldau-io/moldau/internal/ctl"
)

// exitError ends the process with a status of its own; its message, if any, is
// already printed.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit status %d", e.code) }

// ExitCode is the status to end with.
func (e *exitError) ExitCode() int { return e.code }

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := newRootCommand().ExecuteContext(ctx)
	stop()
	var exit interface{ ExitCode() int }
	switch {
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	case err != nil:
		fmt.Fprintln(os.Stderr, "moldau:", err)
		os.Exit(1)
	}
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "moldau",
		Short: "Kafka Connect in one binary",
		Long: `Moldau runs Kafka Connect connectors: the same worker.properties, connector JSON,
REST API, internal topics, transforms and converters as Apache Kafka Connect 4.1.1.

Try it with 'moldau demo', which needs nothing else.`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; '%s --help' lists the flags", err, cmd.CommandPath())
	})
	root.AddCommand(
		newDemoCommand(), newDevCommand(), newWorkerCommand(), newStandaloneCommand(),
		newPreviewCommand(), newConvertCommand(), newDoctorCommand(), newRegistryCommand(), newDLQCommand(), newVersionCommand(),
	)
	root.AddCommand(ctl.System().Commands()...)
	return root
}

// gcPercent lets the heap grow further between collections than Go's default: records
// are short-lived, and a worker's live heap is small.
const gcPercent = 300
