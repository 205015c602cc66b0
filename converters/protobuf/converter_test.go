package protobuf

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/converters/registry"
)

// counting counts what a registry is asked.
type counting struct {
	*registry.Memory
	asked int
	err   error
}

func (c *counting) Register(ctx context.Context, subject string, d registry.Document, normalize bool) (registry.Registered, error) {
	if c.asked++; c.err != nil {
		return registry.Registered{}, c.err
	}
	return c.Memory.Register(ctx, subject, d, normalize)
}

func (c *counting) ByID(ctx context.Context, subject string, id int32) (registry.Document, error) {
	if c.asked++; c.err != nil {
		return registry.Document{}, c.err
	}
	return c.Memory.ByID(ctx, subject, id)
}

func TestSchemasAreResolvedOnce(t *testing.T) {
	ctx := context.Background()
	s, v := order(t)
	r := &counting{Memory: memory()}
	c := configured(t, r, nil)
	var last []byte
	for _, topic := range []string{"t", "t", "u", "u", "t"} {
		b, err := c.FromConnectData(ctx, topic, nil, s, v)
		if err != nil {
			t.Fatal(err)
		}
		last = b
	}
	if r.asked != 2 {
		t.Errorf("two subjects were registered with %d requests", r.asked)
	}
	r.asked = 0
	for range 3 {
		got, err := c.ToConnectData(ctx, "t", nil, last)
		if err != nil {
			t.Fatal(err)
		}
		if want := "Struct{id=1234567890,customer=Božena Němcová,note=,paid=true"; !strings.HasPrefix(got.Value.Text(), want) {
			t.Errorf("read %s", got.Value.Text())
		}
	}
	if r.asked != 1 {
		t.Errorf("one schema was fetched with %d requests", r.asked)
	}
}

