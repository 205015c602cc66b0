package sse

import (
	"unsafe"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// defaultName is the type of an event that names none.
const defaultName = "message"

// envelopeSchema is the known connector's record.
func envelopeSchema() *schema.Schema {
	text := func(doc string) *schema.Builder { return schema.NewBuilder(schema.String).Doc(doc) }
	return schema.NewStruct().Name("com.github.cjmatta.kafka.connect.sse.ServerSentEvent").Doc("Server Sent Event Message").
		Field("event", text("The event class of this event").MustBuild()).
		Field("id", text("The event ID").Optional().MustBuild()).
		Field("data", text("The event data payload").MustBuild()).
		MustBuild()
}

// item is an event on its way to the topic, with the offset behind it.
type item struct {
	event  event
	offset *schema.MapValue
}

// converter makes records of events.
type converter struct {
	set       *settings
	envelope  *schema.Schema
	partition *schema.MapValue
}

func newConverter(set *settings) *converter {
	c := &converter{set: set, envelope: envelopeSchema(), partition: schema.NewMap(1)}
	c.partition.PutString(uriField, schema.OfString(set.partition))
	return c
}

// record converts an event; the error is that its data is not JSON where JSON is needed.
func (c *converter) record(it item) (*connect.Record, error) {
	e := it.event
	r := &connect.Record{
		Topic: c.set.topic, Partition: connect.NoPartition, Timestamp: connect.NoTimestamp,
		SourcePartition: c.partition, SourceOffset: it.offset,
	}
	data := unsafe.String(unsafe.SliceData(e.data), len(e.data))
	var doc schema.Value
	if c.set.mode == modeJSON || c.set.key != nil || c.set.timestamp != nil {
		var err error
		if doc, err = parseJSON(e.data); err != nil {
			return nil, c.notJSON(e, err)
		}
	}
	switch c.set.mode {
	case modeEnvelope:
		id := schema.Null()
		if e.hasID {
			id = schema.OfString(e.id)
		}
		name := e.name
		if name == "" {
			name = defaultName
		}
		r.ValueSchema = c.envelope
		r.Value = schema.OfStruct(schema.StructOf(c.envelope, []schema.Value{schema.OfString(name), id, schema.OfString(data)}))
	case modeData:
		r.ValueSchema, r.Value = schema.Of(schema.String), schema.OfString(data)
	case modeJSON:
		r.Value = doc
	}
	switch {
	case c.set.keyID && e.hasID:
		r.KeySchema, r.Key = schema.Of(schema.String), schema.OfString(e.id)
	case c.set.key != nil:
		r.Key = c.set.key.find(doc)
		if t, ok := r.Key.Kind().SchemaType(); ok && t.IsPrimitive() {
			r.KeySchema = schema.Of(t)
		}
	}
	if c.set.timestamp != nil {
		if at, ok := millis(c.set.timestamp.find(doc)); ok {
			r.Timestamp = at
		}
	}
	return r, nil
}

func (c *converter) notJSON(e event, err error) error {
	key, value := keyValueMode, c.set.mode
	switch {
	case c.set.mode == modeJSON:
	case c.set.key != nil:
		key, value = keyKeyFrom, "a field of the data"
	default:
		key, value = keyTimestampFrom, "a field of the data"
	}
	return errs.Wrap(errs.ClassData, err, "The data of event %q of %s is not JSON, which %s=%s needs", e.id, c.set.shown, key, value).
		WithHint("set %s=%s to drop such events", keyMalformed, malformedWarn)
}
