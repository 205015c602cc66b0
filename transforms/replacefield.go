package transforms

import (
	"context"
	"strings"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// replaceField drops, keeps and renames fields (ReplaceField).
type replaceField struct {
	part        Part
	exclude     map[string]bool
	include     map[string]bool
	renames     map[string]string
	reverse     map[string]string
	withDefault bool
	plans       *schema.Cache[*schema.Schema, *replacePlan]
	arena       schema.Arena
	moved       []int // places of the renamed entries of the map at hand
}

// replacePlan says where the fields of a result come from.
type replacePlan struct {
	schema *schema.Schema
	from   []replaceSource
}

// replaceSource is a field of the input: its place, or -1 when there is none of that name.
type replaceSource struct {
	index int
	name  string
	same  bool // of the same schema as the field of the result
}

// NewReplaceField makes a ReplaceField.
func NewReplaceField(part Part) connect.Transform { return &replaceField{part: part} }

func (t *replaceField) ConfigDef() *cd.Def {
	return cd.New(
		cd.Optional("exclude", cd.List, []string{}, cd.Medium, "Fields to exclude. This takes precedence over the fields to include."),
		cd.Optional("include", cd.List, []string{}, cd.Medium, "Fields to include. If specified, only these fields will be used."),
		cd.Optional("renames", cd.List, []string{}, cd.Medium, "Field rename mappings.").
			WithValidator(cd.LambdaValidator(func(_ string, value any) error {
				list, ok := value.([]string)
				if !ok {
					return nil
				}
				_, err := parseRenames(list)
				return err
			}, "list of colon-delimited pairs, e.g. <code>foo:bar,abc:xyz</code>")),
		replaceNullKey(),
	)
}

// replaceNullKey is the setting that most transforms have.
func replaceNullKey() cd.Key {
	return cd.Optional("replace.null.with.default", cd.Boolean, true, cd.Medium,
		"Whether to replace fields that have a default value and that are null to the default value. When set to true, the default value is used, otherwise null is used.")
}

func parseRenames(list []string) (map[string]string, error) {
	m := make(map[string]string, len(list))
	for _, pair := range list {
		parts := javaSplit(pair, ':')
		if len(parts) != 2 {
			return nil, cd.Invalid("renames", list, "Invalid rename mapping: "+pair)
		}
		m[parts[0]] = parts[1]
	}
	return m, nil
}

// javaSplit is String.split: empty parts at the end are dropped, and a text without
// the separator is one part, be it empty.
func javaSplit(s string, sep byte) []string {
	parts := strings.Split(s, string(sep))
	if len(parts) == 1 {
		return parts
	}
	for len(parts) > 0 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	return parts
}

func (t *replaceField) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	t.exclude, t.include = setOf(c.List("exclude")), setOf(c.List("include"))
	if t.renames, err = parseRenames(c.List("renames")); err != nil {
		return err
	}
	old := make([]string, 0, len(t.renames))
	for name := range t.renames {
		old = append(old, name)
	}
	t.reverse = make(map[string]string, len(old))
	for _, name := range hashMapOrder(old) {
		t.reverse[t.renames[name]] = name
	}
	t.withDefault = c.Bool("replace.null.with.default")
	t.plans = schema.NewCache[*schema.Schema, *replacePlan](cacheSize)
	return nil
}

func setOf(names []string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, name := range names {
		m[name] = true
	}
	return m
}

func (t *replaceField) keeps(name string) bool {
	return !t.exclude[name] && (len(t.include) == 0 || t.include[name])
}

func (t *replaceField) renamed(name string) string {
	if to, ok := t.renames[name]; ok {
		return to
	}
	return name
}

func (t *replaceField) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	s, v := t.part.of(r)
	switch {
	case v.IsNull():
		return r, nil
	case s == nil:
		return t.applyMap(r, v)
	}
	from, err := requireStruct(v, replacePurpose)
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
	fields := plan.schema.Fields()
	to := t.arena.Struct(plan.schema, t.arena.Values(len(fields)))
	for i := range fields {
		src := &plan.from[i]
		if src.index < 0 {
			return nil, errs.Data(src.name + " is not a valid field name")
		}
		value := fieldValue(from, src.index, t.withDefault)
		if src.same {
			err = keep(to, i, &fields[i], value)
		} else {
			err = to.PutAt(i, value)
		}
		if err != nil {
			return nil, err
		}
	}
	return t.part.with(r, plan.schema, schema.OfStruct(to)), nil
}

const replacePurpose = "field replacement"

func (t *replaceField) plan(s *schema.Schema) (*replacePlan, error) {
	b := basics(s)
	for i := range s.Fields() {
		if f := &s.Fields()[i]; t.keeps(f.Name()) {
			b.Field(t.renamed(f.Name()), f.Schema())
		}
	}
	updated, err := b.Build()
	if err != nil {
		return nil, err
	}
	p := &replacePlan{schema: updated, from: make([]replaceSource, len(updated.Fields()))}
	for i := range updated.Fields() {
		f := &updated.Fields()[i]
		// The way back from the new name is Connect's, and can lead elsewhere.
		name := f.Name()
		if old, ok := t.reverse[name]; ok {
			name = old
		}
		src := replaceSource{index: -1, name: name}
		if from := s.Field(name); from != nil {
			src.index, src.same = from.Index(), from.Schema() == f.Schema()
		}
		p.from[i] = src
	}
	return p, nil
}

func (t *replaceField) applyMap(r *connect.Record, v schema.Value) (*connect.Record, error) {
	from, err := requireMap(v, replacePurpose)
	if err != nil {
		return nil, err
	}
	entries := t.arena.Entries(from.Len())[:0]
	t.moved = t.moved[:0]
	for _, e := range from.Entries() {
		name, err := keyText(e.Key)
		if err != nil {
			return nil, err
		}
		if !t.keeps(name) {
			continue
		}
		if to, ok := t.renames[name]; ok {
			e.Key = schema.OfString(to)
			t.moved = append(t.moved, len(entries))
		}
		entries = append(entries, e)
	}
	if collides(entries, t.moved) {
		to := schema.NewMap(len(entries))
		// Connect's map keeps the value that its own order puts last.
		for _, name := range hashMapOrder(keysOf(from)) {
			if t.keeps(name) {
				value, _ := from.GetString(name)
				to.PutString(t.renamed(name), value)
			}
		}
		return t.part.with(r, nil, schema.OfMap(to)), nil
	}
	return t.part.with(r, nil, schema.OfMap(t.arena.DistinctMap(entries))), nil
}

// collides says whether an entry at one of the places has the key of another entry. All
// others are known to differ: they come from one map.
func collides(entries []schema.Entry, places []int) bool {
	for _, place := range places {
		name := entries[place].Key.Str()
		for i := range entries {
			if i != place && entries[i].Key.Str() == name {
				return true
			}
		}
	}
	return false
}

func keysOf(m *schema.MapValue) []string {
	names := make([]string, 0, m.Len())
	for _, e := range m.Entries() {
		names = append(names, e.Key.Str())
	}
	return names
}

func (t *replaceField) Close() error { return nil }
