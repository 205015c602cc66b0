package api

import (
	"net/http"
	"time"

	"github.com/moldau-io/moldau/runtime/herder"
)

const (
	// waitDefault is how long a request with wait=running waits if it says nothing else.
	waitDefault = 30 * time.Second
	// waitMargin is what is left of a request's time beside its waiting.
	waitMargin = 10 * time.Second
	// waitPause is the time between two looks at the state.
	waitPause = 20 * time.Millisecond
)

// reachedState is what a request that waits is answered with.
type reachedState struct {
	connectorState
	// Reached says whether the connector and all its tasks run.
	Reached bool `json:"reached"`
}

// wait is what a request wants to wait for; nil is nothing.
type wait struct {
	a       *API
	name    string
	mark    *herder.Mark
	timeout time.Duration
}

// waitFor reads wait=running and timeout, and remembers how things are before the
// request changes them.
func (a *API) waitFor(r *http.Request, name string) (*wait, error) {
	q := r.URL.Query()
	if !q.Has("wait") {
		return nil, nil
	}
	if q.Get("wait") != "running" {
		return nil, badRequest("wait=" + q.Get("wait") + " is not known; it can be running")
	}
	w := &wait{a: a, name: name, timeout: waitDefault}
	if text := q.Get("timeout"); text != "" {
		d, err := time.ParseDuration(text)
		if limit := a.o.RequestTimeout - waitMargin; err != nil || d < 0 || d > limit {
			return nil, badRequest("timeout=" + text + " must be a time such as 30s or 1m, at most " + limit.String())
		}
		w.timeout = d
	}
	w.mark = a.o.Herder.Mark(name)
	return w, nil
}

// or returns an answer, or what state does where there is something to wait for.
func (w *wait) or(r *http.Request, answer connectorInfo) any {
	if w == nil {
		return answer
	}
	return w.state(r)
}

// state waits until the connector and its tasks run, until it is clear that they will
// not, or until the time is over.
func (w *wait) state(r *http.Request) reachedState {
	end := time.NewTimer(w.timeout)
	defer end.Stop()
	tick := time.NewTicker(waitPause)
	defer tick.Stop()
	for {
		info, outcome := w.a.o.Herder.Progress(w.name, w.mark)
		if outcome != herder.Pending {
			return reachedState{stateOf(info), outcome == herder.Reached}
		}
		select {
		case <-tick.C:
			continue
		case <-end.C:
		case <-r.Context().Done():
		case <-w.a.o.Draining:
		}
		return reachedState{stateOf(info), false}
	}
}
