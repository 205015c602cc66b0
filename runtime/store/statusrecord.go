package store

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/runtime/state"
)

// Keys of the status topic (KafkaStatusBackingStore).
const (
	connectorStatusPrefix = "status-connector-"
	taskStatusPrefix      = "status-task-"
	topicStatusPrefix     = "status-topic-"
	topicStatusSeparator  = ":connector-"
)

// statusKey says what a record of the status topic is about.
type statusKey struct {
	kind      statusKind
	connector string
	task      int
	topic     string
}

type statusKind int

const (
	connectorKind statusKind = iota
	taskKind
	topicKind
)

// String is the record's key.
func (k statusKey) String() string {
	switch k.kind {
	case connectorKind:
		return connectorStatusPrefix + k.connector
	case taskKind:
		return taskStatusPrefix + k.connector + "-" + strconv.Itoa(k.task)
	}
	return topicStatusPrefix + k.topic + topicStatusSeparator + k.connector
}

// parseStatusKey reads the key of a record.
func parseStatusKey(key []byte) (statusKey, error) {
	if key == nil {
		return statusKey{}, errors.New("the key is null")
	}
	k := string(key)
	switch {
	case strings.HasPrefix(k, connectorStatusPrefix):
		if name := k[len(connectorStatusPrefix):]; name != "" {
			return statusKey{kind: connectorKind, connector: name}, nil
		}
	case strings.HasPrefix(k, taskStatusPrefix):
		if id, ok := parseTaskKey(k[len(taskStatusPrefix):]); ok {
			return statusKey{kind: taskKind, connector: id.Connector, task: id.Task}, nil
		}
	case strings.HasPrefix(k, topicStatusPrefix):
		// A topic's name has no colon, a connector's may have.
		topic, rest, _ := strings.Cut(k[len(topicStatusPrefix):], ":")
		connector, ok := strings.CutPrefix(":"+rest, topicStatusSeparator)
		if ok && topic != "" && connector != "" {
			return statusKey{kind: topicKind, connector: connector, topic: topic}, nil
		}
	}
	return statusKey{}, fmt.Errorf("invalid key %q", clip(k))
}

// status holds what connector and task statuses have in common.
type status struct {
	state      state.State
	trace      string
	hasTrace   bool
	worker     string
	generation int
	version    string
	hasVersion bool
}

func ofConnector(s state.ConnectorStatus) status {
	return status{s.State, s.Trace, s.HasTrace, s.WorkerID, s.Generation, s.Version, s.HasVersion}
}

func ofTask(s state.TaskStatus) status {
	return status{s.State, s.Trace, s.HasTrace, s.WorkerID, s.Generation, s.Version, s.HasVersion}
}

func (s status) of(connector string) state.ConnectorStatus {
	return state.ConnectorStatus{Connector: connector, State: s.state, Trace: s.trace, HasTrace: s.hasTrace,
		WorkerID: s.worker, Generation: s.generation, Version: s.version, HasVersion: s.hasVersion}
}

func (s status) ofTask(id state.TaskID) state.TaskStatus {
	return state.TaskStatus{ID: id, State: s.state, Trace: s.trace, HasTrace: s.hasTrace,
		WorkerID: s.worker, Generation: s.generation, Version: s.version, HasVersion: s.hasVersion}
}

// encode returns the value of the status's record, nil for a destroyed instance.
func (s status) encode() []byte {
	if s.state == state.Destroyed {
		return nil
	}
	b := appendString([]byte(`{"state":`), string(s.state))
	b = appendNullable(append(b, `,"trace":`...), s.trace, s.hasTrace)
	b = appendString(append(b, `,"worker_id":`...), s.worker)
	b = strconv.AppendInt(append(b, `,"generation":`...), int64(s.generation), 10)
	b = appendNullable(append(b, `,"version":`...), s.version, s.hasVersion)
	return append(b, '}')
}

func decodeStatus(value []byte) (status, error) {
	v, err := parseJSON(value)
	if err != nil {
		return status{}, err
	}
	m, err := object(v)
	if err != nil {
		return status{}, err
	}
	name, err := stringField(m, "state")
	if err != nil {
		return status{}, err
	}
	st, ok := state.ParseState(name)
	if !ok {
		return status{}, fmt.Errorf("unknown state %q", clip(name))
	}
	s := status{state: st}
	if s.trace, s.hasTrace, err = nullableField(m, "trace"); err != nil {
		return status{}, err
	}
	if s.worker, _, err = nullableField(m, "worker_id"); err != nil {
		return status{}, err
	}
	generation, err := intField(m, "generation")
	if err != nil {
		return status{}, err
	}
	s.generation = int(int32(generation)) // as Java narrows it
	s.version, s.hasVersion, err = nullableField(m, "version")
	return s, err
}

// nullableField returns a field that is a string, or null or missing.
func nullableField(m *schema.MapValue, name string) (string, bool, error) {
	v, _ := m.GetString(name)
	switch v.Kind() {
	case schema.KindNull:
		return "", false, nil
	case schema.KindString:
		return v.Str(), true, nil
	}
	return "", false, fmt.Errorf("field '%s' is not a string but %s", name, v.Kind())
}

func encodeTopicStatus(s state.TopicStatus) []byte {
	b := appendString([]byte(`{"topic":{"name":`), s.Topic)
	b = appendString(append(b, `,"connector":`...), s.Connector)
	b = strconv.AppendInt(append(b, `,"task":`...), int64(s.Task), 10)
	b = strconv.AppendInt(append(b, `,"discoverTimestamp":`...), s.DiscoverTimestamp, 10)
	return append(b, "}}"...)
}

func decodeTopicStatus(value []byte) (state.TopicStatus, error) {
	v, err := parseJSON(value)
	if err != nil {
		return state.TopicStatus{}, err
	}
	outer, err := object(v)
	if err != nil {
		return state.TopicStatus{}, err
	}
	inner, _ := outer.GetString("topic")
	if inner.Kind() != schema.KindMap {
		return state.TopicStatus{}, fmt.Errorf("field 'topic' is not an object but %s", inner.Kind())
	}
	m := inner.Map()
	var s state.TopicStatus
	if s.Topic, err = stringField(m, "name"); err != nil {
		return state.TopicStatus{}, err
	}
	if s.Connector, err = stringField(m, "connector"); err != nil {
		return state.TopicStatus{}, err
	}
	task, err := intField(m, "task")
	if err != nil {
		return state.TopicStatus{}, err
	}
	s.Task = int(int32(task))
	s.DiscoverTimestamp, err = intField(m, "discoverTimestamp")
	return s, err
}
