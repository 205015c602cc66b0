package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/moldau-io/moldau/internal/node"
)

func newDevCommand() *cobra.Command {
	var d node.Dev
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run a worker with an embedded Kafka broker, for development",
		Long: `Run one worker with an embedded Kafka broker. Nothing else is needed.

Everything is kept in the data directory and is there again at the next start. The
broker's port is open: any Kafka client can produce and consume.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDev(cmd, d, nil, func(a node.Addresses, broker string) {
				fmt.Fprintf(cmd.OutOrStdout(), "moldau is ready: REST on %s, status page on %sui/, Kafka on %s, data in %s\n", a.REST, a.REST, broker, d.DataDir)
			})
		},
	}
	devFlags(cmd, &d, "moldau-data")
	return cmd
}

// devFlags are the flags of a worker with an embedded broker.
func devFlags(cmd *cobra.Command, d *node.Dev, dir string) {
	cmd.Flags().StringVar(&d.DataDir, "data-dir", dir, "where the broker keeps its data")
	cmd.Flags().StringVar(&d.REST, "rest", "127.0.0.1:8083", "host:port of the REST API and the status page")
	cmd.Flags().StringVar(&d.Kafka, "kafka", "127.0.0.1:9092", "host:port of the embedded Kafka broker")
	cmd.Flags().StringArrayVar(&d.Set, "set", nil, "a worker property, as key=value; may be given more than once")
}

// runDev runs a broker and a worker until a signal.
func runDev(cmd *cobra.Command, d node.Dev, change func(*node.Options), ready func(a node.Addresses, broker string)) error {
	given, err := d.Props("")
	if err != nil {
		return err
	}
	o := options(cmd, given)
	if change != nil {
		change(&o)
	}
	return untilSecondSignal(cmd, func() error { return d.Run(cmd.Context(), o, ready) })
}
