package avro

import (
	"context"
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/converters/registry"
)

// counting counts what a registry is asked, and may fail.
type counting struct {
	*registry.Memory
	registered, fetched int
	err                 error
}

func (c *counting) Register(ctx context.Context, subject string, d registry.Document, normalize bool) (registry.Registered, error) {
	c.registered++
	if c.err != nil {
		return registry.Registered{}, c.err
	}
	return c.Memory.Register(ctx, subject, d, normalize)
}

func (c *counting) ByID(ctx context.Context, subject string, id int32) (registry.Document, error) {
	c.fetched++
	if c.err != nil {
		return registry.Document{}, c.err
	}
	return c.Memory.ByID(ctx, subject, id)
}

func TestSchemasAreResolvedOnce(t *testing.T) {
	s, v := order(t)
	r := &counting{Memory: holding()}
	c := configured(t, r, nil)
	var b []byte
	for _, topic := range []string{"t", "t", "u", "u", "t"} {
		var err error
		if b, err = c.FromConnectData(context.Background(), topic, nil, s, v); err != nil {
			t.Fatal(err)
		}
	}
	if r.registered != 2 {
		t.Errorf("the registry was asked %d times for two topics", r.registered)
	}
	var first *schema.Schema
	for range 3 {
		sv, err := c.ToConnectData(context.Background(), "t", nil, b)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = sv.Schema
		}
		if sv.Schema != first {
			t.Error("records of one schema have different ones, which keeps caches from their work")
		}
	}
	if r.fetched != 1 {
		t.Errorf("the schema was fetched %d times", r.fetched)
	}
}

func TestWrongValuesRegisterNothing(t *testing.T) {
	s := schema.NewStruct().Name("R").Field("a", schema.Of(schema.Int32)).MustBuild()
	r := &counting{Memory: holding()}
	c := configured(t, r, nil)
	_, err := c.FromConnectData(context.Background(), "t", nil, s, schema.OfStruct(schema.StructOf(s, make([]schema.Value, 1))))
	if errs.String(err) != "org.apache.kafka.connect.errors.DataException: Found null value for non-optional schema" {
		t.Error(err)
	}
	_, err = c.FromConnectData(context.Background(), "t", nil, s, schema.OfStruct(schema.StructOf(s, []schema.Value{schema.OfString("x")})))
	if errs.String(err) != "org.apache.kafka.connect.errors.DataException: Invalid type for INT32: class java.lang.String" {
		t.Error(err)
	}
	if r.registered != 0 {
		t.Errorf("%d schemas were registered", r.registered)
	}
}

func TestFailuresOfTheRegistry(t *testing.T) {
	s, v := order(t)
	for _, c := range []struct {
		err          error
		write, read  string
		retry, blame bool
	}{
		{
			&registry.Error{Status: 409, Code: 409, Message: "Schema being registered is incompatible"},
			"org.apache.kafka.connect.errors.DataException: Failed to serialize Avro data from topic t:",
			"org.apache.kafka.connect.errors.DataException: Failed to deserialize data for topic t to Avro:", false, true,
		},
		{
			&registry.Error{Status: 503, Code: 50301, Message: "busy"},
			"org.apache.kafka.connect.errors.RetriableException: Failed to serialize Avro data from topic t :",
			"org.apache.kafka.connect.errors.RetriableException: Failed to deserialize data for topic t to Avro: ", true, false,
		},
	} {
		r := &counting{Memory: holding(), err: c.err}
		_, werr := configured(t, r, nil).FromConnectData(context.Background(), "t", nil, s, v)
		_, rerr := configured(t, r, nil).ToConnectData(context.Background(), "t", nil, framed(1, 2))
		if errs.String(werr) != c.write || errs.String(rerr) != c.read {
			t.Errorf("%v comes out as %s and %s", c.err, errs.String(werr), errs.String(rerr))
		}
		for _, err := range []error{werr, rerr} {
			if errs.IsRetriable(err) != c.retry || errs.IsBlameless(err) == c.blame {
				t.Errorf("%v: retriable %t, blameless %t", err, errs.IsRetriable(err), errs.IsBlameless(err))
			}
			if !strings.Contains(errs.Trace(err), c.err.Error()) {
				t.Errorf("the registry's words are not in %s", errs.Trace(err))
			}
		}
	}
}

