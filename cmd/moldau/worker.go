package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/moldau-io/moldau/internal/node"
	"github.com/moldau-io/moldau/plugins/standard"
	"github.com/moldau-io/moldau/runtime/settings"
)

func newWorkerCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "worker [worker.properties]",
		Short: "Run a worker of a cluster",
		Long: `Run a worker of a cluster, with the properties file of Apache's connect-distributed.sh.

Workers with one group.id share the work, Apache's among them. Environment variables
CONNECT_* set properties as the well-known container images do (CONNECT_GROUP_ID is
group.id; _ stands for ., __ for _ and ___ for -) and win over the file; with them
alone, the file may be left out.

SIGTERM or Ctrl-C stops in order: tasks finish and commit within
task.shutdown.graceful.timeout.ms. A second signal ends the process at once.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			props, err := workerSettings(args, os.Environ())
			if err != nil {
				return err
			}
			o := options(cmd, props)
			o.Mode = settings.Distributed
			return untilSecondSignal(cmd, func() error { return node.Run(cmd.Context(), o) })
		},
	}
}

// workerSettings are those of the file, if one is named, and of the environment, which
// wins.
func workerSettings(files, environ []string) (map[string]string, error) {
	props := map[string]string{}
	for _, file := range files {
		var err error
		if props, err = settings.LoadProperties(file); err != nil {
			return nil, err
		}
	}
	maps.Copy(props, settings.FromEnvironment(environ))
	if len(props) == 0 {
		return nil, errors.New("no settings: name a worker.properties file, or set CONNECT_BOOTSTRAP_SERVERS and the others")
	}
	return props, nil
}

func newStandaloneCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "standalone worker.properties [connector.json|connector.properties …]",
		Short: "Run a worker on its own, with offsets in a file",
		Long: `Run a worker on its own, with the files of Apache's connect-standalone.sh: a worker's
properties and connectors as .properties or JSON, each either {"name", "config",
"initial_state"} or the configuration itself.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			props, err := settings.LoadProperties(args[0])
			if err != nil {
				return err
			}
			o := options(cmd, props)
			o.Mode = settings.Standalone
			for _, path := range args[1:] {
				c, err := settings.LoadConnector(path)
				if err != nil {
					return err
				}
				o.Connectors = append(o.Connectors, c)
			}
			return untilSecondSignal(cmd, func() error { return node.Run(cmd.Context(), o) })
		},
	}
}

// options are those that all workers share.
func options(cmd *cobra.Command, props map[string]string) node.Options {
	o := node.Options{Props: props, Plugins: standard.Registry()}
	_, o.Commit = buildInfo()
	o.Levels, o.LogTo = logs(cmd.ErrOrStderr(), props)
	o.Ready = func(a node.Addresses) {
		fmt.Fprintf(cmd.OutOrStdout(), "moldau is ready: REST on %s\n", a.REST)
	}
	return o
}

// untilSecondSignal runs a worker until it has stopped; a second signal ends the
// process at once.
func untilSecondSignal(cmd *cobra.Command, run func() error) error {
	// The watch for a second signal must outlive the context that the first one ends.
	watch, end := context.WithCancel(context.WithoutCancel(cmd.Context()))
	done := secondSignal(watch)
	err := run()
	end()
	<-done
	return err
}

// secondSignal ends the process at the second signal; the first has ended the
// command's context.
func secondSignal(ctx context.Context) (done chan struct{}) {
	done = make(chan struct{})
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		defer close(done)
		defer signal.Stop(signals)
		for n := 1; ; n++ {
			select {
			case <-signals:
				if n == 2 {
					fmt.Fprintln(os.Stderr, "moldau: second signal, leaving at once")
					os.Exit(130)
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return done
}
