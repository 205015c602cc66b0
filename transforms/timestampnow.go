package transforms

import (
	"context"
	"time"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/schema"
)

// timestampNow sets a record's timestamp to the present.
type timestampNow struct{ now func() time.Time }

// NewTimestampNow makes a TimestampNow.
func NewTimestampNow() connect.Transform { return &timestampNow{time.Now} }

func (t *timestampNow) ConfigDef() *cd.Def                { return cd.New() }
func (t *timestampNow) Configure(map[string]string) error { return nil }
func (t *timestampNow) Close() error                      { return nil }

func (t *timestampNow) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	c := r.Copy()
	c.Timestamp = t.now().UnixMilli()
	return c, nil
}

// timestampNowField sets fields to the present: a Timestamp where there is a schema,
// else milliseconds since the epoch.
type timestampNowField struct {
	part    Part
	fields  []string
	schemas []*schema.Schema
	plans   *schema.Cache[*schema.Schema, *edited]
	arena   schema.Arena
	now     func() time.Time
}

// NewTimestampNowField makes a TimestampNowField.
func NewTimestampNowField(part Part) connect.Transform {
	return &timestampNowField{part: part, now: time.Now}
}

func (t *timestampNowField) ConfigDef() *cd.Def {
	return cd.New(cd.Required("fields", cd.List, cd.High, "Names of the fields to set.").WithValidator(cd.NonEmptyList()))
}

func (t *timestampNowField) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	t.fields = c.List("fields")
	t.schemas = make([]*schema.Schema, len(t.fields))
	for i := range t.schemas {
		t.schemas[i] = timestampSchema
	}
	t.plans = schema.NewCache[*schema.Schema, *edited](cacheSize)
	return nil
}

func (t *timestampNowField) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	s, v := t.part.of(r)
	now := t.now().UnixMilli()
	switch v.Kind() {
	case schema.KindNull:
		return r, nil
	case schema.KindMap:
		to := v.Map().Clone()
		for _, name := range t.fields {
			to.PutString(name, schema.OfInt64(now))
		}
		return t.part.with(r, s, schema.OfMap(to)), nil
	}
	from, err := requireStruct(v, "setting a timestamp")
	if err != nil {
		return nil, err
	}
	plan, ok := t.plans.Get(from.Schema())
	if !ok {
		if plan, err = editSchema(from.Schema(), t.fields, t.schemas); err != nil {
			return nil, err
		}
		t.plans.Put(from.Schema(), plan)
	}
	values := make([]schema.Value, len(t.fields))
	for i := range values {
		values[i] = schema.OfDate(now)
	}
	return t.part.with(r, plan.schema, plan.apply(&t.arena, from, values)), nil
}

func (t *timestampNowField) Close() error { return nil }
