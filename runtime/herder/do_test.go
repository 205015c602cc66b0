package herder

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// waiting is a herder in the middle of a rebalance; settle ends it.
func waiting(t *testing.T) (h *Herder, settle func()) {
	t.Helper()
	h = New(Options{RebalanceWait: 30 * time.Second})
	h.ready.Store(true)
	h.view.Store(&view{})
	settle = func() {
		h.view.Store(&view{settled: true})
		go func() {
			r := <-h.requests
			r.done <- r.run(r.ctx)
		}()
	}
	return h, settle
}

func TestRequestsWaitForARebalance(t *testing.T) {
	for _, c := range []struct {
		name    string
		settles time.Duration // 0 is never
		patient time.Duration // the client's; 0 is for ever
		want    error
		after   time.Duration
	}{
		{"it ends in time", 20 * time.Second, 0, nil, 20 * time.Second},
		{"it does not end", 0, 0, ErrRebalanceNeeded, 30 * time.Second},
		{"the client gives up first", 0, 5 * time.Second, context.DeadlineExceeded, 5 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, settle := waiting(t)
				if c.settles > 0 {
					time.AfterFunc(c.settles, settle)
				}
				ctx := t.Context()
				if c.patient > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, c.patient)
					defer cancel()
				}
				h.setStage("stopping tasks")
				begun := time.Now()
				err := h.do(ctx, "deleting", func(context.Context) error { return nil })
				var timeout *TimeoutError
				if errors.As(err, &timeout) && timeout.Stage == "stopping tasks" {
					err = context.DeadlineExceeded
				}
				if !errors.Is(err, c.want) || time.Since(begun) != c.after {
					t.Errorf("%v after %s, want %v after %s", err, time.Since(begun), c.want, c.after)
				}
			})
		})
	}
}

func TestRequestsEndWithTheWorker(t *testing.T) {
	h, _ := waiting(t)
	close(h.stopped)
	if err := h.do(t.Context(), "deleting", func(context.Context) error { return nil }); !errors.Is(err, ErrShuttingDown) {
		t.Error(err)
	}
}
