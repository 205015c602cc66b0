package jsonschema

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// version is a registry's version of a schema, if there is one.
type version struct {
	number int32
	known  bool
}

// reader makes the Connect schema of one document.
type reader struct {
	opts    *Options
	codec   *Codec
	structs map[*model]*structure
	aliases []alias
	ids     int
	unions  int
	depth   int
	count   int
}

// maxSchemas is how many schemas one document may amount to, references followed.
const maxSchemas = 100_000

// structure is a struct schema that references may point at.
type structure struct {
	b *schema.Builder
	// frozen says that it was built without parameters, so that later ones do not
	// reach it, but do reach what refers to it.
	frozen bool
	id     string
}

// alias is a schema that is another one but for optionality and parameters.
type alias struct {
	b  *schema.Builder
	of *structure
}

func (c *Codec) connectSchema(m *model, v version) (*schema.Schema, error) {
	r := &reader{opts: &c.opts, codec: c, structs: map[*model]*structure{}}
	s, err := r.schema(m, v, false)
	if err != nil {
		return nil, err
	}
	for _, a := range r.aliases {
		of := a.of.b.Ref()
		for i := range of.Fields() {
			a.b.Field(of.Fields()[i].Name(), of.Fields()[i].Schema())
		}
		a.b.Meta(of)
		if a.of.id != "" {
			a.b.Param(idParam, a.of.id)
		}
		if a.b.Err() != nil {
			return nil, a.b.Err()
		}
	}
	return s, nil
}

func classCast(what string) error {
	return errs.New(errs.ClassClassCast, "%s has a value of the wrong type", what)
}

// textProp returns a property that must be a string, "" without it.
func (m *model) textProp(name string) (string, error) {
	switch p := m.prop(name); {
	case p == nil || p.kind == null:
		return "", nil
	case p.kind != text:
		return "", classCast(name)
	default:
		return p.text, nil
	}
}

// intProp returns a property that must be a 32-bit integer.
func (m *model) intProp(name string) (n int32, ok bool, err error) {
	p := m.prop(name)
	if p == nil || p.kind == null {
		return 0, false, nil
	}
	if !p.isInt() {
		return 0, false, classCast(name)
	}
	return int32(p.num.Int64()), true, nil
}

// isInt says whether a number is a whole one of 32 bits (JsonNode.isInt).
func (n *node) isInt() bool {
	if n.kind != integer || !n.num.Unscaled().IsInt64() {
		return false
	}
	i := n.num.Unscaled().Int64()
	return i >= math.MinInt32 && i <= math.MaxInt32
}

func (r *reader) schema(m *model, v version, optional bool) (*schema.Schema, error) {
	if m == nil {
		return nil, nil
	}
	r.depth++
	r.count++
	defer func() { r.depth-- }()
	if r.depth > maxSchemaDepth || r.count > maxSchemas {
		// Java's stack overflows here, or its heap does.
		return nil, errs.Data("The JSON Schema contains itself, or amounts to more than %d schemas or to schemas more than %d deep", maxSchemas, maxSchemaDepth)
	}
	var b *schema.Builder
	var err error
	var st *structure
	switch m.sort {
	case ofBoolean:
		b = schema.NewBuilder(schema.Boolean)
	case ofNumber:
		b, err = m.number()
	case ofString:
		var typ string
		typ, err = m.textProp(typeProp)
		b = schema.NewBuilder(schema.String)
		if typ == "bytes" {
			b = schema.NewBuilder(schema.Bytes)
		}
	case ofConst, ofEnum:
		b = r.enum(m.values)
	case ofCombined:
		var s *schema.Schema
		if b, s, err = r.combined(m, v, optional); s != nil || err != nil {
			return s, err
		}
	case ofArray:
		b, err = r.array(m)
	case ofObject:
		b, st, err = r.object(m)
	case ofReference:
		return r.refer(m.target, v, optional)
	default:
		return nil, errs.Data("Unsupported schema type %s", m.sort.className())
	}
	if err != nil {
		return nil, err
	}
	if err := r.annotate(b, m, v); err != nil {
		return nil, err
	}
	if optional {
		b.Optional()
	}
	if st != nil {
		st.frozen = b.Ref().Params() == nil
	}
	return b.Build()
}

