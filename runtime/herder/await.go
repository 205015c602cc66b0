package herder

import (
	"slices"
	"time"

	"github.com/moldau-io/moldau/runtime/state"
)

// planGrace is how long a connector must have run before its tasks are taken as
// planned where the config topic does not say from which configuration they were.
const planGrace = time.Second

// Mark remembers what was known of a connector before it was changed, to tell what
// follows from what was there.
type Mark struct {
	connector uint64
	tasks     map[int]uint64
	config    state.Config
	existed   bool
	applied   bool
	// Restarted, if it is not nil, says what a restart concerns: only that must run anew.
	Restarted *StateInfo
	running   time.Time
}

// Outcome is how far a change has come.
type Outcome uint8

// The outcomes.
const (
	// Pending says that more is to come.
	Pending Outcome = iota
	// Reached says that the connector and all its tasks run, and has at least one.
	Reached
	// Ended says that they will not without a further change: something failed, or the
	// connector is to be paused or stopped.
	Ended
)

// Mark is called before a change that Progress is asked about.
func (h *Herder) Mark(name string) *Mark {
	m := &Mark{connector: h.o.Statuses.Read(name, -1), tasks: map[int]uint64{}}
	snapshot := h.configs()
	m.config, m.existed = snapshot.RawConnectorConfig(name)
	_, m.applied = snapshot.AppliedConnectorConfig(name)
	for _, t := range h.o.Statuses.Tasks(name) {
		m.tasks[t.ID.Task] = h.o.Statuses.Read(name, t.ID.Task)
	}
	return m
}

// Progress says how far a change of a connector has come since the mark. The info is
// the connector's state now.
func (h *Herder) Progress(name string, m *Mark) (StateInfo, Outcome) {
	snapshot := h.configs()
	info, err := h.Status(name)
	if err != nil {
		// There is no status before the connector's owner has written one.
		info = StateInfo{Name: name, Type: TypeUnknown, Connector: state.ConnectorStatus{Connector: name, State: state.Unassigned}}
	}
	config, exists := snapshot.RawConnectorConfig(name)
	if !exists {
		return info, Pending
	}
	if !m.renewsConnector() || h.o.Statuses.Read(name, -1) > m.connector {
		target, _ := snapshot.TargetState(name)
		switch s := info.Connector.State; {
		case s == state.Failed:
			return info, Ended
		case target == state.TargetPaused && s == state.Paused, target == state.TargetStopped && s == state.Stopped:
			return info, Ended
		case s != state.Running:
			return info, Pending
		}
	} else {
		return info, Pending
	}
	if m.running.IsZero() {
		m.running = time.Now()
	}
	if m.Restarted == nil && !h.planned(snapshot, name, config, m) {
		return info, Pending
	}
	return info, h.tasksProgress(snapshot, info, config, m)
}

// planned says whether the tasks are those of the present configuration.
func (h *Herder) planned(snapshot *state.ConfigSnapshot, name string, config state.Config, m *Mark) bool {
	applied, ok := snapshot.AppliedConnectorConfig(name)
	if ok && applied.Raw().Equal(config) {
		return !snapshot.Inconsistent(name)
	}
	return !ok && !m.applied && snapshot.TaskCount(name) > 0 && time.Since(m.running) > planGrace
}

func (h *Herder) tasksProgress(snapshot *state.ConfigSnapshot, info StateInfo, config state.Config, m *Mark) Outcome {
	ids := snapshot.Tasks(info.Name)
	if len(ids) == 0 {
		return Pending
	}
	outcome := Reached
	for _, id := range ids {
		i := slices.IndexFunc(info.Tasks, func(t state.TaskStatus) bool { return t.ID == id })
		if i < 0 || m.renewsTask(id, config) && h.o.Statuses.Read(id.Connector, id.Task) <= m.tasks[id.Task] {
			outcome = min(outcome, Pending)
			continue
		}
		switch info.Tasks[i].State {
		case state.Failed:
			return Ended
		case state.Running:
		default:
			outcome = min(outcome, Pending)
		}
	}
	return outcome
}

// renewsConnector says whether the change makes the connector start anew.
func (m *Mark) renewsConnector() bool {
	return m.Restarted == nil || m.Restarted.Connector.State == state.Restarting
}

// renewsTask says whether the change makes a task start anew: a restart of it, a new
// connector, or a configuration that is not as it was.
func (m *Mark) renewsTask(id state.TaskID, config state.Config) bool {
	if m.Restarted == nil {
		return !m.existed || m.applied && !m.config.Equal(config)
	}
	return slices.ContainsFunc(m.Restarted.Tasks, func(t state.TaskStatus) bool { return t.ID == id && t.State == state.Restarting })
}
