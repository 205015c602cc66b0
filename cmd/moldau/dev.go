package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/moldau-io/moldau/internal/node"
	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/runtime/settings"
)

// devFlags are what a worker with an embedded broker takes.
type devFlags struct {
	dataDir, rest, kafka string
	set                  []string
}

func newDevCommand() *cobra.Command {
	var f devFlags
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run a worker with an embedded Kafka broker, for development",
		Long: `Run one worker with an embedded Kafka broker. Nothing else is needed.

Everything is kept in the data directory and is there again at the next start. The
broker's port is open: any Kafka client can produce and consume.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDev(cmd, f, nil, func(a node.Addresses, broker string) {
				fmt.Fprintf(cmd.OutOrStdout(), "moldau is ready: REST on %s, status page on %sui/, Kafka on %s, data in %s\n", a.REST, a.REST, broker, f.dataDir)
			})
		},
	}
	f.register(cmd, "moldau-data")
	return cmd
}

func (f *devFlags) register(cmd *cobra.Command, dir string) {
	cmd.Flags().StringVar(&f.dataDir, "data-dir", dir, "where the broker keeps its data")
	cmd.Flags().StringVar(&f.rest, "rest", "127.0.0.1:8083", "host:port of the REST API and the status page")
	cmd.Flags().StringVar(&f.kafka, "kafka", "127.0.0.1:9092", "host:port of the embedded Kafka broker")
	cmd.Flags().StringArrayVar(&f.set, "set", nil, "a worker property, as key=value; may be given more than once")
}

// props are the worker's settings; --set wins.
func (f devFlags) props(broker string) (map[string]string, error) {
	props := map[string]string{
		"bootstrap.servers": broker, "group.id": "moldau-dev", "listeners": "http://" + f.rest,
		"config.storage.topic": "moldau-dev-configs", "offset.storage.topic": "moldau-dev-offsets", "status.storage.topic": "moldau-dev-status",
		"config.storage.replication.factor": "1", "offset.storage.replication.factor": "1", "status.storage.replication.factor": "1",
		"offset.storage.partitions": "5", "status.storage.partitions": "1",
		"key.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter": "org.apache.kafka.connect.json.JsonConverter",
		"offset.flush.interval.ms": "5000",
	}
	for _, s := range f.set {
		key, value, ok := strings.Cut(s, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("--set %s: write it as key=value, such as --set offset.flush.interval.ms=1000", s)
		}
		props[key] = value
	}
	return props, nil
}

// runDev runs a broker and a worker until a signal.
func runDev(cmd *cobra.Command, f devFlags, change func(*node.Options), ready func(a node.Addresses, broker string)) (err error) {
	given, err := f.props("")
	if err != nil {
		return err
	}
	o := node.Options{Mode: settings.Distributed, Solo: true}
	o.Levels, o.LogTo = logs(cmd.ErrOrStderr(), given)
	if change != nil {
		change(&o)
	}
	broker, err := kafka.StartBroker(kafka.BrokerConfig{
		Addr: f.kafka, Setting: "--kafka", DataDir: filepath.Join(f.dataDir, "kafka"),
		Logger: o.Levels.Logger(o.LogTo, "kafka"),
	})
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := broker.Close(); err == nil {
			err = closeErr
		}
	}()
	if given, err = f.props(broker.Addr()); err != nil {
		return err
	}
	o.Props = maps.Clone(given)
	o.Ready = func(a node.Addresses) { ready(a, broker.Addr()) }
	return runNode(cmd, o)
}
