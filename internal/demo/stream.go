package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/moldau-io/moldau/internal/sseserver"
)

const (
	// LiveURL is Wikimedia's stream of recent changes.
	LiveURL = "https://stream.wikimedia.org/v2/stream/recentchange"
	// probeTimeout is how long the live stream may take to answer.
	probeTimeout = 4 * time.Second
	// heartbeat is the time between comments of the local stream.
	heartbeat = 15 * time.Second
)

// StreamOptions choose where events come from.
type StreamOptions struct {
	// Offline makes events instead of asking for the live stream.
	Offline bool
	// Recording is a file of a recorded stream to replay.
	Recording string
	// Rate is events a second of made or replayed events; 0 is as fast as possible.
	Rate float64
	// Dir keeps the address of the local stream, which must be the same in the next
	// run, for offsets belong to it.
	Dir string
}

// Stream finds the source of events. A local one is served until stop is called, which
// waits for that.
func Stream(ctx context.Context, o StreamOptions) (s Source, stop func() error, err error) {
	none := func() error { return nil }
	if o.Recording != "" {
		feed, err := sseserver.Open(o.Recording)
		if err != nil {
			return Source{}, nil, fmt.Errorf("--recording %s: %w", o.Recording, err)
		}
		s, stop, err = serve(ctx, feed, o)
		s.What = fmt.Sprintf("the recording %s (%d events), replayed from %s", o.Recording, feed.Len(), s.URL)
		return s, stop, err
	}
	if !o.Offline {
		problem := probe(ctx, LiveURL)
		if problem == nil {
			return Source{LiveURL, "live, from " + LiveURL}, none, nil
		}
		s, stop, err = serve(ctx, sseserver.Generated(1, nil), o)
		s.What = fmt.Sprintf("made up, since the live stream cannot be reached (%v); from %s", problem, s.URL)
		return s, stop, err
	}
	s, stop, err = serve(ctx, sseserver.Generated(1, nil), o)
	s.What = "made up (--offline), from " + s.URL
	return s, stop, err
}

// probe returns what is wrong with the live stream, nil for nothing.
func probe(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("User-Agent", "moldau-demo (https://github.com/moldau-io/moldau)")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			return op
		}
		return err
	}
	if resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("it answers %s", resp.Status)
	}
	return errors.Join(err, resp.Body.Close())
}

// serve starts a local stream at the address of the last run, if that is free.
func serve(ctx context.Context, feed sseserver.Feed, o StreamOptions) (Source, func() error, error) {
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return Source{}, nil, err
	}
	remembered := filepath.Join(o.Dir, "stream-address")
	address := "127.0.0.1:0"
	if text, err := os.ReadFile(remembered); err == nil {
		address = strings.TrimSpace(string(text))
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return Source{}, nil, err
		}
	}
	if err := os.WriteFile(remembered, []byte(l.Addr().String()+"\n"), 0o644); err != nil {
		return Source{}, nil, errors.Join(err, l.Close())
	}
	server := sseserver.New(feed, sseserver.Options{Rate: o.Rate, Heartbeat: heartbeat, Gzip: true})
	// It outlives the worker that reads it, which would take its end for a failure.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, l) }()
	stop := func() error {
		cancel()
		return <-done
	}
	return Source{URL: "http://" + l.Addr().String() + "/v2/stream/recentchange"}, stop, nil
}
