package transforms

import (
	"context"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// keyToValue copies fields of the key, or all of it, into the value.
type keyToValue struct {
	from, to []string
	infer    *inference
	plans    *schema.Cache[keyAndValue, *edited]
	arena    schema.Arena
}

// keyAndValue are the schemas of a record.
type keyAndValue struct{ key, value *schema.Schema }

// wholeKey stands for the key itself among the names of its fields.
const wholeKey = "*"

// NewKeyToValue makes a KeyToValue.
func NewKeyToValue() connect.Transform { return &keyToValue{} }

func (t *keyToValue) ConfigDef() *cd.Def {
	return cd.New(
		cd.Required("key.fields", cd.List, cd.High, "Names of the key's fields to copy; * stands for the whole key.").WithValidator(cd.NonEmptyList()),
		cd.Optional("value.fields", cd.List, []string{}, cd.High,
			"Names they get in the value, in the same order; one that is missing or empty is that in the key, and _key for the whole key."),
	)
}

func (t *keyToValue) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	t.from, t.to = c.List("key.fields"), c.List("value.fields")
	if len(t.to) > len(t.from) {
		return errs.Config("value.fields has more names than key.fields")
	}
	for i, name := range t.from {
		if i >= len(t.to) {
			t.to = append(t.to, "")
		}
		switch {
		case t.to[i] != "":
		case name == wholeKey:
			t.to[i] = "_key"
		default:
			t.to[i] = name
		}
	}
	t.infer = newInference()
	t.plans = schema.NewCache[keyAndValue, *edited](cacheSize)
	return nil
}

func (t *keyToValue) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	if r.Value.IsNull() {
		return r, nil
	}
	schemas, values, err := t.parts(r)
	if err != nil {
		return nil, err
	}
	if r.ValueSchema == nil {
		m, err := requireMap(r.Value, "copying fields from key to value")
		if err != nil {
			return nil, err
		}
		to := m.Clone()
		for i, name := range t.to {
			to.PutString(name, values[i])
		}
		return Value.with(r, nil, schema.OfMap(to)), nil
	}
	into, err := requireStruct(r.Value, "copying fields from key to value")
	if err != nil {
		return nil, err
	}
	key := keyAndValue{r.KeySchema, into.Schema()}
	plan, ok := t.plans.Get(key)
	if !ok || r.KeySchema == nil {
		if r.KeySchema == nil {
			for i := range schemas {
				schemas[i], values[i] = t.infer.of(values[i])
			}
		}
		if plan, err = editSchema(into.Schema(), t.to, schemas); err != nil {
			return nil, err
		}
		if r.KeySchema != nil {
			t.plans.Put(key, plan)
		}
	}
	return Value.with(r, plan.schema, plan.apply(&t.arena, into, values)), nil
}

// parts returns the parts of the key that are copied, with their schemas where there are any.
func (t *keyToValue) parts(r *connect.Record) ([]*schema.Schema, []schema.Value, error) {
	schemas, values := make([]*schema.Schema, len(t.from)), make([]schema.Value, len(t.from))
	for i, name := range t.from {
		switch {
		case name == wholeKey:
			schemas[i], values[i] = r.KeySchema, r.Key
		case r.Key.Kind() == schema.KindMap:
			values[i], _ = r.Key.Map().GetString(name)
		case r.Key.Kind() == schema.KindStruct:
			f := r.Key.Struct().Schema().Field(name)
			if f == nil {
				return nil, nil, errs.Data("The key has no field %s", name)
			}
			schemas[i], values[i] = f.Schema(), r.Key.Struct().At(f.Index())
		default:
			return nil, nil, errs.Data("The key must be a struct or a map to have a field %s, but is %s", name, r.Key.Kind())
		}
		if r.KeySchema != nil && schemas[i] == nil {
			// A map under a schema: its values have one.
			schemas[i] = r.KeySchema.Value()
		}
	}
	return schemas, values, nil
}

func (t *keyToValue) Close() error { return nil }
