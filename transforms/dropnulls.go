package transforms

import (
	"context"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/schema"
)

// dropNulls takes fields that are null out of structs and maps. Of structs the fields
// of the top go; of schemaless data those of nested maps too.
type dropNulls struct {
	part    Part
	nested  bool
	schemas *schema.Cache[nullPattern, *schema.Schema]
	arena   schema.Arena
}

// nullPattern says which fields of a schema are null, a byte for each.
type nullPattern struct {
	schema *schema.Schema
	nulls  string
}

// NewDropNulls makes a DropNulls.
func NewDropNulls(part Part) connect.Transform { return &dropNulls{part: part} }

func (t *dropNulls) ConfigDef() *cd.Def {
	return cd.New(cd.Optional("nested", cd.Boolean, true, cd.Low, "Whether nulls in nested maps of schemaless data go as well."))
}

func (t *dropNulls) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	t.nested = c.Bool("nested")
	t.schemas = schema.NewCache[nullPattern, *schema.Schema](4 * cacheSize)
	return nil
}

func (t *dropNulls) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	s, v := t.part.of(r)
	switch {
	case v.Kind() == schema.KindMap && s == nil:
		to, changed := t.mapWithout(v, 0)
		if !changed {
			return r, nil
		}
		return t.part.with(r, nil, to), nil
	case v.Kind() == schema.KindStruct:
		return t.structWithout(r, v.Struct())
	}
	return r, nil
}

func (t *dropNulls) structWithout(r *connect.Record, from *schema.StructValue) (*connect.Record, error) {
	fields := from.Schema().Fields()
	var buf [128]byte
	pattern, left := buf[:0], 0
	for i := range fields {
		if from.At(i).IsNull() {
			pattern = append(pattern, '0')
		} else {
			pattern = append(pattern, '1')
			left++
		}
	}
	if left == len(fields) {
		return r, nil
	}
	key := nullPattern{from.Schema(), string(pattern)}
	s, ok := t.schemas.Get(key)
	if !ok {
		b := basics(key.schema).SetOptional(key.schema.Optional())
		for i := range fields {
			if pattern[i] == '1' {
				b.Field(fields[i].Name(), fields[i].Schema())
			}
		}
		var err error
		if s, err = b.Build(); err != nil {
			return nil, err
		}
		t.schemas.Put(key, s)
	}
	values := t.arena.Values(left)[:0]
	for i := range fields {
		if pattern[i] == '1' {
			values = append(values, from.RawAt(i))
		}
	}
	return t.part.with(r, s, schema.OfStruct(t.arena.Struct(s, values))), nil
}

func (t *dropNulls) mapWithout(v schema.Value, depth int) (out schema.Value, changed bool) {
	if depth > maxDepth {
		return v, false
	}
	entries := make([]schema.Entry, 0, v.Map().Len())
	for _, e := range v.Map().Entries() {
		if e.Value.IsNull() {
			changed = true
			continue
		}
		if t.nested && e.Value.Kind() == schema.KindMap {
			inner, other := t.mapWithout(e.Value, depth+1)
			e.Value, changed = inner, changed || other
		}
		entries = append(entries, e)
	}
	if !changed {
		return v, false
	}
	m := new(schema.MapValue)
	m.Reset(entries)
	return schema.OfMap(m), true
}

func (t *dropNulls) Close() error { return nil }
