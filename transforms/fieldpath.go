package transforms

import (
	"strconv"
	"strings"

	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// fieldPath leads to a field, in Connect's syntax (SingleFieldPath, KIP-821): under
// V1 the text is one name; under V2 dots lead into nested data, and names with
// dots stand in backticks.
type fieldPath []string

// fieldSyntaxKey is the setting that chooses the syntax.
func fieldSyntaxKey() cd.Key {
	return cd.Optional("field.syntax.version", cd.String, "V1", cd.High,
		"Defines the version of the syntax to access fields. If set to `V1`, then the field paths are limited to access the elements at the root level of the struct or map. If set to `V2`, the syntax will support accessing nested elements. To access nested elements, dotted notation is used. If dots are already included in the field name, then backtick pairs can be used to wrap field names containing dots. E.g. to access the subfield `baz` from a field named \"foo.bar\" in a struct/map the following format can be used to access its elements: \"`foo.bar`.baz\".").
		WithValidator(cd.CaseInsensitiveValidString("V1", "V2"))
}

func newFieldPath(text, version string) (fieldPath, error) {
	if strings.EqualFold(version, "V1") {
		return fieldPath{text}, nil
	}
	var steps fieldPath
	rest := text
	for rest != "" {
		if rest[0] != '`' {
			step, after, _ := strings.Cut(rest, ".")
			steps, rest = append(steps, step), after
			continue
		}
		step, after, ok := backticked(rest[1:])
		if !ok {
			return nil, errs.Config("Incomplete backtick pair in path: [" + text + "], consider adding a backslash before backtick at position " +
				strconv.Itoa(len([]rune(text[:len(text)-len(rest)]))) + " to escape it")
		}
		steps, rest = append(steps, step), after
	}
	if strings.HasSuffix(text, ".") {
		steps = append(steps, "")
	}
	return steps, nil
}

// backticked reads a name up to the backtick that ends it: one at the end, or before
// a dot. A backslash before such a backtick makes it part of the name.
func backticked(text string) (step, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '`' {
			b.WriteByte(text[i])
			continue
		}
		escaped := i > 0 && text[i-1] == '\\'
		switch {
		case i == len(text)-1:
			return b.String(), "", !escaped
		case text[i+1] != '.':
			b.WriteByte('`')
		case escaped:
			name := b.String()
			b.Reset()
			b.WriteString(name[:len(name)-1] + "`")
		default:
			return b.String(), text[i+2:], true
		}
	}
	return "", "", false
}

const nestedPurpose = "nested field access"

// last returns the steps that lead to the field's parent, and its name.
func (p fieldPath) last() (parents []string, name string, err error) {
	if len(p) == 0 {
		return nil, "", errs.IllegalArgument("fromIndex(0) > toIndex(-1)")
	}
	return p[:len(p)-1], p[len(p)-1], nil
}

// field returns the field of a schema, or nil when there is none.
func (p fieldPath) field(s *schema.Schema) (*schema.Field, error) {
	parents, name, err := p.last()
	if err != nil {
		return nil, err
	}
	for _, step := range parents {
		f, err := fieldOf(s, step)
		if f == nil || err != nil {
			return nil, err
		}
		s = f.Schema()
	}
	return fieldOf(s, name)
}

// inStruct returns the field's value, null where a part of the path is missing.
func (p fieldPath) inStruct(s *schema.StructValue, withDefault bool) (schema.Value, error) {
	parents, name, err := p.last()
	if err != nil {
		return schema.Value{}, err
	}
	for _, step := range parents {
		f := s.Schema().Field(step)
		if f == nil {
			return schema.Value{}, nil
		}
		if s, err = requireStructOrNull(s.At(f.Index()), nestedPurpose); s == nil || err != nil {
			return schema.Value{}, err
		}
	}
	f := s.Schema().Field(name)
	if f == nil {
		return schema.Value{}, nil
	}
	return fieldValue(s, f.Index(), withDefault), nil
}

// inMap returns the value in schemaless data.
func (p fieldPath) inMap(m *schema.MapValue) (schema.Value, error) {
	parents, name, err := p.last()
	if err != nil {
		return schema.Value{}, err
	}
	for _, step := range parents {
		v, _ := m.GetString(step)
		if v.IsNull() {
			return schema.Value{}, nil
		}
		if m, err = requireMap(v, nestedPurpose); err != nil {
			return schema.Value{}, err
		}
	}
	v, _ := m.GetString(name)
	return v, nil
}
