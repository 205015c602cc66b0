package worker

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/settings"
)

var (
	errAway  = errs.Wrap(errs.ClassConnect, errs.Retriable("the server is away"), "Tolerance exceeded in error handler")
	errWrong = errs.Data("the record is wrong")
)

func TestWhenFailedTasksStartAgain(t *testing.T) {
	policy := settings.RestartPolicy{OnFailure: true, Backoff: time.Second, MaxBackoff: 10 * time.Second, Limit: 5, Reset: time.Minute}
	any := policy
	any.AnyError = true
	registry := &errs.Error{Class: errs.ClassSerialization, Blameless: true}
	for _, c := range []struct {
		name   string
		policy settings.RestartPolicy
		err    error
		again  bool
	}{
		{"none", settings.RestartPolicy{}, errAway, false},
		{"retriable, deep down", policy, errAway, true},
		{"what the record is not at fault for", policy, fmt.Errorf("converting: %w", registry), true},
		{"not retriable", policy, errWrong, false},
		{"any", any, errWrong, true},
		{"without a label", any, errors.New("plain"), true},
	} {
		r := restarts{policy: c.policy}
		if d := r.next(c.err, 0, 0); d.again != c.again || d.again == (d.reason != "") {
			t.Errorf("%s: %+v", c.name, d)
		}
	}
}

func TestWaitsBetweenRestarts(t *testing.T) {
	r := restarts{policy: settings.RestartPolicy{OnFailure: true, Backoff: time.Second, MaxBackoff: 10 * time.Second, Limit: 6, Reset: time.Minute}}
	for i, longest := range []time.Duration{1, 2, 4, 8, 10, 10} {
		shortest := r
		if d := shortest.next(errAway, 0, 0); d.wait != longest*time.Second/2 {
			t.Errorf("restart %d: at least %v", i+1, d.wait)
		}
		if d := r.next(errAway, 59*time.Second, 1); d.wait != longest*time.Second || d.count != i+1 {
			t.Errorf("restart %d: at most %v, number %d", i+1, d.wait, d.count)
		}
	}
	if d := r.next(errAway, 59*time.Second, 1); d.again || d.reason != "it has been restarted 6 times in a row" {
		t.Errorf("beyond the limit: %+v", d)
	}
	if d := r.next(errAway, time.Minute, 1); !d.again || d.count != 1 || d.wait != time.Second {
		t.Errorf("after a minute of work: %+v", d)
	}
	r = restarts{policy: settings.RestartPolicy{OnFailure: true, Backoff: time.Second, MaxBackoff: time.Hour, Limit: -1, Reset: time.Minute}}
	for range 1000 {
		if d := r.next(errAway, 0, 1); !d.again || d.wait > time.Hour || d.wait < time.Second {
			t.Fatalf("without a limit: %+v", d)
		}
	}
}

func TestHistoryIsShort(t *testing.T) {
	var h restartHistory
	for i := range 50 {
		h.add(RestartEvent{Count: i})
	}
	if len(h) != historySize || h[0].Count != 30 || h[historySize-1].Count != 49 {
		t.Errorf("%v", h)
	}
}
