package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/moldau-io/moldau/internal/sseserver"
)

// tryCurl sends the requests that the demo tells people to try.
func tryCurl(t *testing.T, printed string) {
	t.Helper()
	tried := regexp.MustCompile(`(?m)^  curl (?:-X (\w+) )?(\S+)$`).FindAllStringSubmatch(printed, -1)
	for _, c := range tried {
		req, err := http.NewRequestWithContext(t.Context(), c[1], c[2], nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode >= 300 {
			t.Errorf("%s: %s", strings.TrimSpace(c[0]), resp.Status)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
	}
	if len(tried) < 4 {
		t.Errorf("%d requests to try in\n%s", len(tried), printed)
	}
}

// The demo stops in order at Ctrl-C, and its next run goes on from there.
func TestDemoGoesOnWhereItStopped(t *testing.T) {
	const events = 600
	feed := sseserver.Generated(3, nil)
	dir := t.TempDir()
	recording, file := filepath.Join(dir, "recording.sse"), filepath.Join(dir, "recentchange.jsonl")
	out, err := os.Create(recording)
	if err == nil {
		err = errors.Join(sseserver.Write(out, feed, events), out.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := func() [][]byte {
		text, err := os.ReadFile(file)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		all := bytes.Split(text, []byte{'\n'})
		return all[:len(all)-1]
	}
	written := func(n int) func() error {
		return func() error {
			if got := len(lines()); got < n {
				return fmt.Errorf("%d lines in the file, want %d", got, n)
			}
			return nil
		}
	}
	run := func(until int, try func(printed string)) string {
		p := start(t, "demo", "--offline", "--recording", recording, "--rate", "300", "--data-dir", dir, "--rest", "127.0.0.1:0", "--kafka", "127.0.0.1:0")
		p.eventually(t, written(until))
		try(p.out.String())
		p.interrupt(t)
		if code := p.code(t, 15*time.Second); code != 0 {
			t.Fatalf("exit status %d:\n%s", code, p.out.String())
		}
		return p.out.String()
	}
	printed := run(events/5, func(string) {})
	for _, want := range []string{"replayed from http://127.0.0.1:", "→ " + "the file " + file, "curl http://127.0.0.1:", "Ctrl-C stops"} {
		if !strings.Contains(printed, want) {
			t.Errorf("the demo does not say %q:\n%s", want, printed)
		}
	}
	first := len(lines())
	if first >= events {
		t.Fatalf("all %d events were written before the first run was stopped", events)
	}
	t.Logf("stopped after %d of %d events", first, events)
	run(events, func(printed string) { tryCurl(t, printed) })
	got := lines()
	if len(got) != events {
		t.Errorf("%d lines, want %d: each event once", len(got), events)
	}
	for i, line := range got[:min(len(got), events)] {
		var have, want any
		if err := errors.Join(json.Unmarshal(line, &have), json.Unmarshal(feed.At(int64(i)).Data, &want)); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(have) != fmt.Sprint(want) {
			t.Fatalf("line %d is\n%s\nwant\n%s", i+1, line, feed.At(int64(i)).Data)
		}
	}
}
