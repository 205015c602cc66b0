package store

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/runtime/state"
)

// Keys of the config topic (KafkaConfigBackingStore).
const (
	connectorPrefix    = "connector-"
	taskPrefix         = "task-"
	commitPrefix       = "commit-"
	targetStatePrefix  = "target-state-"
	taskCountPrefix    = "tasks-fencing-"
	restartPrefix      = "restart-connector-"
	loggerPrefix       = "logger-cluster-"
	sessionKeyKey      = "session-key"
	maxTasks           = 1 << 24 // more tasks of one connector are surely not meant
	loggedValue        = 80
	restartIncludeKey  = "include-tasks"
	restartOnlyFailKey = "only-failed"
)

// record is the key and value of one record; a nil value is a tombstone.
type record struct {
	key   string
	value []byte
}

// The kinds of records in the config topic, each as what it says.
type (
	connectorRecord struct {
		connector string
		config    *state.Config // nil removes
	}
	taskRecord struct {
		id     state.TaskID
		config state.Config
	}
	commitRecord struct {
		connector string
		tasks     int
	}
	targetRecord struct {
		connector string
		target    state.TargetState // "" removes
	}
	taskCountRecord struct {
		connector string
		tasks     int
	}
	sessionKeyRecord struct{ key state.SessionKey }
	restartRecord    struct{ request state.RestartRequest }
	loggerRecord     struct{ logger, level string }
)

// errNotJSON marks values that are not JSON at all. The config offset does not move
// past them, since a Java worker's does not either.
type errNotJSON struct{ error }

func (e errNotJSON) Unwrap() error { return e.error }

// decodeConfig reads one record of the config topic. key is nil for a null key.
func decodeConfig(key *string, value []byte) (any, error) {
	v, err := parseNullable(value)
	if err != nil {
		return nil, errNotJSON{err}
	}
	if key == nil {
		return nil, errors.New("the key is null")
	}
	k := *key
	switch {
	case strings.HasPrefix(k, targetStatePrefix):
		return decodeTarget(k[len(targetStatePrefix):], v)
	case strings.HasPrefix(k, connectorPrefix):
		if v.IsNull() {
			return connectorRecord{connector: k[len(connectorPrefix):]}, nil
		}
		c, err := decodeProperties(v)
		return connectorRecord{k[len(connectorPrefix):], &c}, err
	case strings.HasPrefix(k, taskPrefix):
		id, ok := parseTaskKey(k[len(taskPrefix):])
		if !ok {
			return nil, fmt.Errorf("the key %q is not that of a task", k)
		}
		c, err := decodeProperties(v)
		return taskRecord{id, c}, err
	case strings.HasPrefix(k, commitPrefix):
		n, err := decodeCount(v, "tasks")
		return commitRecord{k[len(commitPrefix):], n}, err
	case strings.HasPrefix(k, restartPrefix):
		return decodeRestart(k[len(restartPrefix):], v)
	case strings.HasPrefix(k, taskCountPrefix):
		n, err := decodeCount(v, "task-count")
		return taskCountRecord{k[len(taskCountPrefix):], n}, err
	case k == sessionKeyKey:
		return decodeSessionKey(v)
	case strings.HasPrefix(k, loggerPrefix):
		m, err := object(v)
		if err != nil {
			return nil, err
		}
		level, err := stringField(m, "level")
		return loggerRecord{k[len(loggerPrefix):], level}, err
	}
	return nil, fmt.Errorf("unknown key %q", k)
}

// parseTaskKey splits "<connector>-<number>".
func parseTaskKey(s string) (state.TaskID, bool) {
	i := strings.LastIndexByte(s, '-')
	if i < 0 {
		return state.TaskID{}, false
	}
	n, err := strconv.ParseInt(s[i+1:], 10, 32)
	if err != nil || n < 0 {
		return state.TaskID{}, false
	}
	return state.TaskID{Connector: s[:i], Task: int(n)}, true
}

func object(v schema.Value) (*schema.MapValue, error) {
	if v.Kind() != schema.KindMap {
		return nil, fmt.Errorf("the value is not an object but %s", v.Kind())
	}
	return v.Map(), nil
}

func stringField(m *schema.MapValue, name string) (string, error) {
	v, _ := m.GetString(name)
	if v.Kind() != schema.KindString {
		return "", fmt.Errorf("field '%s' is not a string but %s", name, v.Kind())
	}
	return v.Str(), nil
}

func intField(m *schema.MapValue, name string) (int64, error) {
	v, _ := m.GetString(name)
	if v.Kind() != schema.KindInt64 {
		return 0, fmt.Errorf("field '%s' is not an integer but %s", name, v.Kind())
	}
	return v.Int64(), nil
}

func decodeCount(v schema.Value, name string) (int, error) {
	m, err := object(v)
	if err != nil {
		return 0, err
	}
	n, err := intField(m, name)
	if err == nil && (n < 0 || n > maxTasks) {
		err = fmt.Errorf("field '%s' is %d", name, n)
	}
	return int(n), err
}

