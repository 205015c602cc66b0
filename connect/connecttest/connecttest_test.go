package connecttest

import (
	"context"
	"errors"
	"strconv"
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/schema"
)

// double is a transform for the suite: it doubles numbers, drops nulls and refuses
// anything else.
type double struct{}

func (double) ConfigDef() *configdef.Def {
	return configdef.New(configdef.Optional("by", configdef.Int, 2, configdef.Low, "Factor.").WithValidator(configdef.AtLeast(0)))
}
func (double) Configure(map[string]string) error { return nil }
func (double) Close() error                      { return nil }
func (double) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	switch r.Value.Kind() {
	case schema.KindNull:
		return nil, nil
	case schema.KindInt64:
		out := r.Copy()
		out.Value = schema.OfInt64(2 * r.Value.Int64())
		return out, nil
	}
	return nil, errors.New("not a number")
}

func TestTransformSuite(t *testing.T) {
	record := func(v schema.Value) *connect.Record { return &connect.Record{Topic: "t", Value: v} }
	Transform{New: func() connect.Transform { return double{} }, Cases: []TransformCase{
		{Name: "number", In: record(schema.OfInt64(4)), Want: record(schema.OfInt64(8))},
		{Name: "null", In: record(schema.Null()), Want: nil},
		{Name: "text", In: record(schema.OfString("x")), WantErr: "not a number"},
	}}.Run(t)
}

// decimal is a converter for the suite: int64 as text.
type decimal struct{}

func (decimal) ConfigDef() *configdef.Def               { return configdef.New() }
func (decimal) Configure(map[string]string, bool) error { return nil }
func (decimal) Close() error                            { return nil }
func (decimal) FromConnectData(_ context.Context, _ string, _ *connect.RawHeaders, _ *schema.Schema, v schema.Value) ([]byte, error) {
	if v.IsNull() {
		return nil, nil
	}
	return strconv.AppendInt(nil, v.Int64(), 10), nil
}
func (decimal) ToConnectData(_ context.Context, _ string, _ *connect.RawHeaders, b []byte) (connect.SchemaAndValue, error) {
	if b == nil {
		return connect.SchemaAndValue{Schema: schema.OptionalOf(schema.Int64)}, nil
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		return connect.SchemaAndValue{}, err
	}
	return connect.SchemaAndValue{Schema: schema.OptionalOf(schema.Int64), Value: schema.OfInt64(n)}, nil
}

func TestConverterSuite(t *testing.T) {
	s := schema.OptionalOf(schema.Int64)
	Converter{New: func() connect.Converter { return decimal{} }, Cases: []ConverterCase{
		{Name: "number", In: connect.SchemaAndValue{Schema: s, Value: schema.OfInt64(-5)}, Bytes: []byte("-5")},
		{Name: "null", In: connect.SchemaAndValue{Schema: s}},
		{Name: "other schema", In: connect.SchemaAndValue{Value: schema.OfInt64(7)}, Back: &connect.SchemaAndValue{Schema: s, Value: schema.OfInt64(7)}},
	}}.Run(t)
}

func TestDiff(t *testing.T) {
	base := func() *connect.Record {
		m := schema.NewMap(1)
		m.PutString("p", schema.OfInt64(1))
		return &connect.Record{Topic: "t", Partition: 1, Timestamp: 2, Key: schema.OfString("k"), KeySchema: schema.Of(schema.String),
			Value: schema.OfInt32(3), Headers: connect.Headers{}.With("h", nil, schema.OfBoolean(true)), SourceOffset: m}
	}
	if d := Diff(base(), base()); d != "" {
		t.Errorf("equal records differ: %s", d)
	}
	for what, change := range map[string]func(r *connect.Record){
		"topic": func(r *connect.Record) { r.Topic = "u" }, "partition": func(r *connect.Record) { r.Partition = 2 }, "timestamp": func(r *connect.Record) { r.Timestamp = 3 },
		"key": func(r *connect.Record) { r.Key = schema.Null() }, "key schema": func(r *connect.Record) { r.KeySchema = nil }, "value": func(r *connect.Record) { r.Value = schema.OfInt64(3) },
		"headers": func(r *connect.Record) { r.Headers = nil }, "header h": func(r *connect.Record) { r.Headers = connect.Headers{}.With("h", nil, schema.OfBoolean(false)) },
		"origin": func(r *connect.Record) { r.Sink = true }, "source offset": func(r *connect.Record) { r.SourceOffset = nil },
	} {
		r := base()
		change(r)
		if d := Diff(r, base()); len(d) < len(what) || d[:len(what)] != what {
			t.Errorf("%s: %q", what, d)
		}
	}
	if Diff(nil, nil) != "" || Diff(nil, base()) == "" {
		t.Error("no record")
	}
}

func TestOffsets(t *testing.T) {
	var o Offsets
	p, q := schema.NewMap(1), schema.NewMap(1)
	p.PutString("file", schema.OfString("a"))
	q.PutString("file", schema.OfString("b"))
	at := schema.NewMap(1)
	at.PutString("position", schema.OfInt64(7))
	o.Put(p, at)
	got, err := o.Offsets(t.Context(), []*schema.MapValue{q, p.Clone()})
	if err != nil || got[0] != nil || got[1] != at {
		t.Errorf("got %v, %v", got, err)
	}
	o.Put(p, nil)
	if got, _ := o.Offsets(t.Context(), []*schema.MapValue{p}); got[0] != nil || len(o.All()) != 1 {
		t.Errorf("after removal: %v", got)
	}
}
