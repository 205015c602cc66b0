package preview

import (
	"bytes"
	"context"
	"encoding/base64"
	stdjson "encoding/json"
	"slices"
	"strings"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/plugins"
	"github.com/moldau-io/moldau/runtime/settings"
)

// reader makes records of lines.
type reader struct {
	*Engine
	converters *converters
	sink       bool
	topic      string
	next       int64 // offset of the next record without one
}

func newReader(e *Engine, o Job, c *settings.Connector) *reader {
	r := &reader{Engine: e, converters: &converters{registry: e.registry, connector: c, schemas: o.Schemas}, topic: o.Topic}
	_, topics := o.Config["topics"]
	_, regex := o.Config["topics.regex"]
	kind, _ := settings.ConnectorKind(e.catalog, o.Config)
	r.sink = topics || regex || kind == plugins.Sink
	if r.topic == "" {
		first, _, _ := strings.Cut(o.Config["topics"], ",")
		r.topic = strings.TrimSpace(first)
	}
	if r.topic == "" {
		r.topic = "preview"
	}
	return r
}

// recordMembers are the members that an object of the record notation can have.
var recordMembers = []string{"kind", "topic", "partition", "timestamp", "offset", "timestampType", "key", "value", "headers",
	"keyTyped", "valueTyped", "keyBytes", "valueBytes"}

// read makes a record of a line. at is the converter that failed, "" for a line that
// cannot be read at all.
func (r *reader) read(ctx context.Context, line []byte) (rec *connect.Record, at string, err error) {
	members := map[string]stdjson.RawMessage{}
	isObject := line[0] == '{'
	if isObject {
		if err := stdjson.Unmarshal(line, &members); err != nil {
			return nil, "", errs.IllegalArgument("not JSON: %v", err)
		}
	}
	switch {
	case isObject && isRecord(members):
		if rec, err = r.codec.ReadRecord(line); err != nil {
			return nil, "", err
		}
		r.complete(rec, members)
		at, err = r.bytes(ctx, rec, members)
		return rec, at, err
	case isObject && isEnvelope(members):
	default:
		line = slices.Concat([]byte(`{"schema":null,"payload":`), line, []byte("}"))
		if !stdjson.Valid(line) {
			return nil, "", errs.IllegalArgument("not JSON: %.100s", line[len(`{"schema":null,"payload":`):len(line)-1])
		}
	}
	sv, err := r.codec.ReadEnvelope(line)
	if err != nil {
		return nil, "", err
	}
	rec = &connect.Record{ValueSchema: sv.Schema, Value: sv.Value, Sink: r.sink}
	r.complete(rec, nil)
	return rec, "", nil
}

// isRecord says whether an object is a record: it has no members that a record has
// not, and a key or value in the forms that records have them.
func isRecord(members map[string]stdjson.RawMessage) bool {
	for name := range members {
		if !slices.Contains(recordMembers, name) {
			return false
		}
	}
	_, keyBytes := members["keyBytes"]
	_, valueBytes := members["valueBytes"]
	if keyBytes || valueBytes {
		return true
	}
	parts := 0
	for _, name := range []string{"key", "value"} {
		raw, ok := members[name]
		if !ok {
			continue
		}
		var envelope map[string]stdjson.RawMessage
		if !isNull(raw) && (stdjson.Unmarshal(raw, &envelope) != nil || !isEnvelope(envelope)) {
			return false
		}
		parts++
	}
	return parts > 0
}

func isEnvelope(members map[string]stdjson.RawMessage) bool {
	_, s := members["schema"]
	_, p := members["payload"]
	return s && p && len(members) == 2
}

func isNull(raw stdjson.RawMessage) bool { return bytes.Equal(raw, []byte("null")) }

// complete fills in what the line does not say.
func (r *reader) complete(rec *connect.Record, members map[string]stdjson.RawMessage) {
	if _, ok := members["kind"]; !ok {
		rec.Sink = r.sink
	}
	if _, ok := members["topic"]; !ok {
		rec.Topic = r.topic
	}
	_, timed := members["timestamp"]
	if !timed {
		rec.Timestamp = r.now().UnixMilli()
	}
	_, placed := members["partition"]
	if !rec.Sink {
		if !placed {
			rec.Partition = connect.NoPartition
		}
		return
	}
	if !placed {
		rec.Partition = 0
	}
	if _, ok := members["offset"]; !ok {
		rec.Offset = r.next
	}
	r.next = rec.Offset + 1
	if _, ok := members["timestampType"]; !ok {
		rec.TimestampType = connect.NoTimestampType
		if rec.Timestamp != connect.NoTimestamp {
			rec.TimestampType = connect.CreateTime
		}
	}
	rec.Original = connect.TopicPartitionOffset{Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset}
}

// bytes puts keyBytes and valueBytes through the converters.
func (r *reader) bytes(ctx context.Context, rec *connect.Record, members map[string]stdjson.RawMessage) (at string, err error) {
	for _, isKey := range []bool{true, false} {
		name, at := "valueBytes", "value.converter"
		if isKey {
			name, at = "keyBytes", "key.converter"
		}
		raw, ok := members[name]
		if !ok {
			continue
		}
		var text *string
		if err := stdjson.Unmarshal(raw, &text); err != nil {
			return "", errs.IllegalArgument("%s is not a string of base64: %v", name, err)
		}
		var b []byte
		if text != nil {
			if b, err = base64.StdEncoding.AppendDecode([]byte{}, []byte(*text)); err != nil {
				return "", errs.IllegalArgument("%s is not base64: %v", name, err)
			}
		}
		sv, err := r.converters.decode(ctx, rec.Topic, isKey, b)
		if err != nil {
			return at, err
		}
		r.set(rec, isKey, sv.Schema, sv.Value)
	}
	return "", nil
}

func (r *reader) set(rec *connect.Record, isKey bool, s *schema.Schema, v schema.Value) {
	if isKey {
		rec.KeySchema, rec.Key = s, v
	} else {
		rec.ValueSchema, rec.Value = s, v
	}
}
