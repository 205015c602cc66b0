package store

import (
	"errors"
	"log/slog"
	"slices"
	"sync"

	"github.com/moldau-io/moldau/runtime/state"
)

// configState is what the records of a config topic add up to
// (KafkaConfigBackingStore). Records are applied by one goroutine at a time; the rest
// is safe for concurrent use.
type configState struct {
	topic  string
	logger *slog.Logger

	mu       sync.Mutex
	data     state.SnapshotData
	deferred map[string]map[state.TaskID]state.Config // task configs without their commit
	snapshot *state.ConfigSnapshot                    // nil when data has changed since
	listener ConfigListener                           // nil before the store is started
}

func newConfigState(topic string, logger *slog.Logger) *configState {
	return &configState{
		topic:  topic,
		logger: logger,
		data: state.SnapshotData{
			Offset:                state.NoOffset,
			Connectors:            map[string]state.Config{},
			TargetStates:          map[string]state.TargetState{},
			Tasks:                 map[state.TaskID]state.Config{},
			TaskCounts:            map[string]int{},
			TaskCountRecords:      map[string]int{},
			TaskConfigGenerations: map[string]int{},
			Applied:               map[string]*state.AppliedConfig{},
			PendingFencing:        map[string]bool{},
			Inconsistent:          map[string]bool{},
		},
		deferred: map[string]map[state.TaskID]state.Config{},
	}
}

// Snapshot returns the present state.
func (s *configState) Snapshot() *state.ConfigSnapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.snapshot == nil {
		s.snapshot = state.NewConfigSnapshot(s.data)
	}
	return s.snapshot
}

// Contains reports whether the connector has a config.
func (s *configState) Contains(connector string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.data.Connectors[connector]
	return ok
}

// listen lets the listener hear of what is applied from now on.
func (s *configState) listen(l ConfigListener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listener = l
}

// read applies a record of the topic; one that says nothing is skipped with a line in
// the log.
func (s *configState) read(key *string, value []byte, partition int32, offset int64) {
	r, err := decodeConfig(key, value)
	s.mu.Lock()
	var notJSON errNotJSON
	if !errors.As(err, &notJSON) {
		s.data.Offset = offset + 1 // of the next record, as consumers count
	}
	var notify func(ConfigListener)
	if err == nil {
		notify = s.apply(r)
	}
	s.snapshot = nil
	listener := s.listener
	s.mu.Unlock()
	if err != nil {
		s.logger.Error("Skipping a record of the config topic", "topic", s.topic, "partition", partition, "offset", offset, "reason", err)
		return
	}
	if notify != nil && listener != nil {
		notify(listener)
	}
}

// apply changes the state and returns what to tell the listener, if anything.
func (s *configState) apply(r any) func(ConfigListener) {
	switch r := r.(type) {
	case connectorRecord:
		return s.applyConnector(r)
	case taskRecord:
		if s.deferred[r.id.Connector] == nil {
			s.deferred[r.id.Connector] = map[state.TaskID]state.Config{}
		}
		s.deferred[r.id.Connector][r.id] = r.config
	case commitRecord:
		return s.applyCommit(r)
	case targetRecord:
		return s.applyTarget(r)
	case taskCountRecord:
		s.data.TaskCountRecords[r.connector] = r.tasks
		delete(s.data.PendingFencing, r.connector)
	case sessionKeyRecord:
		s.data.SessionKey = &r.key
		return func(l ConfigListener) { l.OnSessionKey(r.key) }
	case restartRecord:
		return func(l ConfigListener) { l.OnRestart(r.request) }
	case loggerRecord:
		return func(l ConfigListener) { l.OnLoggerLevel(r.logger, r.level) }
	}
	return nil
}

func (s *configState) applyConnector(r connectorRecord) func(ConfigListener) {
	if r.config == nil {
		s.remove(r.connector)
		return func(l ConfigListener) { l.OnConnectorRemove(r.connector) }
	}
	s.data.Connectors[r.connector] = *r.config
	if _, ok := s.data.TargetStates[r.connector]; !ok {
		s.data.TargetStates[r.connector] = state.TargetStarted
	}
	return func(l ConfigListener) { l.OnConnectorUpdate(r.connector) }
}

func (s *configState) remove(connector string) {
	delete(s.data.Connectors, connector)
	delete(s.data.TaskCounts, connector)
	delete(s.data.Applied, connector)
	delete(s.deferred, connector)
	for id := range s.data.Tasks {
		if id.Connector == connector {
			delete(s.data.Tasks, id)
		}
	}
}

func (s *configState) applyTarget(r targetRecord) func(ConfigListener) {
	_, exists := s.data.Connectors[r.connector]
	if r.target == "" {
		// Listeners hear of the removal of the config instead.
		delete(s.data.TargetStates, r.connector)
		if exists {
			s.data.TargetStates[r.connector] = state.TargetStarted
		}
		return nil
	}
	before := s.data.TargetStates[r.connector]
	s.data.TargetStates[r.connector] = r.target
	if before == r.target || !exists {
		return nil
	}
	return func(l ConfigListener) { l.OnTargetStateChange(r.connector) }
}

// applyCommit puts the task configs read before into force, if they are a whole set:
// a reader never acts on half of one. Compaction can remove a part of a set that a
// dead leader began to replace.
func (s *configState) applyCommit(r commitRecord) func(ConfigListener) {
	config, exists := s.data.Connectors[r.connector]
	if !exists {
		// What is left of a connector whose records were compacted away.
		s.remove(r.connector)
		return nil
	}
	deferred := s.deferred[r.connector]
	updated := []state.TaskID{}
	if whole(r.connector, deferred, r.tasks) {
		for id, c := range deferred {
			s.data.Tasks[id] = c
			updated = append(updated, id)
		}
		slices.SortFunc(updated, state.CompareTaskIDs)
		if deferred != nil {
			if n, ok := s.data.TaskConfigGenerations[r.connector]; ok {
				s.data.TaskConfigGenerations[r.connector] = n + 1
			} else {
				s.data.TaskConfigGenerations[r.connector] = 0
			}
		}
		delete(s.data.Inconsistent, r.connector)
		s.data.Applied[r.connector] = state.NewAppliedConfig(config)
	} else {
		s.data.Inconsistent[r.connector] = true
	}
	clear(deferred) // also of a set that was not whole: the next one must be all new
	s.data.TaskCounts[r.connector] = r.tasks
	s.data.PendingFencing[r.connector] = true
	return func(l ConfigListener) { l.OnTasksUpdate(r.connector, updated) }
}

// whole says whether there is a config for each of the tasks. More may be left from
// an older, larger set.
func whole(connector string, configs map[state.TaskID]state.Config, tasks int) bool {
	if len(configs) < tasks {
		return false
	}
	for i := range tasks {
		if _, ok := configs[state.TaskID{Connector: connector, Task: i}]; !ok {
			return false
		}
	}
	return true
}
