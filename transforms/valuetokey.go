package transforms

import (
	"context"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// valueToKey makes the key of some of the value's fields (ValueToKey).
type valueToKey struct {
	fields      []string
	withDefault bool
	plans       *schema.Cache[*schema.Schema, *keyPlan]
	arena       schema.Arena
}

// keyPlan is a key's schema and where its fields come from.
type keyPlan struct {
	schema *schema.Schema
	from   []int
}

// NewValueToKey makes a ValueToKey.
func NewValueToKey() connect.Transform { return &valueToKey{} }

func (t *valueToKey) ConfigDef() *cd.Def {
	return cd.New(
		cd.Required("fields", cd.List, cd.High, "Field names on the record value to extract as the record key.").WithValidator(cd.NonEmptyList()),
		replaceNullKey(),
	)
}

func (t *valueToKey) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	t.fields, t.withDefault = c.List("fields"), c.Bool("replace.null.with.default")
	t.plans = schema.NewCache[*schema.Schema, *keyPlan](cacheSize)
	return nil
}

func (t *valueToKey) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	const purpose = "copying fields from value to key"
	if r.ValueSchema == nil {
		value, err := requireMap(r.Value, purpose)
		if err != nil {
			return nil, err
		}
		key := schema.NewMap(len(t.fields))
		for _, name := range t.fields {
			v, _ := value.GetString(name)
			key.PutString(name, v)
		}
		return Key.with(r, nil, schema.OfMap(key)), nil
	}
	value, err := requireStruct(r.Value, purpose)
	if err != nil {
		return nil, err
	}
	plan, ok := t.plans.Get(value.Schema())
	if !ok {
		if plan, err = t.plan(value.Schema()); err != nil {
			return nil, err
		}
		t.plans.Put(value.Schema(), plan)
	}
	fields := plan.schema.Fields()
	key := t.arena.Struct(plan.schema, t.arena.Values(len(fields)))
	for i := range fields {
		if err := keep(key, i, &fields[i], fieldValue(value, plan.from[i], t.withDefault)); err != nil {
			return nil, err
		}
	}
	c := Key.with(r, plan.schema, schema.OfStruct(key))
	c.ValueSchema = value.Schema()
	return c, nil
}

func (t *valueToKey) plan(s *schema.Schema) (*keyPlan, error) {
	b := schema.NewStruct()
	p := &keyPlan{from: make([]int, 0, len(t.fields))}
	for _, name := range t.fields {
		f := s.Field(name)
		if f == nil {
			return nil, errs.Data("Field does not exist: " + name)
		}
		b.Field(name, f.Schema())
		if _, err := b.Build(); err != nil {
			return nil, err
		}
		p.from = append(p.from, f.Index())
	}
	var err error
	p.schema, err = b.Build()
	return p, err
}

func (t *valueToKey) Close() error { return nil }
