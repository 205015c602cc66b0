package elasticsearch

import (
	"errors"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Elasticsearch is gone for an hour: Put never waits for long, partitions are paused
// with little in memory, and all is written when it is back.
func TestOutage(t *testing.T) {
	for _, method := range []string{"insert", "upsert"} {
		for name, cause := range map[string]error{"refused": syscall.ECONNREFUSED, "slow": errors.New("timeout")} {
			bubble(t, method+" "+name, func(t *testing.T) {
				var gone atomic.Bool
				f := start(t, nil, func(r *http.Request) (*http.Response, error) {
					if r.URL.Path != "/_bulk" || !gone.Load() {
						return nil, nil
					}
					if cause != syscall.ECONNREFUSED {
						<-time.After(3 * time.Second)
					}
					return nil, cause
				}, nil, map[string]string{
					keyBatch: "20", keyBuffered: "100", keyInFlight: "3", keyWriteMethod: method, keyRetries: "10000", keyBackoff: "100",
				})
				next := 0
				put := func() {
					begin := time.Now()
					if f.sc.Paused() > 0 {
						f.put()
					} else {
						f.put(records(next, 70)...)
						next += 70
					}
					if d := time.Since(begin); d > 10*time.Second {
						t.Errorf("Put took %v", d)
					}
					<-time.After(100 * time.Millisecond)
				}
				for range 10 {
					put()
				}
				if next != 700 {
					t.Fatalf("%d records without an outage", next)
				}
				gone.Store(true)
				for begin := time.Now(); time.Since(begin) < time.Hour; {
					put()
				}
				if f.sc.Paused() != 1 || next < 720 || next > 1500 {
					t.Errorf("%d partitions are paused after %d records", f.sc.Paused(), next)
				}
				if got := f.committed(int64(next)); got != 700 {
					t.Errorf("%d is committed", got)
				}
				gone.Store(false)
				for f.sc.Paused() > 0 {
					put()
				}
				for range 10 {
					put()
				}
				f.mustSettle()
				if n := len(f.es.Docs("t")); n != next || f.committed(int64(next)) != int64(next) {
					t.Errorf("%d documents of %d records", n, next)
				}
				f.stop()
			})
		}
	}
}

// What waits is forgotten when the task stops, and read again by the next.
func TestStopInOutage(t *testing.T) {
	bubble(t, "stop", func(t *testing.T) {
		f := start(t, nil, func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != "/_bulk" {
				return nil, nil
			}
			return nil, syscall.ECONNREFUSED
		}, nil, map[string]string{keyBatch: "10", keyInFlight: "2", keyRetries: "10000"})
		f.put(records(0, 100)...)
		if f.sc.Paused() != 1 {
			t.Error("not paused")
		}
		if got := f.committed(100); got > 0 {
			t.Errorf("%d is committed", got)
		}
		begin := time.Now()
		f.stop()
		if d := time.Since(begin); d > time.Minute || f.bulk.buffered != 0 {
			t.Errorf("stopped after %v with %d records left", d, f.bulk.buffered)
		}
	})
}
