package elasticsearch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/internal/estest"
)

func sizes(es *estest.Server) (out []int) {
	for _, b := range es.Bulks() {
		out = append(out, len(b))
	}
	return out
}

func TestBatches(t *testing.T) {
	bubble(t, "by count", func(t *testing.T) {
		f := start(t, nil, nil, nil, map[string]string{keyBatch: "3", keyLinger: "60000"})
		f.put(records(0, 8)...)
		synctest.Wait()
		if got := sizes(f.es); !slices.Equal(got, []int{3, 3}) {
			t.Errorf("batches %v", got)
		}
		<-time.After(time.Minute)
		synctest.Wait()
		if got := sizes(f.es); !slices.Equal(got, []int{3, 3, 2}) {
			t.Errorf("batches %v after the linger", got)
		}
		f.stop()
	})
	bubble(t, "by bytes", func(t *testing.T) {
		f := start(t, nil, nil, nil, map[string]string{keyBulkBytes: "3000", keyLinger: "60000"})
		for i := range 5 {
			f.put(record("t", int64(i), str("k"+fmt.Sprint(i)), mapOf(str("x"), str(strings.Repeat("y", 1450)))))
		}
		synctest.Wait()
		if got := sizes(f.es); !slices.Equal(got, []int{2, 2}) {
			t.Errorf("batches %v", got)
		}
		f.stop()
	})
	bubble(t, "no limit of bytes", func(t *testing.T) {
		f := start(t, nil, nil, nil, map[string]string{keyBulkBytes: "-1"})
		for i := range 5 {
			f.put(record("t", int64(i), str("k"+fmt.Sprint(i)), mapOf(str("x"), str(strings.Repeat("y", 3<<20)))))
		}
		synctest.Wait()
		<-time.After(time.Second)
		synctest.Wait()
		if got := sizes(f.es); len(got) > 5 || len(f.es.Docs("t")) != 5 {
			t.Errorf("batches %v", got)
		}
		f.stop()
	})
	bubble(t, "without linger", func(t *testing.T) {
		f := start(t, nil, nil, nil, map[string]string{keyLinger: "0"})
		f.put(records(0, 8)...)
		synctest.Wait()
		if got := sizes(f.es); !slices.Equal(got, []int{8}) {
			t.Errorf("batches %v", got)
		}
		f.stop()
	})
	bubble(t, "on commit", func(t *testing.T) {
		f := start(t, nil, nil, nil, map[string]string{keyLinger: "60000"})
		f.put(records(0, 8)...)
		if got := f.committed(8); got != 8 {
			t.Errorf("committed %d", got)
		}
		f.stop()
	})
}

// gate holds bulk requests until they are let go. It knows them by the id of their
// first document.
type gate struct {
	mu   sync.Mutex
	held map[string]chan struct{}
	open bool
}

