package sseserver

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// get reads a stream behind an id until the server ends it, or n events.
func get(t *testing.T, url, id string, n int) []string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if id != "" {
		req.Header.Set("Last-Event-ID", id)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var ids []string
	for in := bufio.NewScanner(resp.Body); len(ids) < n && in.Scan(); {
		if id, ok := strings.CutPrefix(in.Text(), "id: "); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

func TestResume(t *testing.T) {
	srv := httptest.NewServer(New(Generated(3, nil), Options{}))
	defer srv.Close()
	all := get(t, srv.URL, "", 40)
	for i := range 39 {
		if rest := get(t, srv.URL, all[i], 39-i); fmt.Sprint(rest) != fmt.Sprint(all[i+1:]) {
			t.Fatalf("behind event %d: %v", i, rest)
		}
	}
	resp, err := http.DefaultClient.Do(&http.Request{Method: http.MethodGet, URL: mustURL(t, srv.URL), Header: http.Header{"Last-Event-Id": {"strange"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("an unknown id is answered with %s", resp.Status)
	}
}

func TestRecordingRoundTrip(t *testing.T) {
	var wire bytes.Buffer
	feed := Limited(Generated(3, nil), 25)
	if err := Write(&wire, feed, feed.Len()); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"LF": wire.String(), "CR LF": strings.ReplaceAll(wire.String(), "\n", "\r\n")} {
		rec, err := Read(strings.NewReader(text))
		if err != nil || rec.Len() != 25 {
			t.Fatalf("%s: %d events and %v", name, rec.Len(), err)
		}
		for i := range rec.Len() {
			if a, b := rec.At(i), feed.At(i); a.ID != b.ID || a.Name != b.Name || !bytes.Equal(a.Data, b.Data) {
				t.Errorf("%s: event %d is %+v", name, i, a)
			}
		}
	}
	if _, err := Read(strings.NewReader("no events here")); err == nil {
		t.Error("a file without events is taken")
	}
	multi := Recorded(Event{ID: "1", Data: []byte("a\nb")})
	if got := string(multi.At(0).Append(nil)); got != "id: 1\ndata: a\ndata: b\n\n" {
		t.Errorf("wire format %q", got)
	}
}

func TestSharedIDs(t *testing.T) {
	rec := Recorded(Event{ID: "1"}, Event{ID: "2"}, Event{ID: "2"}, Event{ID: "3"})
	for skip, want := range map[bool]int64{false: 2, true: 3} {
		rec.Skip = skip
		if n, ok := rec.After("2"); n != want || !ok {
			t.Errorf("skip %v: goes on with %d, want %d", skip, n, want)
		}
	}
}

func TestRate(t *testing.T) {
	srv := httptest.NewServer(New(Generated(3, nil), Options{Rate: 100}))
	defer srv.Close()
	start := time.Now()
	get(t, srv.URL, "", 11)
	if took := time.Since(start); took < 90*time.Millisecond {
		t.Errorf("eleven events at a hundred a second took %v", took)
	}
}

func TestServeEndsWithContext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- New(Numbered(3), Options{}).Serve(ctx, l) }()
	resp, err := http.Get("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if _, err := io.ReadAll(resp.Body); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the stream ended with %v", err)
	}
}
