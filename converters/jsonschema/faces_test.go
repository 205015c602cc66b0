package jsonschema

import (
	"context"
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

var _ connect.Converter = (*Converter)(nil)

func configured(t testing.TB, r Registry, props map[string]string) *Converter {
	t.Helper()
	c := New(func(map[string]string, bool) (Registry, error) { return r, nil })
	if err := c.Configure(props, false); err != nil {
		t.Fatal(err)
	}
	return c
}

func person(t testing.TB) (*schema.Schema, schema.Value) {
	t.Helper()
	s, err := schema.NewStruct().Name("Person").
		Field("name", schema.Of(schema.String)).
		Field("age", schema.OptionalOf(schema.Int32)).
		Field("score", schema.Of(schema.Float64)).
		Field("tags", schema.NewArray(schema.Of(schema.String)).MustBuild()).
		Build()
	if err != nil {
		t.Fatal(err)
	}
	return s, schema.OfStruct(schema.StructOf(s, []schema.Value{
		schema.OfString("Božena"), schema.OfInt32(31), schema.OfFloat64(2.5), schema.OfArray([]schema.Value{schema.OfString("a"), schema.OfString("b")}),
	}))
}

// counting counts what a registry is asked.
type counting struct {
	memory
	resolved int
	err      error
}

func (c *counting) Resolve(ctx context.Context, topic, name string, document []byte) (Registered, error) {
	c.resolved++
	if c.err != nil {
		return Registered{}, c.err
	}
	return c.memory.Resolve(ctx, topic, name, document)
}

func TestSchemasAreResolvedOnce(t *testing.T) {
	s, v := person(t)
	r := &counting{memory: memory{suffix: "-value"}}
	c := configured(t, r, nil)
	for _, topic := range []string{"t", "t", "u", "u", "t"} {
		if _, err := c.FromConnectData(context.Background(), topic, nil, s, v); err != nil {
			t.Fatal(err)
		}
	}
	if r.resolved != 2 {
		t.Errorf("the registry was asked %d times for two topics", r.resolved)
	}
}

func TestFailuresOfTheRegistry(t *testing.T) {
	s, v := person(t)
	for class, want := range map[string]string{
		classTimeout:            errs.ClassRetriable,
		classNetwork:            classNetwork,
		classConfiguration:      errs.ClassConfig,
		errs.ClassSerialization: errs.ClassData,
	} {
		r := &counting{err: errs.New(class, "the registry's words")}
		_, err := configured(t, r, nil).FromConnectData(context.Background(), "t", nil, s, v)
		if errs.Class(err) != want {
			t.Errorf("%s comes out as %v, expected %s", class, err, want)
		}
	}
}

func TestValuesThatDoNotMatchAreRefused(t *testing.T) {
	r := &memory{suffix: "-value", entries: []subject{{Subject: "t-value", Version: 1, ID: 1, Schema: []byte(`{"type":"integer","minimum":5}`)}}}
	in := append([]byte{0, 0, 0, 0, 1}, '4')
	if sv, err := configured(t, r, nil).ToConnectData(context.Background(), "t", nil, in); err != nil || sv.Value.Int64() != 4 {
		t.Errorf("unchecked: %v, %v", sv, err)
	}
	_, err := configured(t, r, map[string]string{validateKey: "true"}).ToConnectData(context.Background(), "t", nil, in)
	if errs.Class(err) != errs.ClassData {
		t.Errorf("checked: %v", err)
	}
}

func BenchmarkFromConnectData(b *testing.B) {
	s, v := person(b)
	c := configured(b, &memory{suffix: "-value"}, nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.FromConnectData(context.Background(), "t", nil, s, v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkToConnectData(b *testing.B) {
	s, v := person(b)
	c := configured(b, &memory{suffix: "-value"}, nil)
	in, err := c.FromConnectData(context.Background(), "t", nil, s, v)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.ToConnectData(context.Background(), "t", nil, in); err != nil {
			b.Fatal(err)
		}
	}
}
