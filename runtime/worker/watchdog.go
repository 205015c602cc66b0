package worker

import (
	"fmt"
	"time"

	"github.com/moldau-io/moldau/runtime/state"
	"github.com/moldau-io/moldau/runtime/task"
)

// watchTasks starts the watchdog, which says so when a Poll or Put takes too long. A
// Poll that waits for data returns when it is asked to, after half that time
// (task.Common.PollLimit). Nothing is stopped. w.mu is held.
func (w *Worker) watchTasks() {
	if w.o.StuckAfter <= 0 || w.watching != nil {
		return
	}
	end := make(chan struct{})
	w.watching = end
	w.wg.Go(func() {
		tick := time.NewTicker(max(w.o.StuckAfter/10, time.Millisecond))
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				w.look()
			case <-end:
				return
			}
		}
	})
}

// unwatchTasks ends the watchdog with the last task. w.mu is held.
func (w *Worker) unwatchTasks() {
	if len(w.tasks) == 0 && w.watching != nil {
		close(w.watching)
		w.watching = nil
	}
}

func (w *Worker) look() {
	w.mu.Lock()
	tasks := make([]*taskRun, 0, len(w.tasks))
	for _, t := range w.tasks {
		tasks = append(tasks, t)
	}
	w.mu.Unlock()
	for _, t := range tasks {
		if s, ok := t.stats(); ok {
			t.look(s, time.Now())
		}
	}
}

// look compares what a task is doing with what was said of it.
func (t *taskRun) look(s task.Stats, now time.Time) {
	stuck := !s.Working.IsZero() && now.Sub(s.Working) >= t.w.o.StuckAfter
	t.mu.Lock()
	was := t.stuck
	t.stuck = time.Time{}
	if stuck {
		t.stuck = s.Working
	}
	t.mu.Unlock()
	switch {
	case stuck && !was.Equal(s.Working):
		text := fmt.Sprintf("The task has been in one call of the connector since %s, for longer than moldau.task.stuck.after.ms=%d. It goes on when the call returns; what it waits for is up to the connector.",
			s.Working.UTC().Format(time.RFC3339), t.w.o.StuckAfter.Milliseconds())
		t.log.Warn("the task is stuck in the connector's poll or put", "since", s.Working)
		t.amend(text)
	case !stuck && !was.IsZero():
		t.log.Info("the task is not stuck any more", "since", was)
		t.amend("")
	}
}

// isStuck says what the watchdog last found.
func (t *taskRun) isStuck() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.stuck.IsZero()
}

// amend gives the status RUNNING a text, where that is the task's status.
func (t *taskRun) amend(text string) {
	t.reportMu.Lock()
	defer t.reportMu.Unlock()
	if t.last == state.Running && !t.silenced.Load() {
		t.publish(state.Running, text)
	}
}
