package herder

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/moldau-io/moldau/runtime/state"
)

// reference finds a ${provider:[path:]key} in a configuration value.
var reference = regexp.MustCompile(`\$\{[^}]*?:([^}]*?:)?[^}]*?\}`)

// RequestReconfiguration asks for a connector's tasks to be planned again: the
// connector has started, or wants it. Several requests in a row become one.
func (h *Herder) RequestReconfiguration(name string) {
	h.reconfigureLater(name, 0, reconfigureFirst)
}

func (h *Herder) reconfigureLater(name string, wait, next time.Duration) {
	h.mu.Lock()
	if _, asked := h.replanning[name]; asked {
		h.mu.Unlock()
		return
	}
	h.replanning[name] = struct{}{}
	h.mu.Unlock()
	h.later(wait, func(context.Context) error {
		h.mu.Lock()
		delete(h.replanning, name)
		_, busy := h.planning[name]
		h.planning[name] = busy
		h.mu.Unlock()
		if !busy {
			h.reconfigure(name, func(err error) { h.reconfigured(name, next, err) })
		}
		return nil
	})
}

// reconfigured ends a plan, and begins another one if it failed or was asked for
// meanwhile. There is one at a time for each connector, so that an older one is not
// published last.
func (h *Herder) reconfigured(name string, next time.Duration, err error) {
	h.mu.Lock()
	again := h.planning[name]
	delete(h.planning, name)
	h.mu.Unlock()
	switch {
	case h.lifetime.Err() != nil:
	case again:
		h.reconfigureLater(name, 0, reconfigureFirst)
	case err != nil:
		h.log.Error("cannot publish a connector's tasks; trying again", "connector", name, "after", next, "err", err)
		h.reconfigureLater(name, next, min(2*next, reconfigureMax))
	}
}

// reconfigure plans a connector's tasks and publishes them when they have changed, and
// calls done in the end. The connector is asked on a goroutine of its own: one that
// hangs must not stop the herder.
func (h *Herder) reconfigure(name string, done func(error)) {
	snapshot := h.configs()
	target, _ := snapshot.TargetState(name)
	raw, ok := snapshot.RawConnectorConfig(name)
	if !ok || target != state.TargetStarted || !h.o.Worker.ConnectorRunning(name) {
		done(nil)
		return
	}
	h.wg.Go(func() {
		ctx := h.lifetime
		config, err := h.o.Worker.Resolve(ctx, name, raw.Map())
		if err != nil {
			done(err)
			return
		}
		tasks, err := h.o.Worker.TaskConfigs(ctx, name, config)
		if err != nil || tasks == nil {
			done(err)
			return
		}
		restoreReferences(raw.Map(), tasks)
		h.later(0, func(ctx context.Context) error {
			h.publishTasks(ctx, name, raw, config, tasks, done)
			return nil
		})
	})
}

// publishTasks writes planned tasks to the config topic, or hands them to the leader.
func (h *Herder) publishTasks(ctx context.Context, name string, raw state.Config, config map[string]string, tasks []map[string]string, done func(error)) {
	snapshot := h.configs()
	// The connector may have been changed, stopped or deleted while it was asked. A
	// changed one is asked anew when it has started again.
	now, _ := snapshot.RawConnectorConfig(name)
	if target, ok := snapshot.TargetState(name); !ok || target != state.TargetStarted || !now.Equal(raw) || !h.tasksChanged(ctx, snapshot, name, config, tasks) {
		done(nil)
		return
	}
	if h.core.Leader() {
		h.setStage("writing " + strconv.Itoa(len(tasks)) + " task configs for connector " + name + " to the config topic")
		defer h.endStage()
		done(h.writeTaskConfigs(ctx, name, tasks))
		return
	}
	url, key := h.peer()
	h.wg.Go(func() { done(h.o.Peers.PutTaskConfigs(ctx, url, name, tasks, key)) })
}

func (h *Herder) peer() (url string, key *state.SessionKey) {
	if a := h.core.Assignment(); a != nil {
		url = a.LeaderURL
	}
	if k, ok := h.configs().SessionKey(); ok && h.core.Sessioned() {
		key = &k
	}
	return url, key
}

// restoreReferences puts references to config providers back in the place of what
// they stand for, so that secrets are not stored (AbstractHerder.reverseTransform).
func restoreReferences(raw map[string]string, tasks []map[string]string) {
	for key, value := range raw {
		if !reference.MatchString(value) {
			continue
		}
		for _, task := range tasks {
			if _, ok := task[key]; ok {
				task[key] = value
			}
		}
	}
}

// tasksChanged compares planned tasks with those stored, and the configuration they
// were planned from with the present one (AbstractHerder.taskConfigsChanged).
func (h *Herder) tasksChanged(ctx context.Context, snapshot *state.ConfigSnapshot, name string, config map[string]string, tasks []map[string]string) bool {
	if len(tasks) != snapshot.TaskCount(name) {
		return true
	}
	for i, task := range tasks {
		stored, ok := snapshot.RawTaskConfig(state.TaskID{Connector: name, Task: i})
		if !ok || !maps.Equal(task, stored.Map()) {
			return true
		}
	}
	applied, ok := snapshot.AppliedConnectorConfig(name)
	if !ok {
		return false
	}
	was, err := applied.Resolved(func(c state.Config) (state.Config, error) {
		resolved, err := h.o.Worker.Resolve(ctx, name, c.Map())
		return state.NewConfig(resolved), err
	})
	return err != nil || !maps.Equal(was.Map(), config)
}

// PutTaskConfigs takes the tasks that a connector's owner has planned; the request
// must be signed where the group's protocol says so.
func (h *Herder) PutTaskConfigs(ctx context.Context, name string, tasks []map[string]string, sig *Signature) error {
	if err := h.checkSignature(sig); err != nil {
		return err
	}
	return h.do(ctx, "writing task configs for connector "+name+" to the config topic", func(ctx context.Context) error {
		switch {
		case !h.core.Leader():
			return h.notLeader("Only the leader may write task configurations.")
		case !h.configs().Contains(name):
			return notFound("Connector %s not found", name)
		}
		return h.writeTaskConfigs(ctx, name, tasks)
	})
}

// sweepStatuses removes the statuses of what is gone; a leader does it when it is elected.
func (h *Herder) sweepStatuses() {
	snapshot := h.core.Snapshot()
	for _, name := range h.o.Statuses.Connectors() {
		exists := snapshot.Contains(name)
		tasks := snapshot.Tasks(name)
		for _, status := range h.o.Statuses.Tasks(name) {
			if !exists || !slices.Contains(tasks, status.ID) {
				h.TaskState(status.ID, state.Destroyed, "", "")
			}
		}
		if !exists {
			h.ConnectorState(name, state.Destroyed, "", "")
		}
	}
}
