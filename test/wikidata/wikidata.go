// Package wikidata gives tests a stream of Wikipedia's recent changes: the recorded one
// where it is on this machine, else one of our generator.
package wikidata

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/moldau-io/moldau/internal/sseserver"
)

// Recording is the recorded stream, from the folder MOLDAU_WIKIDATA or from beside the
// project (for tests two folders below its root), else as many events of our generator.
func Recording(t testing.TB) *sseserver.Recording {
	t.Helper()
	dir := os.Getenv("MOLDAU_WIKIDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "wikidata")
	}
	recorded, err := sseserver.Open(filepath.Join(dir, "recentchange.sse"))
	if err == nil {
		return recorded
	}
	t.Logf("no recorded events (set MOLDAU_WIKIDATA to their folder); using generated ones: %v", err)
	feed := sseserver.Generated(7, nil)
	events := make([]sseserver.Event, 2264)
	for i := range events {
		events[i] = feed.At(int64(i))
	}
	return sseserver.Recorded(events...)
}
