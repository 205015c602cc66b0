package transforms

import (
	"context"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// maxDepth bounds the nesting of data that transforms follow. Java ends with a
// StackOverflowError at a depth that its thread's stack decides.
const maxDepth = 2000

// flatten makes nested fields fields of the top, with names joined (Flatten).
type flatten struct {
	part      Part
	delimiter string
	schemas   *schema.Cache[*schema.Schema, *schema.Schema]
	arena     schema.Arena
}

// NewFlatten makes a Flatten.
func NewFlatten(part Part) connect.Transform { return &flatten{part: part} }

func (t *flatten) ConfigDef() *cd.Def {
	return cd.New(cd.Optional("delimiter", cd.String, ".", cd.Medium, "Delimiter to insert between field names from the input record when generating field names for the output record"))
}

func (t *flatten) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	t.delimiter = c.String("delimiter")
	t.schemas = schema.NewCache[*schema.Schema, *schema.Schema](cacheSize)
	return nil
}

const flattenPurpose = "flattening"

func (t *flatten) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	s, v := t.part.of(r)
	switch {
	case v.IsNull():
		return r, nil
	case s == nil:
		from, err := requireMap(v, flattenPurpose)
		if err != nil {
			return nil, err
		}
		to, err := t.flatMap(from)
		if err != nil {
			return nil, err
		}
		return t.part.with(r, nil, schema.OfMap(to)), nil
	}
	from, err := requireStruct(v, flattenPurpose)
	if err != nil {
		return nil, err
	}
	flat, ok := t.schemas.Get(s)
	if !ok {
		if flat, err = t.derive(s); err != nil {
			return nil, err
		}
		t.schemas.Put(s, flat)
	}
	to := t.arena.Struct(flat, t.arena.Values(len(flat.Fields())))
	if _, err := fill(from.Schema(), from, to, 0, 0); err != nil {
		return nil, err
	}
	return t.part.with(r, flat, schema.OfStruct(to)), nil
}

func (t *flatten) join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + t.delimiter + name
}

// derive makes the flat schema.
func (t *flatten) derive(s *schema.Schema) (*schema.Schema, error) {
	fields, err := s.FieldsOrError()
	if err != nil {
		return nil, err
	}
	b := basics(s)
	if err := t.deriveFields(b, fields, "", s.Optional(), s.Default(), 0); err != nil {
		return nil, err
	}
	return b.Build()
}

// deriveFields adds the fields of a struct. Below an optional struct all is optional,
// and a struct's default gives its fields theirs.
func (t *flatten) deriveFields(b *schema.Builder, fields []schema.Field, prefix string, optional bool, def schema.Value, depth int) error {
	if depth > maxDepth {
		return errTooDeep()
	}
	for i := range fields {
		f := &fields[i]
		s := f.Schema()
		name := t.join(prefix, f.Name())
		fieldOptional := optional || s.Optional()
		fieldDefault := s.Default()
		if fieldDefault.IsNull() && !def.IsNull() {
			fieldDefault = def.Struct().At(i)
		}
		switch s.Type() {
		case schema.Struct:
			if err := t.deriveFields(b, s.Fields(), name, fieldOptional, fieldDefault, depth+1); err != nil {
				return err
			}
		case schema.Map:
			return errs.Data("Flatten transformation does not support MAP for record with schemas (for field " + name + ").")
		default:
			flat, err := leafSchema(s, fieldOptional, fieldDefault)
			if err != nil {
				return err
			}
			b.Field(name, flat)
			if _, err := b.Build(); err != nil {
				return err
			}
		}
	}
	return nil
}

func errTooDeep() error {
	return errs.New("java.lang.StackOverflowError", "data is nested deeper than %d levels", maxDepth)
}

// leafSchema copies a field's schema with its new optionality and default.
func leafSchema(s *schema.Schema, optional bool, def schema.Value) (*schema.Schema, error) {
	var b *schema.Builder
	if s.Type() == schema.Array {
		b = schema.NewArray(s.Value())
	} else {
		b = schema.NewBuilder(s.Type())
	}
	b.Meta(s).SetOptional(optional)
	if !def.IsNull() {
		b.Default(def)
	}
	return b.Build()
}

