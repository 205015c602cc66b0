package sse

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/schema"
)

const (
	maxBatch = 500
	// idle is how long Poll waits for an event before it returns none.
	idle = 500 * time.Millisecond
)

// task reads one stream. Its goroutine runs from Start to Stop.
type task struct {
	dial func() http.RoundTripper // for tests; nil for the network

	set       *settings
	log       *slog.Logger
	stream    *stream
	convert   *converter
	cancel    context.CancelFunc
	running   sync.WaitGroup
	ended     chan struct{} // closed when the stream's goroutine has ended
	streamErr error         // why, after ended
	batch     []*connect.Record
	pending   error // of a record, kept until the records before it are handed over
}

func (t *task) Start(ctx context.Context, tc connect.SourceContext, props map[string]string) error {
	set, err := parse(props)
	if err != nil {
		return err
	}
	t.set, t.log, t.convert = set, tc.Logger(), newConverter(set)
	at := newCursor()
	stored, err := tc.OffsetReader().Offsets(ctx, []*schema.MapValue{t.convert.partition})
	if err != nil {
		return err
	}
	if len(stored) > 0 && stored[0] != nil {
		if err := at.restore(stored[0]); err != nil {
			return err
		}
	}
	t.stream = newStream(set, t.log, at)
	if t.dial != nil {
		t.stream.dial = t.dial
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	t.cancel, t.ended = cancel, make(chan struct{})
	t.running.Go(func() {
		t.streamErr = t.stream.run(run)
		close(t.ended)
	})
	return nil
}

func (t *task) Poll(ctx context.Context) ([]*connect.Record, error) {
	if t.pending != nil {
		return nil, t.pending
	}
	t.batch = t.batch[:0]
	if !t.first(ctx) {
		select {
		case <-t.ended:
			// What was read before the end comes first.
			if len(t.stream.out) == 0 {
				return nil, t.streamErr
			}
		default:
			return nil, nil
		}
	}
	for len(t.batch) < maxBatch && t.pending == nil {
		select {
		case it := <-t.stream.out:
			t.add(it)
			continue
		default:
		}
		break
	}
	if len(t.batch) == 0 {
		return nil, t.pending
	}
	return t.batch, nil
}

// first waits for an event.
func (t *task) first(ctx context.Context) bool {
	timer := time.NewTimer(idle)
	defer timer.Stop()
	select {
	case it := <-t.stream.out:
		t.add(it)
		return true
	case <-t.ended:
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

func (t *task) add(it item) {
	t.stream.taken(it.event)
	r, err := t.convert.record(it)
	if err == nil {
		t.batch = append(t.batch, r)
		return
	}
	switch t.set.malformed {
	case malformedFail:
		t.pending = err
	case malformedWarn:
		t.log.Warn("dropping an event", "error", err)
	}
}

func (*task) Commit(context.Context) error { return nil }

func (t *task) Stop(context.Context) error {
	if t.cancel != nil {
		t.cancel()
		t.running.Wait()
	}
	return nil
}
