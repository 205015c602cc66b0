package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/runtime/settings"
)

// Dev is a worker with an embedded broker, for development.
type Dev struct {
	// DataDir keeps the broker's data: topics, and with them connectors and offsets.
	DataDir string
	// REST and Kafka are the "host:port" to listen on; port 0 takes a free one.
	REST, Kafka string
	// Set are worker properties as key=value, which win over Dev's own.
	Set []string
}

// Props are the worker's settings for a broker.
func (d Dev) Props(broker string) (map[string]string, error) {
	props := map[string]string{
		"bootstrap.servers": broker, "group.id": "moldau-dev", "listeners": "http://" + d.REST,
		"config.storage.topic": "moldau-dev-configs", "offset.storage.topic": "moldau-dev-offsets", "status.storage.topic": "moldau-dev-status",
		"config.storage.replication.factor": "1", "offset.storage.replication.factor": "1", "status.storage.replication.factor": "1",
		"offset.storage.partitions": "5", "status.storage.partitions": "1",
		"key.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter": "org.apache.kafka.connect.json.JsonConverter",
		"offset.flush.interval.ms": "5000",
	}
	for _, s := range d.Set {
		key, value, ok := strings.Cut(s, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("--set %s: write it as key=value, such as --set offset.flush.interval.ms=1000", s)
		}
		props[key] = value
	}
	return props, nil
}

// checkREST finds an address that cannot be one before it becomes part of a URL.
func (d Dev) checkREST() error {
	if _, _, err := net.SplitHostPort(d.REST); err != nil {
		return fmt.Errorf("--rest %s: write it as host:port, such as 127.0.0.1:8083", d.REST)
	}
	return nil
}

// Run runs broker and worker until ctx ends. Of o it uses all but Props, Mode, Solo
// and Ready; ready is called once the worker serves, with the broker's address.
func (d Dev) Run(ctx context.Context, o Options, ready func(a Addresses, broker string)) (err error) {
	given, err := d.Props("")
	if err == nil {
		err = d.checkREST()
	}
	if err != nil {
		return err
	}
	broker, err := kafka.StartBroker(kafka.BrokerConfig{
		Addr: d.Kafka, Setting: "--kafka", DataDir: filepath.Join(d.DataDir, "kafka"), Logger: o.Levels.Logger(o.LogTo, "kafka"),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, broker.Close()) }()
	if o.Props, err = d.Props(broker.Addr()); err != nil {
		return err
	}
	o.Mode, o.Solo = settings.Distributed, true
	o.Ready = func(a Addresses) { ready(a, broker.Addr()) }
	err = Run(ctx, o)
	if errors.Is(err, syscall.EADDRINUSE) && given["listeners"] == "http://"+d.REST {
		err = fmt.Errorf("--rest %s: %w", d.REST, err)
	}
	return err
}
