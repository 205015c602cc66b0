package state

// ConnectorStatus is the last reported status of a connector instance: Java's
// ConnectorStatus, one record of the status topic.
type ConnectorStatus struct {
	Connector string
	State     State
	// Trace is the error of a failed instance. HasTrace is false when the
	// stored trace is null, which is not the same as an empty one.
	Trace    string
	HasTrace bool
	// WorkerID is "<host>:<port>" of the worker that reported it.
	WorkerID string
	// Generation is the group's generation at the time of the report. A report
	// of an older generation must not replace one of a newer.
	Generation int
	// Version is the plugin's version. HasVersion is false when it is null.
	Version    string
	HasVersion bool
}

// TaskStatus is the last reported status of a task instance: Java's TaskStatus.
// The fields mean what they mean in ConnectorStatus.
type TaskStatus struct {
	ID         TaskID
	State      State
	Trace      string
	HasTrace   bool
	WorkerID   string
	Generation int
	Version    string
	HasVersion bool
}

// TopicStatus says that a connector used a topic (KIP-558): Java's TopicStatus.
type TopicStatus struct {
	Topic     string
	Connector string
	// Task is the number of the task that used the topic first.
	Task int
	// DiscoverTimestamp is when it did, in milliseconds since the Unix epoch.
	DiscoverTimestamp int64
}
