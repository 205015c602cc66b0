package herder

import (
	"context"
	"slices"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/state"
	"github.com/moldau-io/moldau/runtime/store"
)

// Types of connectors, as the REST API names them.
const (
	TypeSource  = "source"
	TypeSink    = "sink"
	TypeUnknown = "unknown"
)

// Info is a connector's configuration and tasks.
type Info struct {
	Name   string
	Config map[string]string
	Tasks  []state.TaskID
	Type   string
}

// StateInfo is a connector's state and that of its tasks, by number.
type StateInfo struct {
	Name      string
	Connector state.ConnectorStatus
	Tasks     []state.TaskStatus
	Type      string
}

// TaskInfo is a task and its configuration.
type TaskInfo struct {
	ID     state.TaskID
	Config map[string]string
}

// Ready says whether the worker has joined the group and read the internal topics.
func (h *Herder) Ready() bool { return h.ready.Load() }

// ClusterID is the id of the Kafka cluster.
func (h *Herder) ClusterID() string { return h.o.ClusterID }

// WorkerID is host:port of the worker's advertised listener.
func (h *Herder) WorkerID() string { return h.o.WorkerID }

// Leader returns the leader's URL, "" when there is none, and whether this worker leads.
func (h *Herder) Leader() (url string, leads bool) {
	v := h.view.Load()
	if v.assignment == nil {
		return "", false
	}
	return v.assignment.LeaderURL, v.leader
}

// Generation is the group's generation of the last assignment, -1 before the first.
func (h *Herder) Generation() int { return h.view.Load().generation }

// Rebalancing says whether a rebalance is expected or under way.
func (h *Herder) Rebalancing() bool { return !h.view.Load().settled }

// Assignment is the worker's last assignment, nil before the first.
func (h *Herder) Assignment() *state.Assignment { return h.view.Load().assignment }

// Health returns nil once the herder answers.
func (h *Herder) Health(ctx context.Context) error {
	m := &message{Tick{}, make(chan struct{})}
	select {
	case h.inbox <- m:
	case <-ctx.Done():
		return h.timeout(ctx)
	case <-h.stopped:
		return ErrShuttingDown
	}
	select {
	case <-m.done:
		return nil
	case <-ctx.Done():
		return h.timeout(ctx)
	case <-h.stopped:
		return ErrShuttingDown
	}
}

func (h *Herder) configs() *state.ConfigSnapshot { return h.o.Configs.Snapshot() }

// Connectors returns the names of all connectors, sorted.
func (h *Herder) Connectors() []string { return h.configs().Connectors() }

// Connector returns a connector's configuration and tasks.
func (h *Herder) Connector(name string) (Info, error) {
	snapshot := h.configs()
	config, ok := snapshot.RawConnectorConfig(name)
	if !ok {
		return Info{}, notFound("Connector %s not found", name)
	}
	return h.info(name, config.Map(), snapshot.Tasks(name)), nil
}

func (h *Herder) info(name string, config map[string]string, tasks []state.TaskID) Info {
	return Info{Name: name, Config: config, Tasks: tasks, Type: h.connectorType(config)}
}

func (h *Herder) connectorType(config map[string]string) string {
	source, err := h.o.Worker.IsSource(config)
	switch {
	case err != nil:
		return TypeUnknown
	case source:
		return TypeSource
	}
	return TypeSink
}

// Tasks returns a connector's tasks and their configurations.
func (h *Herder) Tasks(name string) ([]TaskInfo, error) {
	snapshot := h.configs()
	if !snapshot.Contains(name) {
		return nil, notFound("Connector %s not found", name)
	}
	out := []TaskInfo{}
	for i := range snapshot.TaskCount(name) {
		id := state.TaskID{Connector: name, Task: i}
		config, _ := snapshot.RawTaskConfig(id)
		out = append(out, TaskInfo{id, config.Map()})
	}
	return out, nil
}

// Status returns the state of a connector and its tasks.
func (h *Herder) Status(name string) (StateInfo, error) {
	status, ok := h.o.Statuses.Connector(name)
	if !ok {
		return StateInfo{}, notFound("No status found for connector %s", name)
	}
	return h.stateInfo(status, h.o.Statuses.Tasks(name)), nil
}

func (h *Herder) stateInfo(connector state.ConnectorStatus, tasks []state.TaskStatus) StateInfo {
	info := StateInfo{Name: connector.Connector, Connector: connector, Tasks: slices.Clone(tasks), Type: TypeUnknown}
	slices.SortFunc(info.Tasks, func(a, b state.TaskStatus) int { return a.ID.Compare(b.ID) })
	if config, ok := h.configs().RawConnectorConfig(connector.Connector); ok {
		info.Type = h.connectorType(config.Map())
	}
	return info
}

// TaskStatus returns the state of one task.
func (h *Herder) TaskStatus(id state.TaskID) (state.TaskStatus, error) {
	status, ok := h.o.Statuses.Task(id)
	if !ok {
		return state.TaskStatus{}, notFound("No status found for task %s", id)
	}
	return status, nil
}

