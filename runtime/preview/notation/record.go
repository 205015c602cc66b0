package notation

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"strconv"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/converters/json"
)

// rawRecord is a RECORD whose envelopes are yet to be read.
type rawRecord struct {
	Kind          string             `json:"kind"`
	Topic         string             `json:"topic"`
	Partition     *int32             `json:"partition"`
	Offset        int64              `json:"offset"`
	Timestamp     *int64             `json:"timestamp"`
	TimestampType string             `json:"timestampType"`
	Key           stdjson.RawMessage `json:"key"`
	Value         stdjson.RawMessage `json:"value"`
	Headers       []rawHeader        `json:"headers"`
}

type rawHeader struct {
	Name  string             `json:"name"`
	Value stdjson.RawMessage `json:"value"`
}

// ReadRecord reads a RECORD. A key, value or header that is not there is null
// without a schema; kind is source unless it says sink.
func (c *Codec) ReadRecord(b []byte) (*connect.Record, error) {
	var raw rawRecord
	if err := stdjson.Unmarshal(b, &raw); err != nil {
		return nil, fmt.Errorf("read a record: %w", err)
	}
	r := &connect.Record{
		Topic: raw.Topic, Partition: connect.NoPartition, Timestamp: connect.NoTimestamp,
		Sink: raw.Kind == "sink", Offset: raw.Offset, TimestampType: connect.NoTimestampType,
	}
	switch raw.Kind {
	case "", "source", "sink":
	default:
		return nil, fmt.Errorf("read a record: kind is %q, which is neither source nor sink", raw.Kind)
	}
	if raw.Partition != nil {
		r.Partition = *raw.Partition
	}
	if raw.Timestamp != nil {
		r.Timestamp = *raw.Timestamp
	}
	switch raw.TimestampType {
	case "CREATE_TIME", "CreateTime":
		r.TimestampType = connect.CreateTime
	case "LOG_APPEND_TIME", "LogAppendTime":
		r.TimestampType = connect.LogAppendTime
	}
	if r.Sink {
		r.Original = connect.TopicPartitionOffset{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}
	}
	var err error
	if r.KeySchema, r.Key, err = c.readMember("key", raw.Key); err != nil {
		return nil, err
	}
	if r.ValueSchema, r.Value, err = c.readMember("value", raw.Value); err != nil {
		return nil, err
	}
	for _, h := range raw.Headers {
		header := connect.Header{Key: h.Name}
		if header.Schema, header.Value, err = c.readMember("header "+h.Name, h.Value); err != nil {
			return nil, err
		}
		r.Headers = append(r.Headers, header)
	}
	return r, nil
}

func (c *Codec) readMember(what string, raw stdjson.RawMessage) (*schema.Schema, schema.Value, error) {
	if raw == nil || bytes.Equal(raw, []byte("null")) {
		return nil, schema.Value{}, nil
	}
	sv, err := c.ReadEnvelope(raw)
	if err != nil {
		return nil, schema.Value{}, fmt.Errorf("read a record's %s: %w", what, err)
	}
	return sv.Schema, sv.Value, nil
}

// AppendRecord appends a RECORD.
func (c *Codec) AppendRecord(dst []byte, r *connect.Record) []byte {
	kind := "source"
	if r.Sink {
		kind = "sink"
	}
	dst = append(append(append(dst, `{"kind":"`...), kind...), `","topic":`...)
	dst = append(json.AppendString(dst, r.Topic), `,"partition":`...)
	dst = appendNullable(dst, int64(r.Partition), r.Partition != connect.NoPartition)
	if r.Sink {
		dst = strconv.AppendInt(append(dst, `,"offset":`...), r.Offset, 10)
		dst = append(append(append(dst, `,"timestampType":"`...), r.TimestampType.String()...), '"')
	}
	dst = appendNullable(append(dst, `,"timestamp":`...), r.Timestamp, r.Timestamp != connect.NoTimestamp)
	dst = c.AppendMember(append(dst, ','), "key", r.KeySchema, r.Key)
	dst = c.AppendMember(append(dst, ','), "value", r.ValueSchema, r.Value)
	dst = append(dst, `,"headers":[`...)
	for i, h := range r.Headers {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(json.AppendString(append(dst, `{"name":`...), h.Key), ',')
		dst = append(c.AppendMember(dst, "value", h.Schema, h.Value), '}')
	}
	return append(dst, "]}"...)
}

func appendNullable(dst []byte, n int64, there bool) []byte {
	if !there {
		return append(dst, "null"...)
	}
	return strconv.AppendInt(dst, n, 10)
}
