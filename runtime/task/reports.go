package task

import (
	"context"
	"sync"
)

// reports are the reports of failed records that must be durable before the offsets
// of these records may move (invariant I3). The zero value is ready for use, by
// several goroutines.
type reports struct {
	mu      sync.Mutex
	pending int
	err     error
	done    chan struct{} // closed when pending is 0; nil while nobody waits
}

// add begins a report; the result ends it.
func (g *reports) add() (ended func(error)) {
	g.mu.Lock()
	g.pending++
	g.mu.Unlock()
	return func(err error) {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.err == nil {
			g.err = err
		}
		if g.pending--; g.pending == 0 && g.done != nil {
			close(g.done)
			g.done = nil
		}
	}
}

// wait returns when no report is under way, with the first error of any.
func (g *reports) wait(ctx context.Context) error {
	g.mu.Lock()
	if g.pending == 0 {
		defer g.mu.Unlock()
		return g.err
	}
	if g.done == nil {
		g.done = make(chan struct{})
	}
	done := g.done
	g.mu.Unlock()
	select {
	case <-done:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

// state says whether a report is under way, and returns the first error of any.
func (g *reports) state() (pending bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.pending > 0, g.err
}
