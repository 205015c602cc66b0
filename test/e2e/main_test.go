// Package e2e tests whole pipelines with Go alone: recorded events over a real HTTP
// stream, through a worker with its embedded broker, into a file and into a server
// that stands in for Elasticsearch.
//
// Workers that are killed run in processes of their own: this test binary, started
// again with an environment variable that makes it a worker. Tests that need the real
// servers are in test/integration.
package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/moldau-io/moldau/internal/logging"
	"github.com/moldau-io/moldau/internal/node"
	"github.com/moldau-io/moldau/plugins/standard"
)

// workerEnv makes this binary a worker; its value is the node.Dev to run, as JSON.
const workerEnv = "MOLDAU_E2E_WORKER"

// TestMain runs the tests, or a worker.
func TestMain(m *testing.M) {
	config := os.Getenv(workerEnv)
	if config == "" {
		os.Exit(m.Run())
	}
	if err := runWorker(config); err != nil {
		fmt.Fprintln(os.Stderr, "moldau:", err)
		os.Exit(1)
	}
}

// runWorker runs what 'moldau dev' runs until a signal. It prints where it listens, as
// one line of JSON, once it is ready.
func runWorker(config string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var dev node.Dev
	if err := json.Unmarshal([]byte(config), &dev); err != nil {
		return err
	}
	var printed error
	err := dev.Run(ctx, node.Options{
		Plugins: standard.Registry(), Levels: logging.New("INFO"),
		LogTo: slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.Level(-100)}),
	}, func(a node.Addresses, broker string) {
		printed = json.NewEncoder(os.Stdout).Encode(address{REST: a.REST, Kafka: broker})
	})
	if err != nil {
		return err
	}
	return printed
}

// address is where a worker and its broker listen.
type address struct{ REST, Kafka string }
