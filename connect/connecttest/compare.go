package connecttest

import (
	"fmt"
	"strings"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/schema"
)

// Diff returns in what the records differ, "" for equal ones. Timestamps given to
// sources by the clock are compared too.
func Diff(got, want *connect.Record) string {
	if got == nil || want == nil {
		if got != want {
			return fmt.Sprintf("record: got %v, want %v", got != nil, want != nil)
		}
		return ""
	}
	var d []string
	differ := func(what string, got, want any) { d = append(d, fmt.Sprintf("%s: got %v, want %v", what, got, want)) }
	if got.Topic != want.Topic {
		differ("topic", got.Topic, want.Topic)
	}
	if got.Partition != want.Partition {
		differ("partition", got.Partition, want.Partition)
	}
	if got.Timestamp != want.Timestamp {
		differ("timestamp", got.Timestamp, want.Timestamp)
	}
	if !got.KeySchema.Equal(want.KeySchema) {
		differ("key schema", got.KeySchema, want.KeySchema)
	}
	if !got.Key.Equal(want.Key) {
		differ("key", Show(got.Key), Show(want.Key))
	}
	if !got.ValueSchema.Equal(want.ValueSchema) {
		differ("value schema", got.ValueSchema, want.ValueSchema)
	}
	if !got.Value.Equal(want.Value) {
		differ("value", Show(got.Value), Show(want.Value))
	}
	if len(got.Headers) != len(want.Headers) {
		differ("headers", len(got.Headers), len(want.Headers))
	} else {
		for i := range got.Headers {
			g, w := got.Headers[i], want.Headers[i]
			if g.Key != w.Key || !g.Schema.Equal(w.Schema) || !g.Value.Equal(w.Value) {
				differ("header "+w.Key, g.Key+"="+Show(g.Value), w.Key+"="+Show(w.Value))
			}
		}
	}
	if got.Sink != want.Sink || got.TimestampType != want.TimestampType || got.Offset != want.Offset || got.Original != want.Original {
		differ("origin", got.Original, want.Original)
	}
	if !sameMap(got.SourcePartition, want.SourcePartition) {
		differ("source partition", showMap(got.SourcePartition), showMap(want.SourcePartition))
	}
	if !sameMap(got.SourceOffset, want.SourceOffset) {
		differ("source offset", showMap(got.SourceOffset), showMap(want.SourceOffset))
	}
	return strings.Join(d, "\n")
}

func sameMap(a, b *schema.MapValue) bool {
	if a == nil || b == nil {
		return (a == nil || a.Len() == 0) && (b == nil || b.Len() == 0)
	}
	return a.Equal(b)
}

func showMap(m *schema.MapValue) string { return Show(schema.OfMap(m)) }

// Show prints a value for a test's message, kinds included.
func Show(v schema.Value) string {
	switch v.Kind() {
	case schema.KindNull:
		return "null"
	case schema.KindString:
		return fmt.Sprintf("%q", v.Str())
	case schema.KindBytes:
		return fmt.Sprintf("bytes(%x)", v.Bytes())
	case schema.KindBoolean:
		return fmt.Sprint(v.Boolean())
	case schema.KindFloat32:
		return fmt.Sprintf("float32(%v)", v.Float32())
	case schema.KindFloat64:
		return fmt.Sprintf("float64(%v)", v.Float64())
	case schema.KindDecimal:
		return "decimal(" + v.Decimal().String() + ")"
	case schema.KindDate:
		return fmt.Sprintf("date(%d)", v.Date())
	case schema.KindArray:
		parts := make([]string, len(v.Array()))
		for i, e := range v.Array() {
			parts[i] = Show(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case schema.KindMap:
		parts := make([]string, 0, v.Map().Len())
		for k, e := range v.Map().All() {
			parts = append(parts, Show(k)+": "+Show(e))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case schema.KindStruct:
		s := v.Struct()
		parts := make([]string, 0, len(s.Schema().Fields()))
		for i := range s.Schema().Fields() {
			parts = append(parts, s.Schema().Fields()[i].Name()+"="+Show(s.RawAt(i)))
		}
		return "Struct{" + strings.Join(parts, ", ") + "}"
	}
	n, _ := v.Integer()
	return fmt.Sprintf("%s(%d)", v.Kind(), n)
}