// A record that was written stays as it was when the next is.
func TestRecordsAreApart(t *testing.T) {
	c := configured(t, memory(), nil)
	s := schema.NewStruct().Name("R").Field("s", schema.Of(schema.String)).MustBuild()
	write := func(text string) []byte {
		b, err := c.FromConnectData(context.Background(), "t", nil, s, schema.OfStruct(schema.StructOf(s, []schema.Value{schema.OfString(text)})))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	first := write("first")
	kept := slices.Clone(first)
	write("other")
	if !slices.Equal(first, kept) {
		t.Errorf("%q became %q", kept, first)
	}
}

func TestARegistryThatIsAwayIsToBeTriedAgain(t *testing.T) {
	s, v := order(t)
	for status, retriable := range map[int]bool{503: true, 500: true, 409: false, 404: false} {
		r := &counting{Memory: memory(), err: &registry.Error{Status: status, Code: status * 100, Message: "no"}}
		c := configured(t, r, nil)
		_, err := c.FromConnectData(context.Background(), "t", nil, s, v)
		if errs.IsRetriable(err) != retriable {
			t.Errorf("writing with %d: %v", status, err)
		}
		_, err = c.ToConnectData(context.Background(), "t", nil, []byte{0, 0, 0, 0, 1, 0})
		if errs.IsRetriable(err) != retriable {
			t.Errorf("reading with %d: %v", status, err)
		}
	}
}

// registered is what a schema is registered as.
func registered(t *testing.T, s *schema.Schema, props map[string]string) ([]registry.Registered, error) {
	t.Helper()
	m := memory()
	values := make([]schema.Value, len(s.Fields()))
	_, err := configured(t, m, props).FromConnectData(context.Background(), "t", nil, s, schema.OfStruct(schema.StructOf(s, values)))
	return m.Added(), err
}

func TestImportsAreRegisteredWhereWanted(t *testing.T) {
	s := schema.NewStruct().Name("R").Field("d", schema.DecimalBuilder(2).MustBuild()).Field("t", schema.TimestampBuilder().MustBuild()).MustBuild()
	for _, c := range []struct {
		props map[string]string
		want  []string
	}{
		{nil, []string{"t-value"}},
		{map[string]string{"skip.known.types": "false"}, []string{"confluent/type/decimal.proto", "google/protobuf/timestamp.proto", "t-value"}},
		{map[string]string{"skip.known.types": "false", "reference.subject.name.strategy": qualifiedStrategy},
			[]string{"confluent.type.decimal", "google.protobuf.timestamp", "t-value"}},
	} {
		all, err := registered(t, s, c.props)
		if err != nil {
			t.Fatal(err)
		}
		var subjects []string
		for _, r := range all {
			subjects = append(subjects, r.Subject)
		}
		if !slices.Equal(subjects, c.want) {
			t.Errorf("%v: registered %v", c.props, subjects)
		}
		if references := all[len(all)-1].References; len(references) != len(c.want)-1 {
			t.Errorf("%v: references %v", c.props, references)
		}
	}
	if _, err := registered(t, s, map[string]string{"skip.known.types": "false", "reference.lookup.only": "true"}); errs.Class(err) != errs.ClassData {
		t.Errorf("imports that are to be there and are not: %v", err)
	}
}

func TestTheLatestVersionMustReadTheRecord(t *testing.T) {
	s := schema.NewStruct().Name("R").Field("a", schema.Of(schema.Int32)).MustBuild()
	v := schema.OfStruct(schema.StructOf(s, []schema.Value{schema.OfInt32(7)}))
	for _, c := range []struct{ latest, reason string }{
		{`syntax = "proto3"; message R { int64 a = 1; string more = 2; } message S {}`, ""},
		{`syntax = "proto3"; message Before {} message R { int32 b = 1; }`, ""},
		{`syntax = "proto3"; message R { oneof o { int32 a = 1; } }`, ""},
		{`syntax = "proto3"; message R { string a = 1; }`, "FIELD_SCALAR_KIND_CHANGED"},
		{`syntax = "proto3"; message R { R a = 1; }`, "FIELD_KIND_CHANGED"},
		{`syntax = "proto3"; message S { int32 a = 1; }`, "MESSAGE_REMOVED"},
		{`syntax = "proto3"; package p; message R { int32 a = 1; }`, "PACKAGE_CHANGED"},
		{`syntax = "proto2"; message R { optional int32 a = 1; required int32 b = 2; }`, "REQUIRED_FIELD_ADDED"},
	} {
		props := map[string]string{"auto.register.schemas": "false", "use.latest.version": "true"}
		_, err := configured(t, holding(c.latest), props).FromConnectData(context.Background(), "t", nil, s, v)
		if (err == nil) != (c.reason == "") || err != nil && !strings.Contains(errs.Trace(err), c.reason) {
			t.Errorf("%s: %v", c.latest, err)
		}
		props["latest.compatibility.strict"] = "false"
		if _, err := configured(t, holding(c.latest), props).FromConnectData(context.Background(), "t", nil, s, v); err != nil {
			t.Errorf("%s, without the check: %v", c.latest, err)
		}
	}
}

// The place of the message is that in the schema which the id stands for.
func TestTheIndexIsThatOfTheRegisteredSchema(t *testing.T) {
	s := schema.NewStruct().Name("R").Field("a", schema.Of(schema.Int32)).MustBuild()
	v := schema.OfStruct(schema.StructOf(s, []schema.Value{schema.OfInt32(7)}))
	c := configured(t, holding(`syntax = "proto3"; message A {} message B {} message R { int32 a = 1; }`), map[string]string{"auto.register.schemas": "false", "use.latest.version": "true"})
	b, err := c.FromConnectData(context.Background(), "t", nil, s, v)
	if want := []byte{0, 0, 0, 0, 1, 2, 4, 8, 7}; err != nil || !slices.Equal(b, want) {
		t.Errorf("%v, %v; expected %v", b, err, want)
	}
	got, err := c.ToConnectData(context.Background(), "t", nil, b)
	if err != nil || got.Value.Text() != "Struct{a=7}" {
		t.Errorf("read %s, %v", got.Value.Text(), err)
	}
}

func TestReferencesMayNotGoInCircles(t *testing.T) {
	m := memory()
	ref := func(name string) []registry.Reference {
		return []registry.Reference{{Name: name, Subject: name, Version: 1}}
	}
	m.Add(registry.Registered{Document: registry.Document{Format: registry.Protobuf, Text: `syntax = "proto3"; import "b.proto"; message A { B b = 1; }`, References: ref("b.proto")}, ID: 2, Subject: "a.proto", Version: 1})
	m.Add(registry.Registered{Document: registry.Document{Format: registry.Protobuf, Text: `syntax = "proto3"; import "a.proto"; message B { A a = 1; }`, References: ref("a.proto")}, ID: 3, Subject: "b.proto", Version: 1})
	m.Add(registry.Registered{Document: registry.Document{Format: registry.Protobuf, Text: `syntax = "proto3"; import "a.proto"; message R { A a = 1; }`, References: ref("a.proto")}, ID: 1, Subject: "t-value", Version: 1})
	_, err := configured(t, m, nil).ToConnectData(context.Background(), "t", nil, []byte{0, 0, 0, 0, 1, 0})
	if err == nil || !strings.Contains(errs.Trace(err), "imports itself") {
		t.Error(err)
	}
}

func TestSchemasThatCannotBeWritten(t *testing.T) {
	one := func(name string, f *schema.Schema) *schema.Schema {
		return schema.NewStruct().Name("ns.R").Field(name, f).MustBuild()
	}
	color := schema.NewBuilder(schema.String).Name("Color").Param(enumParam, "Color").MustBuild()
	endless := schema.NewStruct().Name("A")
	b := schema.NewStruct().Name("B").Field("a", endless.Ref()).MustBuild()
	endless.Field("b", b)
	recursive, err := endless.Build()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		schema         *schema.Schema
		class, message string
	}{
		{one("my-field", schema.Of(schema.Int32)), errs.ClassIllegalState, classValidation + `: ns.R.my-field: "my-field" is not a valid identifier.`},
		{one("c", color), errs.ClassIllegalState, classValidation + ": ns.R.Color: Enums must contain at least one value."},
		{one("a", schema.NewArray(schema.NewArray(schema.Of(schema.Int32)).MustBuild()).MustBuild()), errs.ClassIllegalArgument, "Array cannot be nested"},
		{one("a", schema.NewBuilder(schema.Int32).Param(tagParam, "0").MustBuild()), errs.ClassIllegalState, classValidation + ": ns.R.a: Field numbers must be positive integers."},
		{one("a", schema.NewBuilder(schema.Int32).Param(tagParam, "x").MustBuild()), errs.ClassNumberFormat, `For input string: "x"`},
		{one("a", schema.NewBuilder(schema.Int64).Param(typeParam, "uint32").Default(schema.OfInt64(-1)).MustBuild()), errs.ClassIllegalState, classValidation + `: ns.R.a: Could not parse default value: "-1"`},
		{one("d", schema.NewArray(schema.NewBuilder(schema.Int32).Default(schema.OfInt32(1)).MustBuild()).MustBuild()), errs.ClassIllegalState, classValidation + ": ns.R.d: Repeated fields cannot have default values."},
		{schema.NewStruct().Name("R").Field("u", schema.NewStruct().Name(unionName).MustBuild()).MustBuild(), classStringBounds, "begin 36, end 35, length 35"},
		{recursive, classStackOverflow, ""},
	} {
		_, err := registered(t, c.schema, nil)
		if message, _ := errs.Message(err); errs.Class(err) != c.class || message != c.message {
			t.Errorf("%s %q, expected %s %q", errs.Class(err), message, c.class, c.message)
		}
	}
}

