package worker

import (
	"errors"
	"fmt"
	"time"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/settings"
	"github.com/moldau-io/moldau/runtime/state"
)

// restarts decides whether and when a failed task starts again by itself.
type restarts struct {
	policy settings.RestartPolicy
	count  int // in a row
}

// decision is what becomes of a failed task.
type decision struct {
	again  bool
	wait   time.Duration
	count  int    // of this restart in a row, from 1
	reason string // why not again
}

// next decides after a failure of a task that had run for a time. random is from 0 to 1.
func (r *restarts) next(err error, ran time.Duration, random float64) decision {
	switch {
	case !r.policy.OnFailure:
		return decision{reason: "its connector has no policy"}
	case !r.policy.AnyError && !mayGoAway(err):
		return decision{reason: "the error will not go away by itself"}
	}
	if ran >= r.policy.Reset {
		r.count = 0
	}
	if r.policy.Limit >= 0 && r.count >= r.policy.Limit {
		return decision{reason: fmt.Sprintf("it has been restarted %d times in a row", r.count)}
	}
	wait := r.policy.MaxBackoff
	const most = 40 // doublings, beyond which any back-off is the longest
	if r.count < most && r.policy.Backoff < r.policy.MaxBackoff>>r.count {
		wait = r.policy.Backoff << r.count
	}
	r.count++
	return decision{again: true, wait: wait/2 + time.Duration(float64(wait-wait/2)*random), count: r.count}
}

// mayGoAway says whether an error, or any that led to it, is one that may go away by
// itself.
func mayGoAway(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if e, ok := err.(*errs.Error); ok && (e.Retry || e.Blameless) {
			return true
		}
	}
	return false
}

// RestartEvent is a restart of a failed task by itself.
type RestartEvent struct {
	// At is when the task failed, After how long it then waited.
	At    time.Time
	After time.Duration
	// Error is what it failed with.
	Error string
	// Count numbers restarts in a row, from 1.
	Count int
}

// historySize is how many events are kept of a task.
const historySize = 20

type restartHistory []RestartEvent

func (h *restartHistory) add(e RestartEvent) {
	if *h = append(*h, e); len(*h) > historySize {
		*h = (*h)[1:]
	}
}

// Restarts are the latest restarts by itself of each task on this worker, for as long as
// the task is here and its configuration stays.
func (w *Worker) Restarts() map[state.TaskID][]RestartEvent {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[state.TaskID][]RestartEvent{}
	for id, t := range w.tasks {
		t.mu.Lock()
		if len(t.history) > 0 {
			out[id] = append([]RestartEvent(nil), t.history...)
		}
		t.mu.Unlock()
	}
	return out
}
