package preview

import (
	"strconv"
	"strings"

	"github.com/moldau-io/moldau/connect/schema"
)

// describer lists the values within a value, each with its place and type.
type describer struct{ facts []fact }

// maxDescribed is the nesting to which values are taken apart.
const maxDescribed = 50

func (d *describer) add(path string, s *schema.Schema, v schema.Value, depth int) {
	switch {
	case depth < maxDescribed && v.Kind() == schema.KindStruct:
		d.facts = append(d.facts, fact{path, typeText(s, v)})
		st := v.Struct()
		for i := range st.Schema().Fields() {
			f := &st.Schema().Fields()[i]
			d.add(path+"."+f.Name(), f.Schema(), st.RawAt(i), depth+1)
		}
	case depth < maxDescribed && v.Kind() == schema.KindMap && s == nil:
		d.facts = append(d.facts, fact{path, typeText(s, v)})
		for _, e := range v.Map().Entries() {
			d.add(path+"."+e.Key.Text(), nil, e.Value, depth+1)
		}
	default:
		d.facts = append(d.facts, fact{path, typeText(s, v) + valueText(v)})
	}
}

// typeText is the type of a value: of its schema with its name, "?" for optional and
// its default, or of the value alone.
func typeText(s *schema.Schema, v schema.Value) string {
	if s == nil {
		if v.IsNull() {
			return "null"
		}
		return v.Kind().String()
	}
	text := s.Type().Name()
	if s.HasName() {
		text = strings.TrimPrefix(s.Name(), "org.apache.kafka.connect.data.")
		if !s.IsLogical() {
			text = s.Type().Name() + " " + text
		}
	}
	if version, ok := s.Version(); ok && !s.IsLogical() {
		text += " v" + strconv.Itoa(int(version))
	}
	if s.Optional() {
		text += "?"
	}
	if s.HasDefault() {
		text += " (default" + valueText(s.Default()) + ")"
	}
	if v.IsNull() {
		text += " null"
	}
	return text
}

// valueText is a value with a space before it; strings are quoted.
func valueText(v schema.Value) string {
	switch v.Kind() {
	case schema.KindNull:
		return ""
	case schema.KindString:
		return " " + strconv.Quote(v.Str())
	}
	return " " + schema.ConvertToString(v)
}
