//go:build integration

package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/moldau-io/moldau/internal/sseserver"
	"github.com/moldau-io/moldau/test/refstack"
	"github.com/moldau-io/moldau/test/wikidata"
)

// composed is a service of ours in the compose file.
type composed struct {
	Command     []string
	Environment map[string]any
	Volumes     []string
	Healthcheck struct{ Test []string }
}

// The compose file's worker, health check and pipeline do what they are there for: the
// same commands and variables in the same image, with the addresses of this machine.
func TestComposePipeline(t *testing.T) {
	i := buildImage(t)
	servers.up(t, refstack.Elasticsearch)
	feed := wikidata.Recording(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- sseserver.New(feed, sseserver.Options{}).Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})

	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var c struct{ Services map[string]composed }
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	connect, pipeline := c.Services["connect"], c.Services["pipeline"]

	own, url := workerEnv(t)
	var env []string
	for name, value := range connect.Environment {
		env = append(env, fmt.Sprintf("%s=%v", name, value))
	}
	launch(t, url, i.command(append(env, own...), connect.Command...)).ready()
	server := []string{"MOLDAU_SERVER=" + url}
	if got := i.run(server, connect.Healthcheck.Test[2:]...); !strings.HasPrefix(got, "healthy") {
		t.Errorf("the health check prints %q", got)
	}

	topic := unique(t, "wikipedia")
	for _, v := range pipeline.Volumes {
		from, to, _ := strings.Cut(strings.TrimSuffix(v, ":ro"), ":")
		mount(t, filepath.Join("..", "..", "deploy", from), filepath.Join(i.root, to), map[string]string{
			"topic": topic, "topics": topic,
			"sse.uri": "http://" + l.Addr().String() + "/v2/stream/recentchange", "connection.url": servers.url(refstack.Elasticsearch),
		})
	}
	if got := i.run(server, pipeline.Command...); !strings.Contains(got, "wikipedia-source is RUNNING") || !strings.Contains(got, "wikipedia-elasticsearch is RUNNING") {
		t.Errorf("the pipeline prints %s", got)
	}
	eventually(t, time.Minute, func() error {
		if answer := index(t, http.MethodGet, "/"+topic, "", http.StatusNotFound); answer["error"] != nil {
			return errors.New("there is no index")
		}
		if n := count(t, topic); int64(n) != feed.Len() {
			return fmt.Errorf("%d of %d events are indexed", n, feed.Len())
		}
		return nil
	})
	// A second run finds nothing to do.
	if got := i.run(server, pipeline.Command...); strings.Count(got, "no changes") != 2 {
		t.Errorf("the second time, the pipeline prints %s", got)
	}
}

// mount copies a connector to where it would be mounted, with values of this test for the
// keys that it has.
func mount(t *testing.T, from, to string, values map[string]string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Name   string            `json:"name"`
		Config map[string]string `json:"config"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for key, value := range values {
		if _, ok := file.Config[key]; ok {
			file.Config[key] = value
		}
	}
	text, err = json.Marshal(file)
	if err := errors.Join(err, os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, text, 0o644)); err != nil {
		t.Fatal(err)
	}
}
