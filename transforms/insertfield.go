package transforms

import (
	"context"
	"strings"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// insertField adds a record's topic, partition, offset, timestamp or a fixed text as
// fields (InsertField).
type insertField struct {
	part                                Part
	topic, partition, offset, timestamp *insertion
	static                              *insertion
	staticValue                         string
	withDefault                         bool
	plans                               *schema.Cache[*schema.Schema, *insertPlan]
	arena                               schema.Arena
}

// maxInsertions is how many fields can be added.
const maxInsertions = 5

// insertion is a field to add.
type insertion struct {
	name     string
	optional bool
}

// insertPlan is a derived schema; the places of the added fields are -1 when not wanted.
type insertPlan struct {
	schema                                      *schema.Schema
	topic, partition, offset, timestamp, static int
}

// NewInsertField makes an InsertField.
func NewInsertField(part Part) connect.Transform { return &insertField{part: part} }

func (t *insertField) ConfigDef() *cd.Def {
	const suffix = "Suffix with <code>!</code> to make this a required field, or <code>?</code> to keep it optional (the default)."
	return cd.New(
		cd.Optional("topic.field", cd.String, nil, cd.Medium, "Field name for Kafka topic. "+suffix),
		cd.Optional("partition.field", cd.String, nil, cd.Medium, "Field name for Kafka partition. "+suffix),
		cd.Optional("offset.field", cd.String, nil, cd.Medium, "Field name for Kafka offset - only applicable to sink connectors.<br/>"+suffix),
		cd.Optional("timestamp.field", cd.String, nil, cd.Medium, "Field name for record timestamp. "+suffix),
		cd.Optional("static.field", cd.String, nil, cd.Medium, "Field name for static data field. "+suffix),
		cd.Optional("static.value", cd.String, nil, cd.Medium, "Static field value, if field name configured."),
		replaceNullKey(),
	)
}

func (t *insertField) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	read := func(name string) *insertion {
		spec, ok := c.StringOK(name)
		if !ok {
			return nil
		}
		if s, ok := strings.CutSuffix(spec, "?"); ok {
			return &insertion{s, true}
		}
		if s, ok := strings.CutSuffix(spec, "!"); ok {
			return &insertion{s, false}
		}
		return &insertion{spec, true}
	}
	t.topic, t.partition, t.offset = read("topic.field"), read("partition.field"), read("offset.field")
	t.timestamp, t.static = read("timestamp.field"), read("static.field")
	value, hasValue := c.StringOK("static.value")
	t.staticValue = value
	t.withDefault = c.Bool("replace.null.with.default")
	if t.topic == nil && t.partition == nil && t.offset == nil && t.timestamp == nil && t.static == nil {
		return errs.Config("No field insertion configured")
	}
	if t.static != nil && !hasValue {
		return cd.Invalid("static.value", nil, "No value specified for static field: "+t.static.name)
	}
	t.plans = schema.NewCache[*schema.Schema, *insertPlan](cacheSize)
	return nil
}

const insertPurpose = "field insertion"

func (t *insertField) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	s, v := t.part.of(r)
	switch {
	case v.IsNull():
		return r, nil
	case s == nil:
		return t.applyMap(r, v)
	}
	from, err := requireStruct(v, insertPurpose)
	if err != nil {
		return nil, err
	}
	plan, ok := t.plans.Get(from.Schema())
	if !ok {
		if plan, err = t.plan(from.Schema()); err != nil {
			return nil, err
		}
		t.plans.Put(from.Schema(), plan)
	}
	to := t.arena.Struct(plan.schema, t.arena.Values(len(plan.schema.Fields())))
	fields := from.Schema().Fields()
	for i := range fields {
		if err := keep(to, i, &fields[i], fieldValue(from, i, t.withDefault)); err != nil {
			return nil, err
		}
	}
	if plan.topic >= 0 {
		to.SetAt(plan.topic, schema.OfString(r.Topic))
	}
	if plan.partition >= 0 && r.Partition != connect.NoPartition {
		to.SetAt(plan.partition, schema.OfInt32(r.Partition))
	}
	if plan.offset >= 0 {
		if !r.Sink {
			return nil, errNoOffset()
		}
		to.SetAt(plan.offset, schema.OfInt64(r.Offset))
	}
	if plan.timestamp >= 0 && r.Timestamp != connect.NoTimestamp {
		to.SetAt(plan.timestamp, schema.OfDate(r.Timestamp))
	}
	if plan.static >= 0 {
		to.SetAt(plan.static, schema.OfString(t.staticValue))
	}
	return t.part.with(r, plan.schema, schema.OfStruct(to)), nil
}

func errNoOffset() error {
	return errs.Data("Only SinkRecord supported for [" + insertPurpose + "], found: org.apache.kafka.connect.source.SourceRecord").
		WithHint("offset.field is for sink connectors")
}

func (t *insertField) plan(s *schema.Schema) (*insertPlan, error) {
	b := basics(s)
	for i := range s.Fields() {
		b.Field(s.Fields()[i].Name(), s.Fields()[i].Schema())
	}
	next := len(s.Fields())
	add := func(in *insertion, required, optional *schema.Schema) int {
		if in == nil {
			return -1
		}
		if in.optional {
			required = optional
		}
		b.Field(in.name, required)
		next++
		return next - 1
	}
	p := &insertPlan{
		topic:     add(t.topic, schema.Of(schema.String), schema.OptionalOf(schema.String)),
		partition: add(t.partition, schema.Of(schema.Int32), schema.OptionalOf(schema.Int32)),
		offset:    add(t.offset, schema.Of(schema.Int64), schema.OptionalOf(schema.Int64)),
		timestamp: add(t.timestamp, timestampSchema, optionalTimestamp),
		static:    add(t.static, schema.Of(schema.String), schema.OptionalOf(schema.String)),
	}
	var err error
	p.schema, err = b.Build()
	return p, err
}

// Never written after package initialisation.
var (
	timestampSchema   = schema.TimestampBuilder().MustBuild()
	optionalTimestamp = schema.TimestampBuilder().Optional().MustBuild()
)

func (t *insertField) applyMap(r *connect.Record, v schema.Value) (*connect.Record, error) {
	from, err := requireMap(v, insertPurpose)
	if err != nil {
		return nil, err
	}
	entries := append(t.arena.Entries(from.Len() + maxInsertions)[:0], from.Entries()...)
	to := t.arena.DistinctMap(entries)
	if t.topic != nil {
		to.PutString(t.topic.name, schema.OfString(r.Topic))
	}
	if t.partition != nil && r.Partition != connect.NoPartition {
		to.PutString(t.partition.name, schema.OfInt32(r.Partition))
	}
	if t.offset != nil {
		if !r.Sink {
			return nil, errNoOffset()
		}
		to.PutString(t.offset.name, schema.OfInt64(r.Offset))
	}
	if t.timestamp != nil && r.Timestamp != connect.NoTimestamp {
		to.PutString(t.timestamp.name, schema.OfInt64(r.Timestamp))
	}
	if t.static != nil {
		to.PutString(t.static.name, schema.OfString(t.staticValue))
	}
	return t.part.with(r, nil, schema.OfMap(to)), nil
}

func (t *insertField) Close() error { return nil }
