package transforms

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// val makes a schemaless value.
func val(v any) schema.Value {
	switch v := v.(type) {
	case nil:
		return schema.Null()
	case schema.Value:
		return v
	case int:
		return schema.OfInt64(int64(v))
	case int8:
		return schema.OfInt8(v)
	case int32:
		return schema.OfInt32(v)
	case float64:
		return schema.OfFloat64(v)
	case bool:
		return schema.OfBoolean(v)
	case string:
		return schema.OfString(v)
	case []byte:
		return schema.OfBytes(v)
	case []any:
		list := make([]schema.Value, len(v))
		for i, e := range v {
			list[i] = val(e)
		}
		return schema.OfArray(list)
	}
	panic(fmt.Sprintf("no value of a %T", v))
}

// object makes a map of names and values.
func object(pairs ...any) schema.Value {
	m := schema.NewMap(len(pairs) / 2)
	for i := 0; i < len(pairs); i += 2 {
		m.PutString(pairs[i].(string), val(pairs[i+1]))
	}
	return schema.OfMap(m)
}

// Schemas of tests.
var (
	str, optStr       = schema.Of(schema.String), schema.OptionalOf(schema.String)
	i32               = schema.Of(schema.Int32)
	i64               = schema.Of(schema.Int64)
	nine              = schema.NewBuilder(schema.Int32).Optional().Default(schema.OfInt32(9)).MustBuild()
	stamp             = schema.TimestampBuilder().MustBuild()
	listOfStr         = schema.NewArray(str).Optional().MustBuild()
	inner             = schema.NewStruct().Name("Inner").Optional().Field("x", i32).Field("y", optStr).MustBuild()
	outer             = schema.NewStruct().Name("Outer").Version(3).Doc("d").Optional().Field("id", i32).Field("name", optStr).Field("level", nine).Field("in", inner).MustBuild()
	mapOfStr          = schema.NewMapOf(str, str).MustBuild()
	millis      int64 = 1700000000123
)

// strct makes a struct of a schema with values in order.
func strct(s *schema.Schema, values ...any) schema.Value {
	list := make([]schema.Value, len(s.Fields()))
	for i, v := range values {
		list[i] = val(v)
	}
	return schema.OfStruct(schema.StructOf(s, list))
}

// record makes a record of topic t with a value; without a schema when s is nil.
func record(s *schema.Schema, v any) *connect.Record {
	return &connect.Record{Topic: "t", Partition: 2, Timestamp: millis, ValueSchema: s, Value: val(v)}
}

func outerRecord() *connect.Record {
	return record(outer, strct(outer, int32(7), "ann", nil, strct(inner, int32(1), nil)))
}

// keyed turns a record's value into its key.
func keyed(r *connect.Record) *connect.Record {
	c := r.Copy()
	c.KeySchema, c.Key, c.ValueSchema, c.Value = r.ValueSchema, r.Value, nil, schema.Null()
	return c
}

func sink(r *connect.Record) *connect.Record {
	c := r.Copy()
	c.Sink, c.Offset, c.TimestampType = true, 42, connect.CreateTime
	return c
}

// show writes all that matters of a record.
func show(r *connect.Record) string {
	if r == nil {
		return "dropped"
	}
	text := r.Topic
	if r.Timestamp != millis {
		text += fmt.Sprintf(" @%d", r.Timestamp)
	}
	if r.KeySchema != nil || !r.Key.IsNull() {
		text += " key " + showValue(r.KeySchema, r.Key)
	}
	text += " " + showValue(r.ValueSchema, r.Value)
	for _, h := range r.Headers {
		text += " " + h.Key + ":" + showValue(h.Schema, h.Value)
	}
	return text
}

func showValue(s *schema.Schema, v schema.Value) string {
	if s == nil {
		switch v.Kind() {
		case schema.KindNull:
			return "null"
		case schema.KindMap:
			var parts []string
			for _, e := range v.Map().Entries() {
				parts = append(parts, e.Key.Text()+"="+showValue(nil, e.Value))
			}
			return "{" + strings.Join(parts, ", ") + "}"
		}
		return v.Kind().String() + " " + v.Text()
	}
	text := s.Type().Name()
	if s.HasName() {
		text += ":" + s.Name()[strings.LastIndexByte(s.Name(), '.')+1:]
	}
	if version, ok := s.Version(); ok {
		text += fmt.Sprintf("/%d", version)
	}
	if s.HasDoc() {
		text += "/" + s.Doc()
	}
	if s.Optional() {
		text += "?"
	}
	if s.HasDefault() {
		text += "(" + s.Default().Text() + ")"
	}
	if v.Kind() != schema.KindStruct {
		return text + " " + v.Text()
	}
	var parts []string
	for i := range s.Fields() {
		parts = append(parts, s.Fields()[i].Name()+"="+showValue(s.Fields()[i].Schema(), v.Struct().RawAt(i)))
	}
	return text + "{" + strings.Join(parts, ", ") + "}"
}

// showError writes the class's own name and the message.
func showError(err error) string {
	class := errs.Class(err)
	message, ok := errs.Message(err)
	if !ok {
		message = "null"
	}
	return class[strings.LastIndexByte(class, '.')+1:] + ": " + message
}

// run is a record put through a transform with settings "a=1;b=2".
type run struct {
	settings string
	in       *connect.Record
	want     string
}

func settings(text string) map[string]string {
	props := map[string]string{}
	for _, pair := range strings.Split(text, ";") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			props[name] = value
		}
	}
	return props
}

// check runs a table, each record twice: the second time from what is remembered of
// its schema. The record itself must stay as it was.
func check(t *testing.T, make func() connect.Transform, table []run) {
	t.Helper()
	for _, c := range table {
		got := func() string {
			tr := make()
			if err := tr.Configure(settings(c.settings)); err != nil {
				return "config " + showError(err)
			}
			before := show(c.in)
			var first string
			for i := range 2 {
				out, err := tr.Apply(context.Background(), c.in)
				text := ""
				if err != nil {
					text = showError(err)
				} else {
					text = show(out)
				}
				if i == 0 {
					first = text
				} else if text != first {
					t.Errorf("%s: the second time %s, the first %s", c.settings, text, first)
				}
				if after := show(c.in); after != before {
					t.Errorf("%s: the record became %s, and was %s", c.settings, after, before)
				}
			}
			if err := tr.Close(); err != nil {
				return "close " + showError(err)
			}
			return first
		}()
		if got != c.want {
			t.Errorf("%s\n  got %s\n want %s", c.settings, got, c.want)
		}
	}
}

// of makes a constructor for one part of the record.
func of(make func(Part) connect.Transform, p Part) func() connect.Transform {
	return func() connect.Transform { return make(p) }
}