// ActiveTopics returns the topics a connector has used since the last reset (KIP-558).
func (h *Herder) ActiveTopics(name string) []string {
	topics := []string{}
	for _, t := range h.o.Statuses.Topics(name) {
		topics = append(topics, t.Topic)
	}
	slices.Sort(topics)
	return topics
}

// ResetActiveTopics empties the list of topics a connector has used.
func (h *Herder) ResetActiveTopics(ctx context.Context, name string) error {
	h.forgetTopics(name)
	return h.o.Statuses.Flush(ctx)
}

func (h *Herder) forgetTopics(name string) {
	for _, t := range h.o.Statuses.Topics(name) {
		h.o.Statuses.DeleteTopic(t.Connector, t.Topic)
	}
}

// PutConnector creates a connector or, with replace, changes one, after validating
// the configuration. A target other than "" is the connector's first target state.
// It says whether the connector is new.
func (h *Herder) PutConnector(ctx context.Context, name string, config map[string]string, target state.TargetState, replace bool) (Info, bool, error) {
	if err := h.o.Validator.Check(ctx, config); err != nil {
		return Info{}, false, err
	}
	var info Info
	var created bool
	err := h.do(ctx, "writing a config for connector "+name+" to the config topic", func(ctx context.Context) error {
		if !h.core.Leader() {
			return h.notLeader("Only the leader can set connector configs.")
		}
		snapshot := h.configs()
		exists := snapshot.Contains(name)
		if !replace && exists {
			return errs.New(errs.ClassAlreadyExists, "Connector "+name+" already exists")
		}
		if err := h.write(h.o.Configs.PutConnector(ctx, name, state.NewConfig(config), target)); err != nil {
			return err
		}
		created = !exists
		info = h.info(name, config, snapshot.Tasks(name))
		return nil
	})
	return info, created, err
}

// PatchConnector changes some keys of a connector's configuration; nil removes a
// key (KIP-477).
func (h *Herder) PatchConnector(ctx context.Context, name string, patch map[string]*string) (Info, error) {
	var config map[string]string
	err := h.do(ctx, "reading the config of connector "+name, func(context.Context) error {
		if !h.core.Leader() {
			return h.notLeader("Only the leader can set connector configs.")
		}
		present, ok := h.configs().RawConnectorConfig(name)
		if !ok {
			return notFound("Connector %s not found", name)
		}
		config = present.Map()
		return nil
	})
	if err != nil {
		return Info{}, err
	}
	for key, value := range patch {
		if value == nil {
			delete(config, key)
		} else {
			config[key] = *value
		}
	}
	info, _, err := h.PutConnector(ctx, name, config, "", true)
	return info, err
}

// DeleteConnector removes a connector.
func (h *Herder) DeleteConnector(ctx context.Context, name string) error {
	return h.do(ctx, "removing the config for connector "+name+" from the config topic", func(ctx context.Context) error {
		if !h.core.Leader() {
			return h.notLeader("Only the leader can delete connector configs.")
		}
		if !h.configs().Contains(name) {
			return notFound("Connector %s not found", name)
		}
		return h.write(h.o.Configs.RemoveConnector(ctx, name))
	})
}

// Pause and Resume change a connector's target state. Any worker can.
func (h *Herder) Pause(ctx context.Context, name string) error {
	return h.setTarget(ctx, name, state.TargetPaused)
}

// Resume starts a paused or stopped connector.
func (h *Herder) Resume(ctx context.Context, name string) error {
	return h.setTarget(ctx, name, state.TargetStarted)
}

func (h *Herder) setTarget(ctx context.Context, name string, target state.TargetState) error {
	if !h.configs().Contains(name) {
		return notFound("Unknown connector %s", name)
	}
	return h.o.Configs.PutTargetState(ctx, name, target)
}

// Stop stops a connector: its tasks are given up and its offsets can be changed (KIP-875).
func (h *Herder) Stop(ctx context.Context, name string) error {
	return h.do(ctx, "writing the STOPPED target stage for connector "+name+" to the config topic", func(ctx context.Context) error {
		if !h.configs().Contains(name) {
			return notFound("Unknown connector %s", name)
		}
		if !h.core.Leader() {
			return h.notLeader("Only the leader can transition connectors to the STOPPED state.")
		}
		if err := h.writeTaskConfigs(ctx, name, nil); err != nil {
			return err
		}
		if err := h.o.Configs.PutTargetState(ctx, name, state.TargetStopped); err != nil {
			return err
		}
		// Tasks that were planned before must not be published after it.
		read, cancel := context.WithTimeout(ctx, h.o.SyncTimeout)
		defer cancel()
		if err := h.o.Configs.Refresh(read); err != nil {
			h.log.Warn("did not read back the STOPPED target state", "connector", name, "err", err)
		}
		return nil
	})
}