const addressText = `{"type":"record","name":"Address","namespace":"com.example","fields":[{"name":"street","type":"string"},{"name":"zip","type":["null","int"],"default":null}]}`

func address() (*schema.Schema, schema.Value) {
	s := schema.NewStruct().Name("com.example.Address").Field("street", schema.Of(schema.String)).Field("zip", schema.OptionalOf(schema.Int32)).MustBuild()
	return s, schema.OfStruct(schema.StructOf(s, []schema.Value{schema.OfString("s"), schema.OfInt32(4)}))
}

func TestWritingWithTheLatestVersion(t *testing.T) {
	s, v := address()
	props := map[string]string{"auto.register.schemas": "false", "use.latest.version": "true"}
	for _, c := range []struct {
		name, latest, want, cause string
	}{
		{"the same without properties", addressText, "\x02s\x02\x08", ""},
		{"fields in another order", `{"type":"record","name":"Address","namespace":"com.example","fields":[{"name":"zip","type":["int","null"]},{"name":"street","type":"string"}]}`, "\x00\x08\x02s", ""},
		{"one field less", `{"type":"record","name":"Address","namespace":"com.example","fields":[{"name":"zip","type":["null","int"]}]}`, "\x02\x08", ""},
		{"a field of another name", `{"type":"record","name":"Address","namespace":"com.example","fields":[{"name":"road","type":"string","aliases":["street"]},{"name":"zip","type":["null","int"]}]}`, "\x02s\x02\x08", ""},
		{"a field made optional", `{"type":"record","name":"Address","namespace":"com.example","fields":[{"name":"street","type":["null","string"]},{"name":"zip","type":["null","int"]}]}`, "\x02\x02s\x02\x08", ""},
		{"another name", `{"type":"record","name":"Adr","namespace":"com.example","fields":[]}`, "", "Incompatible schema of type 'AVRO"},
		{"a required field", `{"type":"record","name":"Address","namespace":"com.example","fields":[{"name":"street","type":"string"},{"name":"x","type":"int"}]}`, "", "the writer lacks the field x"},
	} {
		b, err := configured(t, holding(c.latest), props).FromConnectData(context.Background(), "t", nil, s, v)
		if c.cause != "" {
			if errs.Class(err) != errs.ClassData || !strings.Contains(errs.Trace(err), c.cause) {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if err != nil || string(b) != string(framed(1))+c.want {
			t.Errorf("%s: %x, %v", c.name, b, err)
		}
	}
	// A number in a wider field that is no union.
	wide := schema.NewStruct().Name("W").Field("a", schema.Of(schema.Int32)).MustBuild()
	c := configured(t, holding(`{"type":"record","name":"W","fields":[{"name":"a","type":"double"}]}`), props)
	b, err := c.FromConnectData(context.Background(), "t", nil, wide, schema.OfStruct(schema.StructOf(wide, []schema.Value{schema.OfInt32(2)})))
	if err != nil || string(b) != string(framed(1))+"\x00\x00\x00\x00\x00\x00\x00\x40" {
		t.Errorf("int as double: %x, %v", b, err)
	}
}

func TestReadingAsTheLatestVersion(t *testing.T) {
	for _, c := range []struct {
		name, writer, reader, payload, want string
	}{
		{"a new field", `{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}`,
			`{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":{"type":"array","items":"long"},"default":[1,2]}]}`, "\x06", "Struct{a=3,b=[1, 2]}"},
		{"a field that is gone", `{"type":"record","name":"R","fields":[{"name":"x","type":{"type":"map","values":"string"}},{"name":"a","type":"int"}]}`,
			`{"type":"record","name":"R","fields":[{"name":"a","type":"long"}]}`, "\x02\x02k\x02v\x00\x06", "Struct{a=3}"},
		{"a field by its alias", `{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}`,
			`{"type":"record","name":"R","fields":[{"name":"b","type":"int","aliases":["a"]}]}`, "\x06", "Struct{b=3}"},
		{"a record by its alias", `{"type":"record","name":"R","fields":[{"name":"u","type":["null",{"type":"record","name":"Old","fields":[{"name":"a","type":"int"}]}]}]}`,
			`{"type":"record","name":"R","fields":[{"name":"u","type":["null","string",{"type":"record","name":"New","aliases":["Old"],"fields":[{"name":"a","type":"int"}]}]}]}`, "\x02\x06", "Struct{u=Struct{New=Struct{a=3}}}"},
		{"an unknown symbol", `{"type":"record","name":"R","fields":[{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}}]}`,
			`{"type":"record","name":"R","fields":[{"name":"e","type":{"type":"enum","name":"E","symbols":["A","Z"],"default":"Z"}}]}`, "\x02", "Struct{e=Z}"},
		{"a value in a union", `{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}`,
			`{"type":"record","name":"R","fields":[{"name":"a","type":["null","string","double"]}]}`, "\x06", "Struct{a=Struct{double=3.0}}"},
		{"a union as its value", `{"type":"record","name":"R","fields":[{"name":"a","type":["null","int"]}]}`,
			`{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}`, "\x02\x06", "Struct{a=3}"},
		{"bytes as a string", `{"type":"record","name":"R","fields":[{"name":"a","type":"bytes"}]}`,
			`{"type":"record","name":"R","fields":[{"name":"a","type":"string"}]}`, "\x04hi", "Struct{a=hi}"},
		{"a record that contains itself", `{"type":"record","name":"N","fields":[{"name":"v","type":"int"},{"name":"next","type":["null","N"]}]}`,
			`{"type":"record","name":"N","fields":[{"name":"next","type":["null","N"]},{"name":"v","type":"long"},{"name":"w","type":"string","default":"d"}]}`,
			"\x02\x02\x04\x00", "Struct{next=Struct{v=2,w=d},v=1,w=d}"},
	} {
		r := configured(t, holding(c.writer, c.reader), map[string]string{"use.latest.version": "true"})
		sv, err := r.ToConnectData(context.Background(), "t", nil, framed(1, []byte(c.payload)...))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := sv.Value.Text(); got != c.want {
			t.Errorf("%s: %s, expected %s", c.name, got, c.want)
		}
	}
	for _, c := range []struct{ name, writer, reader, payload, want string }{
		{"no default", `{"type":"record","name":"R","fields":[]}`, `{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}`, "", "missing required field a"},
		{"null for a number", `{"type":"record","name":"R","fields":[{"name":"a","type":["null","int"]}]}`,
			`{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}`, "\x00", "Found null, expecting int"},
		{"a default that does not fit", `{"type":"record","name":"R","fields":[]}`, `{"type":"record","name":"R","fields":[{"name":"a","type":["null",{"type":"record","name":"S","fields":[]}],"default":null},{"name":"b","type":"long","default":"x"}]}`, "", "is no default for long"},
		{"a symbol that is gone", `{"type":"record","name":"R","fields":[{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}}]}`,
			`{"type":"record","name":"R","fields":[{"name":"e","type":{"type":"enum","name":"E","symbols":["A"]}}]}`, "\x02", "No match for B"},
	} {
		r := configured(t, holding(c.writer, c.reader), map[string]string{"use.latest.version": "true"})
		_, err := r.ToConnectData(context.Background(), "t", nil, framed(1, []byte(c.payload)...))
		if errs.Class(err) != errs.ClassData || !strings.Contains(errs.Trace(err), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestUnions(t *testing.T) {
	const text = `["null","int",{"type":"fixed","name":"F","size":2},{"type":"record","name":"a.R","fields":[{"name":"x","type":"int"}]}]`
	for _, c := range []struct{ payload, want string }{
		{"\x02\x06", "Struct{int=3}"}, {"\x06\x02", "Struct{R=Struct{x=1}}"},
	} {
		r := configured(t, holding(text), nil)
		sv, err := r.ToConnectData(context.Background(), "t", nil, framed(1, []byte(c.payload)...))
		if err != nil || sv.Value.Text() != c.want || r.ReturnedNull() {
			t.Errorf("%x: %v, %v", c.payload, sv.Value.Text(), err)
			continue
		}
		b, err := configured(t, holding(), nil).FromConnectData(context.Background(), "t", nil, sv.Schema, sv.Value)
		if err != nil || string(b[5:]) != c.payload {
			t.Errorf("%x is written %x, %v", c.payload, b, err)
		}
	}
	r := configured(t, holding(text), nil)
	if sv, err := r.ToConnectData(context.Background(), "t", nil, framed(1, 0)); err != nil || !sv.Value.IsNull() || sv.Schema != nil || !r.ReturnedNull() {
		t.Errorf("null: %v, %v, %t", sv, err, r.ReturnedNull())
	}
	if _, err := r.ToConnectData(context.Background(), "t", nil, framed(1, 4, 'x', 'y')); err != nil || r.ReturnedNull() {
		t.Errorf("fixed: %v", err)
	}
	if sv, err := r.ToConnectData(context.Background(), "t", nil, nil); err != nil || sv.Schema != nil || r.ReturnedNull() {
		t.Errorf("no bytes: %v, %v", sv, err)
	}
}

func TestSettingsThatNeedJavaClasses(t *testing.T) {
	r := configured(t, holding(addressText, `"int"`), map[string]string{"specific.avro.reader": "true"})
	_, err := r.ToConnectData(context.Background(), "t", nil, framed(1, 2, 's', 0))
	if errs.Class(err) != errs.ClassData || !strings.Contains(errs.Trace(err), "Could not find class com.example.Address") {
		t.Error(err)
	}
	if sv, err := r.ToConnectData(context.Background(), "t", nil, framed(2, 2)); err != nil || sv.Value.Int32() != 1 {
		t.Errorf("%v, %v", sv, err)
	}
	err = New().Configure(map[string]string{"schema.registry.url": "http://r", "scrub.invalid.names": "perhaps"}, false)
	if errs.Class(err) != errs.ClassConfig || !strings.Contains(err.Error(), "scrub.invalid.names") {
		t.Error(err)
	}
}

func TestHostileBytes(t *testing.T) {
	const deep = `{"type":"record","name":"N","fields":[{"name":"next","type":["null","N"]}]}`
	for _, c := range []struct{ name, schema, payload, class string }{
		{"deep nesting", deep, strings.Repeat("\x02", 1<<20) + "\x00", classOverflow},
		{"a record within itself", `{"type":"array","items":{"type":"record","name":"R","fields":[{"name":"s","type":"R"}]}}`, "\x02", classOverflow},
		{"many items", `{"type":"array","items":"long"}`, "\xfe\xff\xff\xff\x0f", errs.ClassData},
		{"many empty items", `{"type":"array","items":{"type":"record","name":"E","fields":[]}}`, "\xfe\xff\xff\xff\x0e", errs.ClassData},
		{"many entries", `{"type":"map","values":"long"}`, "\xfe\xff\xff\xff\x0f\x00", errs.ClassData},
		{"too many items", `{"type":"array","items":"int"}`, "\xfe\xff\xff\xff\xff\xff\xff\x0f", errs.ClassData},
		{"a negative block", `{"type":"array","items":"int"}`, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", errs.ClassData},
		{"a long number", `"long"`, strings.Repeat("\xff", 12), errs.ClassData},
	} {
		_, err := configured(t, holding(c.schema), nil).ToConnectData(context.Background(), "t", nil, framed(1, []byte(c.payload)...))
		if errs.Class(err) != c.class {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestManyTypesWithinTypes(t *testing.T) {
	// Thirty records, each of which has the next one twice.
	text := `{"type":"record","name":"R30","fields":[]}`
	for i := 29; i >= 0; i-- {
		n := string(rune('a' + i%26))
		text = `{"type":"record","name":"` + n + strings.Repeat("x", i) + `","fields":[{"name":"l","type":` + text + `},{"name":"r","type":"` + nameIn(text) + `"}]}`
	}
	_, err := configured(t, holding(text), nil).ToConnectData(context.Background(), "t", nil, framed(1))
	if errs.Class(err) != classRuntime && errs.Class(err) != errs.ClassData {
		t.Error(err)
	}
}

func nameIn(text string) string {
	_, rest, _ := strings.Cut(text, `"name":"`)
	n, _, _ := strings.Cut(rest, `"`)
	return n
}

// An error says where in the value it happened and by which schema.
func TestErrorsSayWhere(t *testing.T) {
	s, v := order(t)
	says := func(err error, words ...string) {
		t.Helper()
		for _, w := range words {
			if !strings.Contains(errs.Trace(err), w) {
				t.Errorf("%q is not in\n%s", w, errs.Trace(err))
			}
		}
	}
	replaced := func(field string, with schema.Value) schema.Value {
		values := make([]schema.Value, len(s.Fields()))
		for i := range values {
			values[i] = v.Struct().RawAt(i)
		}
		values[s.Field(field).Index()] = with
		return schema.OfStruct(schema.StructOf(s, values))
	}
	of := s.Field("items").Schema().Value()
	items := schema.OfArray([]schema.Value{schema.OfStruct(schema.StructOf(of, []schema.Value{schema.OfString("x"), schema.Null(), schema.OfFloat64(1)}))})
	c := configured(t, holding(), nil)
	for range 2 { // before and after the schema is registered
		_, err := c.FromConnectData(context.Background(), "t", nil, s, replaced("items", items))
		says(err, "DataException: Found null value for non-optional schema", "at items[0].count of shop.Order")
		_, err = c.FromConnectData(context.Background(), "t", nil, s, replaced("paid", schema.OfString("yes")))
		says(err, "DataException: Invalid type for BOOLEAN: class java.lang.String", "at paid of shop.Order")
		write(t, c, s, v)
	}
	good := write(t, c, s, v)
	r := holding(`{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"array","items":{"type":"record","name":"I","fields":[{"name":"n","type":"int"},{"name":"s","type":"string"}]}}}]}`)
	c = configured(t, r, nil)
	for range 2 {
		_, err := c.ToConnectData(context.Background(), "t", nil, framed(1, 4, 2, 2, 'x', 4, 40, 'y'))
		says(err, "Failed to deserialize data for topic t to Avro:", "java.io.EOFException", ".s of R,", "subject t-value")
		if _, err := c.ToConnectData(context.Background(), "t", nil, framed(1, 0)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := c.ToConnectData(context.Background(), "t", nil, framed(1, 4, 2, 2, 'x', 4, 40, 'y'))
	says(err, "at a[1].s of R, version 1 of subject t-value")
	if len(good) == 0 {
		t.Error("nothing was written")
	}
	latest := configured(t, holding(addressText, `{"type":"record","name":"Address","namespace":"com.example","fields":[{"name":"street","type":"int"}]}`),
		map[string]string{"auto.register.schemas": "false", "use.latest.version": "true", "latest.compatibility.strict": "false"})
	as, av := address()
	_, err = latest.FromConnectData(context.Background(), "t", nil, as, av)
	says(err, "Error serializing Avro message", "at street of com.example.Address, by schema 2 of subject t-value")
}
