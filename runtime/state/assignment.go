package state

import (
	"fmt"
	"slices"
	"time"
)

// Versions of the Connect group protocol.
const (
	// ProtocolV0 is eager: each rebalance stops everything.
	ProtocolV0 int16 = 0
	// ProtocolV1 is incremental cooperative (KIP-415).
	ProtocolV1 int16 = 1
	// ProtocolV2 is ProtocolV1 with signed internal requests (KIP-507).
	ProtocolV2 int16 = 2
)

// Errors an assignment can carry.
const (
	// AssignmentOK: the assignment may be used.
	AssignmentOK int16 = 0
	// AssignmentConfigMismatch: the leader's snapshot is older than a member's,
	// and it could not catch up. Members read the config topic to its end and
	// join again.
	AssignmentConfigMismatch int16 = 1
)

// Assignment is what a member of the group of workers is to run: Java's
// ExtendedAssignment. Its slices must not be changed once it is handed on.
type Assignment struct {
	// Version is that of the group protocol, ProtocolV0 to ProtocolV2.
	Version int16
	// Error is AssignmentOK or AssignmentConfigMismatch.
	Error int16
	// Leader is the member id of the group's leader.
	Leader string
	// LeaderURL is the leader's advertised URL, such as "http://host:8083/".
	LeaderURL string
	// Offset is the config offset the leader assigned by. A member that has not
	// read so far must do so before it acts.
	Offset int64
	// Connectors and Tasks are to run on this member. In the bytes a
	// cooperative leader sends they are only the new ones; runtime/group adds
	// those the member keeps.
	Connectors []string
	Tasks      []TaskID
	// RevokedConnectors and RevokedTasks are to be stopped by this member.
	// Always empty with ProtocolV0.
	RevokedConnectors []string
	RevokedTasks      []TaskID
	// Delay is the time after which the member is to join again because lost
	// work waits for its worker to come back, 0 for none. Whole milliseconds,
	// at most the largest int32 of them.
	Delay time.Duration
}

// Failed reports whether the leader could not make an assignment.
func (a *Assignment) Failed() bool { return a.Error != AssignmentOK }

// Empty reports whether there is nothing to run.
func (a *Assignment) Empty() bool { return len(a.Connectors) == 0 && len(a.Tasks) == 0 }

// Revokes reports whether there is anything to stop.
func (a *Assignment) Revokes() bool {
	return len(a.RevokedConnectors) > 0 || len(a.RevokedTasks) > 0
}

// HasConnector reports whether the connector is to run on this member.
func (a *Assignment) HasConnector(name string) bool { return slices.Contains(a.Connectors, name) }

// HasTask reports whether the task is to run on this member.
func (a *Assignment) HasTask(id TaskID) bool { return slices.Contains(a.Tasks, id) }

// Clone returns a copy that shares no slice with a.
func (a *Assignment) Clone() *Assignment {
	c := *a
	c.Connectors = slices.Clone(a.Connectors)
	c.Tasks = slices.Clone(a.Tasks)
	c.RevokedConnectors = slices.Clone(a.RevokedConnectors)
	c.RevokedTasks = slices.Clone(a.RevokedTasks)
	return &c
}

// String is for logs.
func (a *Assignment) String() string {
	return fmt.Sprintf("Assignment{error=%d, leader='%s', leaderUrl='%s', offset=%d, connectorIds=%v, taskIds=%v, revokedConnectorIds=%v, revokedTaskIds=%v, delay=%d}",
		a.Error, a.Leader, a.LeaderURL, a.Offset, a.Connectors, a.Tasks, a.RevokedConnectors, a.RevokedTasks, a.Delay.Milliseconds())
}

// MemberState is what a worker tells the group about itself when it joins:
// Java's ExtendedWorkerState.
type MemberState struct {
	// URL is the worker's advertised URL with a slash at its end.
	URL string
	// Offset is the last config offset the worker has read.
	Offset int64
	// Assignment is what the worker runs now, or ran and has not given up; nil
	// when it has none, and always nil with ProtocolV0.
	Assignment *Assignment
	// Draining says that the worker is about to leave and has stopped all of
	// Assignment, so that it can be given to others at once. Apache's workers
	// never set it, and do not see it.
	Draining bool
}

// Owners says at which worker each connector and task runs: Java's LeaderState.
// Only the leader of the group knows it. It is immutable; nil is an empty one.
type Owners struct {
	connectors map[string]string
	tasks      map[TaskID]string
}

// NewOwners returns owners built from what each member runs; urls maps a member
// id to the worker's advertised URL.
func NewOwners(urls map[string]string, connectors map[string][]string, tasks map[string][]TaskID) *Owners {
	o := &Owners{connectors: map[string]string{}, tasks: map[TaskID]string{}}
	for member, names := range connectors {
		for _, name := range names {
			o.connectors[name] = urls[member]
		}
	}
	for member, ids := range tasks {
		for _, id := range ids {
			o.tasks[id] = urls[member]
		}
	}
	return o
}

// ConnectorURL returns the URL of the worker that runs the connector; false if
// none does.
func (o *Owners) ConnectorURL(name string) (string, bool) {
	if o == nil {
		return "", false
	}
	u, ok := o.connectors[name]
	return u, ok
}

// TaskURL returns the URL of the worker that runs the task; false if none does.
func (o *Owners) TaskURL(id TaskID) (string, bool) {
	if o == nil {
		return "", false
	}
	u, ok := o.tasks[id]
	return u, ok
}
