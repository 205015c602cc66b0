package transforms

import (
	"context"
	"slices"
	"strings"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/schema"
)

// flattenArrays turns lists into texts, for systems that have no lists.
type flattenArrays struct {
	part      Part
	fields    []string // empty for all
	delimited bool
	delimiter string
	plans     *schema.Cache[*schema.Schema, *edited]
	arena     schema.Arena
}

// NewFlattenArrays makes a FlattenArrays.
func NewFlattenArrays(part Part) connect.Transform { return &flattenArrays{part: part} }

func (t *flattenArrays) ConfigDef() *cd.Def {
	return cd.New(
		cd.Optional("fields", cd.List, []string{}, cd.High, "Names of the fields to turn into texts; empty for all that hold arrays."),
		cd.Optional("format", cd.String, "json", cd.Medium, "json writes arrays as JSON, delimited joins the elements' texts.").
			WithValidator(cd.CaseInsensitiveValidString("json", "delimited")),
		cd.Optional("delimiter", cd.String, ",", cd.Medium, "What joins elements under format=delimited."),
	)
}

func (t *flattenArrays) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	t.fields, t.delimiter = c.List("fields"), c.String("delimiter")
	t.delimited = strings.EqualFold(c.String("format"), "delimited")
	t.plans = schema.NewCache[*schema.Schema, *edited](cacheSize)
	return nil
}

func (t *flattenArrays) wants(name string) bool {
	return len(t.fields) == 0 || slices.Contains(t.fields, name)
}

// text writes an array; other values are left alone.
func (t *flattenArrays) text(v schema.Value) schema.Value {
	if v.Kind() != schema.KindArray {
		return v
	}
	if !t.delimited {
		return schema.OfString(string(appendJSON(nil, v)))
	}
	var b []byte
	for i, e := range v.Array() {
		if i > 0 {
			b = append(b, t.delimiter...)
		}
		if !e.IsNull() {
			b = schema.AppendConverted(b, e)
		}
	}
	return schema.OfString(string(b))
}

func (t *flattenArrays) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	s, v := t.part.of(r)
	switch v.Kind() {
	case schema.KindNull:
		return r, nil
	case schema.KindMap:
		to := v.Map().Clone()
		for _, e := range v.Map().Entries() {
			if e.Value.Kind() == schema.KindArray && t.wants(e.Key.Text()) {
				to.Put(e.Key, t.text(e.Value))
			}
		}
		return t.part.with(r, s, schema.OfMap(to)), nil
	}
	from, err := requireStruct(v, "flattening arrays")
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
	if len(plan.at) == 0 {
		return r, nil
	}
	values := make([]schema.Value, len(plan.at))
	for i, at := range plan.at {
		values[i] = t.text(from.At(at))
	}
	return t.part.with(r, plan.schema, plan.apply(&t.arena, from, values)), nil
}

func (t *flattenArrays) plan(s *schema.Schema) (*edited, error) {
	var names []string
	var schemas []*schema.Schema
	for i := range s.Fields() {
		f := &s.Fields()[i]
		if f.Schema().Type() != schema.Array || !t.wants(f.Name()) {
			continue
		}
		names = append(names, f.Name())
		if f.Schema().Optional() {
			schemas = append(schemas, schema.OptionalOf(schema.String))
		} else {
			schemas = append(schemas, schema.Of(schema.String))
		}
	}
	return editSchema(s, names, schemas)
}

func (t *flattenArrays) Close() error { return nil }
