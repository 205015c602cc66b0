package transforms

import (
	"context"
	"slices"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// headerFrom moves or copies fields into headers (HeaderFrom).
type headerFrom struct {
	part        Part
	fields      []string
	headers     []string
	move        bool
	purpose     string
	withDefault bool
	plans       *schema.Cache[*schema.Schema, *keyPlan]
	arena       schema.Arena
}

// NewHeaderFrom makes a HeaderFrom.
func NewHeaderFrom(part Part) connect.Transform { return &headerFrom{part: part} }

func (t *headerFrom) ConfigDef() *cd.Def {
	return cd.New(
		cd.Required("fields", cd.List, cd.High, "Field names in the record whose values are to be copied or moved to headers.").WithValidator(cd.NonEmptyList()),
		cd.Required("headers", cd.List, cd.High, "Header names, in the same order as the field names listed in the fields configuration property.").WithValidator(cd.NonEmptyList()),
		cd.Required("operation", cd.String, cd.High, "Either <code>move</code> if the fields are to be moved to the headers (removed from the key/value), or <code>copy</code> if the fields are to be copied to the headers (retained in the key/value).").
			WithValidator(cd.ValidString("move", "copy")),
		replaceNullKey(),
	)
}

func (t *headerFrom) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	t.fields, t.headers = c.List("fields"), c.List("headers")
	if len(t.fields) != len(t.headers) {
		return errs.Config("'fields' config must have the same number of elements as 'headers' config.")
	}
	t.move = c.String("operation") == "move"
	t.purpose = "header " + c.String("operation")
	t.withDefault = c.Bool("replace.null.with.default")
	t.plans = schema.NewCache[*schema.Schema, *keyPlan](cacheSize)
	return nil
}

func (t *headerFrom) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	s, v := t.part.of(r)
	if s == nil {
		return t.applyMap(r, v)
	}
	from, err := requireStruct(v, t.purpose)
	if err != nil {
		return nil, err
	}
	headers := slices.Grow(slices.Clone(r.Headers), len(t.fields))
	updated, updatedValue := s, v
	if t.move {
		plan, ok := t.plans.Get(s)
		if !ok {
			if plan, err = t.plan(s); err != nil {
				return nil, err
			}
			t.plans.Put(s, plan)
		}
		to := t.arena.Struct(plan.schema, t.arena.Values(len(plan.from)))
		for i, at := range plan.from {
			if err := keep(to, i, &plan.schema.Fields()[i], fieldValue(from, at, t.withDefault)); err != nil {
				return nil, err
			}
		}
		updated, updatedValue = plan.schema, schema.OfStruct(to)
	}
	for i, name := range t.fields {
		f := s.Field(name)
		if f == nil {
			return nil, errs.New(errs.ClassNullPointer, "field "+name+" is not in the schema "+s.String()).
				WithHint("check fields of HeaderFrom")
		}
		headers = append(headers, connect.Header{Key: t.headers[i], Schema: f.Schema(), Value: fieldValue(from, f.Index(), t.withDefault)})
	}
	c := t.part.with(r, updated, updatedValue)
	c.Headers = headers
	return c, nil
}

// plan derives the schema without the fields that move.
func (t *headerFrom) plan(s *schema.Schema) (*keyPlan, error) {
	b := basics(s)
	p := &keyPlan{}
	for i := range s.Fields() {
		if f := &s.Fields()[i]; !slices.Contains(t.fields, f.Name()) {
			b.Field(f.Name(), f.Schema())
			p.from = append(p.from, i)
		}
	}
	var err error
	p.schema, err = b.Build()
	return p, err
}

func (t *headerFrom) applyMap(r *connect.Record, v schema.Value) (*connect.Record, error) {
	from, err := requireMap(v, t.purpose)
	if err != nil {
		return nil, err
	}
	headers := slices.Grow(slices.Clone(r.Headers), len(t.fields))
	for i, name := range t.fields {
		value, _ := from.GetString(name)
		headers = append(headers, connect.Header{Key: t.headers[i], Value: value})
	}
	to := from
	if t.move {
		to = from.Clone()
		for _, name := range t.fields {
			to.Delete(schema.OfString(name))
		}
	}
	c := t.part.with(r, nil, schema.OfMap(to))
	c.Headers = headers
	return c, nil
}

func (t *headerFrom) Close() error { return nil }