func (m *model) number() (*schema.Builder, error) {
	typ, err := m.textProp(typeProp)
	if err != nil {
		return nil, err
	}
	if typ == "" {
		if m.integer {
			return schema.NewBuilder(schema.Int64), nil
		}
		return schema.NewBuilder(schema.Float64), nil
	}
	for t := schema.Int8; t <= schema.Float64; t++ {
		if t.Name() == typ {
			return schema.NewBuilder(t), nil
		}
	}
	if typ == "bytes" {
		return schema.NewBuilder(schema.Bytes), nil
	}
	return nil, errs.IllegalArgument("Unsupported type %s", typ)
}

func (r *reader) enum(values []*node) *schema.Builder {
	b := schema.NewBuilder(schema.String)
	name := enumParam
	if r.opts.GeneralizedSumTypes {
		name = sumEnumParam
	}
	b.Param(name, "")
	for i, v := range values {
		symbol := nullMarker
		if v.kind != null {
			symbol = v.String()
		}
		value := symbol
		if r.opts.GeneralizedSumTypes {
			value = strconv.Itoa(i)
		}
		b.Param(name+"."+symbol, value)
	}
	return b
}

func (r *reader) annotate(b *schema.Builder, m *model, v version) error {
	if m.title != nil && !b.Ref().HasName() {
		b.Name(*m.title)
	}
	own, ok, err := m.intProp(versionProp)
	switch {
	case err != nil:
		return err
	case ok:
		b.Version(own)
	case v.known:
		b.Version(v.number)
	}
	if m.doc != nil {
		b.Doc(*m.doc)
	}
	switch p := m.prop(paramsProp); {
	case p == nil || p.kind == null:
	case p.kind != object:
		return classCast(paramsProp)
	default:
		names := make([]string, len(p.members))
		for i := range p.members {
			names[i] = p.members[i].name
		}
		hashOrder(names, grownCapacity(len(names)))
		for _, name := range names {
			value := p.get(name)
			if value.kind != text {
				return classCast(paramsProp + "." + name)
			}
			b.Param(name, value.text)
		}
	}
	if b.Err() != nil {
		return b.Err()
	}
	if m.def != nil {
		value, err := r.codec.value(b.Ref(), m.def)
		if err != nil {
			return err
		}
		b.Default(value)
	}
	return b.Err()
}

func (r *reader) array(m *model) (*schema.Builder, error) {
	if m.items == nil {
		return nil, errs.Data("Array schema did not specify the items type")
	}
	typ, err := m.textProp(typeProp)
	if err != nil {
		return nil, err
	}
	if typ == "map" && m.items.sort == ofObject {
		key, err := r.schema(m.items.property(keyName), version{}, false)
		if err != nil {
			return nil, err
		}
		value, err := r.schema(m.items.property(valueName), version{}, false)
		if err != nil {
			return nil, err
		}
		return schema.NewMapOf(key, value), nil
	}
	of, err := r.schema(m.items, version{}, false)
	if err != nil {
		return nil, err
	}
	return schema.NewArray(of), nil
}

// object makes a struct, or a map of string keys.
func (r *reader) object(m *model) (*schema.Builder, *structure, error) {
	typ, err := m.textProp(typeProp)
	if err != nil {
		return nil, nil, err
	}
	if typ == "map" {
		of, err := r.schema(m.further, version{}, false)
		if err != nil {
			return nil, nil, err
		}
		return schema.NewMapOf(schema.Of(schema.String), of), nil, nil
	}
	st := &structure{b: schema.NewStruct()}
	r.structs[m] = st
	// Of fields with equal indexes the last counts; one without an index gets the
	// number of fields so far.
	at := map[int32]property{}
	for _, p := range m.properties {
		i, ok, err := p.model.intProp(indexProp)
		if err != nil {
			return nil, nil, err
		}
		if !ok {
			i = int32(len(at))
		}
		at[i] = p
	}
	indexes := make([]int32, 0, len(at))
	for i := range at {
		indexes = append(indexes, i)
	}
	slices.Sort(indexes)
	for _, i := range indexes {
		p := at[i]
		f, err := r.schema(p.model, version{}, r.opts.OptionalForNonRequired && !m.requires(p.name))
		if err != nil {
			return nil, nil, err
		}
		st.b.Field(p.name, f)
	}
	return st.b, st, st.b.Err()
}

