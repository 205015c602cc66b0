package sse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moldau-io/moldau/connect/errs"
)

// script is a transport that answers request n with the nth function, and the last
// one from then on. It notes when each request came.
type script struct {
	start   time.Time
	at      []time.Duration
	ids     []string
	answers []func(ctx context.Context) (*http.Response, error)
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	n := len(s.at)
	s.at = append(s.at, time.Since(s.start))
	s.ids = append(s.ids, r.Header.Get("Last-Event-ID"))
	return s.answers[min(n, len(s.answers)-1)](r.Context())
}

func answer(status int, header map[string]string, body io.Reader) (*http.Response, error) {
	h := http.Header{}
	h.Set("Content-Type", "text/event-stream")
	for k, v := range header {
		h.Set(k, v)
	}
	return &http.Response{
		StatusCode: status, Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), Header: h, Body: io.NopCloser(body),
	}, nil
}

func events(text string) func(context.Context) (*http.Response, error) {
	return func(context.Context) (*http.Response, error) { return answer(200, nil, strings.NewReader(text)) }
}

func status(code int, header map[string]string, body string) func(context.Context) (*http.Response, error) {
	return func(context.Context) (*http.Response, error) { return answer(code, header, strings.NewReader(body)) }
}

func refused(context.Context) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
}

// silent sends text and then nothing, until the request's context ends.
func silent(text string) func(context.Context) (*http.Response, error) {
	return func(ctx context.Context) (*http.Response, error) {
		return answer(200, nil, io.MultiReader(strings.NewReader(text), &blocked{ctx}))
	}
}

type blocked struct{ ctx context.Context }

func (b *blocked) Read([]byte) (int, error) {
	<-b.ctx.Done()
	return 0, b.ctx.Err()
}

func testSettings(t *testing.T, extra map[string]string) *settings {
	t.Helper()
	props := map[string]string{keyURI: "http://stream.example.com/events", keyTopic: "t"}
	maps.Copy(props, extra)
	set, err := parse(props)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// play runs a stream against a script for a while, taking what comes, and returns
// the data of the events and how the stream ended.
func play(t *testing.T, s *script, extra map[string]string, d time.Duration) (got []string, err error) {
	t.Helper()
	set := testSettings(t, extra)
	s.start = time.Now()
	st := newStream(set, slog.New(slog.DiscardHandler), newCursor())
	st.dial = func() http.RoundTripper { return s }
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- st.run(ctx) }()
	for {
		select {
		case it := <-st.out:
			st.taken(it.event)
			got = append(got, string(it.event.data))
			continue
		case err := <-ended:
			return got, err
		}
	}
}

func within(t *testing.T, what string, got, lo, hi time.Duration) {
	t.Helper()
	if got < lo || got > hi {
		t.Errorf("%s after %v, want %v to %v", what, got, lo, hi)
	}
}

const second = time.Second

// Every kind of end leads to a new connection that goes on behind the last event.
func TestStreamReconnects(t *testing.T) {
	const first = "id: 1\ndata: a\n\n"
	for name, end := range map[string]func(context.Context) (*http.Response, error){
		"clean end": events(first),
		"reset": func(context.Context) (*http.Response, error) {
			return answer(200, nil, io.MultiReader(strings.NewReader(first), failing{syscall.ECONNRESET}))
		},
		"within an event":    events(first + "id: 2\ndata: lo"),
		"behind half a CRLF": events(first + "id: 2\r\ndata: lo\r"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: []func(context.Context) (*http.Response, error){end, silent("id: 2\ndata: b\n\n")}}
				got, err := play(t, s, map[string]string{keySilence: "0"}, 10*second)
				if err != nil || fmt.Sprint(got) != "[a b]" || fmt.Sprint(s.ids) != "[ 1]" {
					t.Errorf("got %v with ids %q and %v", got, s.ids, err)
				}
				within(t, "the second request", s.at[1], second, 2*second)
			})
		})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestStreamServerErrors(t *testing.T) {
	for name, end := range map[string]func(context.Context) (*http.Response, error){
		"500": status(500, nil, "oops"), "503": status(503, nil, ""), "429": status(429, nil, ""), "408": status(408, nil, ""),
		"refused": refused,
		"name server down": func(context.Context) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "server misbehaving", Name: "x", IsTemporary: true}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: []func(context.Context) (*http.Response, error){end, end, end, silent("data: b\n\n")}}
				got, err := play(t, s, map[string]string{keySilence: "0", keyBackoffMax: "7000"}, 60*second)
				if err != nil || fmt.Sprint(got) != "[b]" {
					t.Fatalf("got %v and %v", got, err)
				}
				// The wait doubles up to the limit; up to half of it is chance.
				within(t, "the second request", s.at[1]-s.at[0], second, 2*second)
				within(t, "the third", s.at[2]-s.at[1], 2*second, 4*second)
				within(t, "the fourth", s.at[3]-s.at[2], 3500*time.Millisecond, 7*second)
			})
		})
	}
}

func TestStreamRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []func(context.Context) (*http.Response, error){
			status(503, map[string]string{"Retry-After": "17"}, ""), silent("data: b\n\n"),
		}}
		if got, err := play(t, s, map[string]string{keySilence: "0"}, 60*second); err != nil || len(got) != 1 {
			t.Fatalf("got %v and %v", got, err)
		}
		within(t, "the second request", s.at[1], 17*second, 17*second)
	})
}

func TestStreamHonoursRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []func(context.Context) (*http.Response, error){
			events("retry: 400\ndata: a\n\n"), events("retry: 40000\ndata: b\n\n"), silent("data: c\n\n"),
		}}
		got, err := play(t, s, map[string]string{keySilence: "0"}, 100*second)
		if err != nil || fmt.Sprint(got) != "[a b c]" {
			t.Fatalf("got %v and %v", got, err)
		}
		within(t, "the second request", s.at[1], 400*time.Millisecond, 450*time.Millisecond)
		within(t, "the third", s.at[2]-s.at[1], 40*second, 45*second)
	})
}

func TestStreamSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// A comment now and then is a sign of life.
		alive := func(ctx context.Context) (*http.Response, error) {
			pr, pw := io.Pipe()
			go func() {
				for range 4 {
					if !sleep(ctx, 3*second) {
						break
					}
					if _, err := pw.Write([]byte(":\n")); err != nil {
						break
					}
				}
				<-ctx.Done()
				pw.CloseWithError(ctx.Err())
			}()
			return answer(200, nil, pr)
		}
		s := &script{answers: []func(context.Context) (*http.Response, error){silent("id: 1\ndata: a\n\n"), alive, silent("")}}
		got, err := play(t, s, map[string]string{keySilence: "5000", keyBackoff: "0", keyBackoffMax: "0"}, 24*second)
		if err != nil || fmt.Sprint(got) != "[a]" {
			t.Fatalf("got %v and %v", got, err)
		}
		within(t, "the second request", s.at[1], 5*second, 5*second)
		within(t, "the third", s.at[2]-s.at[1], 17*second, 17*second)
	})
}

// Nothing is read while the buffer is full, and that is no silence.
func TestStreamBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := testSettings(t, map[string]string{keySilence: "1000", keyBufferEvents: "3", keyBufferBytes: "100000"})
		var text strings.Builder
		for i := range 100 {
			fmt.Fprintf(&text, "id: %d\ndata: %s\n\n", i, strings.Repeat("x", 20_000))
		}
		s := &script{start: time.Now(), answers: []func(context.Context) (*http.Response, error){events(text.String())}}
		st := newStream(set, slog.New(slog.DiscardHandler), newCursor())
		st.dial = func() http.RoundTripper { return s }
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- st.run(ctx) }()
		<-time.After(time.Minute) // of the bubble's time
		synctest.Wait()
		if len(st.out) != 3 || len(s.at) != 1 {
			t.Errorf("%d events buffered over %d connections, want 3 over 1", len(st.out), len(s.at))
		}
		// Bytes count, too: four of these fit.
		st2 := newStream(testSettings(t, map[string]string{keySilence: "1000", keyBufferBytes: "90000"}), slog.New(slog.DiscardHandler), newCursor())
		st2.dial = st.dial
		go func() { ended <- st2.run(ctx) }()
		<-time.After(time.Minute)
		synctest.Wait()
		if len(st2.out) != 4 {
			t.Errorf("%d events buffered, want 4", len(st2.out))
		}
		cancel()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	})
}

func TestStreamGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []func(context.Context) (*http.Response, error){events("data: a\n\n"), refused}}
		got, err := play(t, s, map[string]string{keyMaxAttempts: "3"}, time.Hour)
		if len(got) != 1 || err == nil || len(s.at) != 4 {
			t.Fatalf("got %v and %v after %d requests", got, err, len(s.at))
		}
		for _, part := range []string{keyURI + "=http://stream.example.com/events", "after 4 failed attempts", keyMaxAttempts + "=3", "connection refused"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q does not say %q", err, part)
			}
		}
	})
}

