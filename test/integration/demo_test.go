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
	"github.com/moldau-io/moldau/test/wikidata"
)

// The demo replays a recording into a real Elasticsearch, and a second run adds nothing
// twice.
func TestDemoIntoElasticsearch(t *testing.T) {
	servers.up(t, refstack.Elasticsearch)
	feed := wikidata.Recording(t)
	var b strings.Builder
	for i := range feed.Len() {
		e := feed.At(i)
		fmt.Fprintf(&b, "event: message\nid: %s\ndata: %s\n\n", e.ID, e.Data)
	}
	stream := filepath.Join(t.TempDir(), "recording.sse")
	if err := os.WriteFile(stream, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	es, dir := servers.url(refstack.Elasticsearch), t.TempDir()
	run := func(want int64) {
		t.Helper()
		rest := fmt.Sprintf("127.0.0.1:%d", freePort(t))
		p := start(t, "http://"+rest, "demo", "--recording", stream, "--rate", "0", "--elasticsearch", es,
			"--data-dir", dir, "--rest", rest, "--kafka", fmt.Sprintf("127.0.0.1:%d", freePort(t))).ready()
		eventually(t, 2*time.Minute, func() error {
			if status, answer, err := request(http.MethodPost, es+"/wikipedia/_refresh", nil); err != nil || status != http.StatusOK {
				return fmt.Errorf("status %d, %v: %s", status, err, answer)
			}
			var counted struct{ Count int64 }
			if err := get(es+"/wikipedia/_count", &counted); err != nil || counted.Count != want {
				return fmt.Errorf("%d of %d documents, %w", counted.Count, want, err)
			}
			return nil
		})
		if err := p.stop(30 * time.Second); err != nil {
			t.Errorf("stopping the demo: %v", err)
		}
	}
	run(feed.Len())
	run(feed.Len())
	if status, answer, err := request(http.MethodDelete, es+"/wikipedia", nil); err != nil || status != http.StatusOK {
		t.Errorf("status %d, %v: %s", status, err, answer)
	}
}
