package sse

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/connecttest"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/internal/sseserver"
)

func serve(t *testing.T, feed sseserver.Feed, opt sseserver.Options) (*sseserver.Server, string) {
	t.Helper()
	s := sseserver.New(feed, opt)
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return s, srv.URL + "/stream"
}

func props(uri string, extra map[string]string) map[string]string {
	p := map[string]string{keyURI: uri, keyTopic: "events", keyBackoff: "1", keyBackoffMax: "5"}
	maps.Copy(p, extra)
	return p
}

func startTask(t *testing.T, store *connecttest.Offsets, p map[string]string) *task {
	t.Helper()
	tk := &task{}
	if err := tk.Start(t.Context(), &connecttest.SourceContext{Store: store, Log: connecttest.NewLog(t).Logger()}, p); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tk.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return tk
}

func TestConformance(t *testing.T) {
	_, uri := serve(t, sseserver.Numbered(60), sseserver.Options{Gzip: true})
	connecttest.Source{
		New:    func() connect.SourceConnector { return New() },
		Config: props(uri, map[string]string{keyBearer: "very-secret-token", keyTasksMax: "4"}),
		Want:   60,
	}.Run(t)
}

const keyTasksMax = "tasks.max"

// Over connections that end in every way, each event comes once and in order.
func TestTaskEndsOfEveryKind(t *testing.T) {
	const n = 400
	for _, gzip := range []bool{false, true} {
		t.Run(fmt.Sprintf("gzip %v", gzip), func(t *testing.T) {
			ends := []sseserver.End{sseserver.Close, sseserver.Reset, sseserver.Truncate, sseserver.Half}
			srv, uri := serve(t, sseserver.Numbered(n), sseserver.Options{Gzip: gzip, Fault: func(i int64, _ *http.Request) sseserver.Fault {
				switch {
				case i%5 == 4:
					return sseserver.Fault{Status: 503, Body: "busy"}
				case i < 40:
					return sseserver.Fault{After: i * 7 % 23, End: ends[i%4]}
				}
				return sseserver.Fault{}
			}})
			tk := startTask(t, &connecttest.Offsets{}, props(uri, map[string]string{keyValueMode: modeData}))
			for i, r := range connecttest.PollN(t, tk, n) {
				if want := fmt.Sprintf(`{"n":%d,`, i+1); !strings.HasPrefix(r.Value.Str(), want) {
					t.Fatalf("record %d is %s", i, r.Value.Str())
				}
			}
			if got := len(srv.Requests()); got < 30 {
				t.Errorf("only %d connections were made", got)
			}
		})
	}
}

// A server that hangs is left after the silence limit.
func TestTaskHangingServer(t *testing.T) {
	srv, uri := serve(t, sseserver.Numbered(6), sseserver.Options{Fault: func(i int64, _ *http.Request) sseserver.Fault {
		return sseserver.Fault{After: 2, End: []sseserver.End{sseserver.Hang, sseserver.Stay}[min(i, 1)]}
	}})
	tk := startTask(t, &connecttest.Offsets{}, props(uri, map[string]string{keySilence: "50", keyValueMode: modeData}))
	connecttest.PollN(t, tk, 6)
	if id := srv.Requests()[1].Header.Get("Last-Event-ID"); id != "2" {
		t.Errorf("the second connection asks for %q", id)
	}
}

// recording returns recorded events if there are any on this machine, else events
// of our own with the same oddity: ids that several events share.
func recording(t *testing.T) *sseserver.Recording {
	t.Helper()
	dir := os.Getenv("MOLDAU_WIKIDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "wikidata")
	}
	rec, err := sseserver.Open(filepath.Join(dir, "recentchange.sse"))
	if err == nil {
		return rec
	}
	t.Logf("no recorded events (set MOLDAU_WIKIDATA to their directory); using generated ones: %v", err)
	feed := sseserver.Generated(7, nil)
	all := make([]sseserver.Event, 1500)
	for i := range all {
		all[i] = feed.At(int64(i))
		all[i].ID = feed.At(int64(i - i%(1+i/100))).ID
	}
	return sseserver.Recorded(all...)
}