// What another attempt cannot mend fails at once, with the server's words.
func TestStreamFails(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(context.Context) (*http.Response, error)
		extra  map[string]string
		want   []string
	}{
		{"204", status(204, nil, ""), nil, []string{"204 No Content", keyURI}},
		{"404", status(404, nil, "no such\n  stream"), nil, []string{"404 Not Found", "no such stream", keyURI + "=http://stream.example.com/events", "correct"}},
		{"401", status(401, nil, "who are you"), nil, []string{"401 Unauthorized", "who are you", keyBasic, keyBearer}},
		{"403", status(403, nil, ""), nil, []string{"403 Forbidden", keyBasic}},
		{"a web page", status(200, map[string]string{"Content-Type": "text/html; charset=utf-8"}, "<html>"), nil, []string{"not an event stream", "text/html", keyURI}},
		{"unknown compression", status(200, map[string]string{"Content-Encoding": "br"}, ""), nil, []string{`"br"`, keyCompression}},
		{"a large event", events("id: 5\ndata: a\n\ndata: " + strings.Repeat("x", 2000) + "\n\n"), map[string]string{keyMaxEvent: "1000"},
			[]string{"the event after id 5", keyMaxEvent + "=1000", "raise", "max.message.bytes"}},
		{"a large first event", events("data: " + strings.Repeat("x", 2000) + "\n\n"), map[string]string{keyMaxEvent: "1000"}, []string{"the first event"}},
		{"unknown host", func(context.Context) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "stream.example.com", IsNotFound: true}}
		}, nil, []string{"no such host", "stream.example.com", keyURI, "correct"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: []func(context.Context) (*http.Response, error){c.answer}}
				_, err := play(t, s, c.extra, time.Hour)
				if err == nil {
					t.Fatal("no error")
				}
				if len(s.at) != 1 {
					t.Errorf("%d requests", len(s.at))
				}
				if errs.Class(err) != errs.ClassConnect || errs.IsRetriable(err) {
					t.Errorf("class %s, retriable %v", errs.Class(err), errs.IsRetriable(err))
				}
				for _, part := range c.want {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("%q does not say %q", err, part)
					}
				}
			})
		})
	}
}

// A host that could be reached once and is unknown now may come back.
func TestStreamUnknownHostLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := func(context.Context) (*http.Response, error) {
			return nil, &net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}
		}
		s := &script{answers: []func(context.Context) (*http.Response, error){events("data: a\n\n"), gone, gone, silent("data: b\n\n")}}
		got, err := play(t, s, map[string]string{keySilence: "0"}, time.Minute)
		if err != nil || fmt.Sprint(got) != "[a b]" {
			t.Errorf("got %v and %v", got, err)
		}
	})
}

func TestStreamRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []func(context.Context) (*http.Response, error){events("data: a\n\n")}}
		_, err := play(t, s, map[string]string{keyRate: "0.1", keyBackoff: "0", keyBackoffMax: "0"}, 35*second)
		if err != nil || fmt.Sprint(s.at) != "[0s 10s 20s 30s]" {
			t.Errorf("requests at %v, %v", s.at, err)
		}
	})
}

func TestStreamTypes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []func(context.Context) (*http.Response, error){
			events("event: x\nid: 1\ndata: a\n\nid: 2\ndata: b\n\nevent: y\nid: 3\ndata: c\n\n"), silent(""),
		}}
		got, err := play(t, s, map[string]string{keyTypes: "message,x"}, 10*second)
		if err != nil || fmt.Sprint(got) != "[a b]" || s.ids[1] != "3" {
			t.Errorf("got %v with ids %q and %v", got, s.ids, err)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	for in, want := range map[string]time.Duration{"": 0, "5": 5 * second, "-1": 0, "x": 0, "99999999": time.Hour, "Mon, 02 Jan 2006 15:04:05 GMT": 0} {
		if got := retryAfter(in); got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}

func TestPermanent(t *testing.T) {
	for _, err := range []error{errors.New("x"), syscall.ECONNRESET, io.ErrUnexpectedEOF, context.DeadlineExceeded} {
		if permanent(err) {
			t.Errorf("%v is taken for permanent", err)
		}
	}
}
