package cluster

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moldau-io/moldau/runtime/herder"
	"github.com/moldau-io/moldau/runtime/state"
)

// status is what one worker knows of a task.
func (c *cluster) status(id state.TaskID) state.TaskStatus {
	c.t.Helper()
	s, ok := c.node(c.names()[0]).statuses.Task(id)
	if !ok {
		c.t.Fatalf("no status of %s", id)
	}
	return s
}

func healing(more ...string) map[string]string {
	return sourceConfig(1, append([]string{"moldau.task.restart.policy", "on-failure", "moldau.task.restart.backoff.ms", "10000"}, more...)...)
}

// A task that fails three times runs in the end: after 5 to 10, 10 to 20 and 20 to 40
// seconds.
func TestFailedTasksStartAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, nil)
		defer c.close()
		name := c.start(0)
		wait(30 * time.Second)
		id := state.TaskID{Connector: "a"}
		c.put("a", healing(timesKey, "3"))
		wait(4 * time.Second)
		if s := c.status(id); s.State != state.Failed || !strings.Contains(s.Trace, "told to fail for a while") {
			t.Errorf("after the first failure: %+v", s)
		}
		wait(29 * time.Second)
		if s := c.status(id); s.State != state.Failed {
			t.Errorf("before the third restart: %+v", s)
		}
		wait(40 * time.Second)
		c.check()
		w := c.node(name).worker
		events := w.Restarts()[id]
		if len(events) != 3 || events[2].Count != 3 || !strings.Contains(events[0].Error, "told to fail for a while") || w.Totals().TaskRestarts != 3 {
			t.Errorf("%+v, %d restarts", events, w.Totals().TaskRestarts)
		}
		for i, e := range events {
			if least := 5 * time.Second << i; e.After < least || e.After > 2*least {
				t.Errorf("restart %d came after %v", i+1, e.After)
			}
		}
	})
}

// A task is not restarted beyond the limit, nor without a policy, and the wait ends with
// a request.
func TestWhatEndsRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, nil)
		defer c.close()
		name := c.start(0)
		wait(30 * time.Second)
		c.put("limited", healing(timesKey, "9", "moldau.task.restart.limit", "2"))
		c.put("plain", sourceConfig(1, timesKey, "1"))
		c.put("wrong", healing(failKey, "0"))
		c.put("stopped", healing(timesKey, "1", "moldau.task.restart.backoff.ms", "600000", "moldau.task.restart.backoff.max.ms", "600000"))
		c.put("restarted", healing(timesKey, "1", "moldau.task.restart.backoff.ms", "600000", "moldau.task.restart.backoff.max.ms", "600000"))
		wait(20 * time.Second)
		ask := func(f func(context.Context, *herder.Herder) error) {
			if err := c.request(t.Context(), c.node(name), f); err != nil {
				t.Error(err)
			}
		}
		ask(func(ctx context.Context, h *herder.Herder) error {
			return h.Stop(ctx, "stopped")
		})
		ask(func(ctx context.Context, h *herder.Herder) error {
			return h.RestartTask(ctx, state.TaskID{Connector: "restarted"})
		})
		wait(time.Hour)
		for connector, failures := range map[string]int{"limited": 3, "plain": 1, "stopped": 1, "restarted": 1} {
			if n := c.ledger.failed[connector+"-0"]; n != failures {
				t.Errorf("%s failed %d times, expected %d", connector, n, failures)
			}
		}
		for connector, want := range map[string]state.State{"limited": state.Failed, "plain": state.Failed, "wrong": state.Failed, "restarted": state.Running} {
			if s := c.status(state.TaskID{Connector: connector}); s.State != want {
				t.Errorf("%s is %s", connector, s.State)
			}
		}
		if on := c.ledger.on("stopped-0"); len(on) > 0 {
			t.Errorf("a stopped task runs on %v", on)
		}
	})
}

// A call that does not return is noted in the status, and the note goes with it; a
// source that waits for data is not stuck.
func TestStuckTasksAreNoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, map[string]string{"moldau.task.stuck.after.ms": "60000"})
		defer c.close()
		name := c.start(0)
		wait(30 * time.Second)
		c.put("hangs", sourceConfig(1, hangKey, "300"))
		c.put("waits", sourceConfig(1))
		wait(30 * time.Second)
		hangs, waits := state.TaskID{Connector: "hangs"}, state.TaskID{Connector: "waits"}
		if s := c.status(hangs); s.State != state.Running || s.Trace != "" {
			t.Errorf("too early: %+v", s)
		}
		wait(2 * time.Minute)
		if s := c.status(hangs); s.State != state.Running || !strings.Contains(s.Trace, "moldau.task.stuck.after.ms=60000") {
			t.Errorf("%+v", s)
		}
		for _, s := range c.node(name).worker.Stats() {
			if s.Stuck != (s.ID == hangs) {
				t.Errorf("%s: stuck %t", s.ID, s.Stuck)
			}
		}
		wait(5 * time.Minute)
		for _, id := range []state.TaskID{hangs, waits} {
			if s := c.status(id); s.State != state.Running || s.Trace != "" {
				t.Errorf("%s: %+v", id, s)
			}
		}
		c.check()
	})
}