func TestKnownFilesLink(t *testing.T) {
	names := []string{"any", "api", "descriptor", "duration", "empty", "field_mask", "source_context", "struct", "timestamp", "type", "wrappers"}
	for i, n := range names {
		names[i] = "google/protobuf/" + n + ".proto"
	}
	err := fs.WalkDir(protoFiles, "proto", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, strings.TrimPrefix(path, "proto/"))
		}
		return err
	})
	if err != nil || len(names) != 29 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	lib := &library{}
	for _, n := range names {
		f := lib.known(n)
		if f == nil {
			t.Errorf("%s is not known", n)
			continue
		}
		if _, err := assemble(f.reformed(), lib.known); err != nil {
			t.Errorf("%s: %v", n, err)
		}
		again, err := parse(f.String())
		if err != nil || again.String() != f.String() {
			t.Errorf("%s is printed as\n%s\n%v", n, f, err)
		}
	}
	if lib.known("google/protobuf/nothing.proto") != nil {
		t.Error("a file is known that is not there")
	}
}

func TestParametersOfFields(t *testing.T) {
	for _, option := range []string{
		`(confluent.field_meta) = {params: [{key: "connect.type", value: "int8"}]}`,
		`(confluent.field_meta) = {params: {value: "int8" key: "connect.type"}}`,
		`(confluent.field_meta).params = {key: "connect.type", value: "int8"}`,
		`deprecated = true, (.confluent.field_meta).params = {key: "connect.type", value: "int8"}, (other) = 1`,
		`(confluent.field_meta).params = {key: "x", value: "y"}, (confluent.field_meta).params = {key: "connect.type", value: "int8"}`,
	} {
		got, err := read(t, `syntax = "proto3"; message R { int32 a = 1 [`+option+`]; }`, varintField(1, 200), nil)
		if err != nil || got.Schema.Fields()[0].Schema().Type() != schema.Int8 || got.Value.Text() != "Struct{a=-56}" {
			t.Errorf("%s: %s, %v", option, got.Value.Text(), err)
		}
	}
}

func TestCanonicalTexts(t *testing.T) {
	c := New()
	doc := func(text string) registry.Document { return registry.Document{Format: registry.Protobuf, Text: text} }
	a := c.Canonical(doc("syntax='proto3'; // a comment\nmessage A{int32 x=1;enum E{Z=0;}message B{}}"))
	if want := "syntax = \"proto3\";\n\nmessage A {\n  int32 x = 1;\n\n  message B {}\n  enum E {\n    Z = 0;\n  }\n}\n"; a != want {
		t.Errorf("%q, expected %q", a, want)
	}
	if text := "this is no schema"; c.Canonical(doc(text)) != text {
		t.Errorf("%q", c.Canonical(doc(text)))
	}
	deep := strings.Repeat("message A { ", 150) + strings.Repeat("}", 150)
	if _, err := parse(deep); !errors.Is(err, errDeep) {
		t.Errorf("150 messages in messages: %v", err)
	}
}

func TestRecordsThatAreToBeJavaClassesAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		`syntax = "proto3"; package p; message A {}`:                                                                 "must be set in the Protobuf schema",
		`syntax = "proto3"; package p; option java_outer_classname = "O"; message A {}`:                              "Class p.O$A could not be found.",
		`syntax = "proto3"; package p; option java_package = "x.y"; option java_multiple_files = true; message A {}`: "Class x.y.A could not be found.",
	} {
		_, err := read(t, text, nil, map[string]string{"derive.type": "true"})
		if errs.Class(err) != errs.ClassData || !strings.Contains(errs.Trace(err), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
