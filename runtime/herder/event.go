package herder

import "github.com/moldau-io/moldau/runtime/state"

// Event is something that happened and may call for action.
type Event interface{ event() }

// Joined says that the worker is a member of the group and what it is to run: all
// of it, with what it must give up listed as revoked.
type Joined struct {
	Assignment *state.Assignment
	Generation int
	Leader     bool
	// Protocol is the version of the group protocol: 0 eager, 1 and 2 incremental.
	Protocol int
}

// Revoked says that the worker must stop these before it joins again.
type Revoked struct {
	Connectors []string
	Tasks      []state.TaskID
}

// Lost says that the worker's place in the group may be given away at any moment:
// everything must stop at once (invariant I6).
type Lost struct{}

// ConfigsRead is the outcome of a ReadConfigs action; Snapshot is nil when the end
// of the config topic was not reached in time.
type ConfigsRead struct{ Snapshot *state.ConfigSnapshot }

// ConfigsChanged carries what the config topic said since the last one, with the
// snapshot that includes it.
type ConfigsChanged struct {
	Snapshot *state.ConfigSnapshot
	// Connectors whose configuration was written or removed.
	Connectors []string
	// Planned are connectors whose task configurations were committed, Tasks the tasks.
	Planned []string
	Tasks   []state.TaskID
	// Targets are connectors whose target state changed.
	Targets []string
	// Restarts are restart requests.
	Restarts []state.RestartRequest
	// SessionKey says that there is a new session key in the snapshot.
	SessionKey bool
}

// Claimed is the outcome of a ClaimWrites action.
type Claimed struct{ OK bool }

// Fenced says that a write to the config topic was refused because another worker
// has claimed it.
type Fenced struct{}

// SessionKeyWritten is the outcome of a WriteSessionKey action.
type SessionKeyWritten struct{ OK bool }

// Tick says that time has passed.
type Tick struct{}

func (Joined) event()            {}
func (Revoked) event()           {}
func (Lost) event()              {}
func (ConfigsRead) event()       {}
func (ConfigsChanged) event()    {}
func (Claimed) event()           {}
func (Fenced) event()            {}
func (SessionKeyWritten) event() {}
func (Tick) event()              {}

// Action is something the driver must do.
type Action interface{ action() }

// ReadConfigs reads the config topic to its end; ConfigsRead answers it.
type ReadConfigs struct{}

// Rejoin asks the group for a new assignment.
type Rejoin struct{ Reason string }

// LeaveGroup gives up membership so that others need not wait; the group joins
// again with the next Rejoin.
type LeaveGroup struct{ Reason string }

// StartConnectors starts connectors.
type StartConnectors struct{ Names []string }

// StopConnectors stops connectors and waits for them, for a bounded time.
type StopConnectors struct{ Names []string }

// StartTasks starts tasks.
type StartTasks struct{ IDs []state.TaskID }

// StopTasks stops tasks and waits for them, for a bounded time.
type StopTasks struct{ IDs []state.TaskID }

// AbandonAll stops everything without waiting for graceful ends.
type AbandonAll struct{}

// SetTargetState moves a connector and its tasks to its target state.
type SetTargetState struct {
	Connector string
	Target    state.TargetState
}

// ClaimWrites makes this worker the only one that can write to the config topic
// (invariant I5); Claimed answers it.
type ClaimWrites struct{}

// WriteSessionKey writes a new session key (KIP-507); SessionKeyWritten answers it.
type WriteSessionKey struct{}

// SweepStatuses removes the statuses of connectors and tasks that are gone.
type SweepStatuses struct{}

// Restart carries out a restart request (KIP-745) for what this worker runs.
type Restart struct{ Request state.RestartRequest }

// ForgetTopics removes the active topics of deleted connectors (KIP-558).
type ForgetTopics struct{ Connectors []string }

// AbortFencing ends rounds of zombie fencing that new task configurations made
// pointless (KIP-618).
type AbortFencing struct{ Connectors []string }

func (ReadConfigs) action()     {}
func (Rejoin) action()          {}
func (LeaveGroup) action()      {}
func (StartConnectors) action() {}
func (StopConnectors) action()  {}
func (StartTasks) action()      {}
func (StopTasks) action()       {}
func (AbandonAll) action()      {}
func (SetTargetState) action()  {}
func (ClaimWrites) action()     {}
func (WriteSessionKey) action() {}
func (SweepStatuses) action()   {}
func (Restart) action()         {}
func (ForgetTopics) action()    {}
func (AbortFencing) action()    {}