func decodeProperties(v schema.Value) (state.Config, error) {
	m, err := object(v)
	if err != nil {
		return state.Config{}, err
	}
	p, _ := m.GetString("properties")
	if p.Kind() != schema.KindMap {
		return state.Config{}, fmt.Errorf("field 'properties' is not an object but %s", p.Kind())
	}
	values := make(map[string]*string, p.Map().Len())
	for k, v := range p.Map().All() {
		switch v.Kind() {
		case schema.KindNull:
			values[k.Str()] = nil
		case schema.KindString:
			s := v.Str()
			values[k.Str()] = &s
		default:
			return state.Config{}, fmt.Errorf("property '%s' is not a string but %s", k.Str(), v.Kind())
		}
	}
	return state.NewNullableConfig(values), nil
}

func decodeTarget(connector string, v schema.Value) (any, error) {
	if v.IsNull() {
		return targetRecord{connector: connector}, nil
	}
	m, err := object(v)
	if err != nil {
		return nil, err
	}
	// Workers before KIP-875 write "state" only; "state.v2" counts where it is a string.
	name, err := stringField(m, "state.v2")
	if err != nil {
		if name, err = stringField(m, "state"); err != nil {
			return nil, err
		}
	}
	target, ok := state.ParseTargetState(name)
	if !ok {
		return nil, fmt.Errorf("unknown target state %q", clip(name))
	}
	return targetRecord{connector, target}, nil
}

func decodeRestart(connector string, v schema.Value) (any, error) {
	m, err := object(v)
	if err != nil {
		return nil, err
	}
	flag := func(name string) bool { // false where it is missing or no boolean
		v, _ := m.GetString(name)
		return v.Kind() == schema.KindBoolean && v.Boolean()
	}
	return restartRecord{state.RestartRequest{Connector: connector, OnlyFailed: flag(restartOnlyFailKey), IncludeTasks: flag(restartIncludeKey)}}, nil
}

func decodeSessionKey(v schema.Value) (any, error) {
	m, err := object(v)
	if err != nil {
		return nil, err
	}
	text, err := stringField(m, "key")
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) == 0 {
		return nil, errors.New("field 'key' is not base64") // never shown: it is a secret
	}
	algorithm, err := stringField(m, "algorithm")
	if err != nil {
		return nil, err
	}
	created, err := intField(m, "creation-timestamp")
	if err != nil {
		return nil, err
	}
	return sessionKeyRecord{state.SessionKey{Key: key, Algorithm: algorithm, CreationTimestamp: created}}, nil
}

// clip shortens what a foreign record says before it is logged.
func clip(s string) string {
	if len(s) > loggedValue {
		return s[:loggedValue] + "…"
	}
	return s
}

func encodeConnector(connector string, config state.Config) record {
	return record{connectorPrefix + connector, encodeProperties(config)}
}

func encodeTask(id state.TaskID, config state.Config) record {
	return record{taskPrefix + id.String(), encodeProperties(config)}
}

// encodeProperties writes the properties sorted by key. Java writes them in the order
// of its hash maps, which carries no meaning.
func encodeProperties(config state.Config) []byte {
	values := config.Nullable()
	b := []byte(`{"properties":{`)
	for i, k := range config.Keys() {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, k), ':')
		if v := values[k]; v != nil {
			b = appendString(b, *v)
		} else {
			b = append(b, "null"...)
		}
	}
	return append(b, "}}"...)
}

func encodeCommit(connector string, tasks int) record {
	return record{commitPrefix + connector, countValue("tasks", tasks)}
}

func encodeTaskCount(connector string, tasks int) record {
	return record{taskCountPrefix + connector, countValue("task-count", tasks)}
}

func countValue(name string, n int) []byte {
	return append(strconv.AppendInt([]byte(`{"`+name+`":`), int64(n), 10), '}')
}

func encodeTarget(connector string, target state.TargetState) record {
	old := target
	if target == state.TargetStopped {
		old = state.TargetPaused // what workers before KIP-875 understand
	}
	b := appendString([]byte(`{"state":`), string(old))
	b = appendString(append(b, `,"state.v2":`...), string(target))
	return record{targetStatePrefix + connector, append(b, '}')}
}

func encodeSessionKey(key state.SessionKey) record {
	b := appendString([]byte(`{"key":`), base64.StdEncoding.EncodeToString(key.Key))
	b = appendString(append(b, `,"algorithm":`...), key.Algorithm)
	b = strconv.AppendInt(append(b, `,"creation-timestamp":`...), key.CreationTimestamp, 10)
	return record{sessionKeyKey, append(b, '}')}
}

func encodeRestart(r state.RestartRequest) record {
	b := strconv.AppendBool([]byte(`{"include-tasks":`), r.IncludeTasks)
	b = strconv.AppendBool(append(b, `,"only-failed":`...), r.OnlyFailed)
	return record{restartPrefix + r.Connector, append(b, '}')}
}

func encodeLogger(logger, level string) record {
	return record{loggerPrefix + logger, append(appendString([]byte(`{"level":`), level), '}')}
}

// encodeTasks returns the records of a set of task configs, without the commit.
func encodeTasks(connector string, configs []state.Config) []record {
	records := make([]record, 0, len(configs))
	for i, c := range configs {
		records = append(records, encodeTask(state.TaskID{Connector: connector, Task: i}, c))
	}
	return records
}
