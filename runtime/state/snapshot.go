package state

import (
	"fmt"
	"maps"
	"slices"
)

// NoOffset is the config offset before anything was read.
const NoOffset int64 = -1

// SessionKey signs the requests workers send each other (KIP-507).
type SessionKey struct {
	// Key is the secret itself. It must not be changed once it is in a snapshot.
	Key []byte
	// Algorithm is the name of the key's algorithm, such as "HmacSHA256".
	Algorithm string
	// CreationTimestamp is when it was made, in milliseconds since the Unix epoch.
	CreationTimestamp int64
}

// String shows the algorithm and the age, never the key.
func (k SessionKey) String() string {
	return fmt.Sprintf("SessionKey{key=[hidden], algorithm=%s, creation-timestamp=%d}", k.Algorithm, k.CreationTimestamp)
}

// GoString is String, so that %#v does not show the key either.
func (k SessionKey) GoString() string { return k.String() }

// SnapshotData is what a snapshot is built from. All maps are keyed by the
// connector's name unless they say otherwise; nil maps are empty.
type SnapshotData struct {
	// Offset is that of the last record read.
	Offset int64
	// SessionKey is nil as long as none was read.
	SessionKey *SessionKey
	// Connectors are the stored connector configs.
	Connectors map[string]Config
	// TargetStates may hold connectors that have no config yet.
	TargetStates map[string]TargetState
	// Tasks are the committed task configs.
	Tasks map[TaskID]Config
	// TaskCounts are the numbers of the last commit records.
	TaskCounts map[string]int
	// TaskCountRecords are the numbers of the last fencing records (KIP-618).
	TaskCountRecords map[string]int
	// TaskConfigGenerations count the committed sets of task configs, from 0.
	TaskConfigGenerations map[string]int
	// Applied are the connector configs the task configs stem from.
	Applied map[string]*AppliedConfig
	// PendingFencing are the connectors with task configs newer than their last
	// fencing record.
	PendingFencing map[string]bool
	// Inconsistent are the connectors whose last commit found task configs missing.
	Inconsistent map[string]bool
}

// ConfigSnapshot is the state of the config topic at one offset: Java's
// ClusterConfigState. It is immutable and safe to share. References to config
// providers are not resolved.
type ConfigSnapshot struct {
	d          SnapshotData
	connectors []string
}

// NewConfigSnapshot returns a snapshot that holds copies of the maps in d. The
// session key and the applied configs are shared.
func NewConfigSnapshot(d SnapshotData) *ConfigSnapshot {
	return &ConfigSnapshot{
		d: SnapshotData{
			Offset:                d.Offset,
			SessionKey:            d.SessionKey,
			Connectors:            maps.Clone(d.Connectors),
			TargetStates:          maps.Clone(d.TargetStates),
			Tasks:                 maps.Clone(d.Tasks),
			TaskCounts:            maps.Clone(d.TaskCounts),
			TaskCountRecords:      maps.Clone(d.TaskCountRecords),
			TaskConfigGenerations: maps.Clone(d.TaskConfigGenerations),
			Applied:               maps.Clone(d.Applied),
			PendingFencing:        maps.Clone(d.PendingFencing),
			Inconsistent:          maps.Clone(d.Inconsistent),
		},
		connectors: slices.Sorted(maps.Keys(d.Connectors)),
	}
}

// EmptySnapshot returns the snapshot of a config topic nothing was read from.
func EmptySnapshot() *ConfigSnapshot {
	return NewConfigSnapshot(SnapshotData{Offset: NoOffset})
}

// Offset is that of the last record read, NoOffset if none was.
func (s *ConfigSnapshot) Offset() int64 { return s.d.Offset }

// SessionKey returns the newest session key; false if none was read yet.
func (s *ConfigSnapshot) SessionKey() (SessionKey, bool) {
	if s.d.SessionKey == nil {
		return SessionKey{}, false
	}
	return *s.d.SessionKey, true
}