// refer returns the schema of what a reference points at. A struct that is known is
// given again under an id.
func (r *reader) refer(target *model, v version, optional bool) (*schema.Schema, error) {
	st := r.structs[target]
	if st == nil {
		return r.schema(target, v, optional)
	}
	r.ids++
	id := "#id" + strconv.Itoa(r.ids)
	st.id = id
	if !st.frozen {
		st.b.Param(idParam, id)
	}
	b := schema.NewStruct().SetOptional(optional)
	r.aliases = append(r.aliases, alias{b, st})
	return b.Ref(), nil
}

// combined makes the schema of several: either a union yet to be finished, or the
// whole.
func (r *reader) combined(m *model, v version, optional bool) (*schema.Builder, *schema.Schema, error) {
	if len(m.subs) == 1 && r.opts.FlattenSingletonUnions {
		s, err := r.schema(m.subs[0], version{}, false)
		return nil, s, err
	}
	if m.criterion == "allOf" {
		s, err := r.all(m, v, optional)
		return nil, s, err
	}
	name := oneOfName
	if r.opts.GeneralizedSumTypes {
		name = sumPrefix + strconv.Itoa(r.unions)
		r.unions++
	}
	if len(m.subs) == 2 && (m.subs[0].sort == ofNull || m.subs[1].sort == ofNull) {
		other := m.subs[0]
		if other.sort == ofNull {
			other = m.subs[1]
		}
		if other.sort == ofNull {
			other = nil
		}
		s, err := r.schema(other, v, true)
		return nil, s, err
	}
	b := schema.NewStruct().Name(name)
	if r.opts.GeneralizedSumTypes {
		b.Param(sumUnionParam, name)
	}
	i := 0
	for _, sub := range m.subs {
		if sub.sort == ofNull {
			b.Optional()
			continue
		}
		field := name + ".field." + strconv.Itoa(i)
		if r.opts.GeneralizedSumTypes {
			field = sumField + strconv.Itoa(i)
		}
		s, err := r.schema(sub, version{}, true)
		if err != nil {
			return nil, nil, err
		}
		b.Field(field, s)
		i++
	}
	return b, nil, b.Err()
}

// all makes the schema of an allOf: a struct of all properties if there are any, else
// that of the branch that says most.
func (r *reader) all(m *model, v version, optional bool) (*schema.Schema, error) {
	last := map[sort]*model{}
	var props []property
	required := map[string]bool{}
	for _, sub := range m.subs {
		last[sub.sort] = sub
		props = collect(sub, props, required, map[*model]bool{})
	}
	if len(props) > 0 {
		st := &structure{b: schema.NewStruct()}
		r.structs[m] = st
		for _, p := range props {
			f, err := r.schema(p.model, version{}, r.opts.OptionalForNonRequired && !required[p.name])
			if err != nil {
				return nil, err
			}
			st.b.Field(p.name, f)
		}
		st.b.SetOptional(optional)
		st.frozen = st.b.Ref().Params() == nil
		return st.b.Build()
	}
	var pick *model
	switch {
	case last[ofCombined] != nil:
		pick = last[ofCombined]
	case last[ofConst] != nil:
		if pick = last[ofString]; pick == nil {
			pick = last[ofNumber]
		}
	case last[ofEnum] != nil:
		if pick = last[ofNumber]; last[ofString] != nil {
			pick = last[ofEnum]
		}
	case last[ofString] != nil:
		if pick = last[ofNumber]; pick == nil {
			pick = last[ofString]
		}
	case last[ofReference] != nil:
		return r.refer(last[ofReference].target, v, optional)
	}
	if pick == nil {
		return nil, errs.IllegalArgument("Unsupported criterion %s for %s", m.criterion, m)
	}
	return r.schema(pick, v, optional)
}

// collect adds the properties of a schema, and of all it consists of.
func collect(m *model, props []property, required map[string]bool, seen map[*model]bool) []property {
	if seen[m] {
		return props
	}
	seen[m] = true
	switch {
	case m.sort == ofCombined && m.criterion == "allOf":
		for _, sub := range m.subs {
			props = collect(sub, props, required, seen)
		}
	case m.sort == ofReference:
		return collect(m.target, props, required, seen)
	case m.sort == ofObject:
	next:
		for _, p := range m.properties {
			required[p.name] = m.requires(p.name)
			for i := range props {
				if props[i].name == p.name {
					props[i] = p
					continue next
				}
			}
			props = append(props, p)
		}
	}
	return props
}

// String names the parts of an allOf for error texts.
func (m *model) String() string {
	var parts []string
	for _, sub := range m.subs {
		parts = append(parts, sub.sort.className())
	}
	return fmt.Sprint(parts)
}
