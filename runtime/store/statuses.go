package store

import (
	"context"

	"github.com/moldau-io/moldau/runtime/state"
)

// StatusStore keeps the statuses of connectors and tasks and the topics that
// connectors use: Java's StatusBackingStore. All methods may be called by several
// goroutines at once.
//
// Writes return at once. They take effect when they were read back from where they
// are kept, and are tried until they succeed or are out of date. A status with state
// Destroyed removes.
type StatusStore interface {
	// Start reads all there is. A store is started once.
	Start(ctx context.Context) error
	// Stop writes what is still to be written, ends all goroutines of the store and
	// waits for them, no longer than ctx allows.
	Stop(ctx context.Context) error
	// Flush returns when all writes so far are done or given up.
	Flush(ctx context.Context) error

	// PutConnector writes the status of a connector.
	PutConnector(status state.ConnectorStatus)
	// PutConnectorSafe writes it unless another worker reported in a newer generation.
	PutConnectorSafe(status state.ConnectorStatus)
	// PutTask writes the status of a task.
	PutTask(status state.TaskStatus)
	// PutTaskSafe writes it unless another worker reported in a newer generation.
	PutTaskSafe(status state.TaskStatus)
	// PutTopic notes that a connector uses a topic (KIP-558).
	PutTopic(status state.TopicStatus)
	// DeleteTopic forgets that a connector uses a topic.
	DeleteTopic(connector, topic string)

	// Connector returns a connector's status; false if there is none.
	Connector(connector string) (state.ConnectorStatus, bool)
	// Task returns a task's status; false if there is none.
	Task(id state.TaskID) (state.TaskStatus, bool)
	// Tasks returns the statuses of a connector's tasks, by number.
	Tasks(connector string) []state.TaskStatus
	// Read returns a number that grows whenever a status of the connector (task -1) or
	// of its task is read back, even an equal one; 0 if there is none.
	Read(connector string, task int) uint64
	// Topic returns a connector's use of a topic; false if there is none.
	Topic(connector, topic string) (state.TopicStatus, bool)
	// Topics returns the topics a connector uses, sorted by name.
	Topics(connector string) []state.TopicStatus
	// Connectors returns the names of the connectors that have or had a status, sorted.
	Connectors() []string
}