func (g *gate) hold(r *http.Request) (*http.Response, error) {
	if r.URL.Path != "/_bulk" {
		return nil, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	_, rest, _ := strings.Cut(string(body), `"_id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	g.mu.Lock()
	if g.open {
		g.mu.Unlock()
		return nil, nil
	}
	ch := make(chan struct{})
	if g.held == nil {
		g.held = map[string]chan struct{}{}
	}
	g.held[id] = ch
	g.mu.Unlock()
	select {
	case <-ch:
		return nil, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// ids returns the requests that have come so far.
func (g *gate) ids() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Sorted(maps.Keys(g.held))
}

func (g *gate) release(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.held[id])
}

// releaseAll lets go all requests, those to come too. Each was let go once at most.
func (g *gate) releaseAll() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = true
	for _, ch := range g.held {
		select {
		case <-ch:
		default:
			close(ch)
		}
	}
}

func TestInFlight(t *testing.T) {
	bubble(t, "at most so many", func(t *testing.T) {
		g := &gate{}
		f := start(t, nil, g.hold, nil, map[string]string{keyBatch: "1", keyInFlight: "4"})
		done := make(chan error, 1)
		go func() { done <- f.Put(t.Context(), records(0, 10)) }()
		synctest.Wait()
		if len(g.ids()) != 4 {
			t.Errorf("requests %v under way", g.ids())
		}
		if got := f.track.committable(map[connect.TopicPartition]int64{f.tp: 10}); len(got) != 0 {
			t.Errorf("%v is committed while nothing has come back", got)
		}
		g.release("k1")
		synctest.Wait()
		if len(g.ids()) != 5 {
			t.Errorf("requests %v in all", g.ids())
		}
		if got := f.track.committable(map[connect.TopicPartition]int64{f.tp: 10}); len(got) != 0 {
			t.Errorf("%v is committed while the first has not come back", got)
		}
		g.release("k0")
		synctest.Wait()
		if got := f.track.committable(map[connect.TopicPartition]int64{f.tp: 10}); got[f.tp] != 2 {
			t.Errorf("%v is committed", got)
		}
		g.releaseAll()
		if err := <-done; err != nil {
			t.Error(err)
		}
		f.mustSettle()
		if got := f.committed(10); got != 10 {
			t.Errorf("%d is committed in the end", got)
		}
		f.stop()
	})
	bubble(t, "batches fill up while all are under way", func(t *testing.T) {
		g := &gate{}
		f := start(t, nil, g.hold, nil, map[string]string{keyInFlight: "1", keyBatch: "100"})
		for i := range 10 {
			f.put(records(10*i, 10)...)
			<-time.After(10 * time.Millisecond)
		}
		synctest.Wait()
		g.releaseAll()
		f.mustSettle()
		if got := sizes(f.es); !slices.Equal(got, []int{10, 90}) {
			t.Errorf("batches %v", got)
		}
		f.stop()
	})
	bubble(t, "no space in time", func(t *testing.T) {
		g := &gate{}
		f := start(t, nil, g.hold, nil, map[string]string{keyBatch: "1", keyInFlight: "1", keyFlushTimeout: "5000"})
		begin := time.Now()
		err := f.Put(t.Context(), records(0, 3))
		if err == nil || !strings.HasPrefix(err.Error(), "Could not make space in the internal buffer fast enough. Consider increasing flush.timeout.ms or max.buffered.records.") {
			t.Errorf("got %v", err)
		}
		if d := time.Since(begin); d != 5*time.Second {
			t.Errorf("after %v", d)
		}
		g.releaseAll()
		f.stop()
	})
	bubble(t, "the task is called off", func(t *testing.T) {
		g := &gate{}
		f := start(t, nil, g.hold, nil, map[string]string{keyBatch: "1", keyInFlight: "1"})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- f.Put(ctx, records(0, 3)) }()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		g.releaseAll()
		f.stop()
	})
}

func TestPauseAndResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{}
		f := start(t, nil, g.hold, nil, map[string]string{keyBatch: "10", keyInFlight: "1", keyBuffered: "10", keyNullValues: "ignore"})
		// One request holds the offsets back; records without value need no request.
		f.put(records(0, 10)...)
		for i := 10; i < 150; i += 10 {
			var rs []*connect.Record
			for j := range 10 {
				rs = append(rs, record("t", int64(i+j), str("k"), schema.Null()))
			}
			f.put(rs...)
			if want := f.track.size() > 100; want != (f.sc.Paused() == 1) {
				t.Errorf("%d records are remembered, %d partitions paused", f.track.size(), f.sc.Paused())
			}
		}
		if f.sc.Paused() != 1 {
			t.Error("not paused in the end")
		}
		g.releaseAll()
		f.mustSettle()
		if f.sc.Paused() != 0 || f.track.size() != 0 {
			t.Errorf("%d partitions paused, %d records remembered", f.sc.Paused(), f.track.size())
		}
		f.stop()
	})
}

func TestFlushSynchronously(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{}
		f := start(t, nil, g.hold, nil, map[string]string{keyFlushSync: "true", keyLinger: "60000"})
		f.put(records(0, 5)...)
		done := make(chan int64, 1)
		go func() { done <- f.committed(5) }()
		<-time.After(10 * time.Second)
		synctest.Wait()
		select {
		case got := <-done:
			t.Errorf("%d is committed at once", got)
		default:
		}
		g.releaseAll()
		if got := <-done; got != 5 {
			t.Errorf("%d is committed", got)
		}
		f.stop()
	})
}

func TestStop(t *testing.T) {
	bubble(t, "waits for what is under way", func(t *testing.T) {
		g := &gate{}
		f := start(t, nil, g.hold, nil, map[string]string{keyBatch: "2", keyLinger: "60000"})
		f.put(records(0, 3)...)
		done := make(chan struct{})
		go func() { f.stop(); close(done) }()
		synctest.Wait()
		select {
		case <-done:
			t.Error("does not wait")
		default:
		}
		g.releaseAll()
		<-done
		if len(f.es.Docs("t")) != 2 {
			t.Errorf("%d documents", len(f.es.Docs("t")))
		}
	})
	bubble(t, "tries nothing again", func(t *testing.T) {
		n := 0
		f := start(t, nil, func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != "/_bulk" {
				return nil, nil
			}
			n++
			return nil, syscall.ECONNREFUSED
		}, nil, map[string]string{keyBackoff: "86400000", keyRetries: "100"})
		f.put(records(0, 3)...)
		f.bulk.flush()
		synctest.Wait()
		begin := time.Now()
		f.stop()
		if n != 1 || time.Since(begin) > time.Second {
			t.Errorf("%d requests, %v", n, time.Since(begin))
		}
	})
	bubble(t, "a server that hangs", func(t *testing.T) {
		g := &gate{}
		f := start(t, nil, g.hold, nil, map[string]string{keyFlushTimeout: "7000"})
		f.put(records(0, 3)...)
		f.bulk.flush()
		begin := time.Now()
		err := f.task.Stop(t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), "Failed to process outstanding requests in time while closing the ElasticsearchClient.") || time.Since(begin) != 7*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
	t.Run("before Start", func(t *testing.T) {
		if err := New().NewTask().Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestBackoff(t *testing.T) {
	c := &client{set: &settings{backoff: 100 * time.Millisecond}, log: slog.New(slog.DiscardHandler)}
	for attempt := range 80 {
		for range 20 {
			most := maxBackoff
			if attempt < 20 {
				most = min(most, 100*time.Millisecond<<attempt)
			}
			if d := c.backoff(attempt); d < 0 || d >= most {
				t.Fatalf("attempt %d waits %v", attempt, d)
			}
		}
	}
	if d := (&client{set: &settings{}}).backoff(3); d != 0 {
		t.Errorf("no back-off waits %v", d)
	}
}