// RestartConnector restarts a connector's instance on this worker, not its tasks.
func (h *Herder) RestartConnector(ctx context.Context, name string) error {
	return h.do(ctx, "restarting connector "+name, func(ctx context.Context) error {
		if !h.core.Snapshot().Contains(name) {
			return notFound("Unknown connector: %s", name)
		}
		switch {
		case h.core.Assignment().HasConnector(name):
			h.o.Worker.StopConnectors(ctx, []string{name})
			h.startConnector(name)
			return nil
		case h.core.Leader():
			return &ForwardError{h.o.Group.OwnerURL(name, -1), errs.New(classNotAssigned, "Cannot restart connector since it is not assigned to this member")}
		}
		return h.notLeader("Only the leader can process restart requests.")
	})
}

// RestartTask restarts one task.
func (h *Herder) RestartTask(ctx context.Context, id state.TaskID) error {
	return h.do(ctx, "restarting task "+id.String(), func(ctx context.Context) error {
		snapshot := h.core.Snapshot()
		if !snapshot.Contains(id.Connector) {
			return notFound("Unknown connector: %s", id.Connector)
		}
		if _, ok := snapshot.RawTaskConfig(id); !ok || id.Task >= snapshot.TaskCount(id.Connector) {
			return notFound("Unknown task: %s", id)
		}
		const message = "Cannot restart task since it is not assigned to this member"
		switch {
		case h.core.Assignment().HasTask(id):
			h.o.Worker.StopTasks(ctx, []state.TaskID{id})
			h.startTask(id)
			return nil
		case h.core.Leader():
			return &ForwardError{h.o.Group.OwnerURL(id.Connector, id.Task), errs.New(classNotAssigned, message)}
		}
		return h.notLeader(message)
	})
}

// Restart asks all workers to restart a connector and its tasks (KIP-745) and
// returns the state that follows.
func (h *Herder) Restart(ctx context.Context, r state.RestartRequest) (StateInfo, error) {
	var info StateInfo
	err := h.do(ctx, "writing restart request for connector "+r.Connector+" to the config topic", func(ctx context.Context) error {
		if !h.core.Snapshot().Contains(r.Connector) {
			return notFound("Unknown connector: %s", r.Connector)
		}
		if !h.core.Leader() {
			return h.notLeader("Only the leader can process restart requests.")
		}
		plan, ok := h.plan(r)
		if !ok {
			return notFound("Status for connector %s not found", r.Connector)
		}
		if err := h.write(h.o.Configs.PutRestartRequest(ctx, r)); err != nil {
			return err
		}
		info = h.stateInfo(plan.Connector, plan.Tasks)
		return nil
	})
	return info, err
}

func (h *Herder) plan(r state.RestartRequest) (state.RestartPlan, bool) {
	status, ok := h.o.Statuses.Connector(r.Connector)
	if !ok {
		return state.RestartPlan{}, false
	}
	return state.PlanRestart(r, status, h.o.Statuses.Tasks(r.Connector)), true
}

// carryOutRestart restarts what a request names and this worker runs.
func (h *Herder) carryOutRestart(ctx context.Context, r state.RestartRequest) {
	plan, ok := h.plan(r)
	assignment := h.core.Assignment()
	if !ok || assignment == nil {
		return
	}
	connector := plan.RestartsConnector() && assignment.HasConnector(r.Connector)
	tasks := slices.DeleteFunc(plan.TasksToRestart(), func(id state.TaskID) bool { return !assignment.HasTask(id) })
	h.setStage("handling restart request for connector " + r.Connector)
	defer h.endStage()
	if connector {
		h.o.Worker.StopConnectors(ctx, []string{r.Connector})
		h.ConnectorState(r.Connector, state.Restarting, "", "")
	}
	if len(tasks) > 0 {
		h.o.Worker.StopTasks(ctx, tasks)
		for _, id := range tasks {
			h.TaskState(id, state.Restarting, "", "")
		}
	}
	if connector {
		h.startConnector(r.Connector)
	}
	for _, id := range tasks {
		h.startTask(id)
	}
}

// SetClusterLoggerLevel sets a logger's level on all workers (KIP-976).
func (h *Herder) SetClusterLoggerLevel(ctx context.Context, logger, level string) error {
	return h.o.Configs.PutLoggerLevel(ctx, logger, level)
}

// write notes a refused write, for the core to claim the topic again. It is called
// by the herder's goroutine.
func (h *Herder) write(err error) error {
	if err == nil {
		return nil
	}
	if store.IsPrivilegedWrite(err) {
		h.log.Warn("another worker has claimed the config topic", "err", err)
		h.fenced = true
		return errs.Wrap(errs.ClassConnect, err, "Failed to write to config topic; this may be due to a transient error and the request can be safely retried")
	}
	return err
}

func (h *Herder) writeTaskConfigs(ctx context.Context, name string, configs []map[string]string) error {
	if target, _ := h.configs().TargetState(name); len(configs) > 0 && target == state.TargetStopped {
		return badRequest("Cannot submit non-empty set of task configs for stopped connector %s", name)
	}
	stored := make([]state.Config, len(configs))
	for i, c := range configs {
		stored[i] = state.NewConfig(c)
	}
	return h.write(h.o.Configs.PutTaskConfigs(ctx, name, stored))
}
