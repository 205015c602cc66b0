package herder

import "github.com/moldau-io/moldau/runtime/state"

// safe says whether a status must not overwrite what another worker wrote since:
// the ends of work, which may be reported late.
func safe(s state.State) bool { return s == state.Unassigned || s == state.Failed }

// ConnectorState writes a connector's new state; trace is its error, "" if it did not fail.
func (h *Herder) ConnectorState(name string, s state.State, trace, version string) {
	status := state.ConnectorStatus{Connector: name, State: s, WorkerID: h.o.WorkerID, Generation: h.Generation(), Version: version, HasVersion: version != ""}
	status.Trace, status.HasTrace = trace, trace != ""
	if safe(s) {
		h.o.Statuses.PutConnectorSafe(status)
	} else {
		h.o.Statuses.PutConnector(status)
	}
}

// TaskState writes a task's new state; trace is its error, "" if it did not fail.
func (h *Herder) TaskState(id state.TaskID, s state.State, trace, version string) {
	status := state.TaskStatus{ID: id, State: s, WorkerID: h.o.WorkerID, Generation: h.Generation(), Version: version, HasVersion: version != ""}
	status.Trace, status.HasTrace = trace, trace != ""
	if safe(s) {
		h.o.Statuses.PutTaskSafe(status)
	} else {
		h.o.Statuses.PutTask(status)
	}
}

// TopicUsed notes that a connector's task uses a topic (KIP-558).
func (h *Herder) TopicUsed(s state.TopicStatus) { h.o.Statuses.PutTopic(s) }
