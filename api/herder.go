package api

import (
	"context"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/runtime/herder"
	"github.com/moldau-io/moldau/runtime/state"
	"github.com/moldau-io/moldau/runtime/validate"
)

// Herder is what the API needs of a worker.
type Herder interface {
	Ready() bool
	Health(ctx context.Context) error
	ClusterID() string

	Connectors() []string
	Connector(name string) (herder.Info, error)
	Tasks(name string) ([]herder.TaskInfo, error)
	Status(name string) (herder.StateInfo, error)
	TaskStatus(id state.TaskID) (state.TaskStatus, error)
	ActiveTopics(name string) []string
	ResetActiveTopics(ctx context.Context, name string) error

	PutConnector(ctx context.Context, name string, config map[string]string, target state.TargetState, replace bool) (herder.Info, bool, error)
	PatchConnector(ctx context.Context, name string, patch map[string]*string) (herder.Info, error)
	DeleteConnector(ctx context.Context, name string) error
	Pause(ctx context.Context, name string) error
	Resume(ctx context.Context, name string) error
	Stop(ctx context.Context, name string) error
	RestartConnector(ctx context.Context, name string) error
	RestartTask(ctx context.Context, id state.TaskID) error
	Restart(ctx context.Context, r state.RestartRequest) (herder.StateInfo, error)

	// Mark and Progress follow a change until connector and tasks run.
	Mark(name string) *herder.Mark
	Progress(name string, m *herder.Mark) (herder.StateInfo, herder.Outcome)

	Offsets(ctx context.Context, name string) ([]connect.PartitionOffset, error)
	ModifyOffsets(ctx context.Context, name string, offsets []connect.PartitionOffset) (string, error)

	SetClusterLoggerLevel(ctx context.Context, logger, level string) error

	PutTaskConfigs(ctx context.Context, name string, tasks []map[string]string, sig *herder.Signature) error
	Fence(ctx context.Context, name string, sig *herder.Signature) error
}

// Validator checks connector configurations; a nil value is a null that was given.
type Validator interface {
	Validate(ctx context.Context, config map[string]*string) (*validate.Infos, error)
	// CheckNullable returns an error with all that is wrong, nil for nothing.
	CheckNullable(ctx context.Context, config map[string]*string) error
	// Secrets returns the keys of a configuration that hold secrets.
	Secrets(config map[string]string) map[string]bool
	// PluginConfig returns the definition of a plugin's settings.
	PluginConfig(ctx context.Context, plugin, version string) ([]validate.KeyInfo, error)
}