// fill sets the flat fields from the one numbered next on, and returns the number
// after the last. from is nil where the struct is null: its fields then stay null.
func fill(s *schema.Schema, from, to *schema.StructValue, next, depth int) (int, error) {
	if depth > maxDepth {
		return 0, errTooDeep()
	}
	for i := range s.Fields() {
		fs := s.Fields()[i].Schema()
		if fs.Type() == schema.Struct {
			var child *schema.StructValue
			if from != nil {
				if v := from.RawAt(i); !v.IsNull() {
					child = v.Struct()
				}
			}
			var err error
			if next, err = fill(fs, child, to, next, depth+1); err != nil {
				return 0, err
			}
			continue
		}
		if from != nil {
			if err := keep(to, next, &to.Schema().Fields()[next], from.At(i)); err != nil {
				return 0, err
			}
		}
		next++
	}
	return next, nil
}

// flatMap flattens schemaless data.
func (t *flatten) flatMap(from *schema.MapValue) (*schema.MapValue, error) {
	entries, nested, err := t.collect(nil, from, "", 0, false)
	if err != nil {
		return nil, err
	}
	if nested && repeats(entries) {
		// Connect keeps the value that comes last in the order of its maps.
		if entries, _, err = t.collect(entries[:0], from, "", 0, true); err != nil {
			return nil, err
		}
		to := schema.NewMap(len(entries))
		for _, e := range entries {
			to.Put(e.Key, e.Value)
		}
		return to, nil
	}
	to := new(schema.MapValue)
	to.Reset(entries)
	return to, nil
}

// collect appends the flat entries of a map; nested says that there were maps in it.
func (t *flatten) collect(out []schema.Entry, m *schema.MapValue, prefix string, depth int, javaOrder bool) (_ []schema.Entry, nested bool, err error) {
	if depth > maxDepth {
		return nil, false, errTooDeep()
	}
	if out == nil {
		out = make([]schema.Entry, 0, m.Len()+4)
	}
	add := func(name string, v schema.Value) error {
		full := t.join(prefix, name)
		switch k := v.Kind(); k {
		case schema.KindMap:
			nested = true
			out, _, err = t.collect(out, v.Map(), full, depth+1, javaOrder)
			return err
		case schema.KindStruct:
			return errs.Data("Flatten transformation does not support class " + k.JavaClass() +
				" for record without schemas (for field " + full + ").")
		case schema.KindDecimal, schema.KindDate:
			return errs.Data("Flatten transformation was passed a value of type class " + k.JavaClass() +
				" which is not supported by Connect's data API")
		}
		out = append(out, schema.Entry{Key: schema.OfString(full), Value: v})
		return nil
	}
	if javaOrder {
		for _, name := range hashMapOrder(keysOf(m)) {
			v, _ := m.GetString(name)
			if err := add(name, v); err != nil {
				return nil, nested, err
			}
		}
		return out, nested, nil
	}
	for _, e := range m.Entries() {
		name, err := keyText(e.Key)
		if err != nil {
			return nil, nested, err
		}
		if err := add(name, e.Value); err != nil {
			return nil, nested, err
		}
	}
	return out, nested, nil
}

func (t *flatten) Close() error { return nil }

// fewEntries is up to how many entries comparing each with each beats a map of names.
const fewEntries = 24

// repeats says whether two entries have one key.
func repeats(entries []schema.Entry) bool {
	if len(entries) <= fewEntries {
		for i := range entries {
			name := entries[i].Key.Str()
			for j := range entries[:i] {
				if entries[j].Key.Str() == name {
					return true
				}
			}
		}
		return false
	}
	seen := make(map[string]bool, len(entries))
	for _, e := range entries {
		if seen[e.Key.Str()] {
			return true
		}
		seen[e.Key.Str()] = true
	}
	return false
}
