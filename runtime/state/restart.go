package state

import (
	"cmp"
	"fmt"
	"strings"
)

// RestartRequest asks for the restart of a connector and its tasks (KIP-745).
type RestartRequest struct {
	Connector string
	// OnlyFailed limits the restart to instances in state Failed.
	OnlyFailed bool
	// IncludeTasks extends the restart to the tasks.
	IncludeTasks bool
}

// RestartsConnector reports whether a connector with this status is restarted.
func (r RestartRequest) RestartsConnector(s ConnectorStatus) bool {
	return !r.OnlyFailed || s.State == Failed
}

// RestartsTask reports whether a task with this status is restarted.
func (r RestartRequest) RestartsTask(s TaskStatus) bool {
	return r.IncludeTasks && (!r.OnlyFailed || s.State == Failed)
}

// ConnectorOnly reports whether the request is for the connector instance alone,
// failed or not: such a request is carried out at once by the connector's owner
// and not written to the config topic.
func (r RestartRequest) ConnectorOnly() bool { return !r.OnlyFailed && !r.IncludeTasks }

// impact ranks requests by how much they may restart.
func (r RestartRequest) impact() int {
	n := 0
	if !r.OnlyFailed {
		n = 2
	}
	if r.IncludeTasks {
		n++
	}
	return n
}

// Compare orders by connector name, then by how much may be restarted: failed
// connector, failed connector and tasks, connector, connector and tasks. Of two
// pending requests for one connector the greater wins.
func (r RestartRequest) Compare(o RestartRequest) int {
	return cmp.Or(strings.Compare(r.Connector, o.Connector), cmp.Compare(r.impact(), o.impact()))
}

// String is the text Connect uses in messages and logs.
func (r RestartRequest) String() string {
	return fmt.Sprintf("restart request for {connectorName='%s', onlyFailed=%t, includeTasks=%t}", r.Connector, r.OnlyFailed, r.IncludeTasks)
}

// RestartPlan is what a restart request comes to, given the statuses at the
// time: Java's RestartPlan.
type RestartPlan struct {
	Request RestartRequest
	// Connector is the connector's status, with state Restarting if the
	// connector is to be restarted.
	Connector ConnectorStatus
	// Tasks are the statuses of all tasks in the order they were given, with
	// state Restarting for those that are to be restarted.
	Tasks []TaskStatus
}

// PlanRestart applies a request to the present statuses, which are not changed.
// A status that says Restarting already counts as to be restarted.
func PlanRestart(r RestartRequest, connector ConnectorStatus, tasks []TaskStatus) RestartPlan {
	if r.RestartsConnector(connector) {
		connector.State = Restarting
	}
	p := RestartPlan{Request: r, Connector: connector, Tasks: make([]TaskStatus, len(tasks))}
	for i, t := range tasks {
		if r.RestartsTask(t) {
			t.State = Restarting
		}
		p.Tasks[i] = t
	}
	return p
}

// RestartsConnector reports whether the connector instance is to be restarted.
func (p RestartPlan) RestartsConnector() bool { return p.Connector.State == Restarting }

// TasksToRestart returns the ids of the tasks to restart, in order.
func (p RestartPlan) TasksToRestart() []TaskID {
	var ids []TaskID
	for _, t := range p.Tasks {
		if t.State == Restarting {
			ids = append(ids, TaskID{Connector: p.Request.Connector, Task: t.ID.Task})
		}
	}
	return ids
}

// String is the text Connect logs.
func (p RestartPlan) String() string {
	what := ""
	if p.RestartsConnector() {
		what = "connector and "
	}
	return fmt.Sprintf("plan to restart %s%d of %d tasks for %s", what, len(p.TasksToRestart()), len(p.Tasks), p.Request)
}
