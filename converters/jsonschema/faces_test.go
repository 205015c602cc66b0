package jsonschema

import (
	"context"
	"maps"
	"testing"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/converters/registry"
)

func configured(t testing.TB, r registry.Client, props map[string]string) *Converter {
	t.Helper()
	c := New()
	c.UseRegistry(r)
	all := map[string]string{"schema.registry.url": "http://in-memory"}
	maps.Copy(all, props)
	if err := c.Configure(all, false); err != nil {
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
	*registry.Memory
	asked int
	err   error
}

func (c *counting) Register(ctx context.Context, subject string, d registry.Document, normalize bool) (registry.Registered, error) {
	c.asked++
	if c.err != nil {
		return registry.Registered{}, c.err
	}
	return c.Memory.Register(ctx, subject, d, normalize)
}

func TestSchemasAreResolvedOnce(t *testing.T) {
	s, v := person(t)
	r := &counting{Memory: registry.NewMemory(nil)}
	c := configured(t, r, nil)
	for _, topic := range []string{"t", "t", "u", "u", "t"} {
		if _, err := c.FromConnectData(context.Background(), topic, nil, s, v); err != nil {
			t.Fatal(err)
		}
	}
	if r.asked != 2 {
		t.Errorf("the registry was asked %d times for two topics", r.asked)
	}
}

func TestFailuresOfTheRegistry(t *testing.T) {
	s, v := person(t)
	for _, c := range []struct {
		err       error
		class     string
		blameless bool
	}{
		{&registry.Error{Status: 503, Code: 50301, Message: "the registry's words"}, errs.ClassRetriable, true},
		{errs.New("java.net.SocketTimeoutException", "no answer"), errs.ClassRetriable, true},
		{errs.New("java.net.ConnectException", "refused"), "org.apache.kafka.common.errors.NetworkException", true},
		{&registry.Error{Status: 409, Code: 409, Message: "Schema being registered is incompatible"}, errs.ClassData, false},
	} {
		r := &counting{Memory: registry.NewMemory(nil), err: c.err}
		_, err := configured(t, r, nil).FromConnectData(context.Background(), "t", nil, s, v)
		if errs.Class(err) != c.class || errs.IsBlameless(err) != c.blameless || errs.IsRetriable(err) != c.blameless {
			t.Errorf("%v comes out as %v, expected %s", c.err, errs.Trace(err), c.class)
		}
	}
}

func TestValuesThatDoNotMatchAreRefused(t *testing.T) {
	r := registry.NewMemory(nil)
	r.Add(registry.Registered{Document: registry.Document{Format: registry.JSON, Text: `{"type":"integer","minimum":5}`}, ID: 1, Subject: "t-value", Version: 1})
	in := append([]byte{0, 0, 0, 0, 1}, '4')
	if sv, err := configured(t, r, nil).ToConnectData(context.Background(), "t", nil, in); err != nil || sv.Value.Int64() != 4 {
		t.Errorf("unchecked: %v, %v", sv, err)
	}
	_, err := configured(t, r, map[string]string{validateKey: "true"}).ToConnectData(context.Background(), "t", nil, in)
	if errs.Class(err) != errs.ClassData {
		t.Errorf("checked: %v", err)
	}
}

// What is compatible, and what is not (SchemaDiff).
func TestCompatible(t *testing.T) {
	for _, c := range []struct {
		was, is string
		ok      bool
	}{
		{`{"type":"string"}`, `{"type":"string","title":"T"}`, true},
		{`{"type":"string"}`, `{"type":"integer"}`, false},
		{`{"type":"integer"}`, `{"type":"number"}`, true},
		{`{"type":"number"}`, `{"type":"integer"}`, false},
		{`{"type":"string","maxLength":3}`, `{"type":"string","maxLength":4}`, true},
		{`{"type":"string","maxLength":4}`, `{"type":"string","maxLength":3}`, false},
		{`{"type":"string","minLength":3}`, `{"type":"string","minLength":4}`, false},
		{`{"type":"number","minimum":3}`, `{"type":"number","minimum":2}`, true},
		{`{"type":"number"}`, `{"type":"number","exclusiveMaximum":2}`, false},
		{`{"type":"number","multipleOf":10}`, `{"type":"number","multipleOf":5}`, true},
		{`{"type":"number","multipleOf":5}`, `{"type":"number","multipleOf":10}`, false},
		{`{"enum":["a"]}`, `{"enum":["a","b"]}`, true},
		{`{"enum":["a","b"]}`, `{"enum":["a"]}`, false},
		{`{"const":"a"}`, `{"const":"b"}`, false},
		{`{"type":"string"}`, `{}`, true},
		{`{}`, `{"type":"string"}`, false},
		{`{"type":"string"}`, `{"oneOf":[{"type":"null"},{"type":"string"}]}`, true},
		{`{"oneOf":[{"type":"null"},{"type":"string"}]}`, `{"type":"string"}`, false},
		{`{"oneOf":[{"type":"null"},{"type":"string"}]}`, `{"oneOf":[{"type":"string"},{"type":"null"},{"type":"boolean"}]}`, true},
		{`{"oneOf":[{"type":"null"},{"type":"string"}]}`, `{"oneOf":[{"type":"boolean"},{"type":"null"}]}`, false},
		{`{"not":{"type":"string"}}`, `{"not":{"type":"string","maxLength":2}}`, true},
		{`{"not":{"type":"string","maxLength":2}}`, `{"not":{"type":"string"}}`, false},
		{`{"type":"object","properties":{"a":{"type":"string"}}}`, `{"type":"object"}`, true},
		{`{"type":"object"}`, `{"type":"object","properties":{"a":{"type":"string"}}}`, false},
		{`{"type":"object","additionalProperties":false}`, `{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}`, true},
		{`{"type":"object","additionalProperties":false}`, `{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}`, false},
		{`{"type":"object","additionalProperties":false}`, `{"type":"object","properties":{"a":{"type":"string","default":"x"}},"required":["a"],"additionalProperties":false}`, true},
		{`{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}`, `{"type":"object","additionalProperties":false}`, false},
		{`{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}`, `{"type":"object","additionalProperties":{"type":"string"}}`, true},
		{`{"type":"object","properties":{"a":{"type":"string"}}}`, `{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}`, false},
		{`{"type":"array","items":{"type":"integer"}}`, `{"type":"array","items":{"type":"number"}}`, true},
		{`{"type":"array","items":{"type":"number"}}`, `{"type":"array","items":{"type":"integer"},"uniqueItems":true}`, false},
		{`{"type":"array","items":[{"type":"string"}],"additionalItems":false}`, `{"type":"array","items":[{"type":"string"},{"type":"string"}],"additionalItems":false}`, true},
		{`{"type":"array","items":[{"type":"string"},{"type":"string"}],"additionalItems":false}`, `{"type":"array","items":[{"type":"string"}],"additionalItems":false}`, false},
		{`{"type":"object","properties":{"a":{"$ref":"#"}}}`, `{"type":"object","properties":{"a":{"$ref":"#"}}}`, true},
		{`{"type":"number","connect.type":"bytes"}`, `{"type":"string","connect.type":"bytes"}`, true},
	} {
		load := func(text string) *model {
			n, err := parse([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			m, err := NewCodec(Options{}).load(n, nil)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		if err := compare(load(c.was), load(c.is)); (err == nil) != c.ok {
			t.Errorf("%s read by %s: %v", c.was, c.is, err)
		}
	}
}

func BenchmarkFromConnectData(b *testing.B) {
	s, v := person(b)
	c := configured(b, registry.NewMemory(nil), nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.FromConnectData(context.Background(), "t", nil, s, v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkToConnectData(b *testing.B) {
	s, v := person(b)
	c := configured(b, registry.NewMemory(nil), nil)
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
