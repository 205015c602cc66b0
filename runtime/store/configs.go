package store

import (
	"context"

	"github.com/moldau-io/moldau/runtime/state"
)

// ConfigStore keeps connector and task configurations, target states, session
// keys and what else workers tell each other through the config topic: Java's
// ConfigBackingStore. All methods may be called by several goroutines at once.
//
// Writes return once they are durable and, but for target states and logger
// levels, once they show in Snapshot. They end after 30 seconds, or when ctx does,
// with a ConnectException; the write may still take effect then.
type ConfigStore interface {
	// SetListener sets who hears of changes. It must come before Start.
	SetListener(ConfigListener)
	// Start reads all there is. Nothing is reported to the listener before it
	// returns. A store is started once.
	Start(ctx context.Context) error
	// Stop ends all goroutines of the store and waits for them. Writes and reads
	// that wait end with an error.
	Stop(ctx context.Context) error

	// Snapshot returns the present state.
	Snapshot() *state.ConfigSnapshot
	// Contains reports whether the connector has a config.
	Contains(connector string) bool
	// Refresh returns when all that was written before the call shows in Snapshot.
	Refresh(ctx context.Context) error

	// ClaimWritePrivileges makes this worker the only one whose privileged writes
	// succeed (invariant I5); it does nothing where writes are not fenced. A write
	// that fails with a *PrivilegedWriteError gives the privileges up.
	ClaimWritePrivileges(ctx context.Context) error

	// PutConnector writes a connector's config and, before it, its target state
	// unless that is "". Privileged.
	PutConnector(ctx context.Context, connector string, config state.Config, target state.TargetState) error
	// RemoveConnector removes the config and the target state. Privileged.
	RemoveConnector(ctx context.Context, connector string) error
	// PutTaskConfigs replaces all task configs of a connector, so that readers see
	// either all old or all new ones. Privileged.
	PutTaskConfigs(ctx context.Context, connector string, configs []state.Config) error
	// RemoveTaskConfigs removes all task configs of a connector. Privileged.
	RemoveTaskConfigs(ctx context.Context, connector string) error
	// PutTaskCountRecord writes how many tasks a later round of fencing must fence
	// out (KIP-618). Privileged.
	PutTaskCountRecord(ctx context.Context, connector string, tasks int) error
	// PutSessionKey distributes a new key (KIP-507). Privileged.
	PutSessionKey(ctx context.Context, key state.SessionKey) error
	// PutRestartRequest tells all workers of a restart (KIP-745). Privileged.
	PutRestartRequest(ctx context.Context, request state.RestartRequest) error
	// PutTargetState writes what a connector is to do. Any worker may.
	PutTargetState(ctx context.Context, connector string, target state.TargetState) error
	// PutLoggerLevel sets the level of a logger on all workers. Any worker may.
	PutLoggerLevel(ctx context.Context, logger, level string) error
}

// ConfigListener hears of changes in a ConfigStore after it was started: Java's
// ConfigBackingStore.UpdateListener. The methods are called in the order of the
// changes, by one goroutine, when the change already shows in Snapshot. They must
// return soon and must not call methods of the store that write or refresh.
type ConfigListener interface {
	// OnConnectorUpdate tells of a new or rewritten config, be it unchanged.
	OnConnectorUpdate(connector string)
	// OnConnectorRemove tells of a removed config.
	OnConnectorRemove(connector string)
	// OnTasksUpdate tells of a committed set of task configs, with the tasks whose
	// configs it brought. A set cut to no tasks gives an empty list.
	OnTasksUpdate(connector string, tasks []state.TaskID)
	// OnTargetStateChange tells of a target state that is not the one before.
	OnTargetStateChange(connector string)
	// OnSessionKey tells of a new session key.
	OnSessionKey(key state.SessionKey)
	// OnRestart tells of a restart request.
	OnRestart(request state.RestartRequest)
	// OnLoggerLevel tells of a logger's new level. A level written before the
	// store was started is not reported.
	OnLoggerLevel(logger, level string)
}
