package herder

import (
	"context"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/runtime/state"
)

// Group is the worker's membership in the group of workers. It tells the herder of
// joins and revocations through a Listener.
type Group interface {
	// Start begins to join, and returns at once.
	Start(ctx context.Context, l Listener) error
	// RequestRejoin asks for a new assignment.
	RequestRejoin(reason string)
	// Leave gives up membership until the next RequestRejoin.
	Leave(ctx context.Context, reason string)
	// OwnerURL returns the URL of the worker that runs a connector or, for a task
	// from 0, a task; "" when it is not known. Only a leader knows.
	OwnerURL(connector string, task int) string
	// Stop leaves the group and waits for what Start began.
	Stop(ctx context.Context) error
}

// Listener is told of the group's doings. Calls come one after the other.
type Listener interface {
	// OnJoined tells of a new assignment.
	OnJoined(Joined)
	// OnRevoked returns when everything named has stopped.
	OnRevoked(Revoked)
	// OnLost returns when everything has been told to stop.
	OnLost()
	// Snapshot returns the configuration to assign by and to report to the group.
	Snapshot() *state.ConfigSnapshot
	// Refresh reads the config topic to its end, for a leader that is behind.
	Refresh(ctx context.Context) (*state.ConfigSnapshot, error)
}

// Worker runs connectors and tasks.
type Worker interface {
	// StartConnector and StartTask return at once; what becomes of it is reported as
	// a status.
	StartConnector(ConnectorSpec)
	StartTask(TaskSpec)
	// StopConnectors and StopTasks wait for a graceful end for a bounded time.
	StopConnectors(ctx context.Context, names []string)
	StopTasks(ctx context.Context, ids []state.TaskID)
	// Abandon stops everything without waiting for graceful ends.
	Abandon(ctx context.Context)
	SetTargetState(connector string, target state.TargetState)
	// ConnectorRunning says whether the connector runs here and has started.
	ConnectorRunning(name string) bool
	// TaskConfigs asks a running connector for its tasks' settings.
	TaskConfigs(ctx context.Context, name string, config map[string]string) ([]map[string]string, error)
	// Resolve replaces the references to config providers.
	Resolve(ctx context.Context, connector string, config map[string]string) (map[string]string, error)
	// IsSource says whether a configuration is a source connector's.
	IsSource(config map[string]string) (bool, error)
	// FenceTasks makes the tasks' producers of earlier generations unable to write.
	FenceTasks(ctx context.Context, connector string, config map[string]string, tasks int) error
	Offsets(ctx context.Context, connector string, config map[string]string) ([]connect.PartitionOffset, error)
	// ModifyOffsets alters offsets, or resets them all when offsets is nil, and
	// returns the message for the client.
	ModifyOffsets(ctx context.Context, connector string, config map[string]string, offsets []connect.PartitionOffset) (string, error)
}

// ConnectorSpec says how to start a connector.
type ConnectorSpec struct {
	Name string
	// Config is the raw configuration.
	Config map[string]string
	Target state.TargetState
}

// TaskSpec says how to start a task.
type TaskSpec struct {
	ID state.TaskID
	// Connector and Task are the raw configurations.
	Connector, Task map[string]string
	Target          state.TargetState
	// Tasks is how many tasks the connector has.
	Tasks int
	// Fence, for exactly-once sources, fences earlier generations before the task's
	// producer starts, and Verify checks after it that the task is still wanted (KIP-618).
	Fence, Verify func(ctx context.Context) error
}

// Peers sends the requests that workers send each other.
type Peers interface {
	// PutTaskConfigs hands task configurations to the leader.
	PutTaskConfigs(ctx context.Context, leaderURL, connector string, configs []map[string]string, key *state.SessionKey) error
	// Fence asks the leader for a round of zombie fencing.
	Fence(ctx context.Context, leaderURL, connector string, key *state.SessionKey) error
}

// Validator checks a connector's configuration and returns a *errs.Error of class
// BadRequestException that lists what is wrong with it.
type Validator interface {
	Check(ctx context.Context, config map[string]string) error
}