// Connectors returns the names of the connectors that have a config, sorted.
// The slice is a copy.
func (s *ConfigSnapshot) Connectors() []string { return slices.Clone(s.connectors) }

// Contains reports whether the connector has a config.
func (s *ConfigSnapshot) Contains(connector string) bool {
	_, ok := s.d.Connectors[connector]
	return ok
}

// RawConnectorConfig returns the connector's config as it is stored.
func (s *ConfigSnapshot) RawConnectorConfig(connector string) (Config, bool) {
	c, ok := s.d.Connectors[connector]
	return c, ok
}

// TargetState returns the connector's target state; false if it has none, which
// is so only for a connector without config.
func (s *ConfigSnapshot) TargetState(connector string) (TargetState, bool) {
	t, ok := s.d.TargetStates[connector]
	return t, ok
}

// RawTaskConfig returns the task's committed config as it is stored.
func (s *ConfigSnapshot) RawTaskConfig(task TaskID) (Config, bool) {
	c, ok := s.d.Tasks[task]
	return c, ok
}

// TaskCount returns the number of tasks of the connector's last commit record,
// 0 when there is none.
func (s *ConfigSnapshot) TaskCount(connector string) int { return s.d.TaskCounts[connector] }

// Tasks returns the ids of the connector's tasks in order: none when the
// connector is inconsistent or has no commit record.
func (s *ConfigSnapshot) Tasks(connector string) []TaskID {
	n := s.d.TaskCounts[connector]
	if n <= 0 || s.d.Inconsistent[connector] {
		return nil
	}
	ids := make([]TaskID, n)
	for i := range ids {
		ids[i] = TaskID{Connector: connector, Task: i}
	}
	return ids
}

// RawTaskConfigs returns the configs of Tasks(connector) by id. A task without a
// committed config is left out.
func (s *ConfigSnapshot) RawTaskConfigs(connector string) map[TaskID]Config {
	ids := s.Tasks(connector)
	m := make(map[TaskID]Config, len(ids))
	for _, id := range ids {
		if c, ok := s.d.Tasks[id]; ok {
			m[id] = c
		}
	}
	return m
}

// TaskCountRecord returns the number of the connector's last fencing record;
// false if there is none (KIP-618).
func (s *ConfigSnapshot) TaskCountRecord(connector string) (int, bool) {
	n, ok := s.d.TaskCountRecords[connector]
	return n, ok
}

// TaskConfigGeneration returns how many sets of task configs were committed for
// the connector before the current one; false if none was committed.
func (s *ConfigSnapshot) TaskConfigGeneration(connector string) (int, bool) {
	n, ok := s.d.TaskConfigGenerations[connector]
	return n, ok
}

// PendingFencing reports whether a round of zombie fencing must come before the
// connector's tasks may start (KIP-618).
func (s *ConfigSnapshot) PendingFencing(connector string) bool {
	return s.d.PendingFencing[connector]
}

// AppliedConnectorConfig returns the config from which the connector's task
// configs were generated; false if none were (KAFKA-17719).
func (s *ConfigSnapshot) AppliedConnectorConfig(connector string) (*AppliedConfig, bool) {
	a, ok := s.d.Applied[connector]
	return a, ok
}

// Inconsistent reports whether the connector's set of task configs is not
// complete: a write was cut short, then compacted. Such a connector is listed,
// has no tasks, and must generate its task configs anew.
func (s *ConfigSnapshot) Inconsistent(connector string) bool { return s.d.Inconsistent[connector] }

// InconsistentConnectors returns the names for which Inconsistent holds, sorted.
func (s *ConfigSnapshot) InconsistentConnectors() []string {
	var names []string
	for name, bad := range s.d.Inconsistent {
		if bad {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// String shows counts only, so that no secret of a config gets into a log.
func (s *ConfigSnapshot) String() string {
	return fmt.Sprintf("ConfigSnapshot{offset=%d, connectors=%d, tasks=%d}", s.d.Offset, len(s.connectors), len(s.d.Tasks))
}
