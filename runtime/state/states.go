package state

// State is what a connector or task instance is doing, as the status topic and
// the REST API spell it: Java's AbstractStatus.State.
type State string

const (
	// Unassigned: no worker runs the instance.
	Unassigned State = "UNASSIGNED"
	// Running: the instance was started and did not fail.
	Running State = "RUNNING"
	// Paused: the instance exists and does no work.
	Paused State = "PAUSED"
	// Failed: the instance ended with an error, kept as the status's trace.
	Failed State = "FAILED"
	// Destroyed: the instance was removed. Never shown; such statuses are
	// written as tombstones.
	Destroyed State = "DESTROYED"
	// Restarting: a restart was asked for and is under way (KIP-745).
	Restarting State = "RESTARTING"
	// Stopped: the connector is stopped and has no tasks (KIP-875). Never the
	// state of a task.
	Stopped State = "STOPPED"
)

// ParseState returns the state with this name; false when there is none.
func ParseState(name string) (State, bool) {
	switch s := State(name); s {
	case Unassigned, Running, Paused, Failed, Destroyed, Restarting, Stopped:
		return s, true
	}
	return "", false
}

// TargetState is what the user wants a connector to do: Java's TargetState.
type TargetState string

const (
	// TargetStarted: the connector and its tasks are to run. The default.
	TargetStarted TargetState = "STARTED"
	// TargetPaused: the connector and its tasks stay in place and do no work.
	TargetPaused TargetState = "PAUSED"
	// TargetStopped: the tasks are shut down and their configs emptied (KIP-875).
	TargetStopped TargetState = "STOPPED"
)

// ParseTargetState returns the target state with this name; false when there is
// none.
func ParseTargetState(name string) (TargetState, bool) {
	switch s := TargetState(name); s {
	case TargetStarted, TargetPaused, TargetStopped:
		return s, true
	}
	return "", false
}
