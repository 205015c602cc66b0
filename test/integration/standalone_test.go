//go:build integration

package integration

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moldau-io/moldau/test/refstack"
)

// A standalone worker runs the connectors of its files against a real broker, keeps its
// offsets in a file and goes on from there; a sink's offsets are its group's.
func TestStandalone(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.txt"), filepath.Join(dir, "out.txt")
	topic, sink := newTopic(t, 1), unique(t, "sink")
	url := fmt.Sprintf("http://127.0.0.1:%d", freePort(t))
	worker := write(t, "worker.properties", map[string]string{
		"bootstrap.servers": servers.addr(refstack.Kafka), "listeners": url,
		"key.converter": "org.apache.kafka.connect.storage.StringConverter", "value.converter": "org.apache.kafka.connect.storage.StringConverter",
		"offset.storage.file.filename": filepath.Join(dir, "offsets"), "offset.flush.interval.ms": "500",
	})
	source := write(t, "source.properties", map[string]string{
		"name": "lines", "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "tasks.max": "1", "file": in, "topic": topic,
	})
	lines := func(from, to int) string {
		var b strings.Builder
		for i := from; i < to; i++ {
			fmt.Fprintf(&b, "line %d\n", i)
		}
		return b.String()
	}
	arrived := func(want string) {
		t.Helper()
		eventually(t, 60*time.Second, func() error {
			got, err := os.ReadFile(out)
			if err == nil && string(got) != want {
				err = fmt.Errorf("the sink's file has %d bytes, want %d", len(got), len(want))
			}
			return err
		})
	}
	if err := os.WriteFile(in, []byte(lines(0, 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, url, "standalone", worker, source).ready()
	create(t, url, sink, map[string]string{
		"connector.class": "FileStreamSink", "tasks.max": "1", "topics": topic, "file": out,
	})
	running(t, url, "lines", 1)
	running(t, url, sink, 1)
	arrived(lines(0, 500))
	if err := p.stop(30 * time.Second); err != nil {
		t.Fatal(err)
	}
	if got := committed(t, "connect-"+sink, topic)[0]; got != 500 {
		t.Errorf("the sink's group is at %d, want 500", got)
	}
	if err := os.WriteFile(in, []byte(lines(0, 800)), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, url, "standalone", worker, source).ready()
	create(t, url, sink, map[string]string{
		"connector.class": "FileStreamSink", "tasks.max": "1", "topics": topic, "file": out,
	})
	arrived(lines(0, 800))
	remove(t, url, sink)
	var names []string
	if err := get(url+"/connectors", &names); err != nil || len(names) != 1 || names[0] != "lines" {
		t.Errorf("connectors: %v, %v", names, err)
	}
	if status, answer, err := request(http.MethodPut, url+"/connectors/lines/config", map[string]string{"connector.class": "FileStreamSource", "tasks.max": "x", "topic": topic}); err != nil || status != http.StatusBadRequest || !strings.Contains(string(answer), "tasks.max") {
		t.Errorf("status %d, %v: %s", status, err, answer)
	}
}