// The recording over cut connections and restarted tasks: every event arrives, once
// where the ids allow it, whichever way the server takes an id that is not unique.
func TestTaskRecording(t *testing.T) {
	for _, skip := range []bool{false, true} {
		t.Run(fmt.Sprintf("server skips %v", skip), func(t *testing.T) {
			rec := recording(t)
			rec.Skip = skip
			rnd := rand.New(rand.NewPCG(1, 2))
			_, uri := serve(t, rec, sseserver.Options{Fault: func(i int64, _ *http.Request) sseserver.Fault {
				// The first connection shows the stream's ways before anything is cut.
				return sseserver.Fault{After: 100 + i*37%150, End: []sseserver.End{sseserver.Close, sseserver.Reset, sseserver.Truncate}[i%3]}
			}})
			store, seen := &connecttest.Offsets{}, map[string]int{}
			p := props(uri, map[string]string{keyValueMode: modeData, keyKeyFrom: "meta.id", keyTimestampFrom: "/meta/dt"})
			for len(seen) < int(rec.Len()) {
				tk := startTask(t, store, p)
				// Some of what is polled is not committed when the task is killed.
				records := connecttest.PollN(t, tk, min(200, int(rec.Len())-len(seen)))
				committed := records[:1+rnd.IntN(len(records))]
				for _, r := range committed {
					store.Commit(r)
					seen[r.Value.Str()]++
					if r.Timestamp == connect.NoTimestamp || !strings.Contains(r.Value.Str(), r.Key.Str()) || r.Key.Str() == "" {
						t.Fatalf("timestamp %d, key %q of %s", r.Timestamp, r.Key.Str(), r.Value.Str())
					}
				}
				if err := tk.Stop(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			for i := range rec.Len() {
				if n := seen[string(rec.At(i).Data)]; n != 1 {
					t.Errorf("event %d came %d times", i, n)
				}
			}
		})
	}
}

func TestTaskRequest(t *testing.T) {
	srv, uri := serve(t, sseserver.Numbered(1), sseserver.Options{Gzip: true})
	get := func(t *testing.T, uri string, extra map[string]string) http.Header {
		t.Helper()
		tk := startTask(t, &connecttest.Offsets{}, props(uri, extra))
		connecttest.PollN(t, tk, 1)
		all := srv.Requests()
		h := all[len(all)-1].Header
		h.Set("query", all[len(all)-1].URL.RawQuery)
		return h
	}
	for _, c := range []struct {
		name  string
		uri   string
		extra map[string]string
		want  map[string]string
	}{
		{"default", uri, nil, map[string]string{"Accept": "text/event-stream", "Accept-Encoding": "gzip", "Last-Event-Id": "", "User-Agent": defaultUserAgent, "Authorization": ""}},
		{"no compression", uri, map[string]string{keyCompression: "false"}, map[string]string{"Accept-Encoding": ""}},
		{"headers", uri, map[string]string{"http.header.X-One": "1", "http.header.User-Agent": "me (mail@example.org)"}, map[string]string{"X-One": "1", "User-Agent": "me (mail@example.org)"}},
		{"basic", uri, map[string]string{keyBasic: "true", keyUsername: "u", keyPassword: "p"}, map[string]string{"Authorization": "Basic dTpw"}},
		{"bearer", uri, map[string]string{keyBearer: "tok"}, map[string]string{"Authorization": "Bearer tok"}},
		{"in the URL", strings.Replace(uri, "http://", "http://u:p@", 1), nil, map[string]string{"Authorization": "Basic dTpw"}},
		{"since", uri + "?a=b", map[string]string{keySince: "2026-01-01T00:00:00Z"}, map[string]string{"query": "a=b&since=2026-01-01T00%3A00%3A00Z"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := get(t, c.uri, c.extra)
			for k, want := range c.want {
				if got.Get(k) != want {
					t.Errorf("%s: %q, want %q", k, got.Get(k), want)
				}
			}
		})
	}
}

// sse.since is for the first start alone.
func TestTaskSinceGivesWayToOffset(t *testing.T) {
	srv, uri := serve(t, sseserver.Numbered(5), sseserver.Options{})
	store := &connecttest.Offsets{}
	conv := newConverter(testSettings(t, map[string]string{keyURI: uri}))
	offset := schema.NewMap(1)
	offset.PutString(idField, schema.OfString("3"))
	store.Put(conv.partition, offset)
	tk := startTask(t, store, props(uri, map[string]string{keySince: "2026", keyKeyFrom: fromID}))
	if r := connecttest.PollN(t, tk, 1)[0]; r.Key.Str() != "4" {
		t.Errorf("goes on with %q", r.Key.Str())
	}
	if r := srv.Requests()[0]; r.Header.Get("Last-Event-ID") != "3" || r.URL.RawQuery != "" {
		t.Errorf("asked for %q with %q", r.Header.Get("Last-Event-ID"), r.URL.RawQuery)
	}
}

func TestTaskBigEvents(t *testing.T) {
	big := strings.Repeat("abcdefgh", 1<<18)
	_, uri := serve(t, sseserver.Recorded(
		sseserver.Event{ID: "1", Data: []byte(big)}, sseserver.Event{ID: "2", Data: []byte("x\n" + big)}, sseserver.Event{ID: "3", Data: []byte("end")},
	), sseserver.Options{Gzip: true})
	tk := startTask(t, &connecttest.Offsets{}, props(uri, map[string]string{keyMaxEvent: "3000000", keyBufferBytes: "1000000", keyValueMode: modeData}))
	got := connecttest.PollN(t, tk, 3)
	if got[0].Value.Str() != big || got[1].Value.Str() != "x\n"+big || got[2].Value.Str() != "end" {
		t.Error("the events have changed on the way")
	}
}

// The server may come up after the task, and move.
func TestTaskServerComesLater(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	log := &connecttest.Log{}
	tk := &task{}
	p := props("http://"+addr+"/old", map[string]string{keyValueMode: modeData})
	if err := tk.Start(t.Context(), &connecttest.SourceContext{Store: &connecttest.Offsets{}, Log: log.Logger()}, p); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(log.String(), "connection refused"); {
		if time.Now().After(deadline) {
			t.Fatalf("no refused connection in the log: %s", log)
		}
		if _, err := tk.Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if l, err = net.Listen("tcp", addr); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/new", sseserver.New(sseserver.Numbered(3), sseserver.Options{}))
	mux.Handle("/old", http.RedirectHandler("/new", http.StatusPermanentRedirect))
	srv := &httptest.Server{Listener: l, Config: &http.Server{Handler: mux}}
	srv.Start()
	defer srv.Close()
	connecttest.PollN(t, tk, 3)
	if err := tk.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// What was read before the stream failed is handed over before the error.
func TestTaskFailsAfterItsEvents(t *testing.T) {
	_, uri := serve(t, sseserver.Numbered(10), sseserver.Options{Fault: func(n int64, _ *http.Request) sseserver.Fault {
		if n == 0 {
			return sseserver.Fault{After: 4, End: sseserver.Close}
		}
		return sseserver.Fault{Status: http.StatusGone, Body: "it was moved to the attic"}
	}})
	tk := startTask(t, &connecttest.Offsets{}, props(uri, nil))
	got := 0
	for {
		records, err := tk.Poll(t.Context())
		got += len(records)
		if err == nil {
			continue
		}
		if !strings.Contains(err.Error(), "410 Gone") || !strings.Contains(err.Error(), "it was moved to the attic") {
			t.Errorf("the error is %v", err)
		}
		break
	}
	if got != 4 {
		t.Errorf("%d records before the error, want 4", got)
	}
}

func TestTaskUnknownHost(t *testing.T) {
	tk := &task{dial: func() http.RoundTripper {
		return &script{answers: []func(context.Context) (*http.Response, error){func(context.Context) (*http.Response, error) {
			return nil, &net.DNSError{Err: "no such host", Name: "nowhere.invalid", IsNotFound: true}
		}}}
	}}
	if err := tk.Start(t.Context(), connecttest.NewSourceContext(t), props("http://nowhere.invalid/", nil)); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := tk.Poll(t.Context()); err != nil {
			want := "Cannot read the event stream sse.uri=http://nowhere.invalid/: lookup nowhere.invalid: no such host (no host of the name nowhere.invalid is known; correct sse.uri)"
			if err.Error() != want {
				t.Errorf("error %q\nwant  %q", err, want)
			}
			break
		}
	}
	if err := tk.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
