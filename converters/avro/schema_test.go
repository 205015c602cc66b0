package avro

import (
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

func TestTextOfSchemas(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{"type":"int"}`, `"int"`},
		{` { "logicalType" : "date" , "type" : "int" } `, `{"type":"int","logicalType":"date"}`},
		{`{"namespace":"a","name":"b.C","fields":[{"type":"C","name":"c","default":null,"doc":"d"}],"type":"record","doc":"x"}`,
			`{"type":"record","name":"C","namespace":"b","doc":"x","fields":[{"name":"c","type":"C","doc":"d","default":null}]}`},
		{`{"type":"record","name":"a.A","fields":[{"name":"b","type":{"type":"record","name":"B","namespace":"","fields":[{"name":"a","type":"a.A"},{"name":"b","type":"B"}]}}]}`,
			`{"type":"record","name":"A","namespace":"a","fields":[{"name":"b","type":{"type":"record","name":"B","namespace":"","fields":[{"name":"a","type":"a.A"},{"name":"b","type":"B"}]}}]}`},
		{`{"type":"record","name":"x.string","fields":[{"name":"s","type":["null","x.string"]}]}`,
			`{"type":"record","name":"string","namespace":"x","fields":[{"name":"s","type":["null","x.string"]}]}`},
		{`{"type":"enum","name":"E","z":1,"aliases":["F","q.G"],"symbols":["A"],"default":"A"}`,
			`{"type":"enum","name":"E","symbols":["A"],"default":"A","z":1,"aliases":["F","q.G"]}`},
		{`{"type":"fixed","name":"F","size":3,"p":{"b":1E+3,"a":[null,true,1.50]}}`, `{"type":"fixed","name":"F","size":3,"p":{"b":1000.0,"a":[null,true,1.5]}}`},
		{`{"type":"record","name":"R","fields":[{"name":"a","type":"long","order":"descending","x":"\u0001\"","aliases":["b"]},{"name":"c","type":"int","order":"ascending"}]}`,
			`{"type":"record","name":"R","fields":[{"name":"a","type":"long","order":"descending","aliases":["b"],"x":"\u0001\""},{"name":"c","type":"int"}]}`},
		{`{"type":"array","items":{"type":"map","values":["null","string"],"m":1},"n":2}`, `{"type":"array","items":{"type":"map","values":["null","string"],"m":1},"n":2}`},
		{`{"type":"record","name":"n.A","fields":[{"name":"a","type":{"type":"fixed","name":"F","size":1,"aliases":["G","n.G"]}},{"name":"b","type":{"type":"fixed","name":"F","size":1,"doc":"again"}}]}`,
			`{"type":"record","name":"A","namespace":"n","fields":[{"name":"a","type":{"type":"fixed","name":"F","size":1,"aliases":["G"]}},{"name":"b","type":"F"}]}`},
		{"/* c */ \"int\" // d", `"int"`},
		{`string`, `"string"`},
	} {
		s, err := Parse(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if got := s.String(); got != c.want {
			t.Errorf("%s is written\n%s, expected\n%s", c.in, got, c.want)
		}
	}
}

func TestSchemasThatAreNone(t *testing.T) {
	for _, in := range []string{
		``, `{`, `"nosuch"`, `5`, `{"type":"record"}`, `{"type":"record","name":"R"}`, `{"type":"record","name":"R","fields":[{"name":"a"}]}`,
		`{"type":"array"}`, `{"type":"map"}`, `{"type":"enum","name":"E"}`, `{"type":"fixed","name":"F","size":-1}`, `["int","int"]`, `[["int"]]`,
		`{"type":"record","name":"int","fields":[]}`, `{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}`,
		`[{"type":"fixed","name":"F","size":1},{"type":"fixed","name":"F","size":1}]`, `{"type":"enum","name":"E","symbols":["A","A"]}`,
		`{"type":"record","name":"A","fields":[{"name":"b","type":{"type":"record","name":"y.B","fields":[{"name":"a","type":"A"}]}}]}`,
		`{"type":"record","name":"A","fields":[{"name":"a","type":{"type":"record","name":"A","fields":[]}}]}`,
		`{"type":"enum","name":"E","symbols":["A"],"default":"B"}`, `"int" "long"`, `{"type":{"type":"int"}}`,
		strings.Repeat(`{"type":"array","items":`, 1001) + `"int"` + strings.Repeat("}", 1001),
	} {
		if s, err := Parse(in); err == nil {
			t.Errorf("%.100s is read as %s", in, s)
		} else if class := errs.Class(err); !strings.HasPrefix(class, "org.apache.avro.") {
			t.Errorf("%.100s: %s", in, class)
		}
	}
}

func TestReferences(t *testing.T) {
	s, err := Parse(`{"type":"record","name":"x.Order","fields":[{"name":"a","type":"com.example.Address"},{"name":"k","type":["null","Kind"]}]}`,
		addressText, `{"type":"enum","name":"x.Kind","symbols":["A"]}`)
	if err != nil {
		t.Fatal(err)
	}
	if s.fields[0].schema.kind != kRecord || len(s.fields[0].schema.fields) != 2 || s.fields[1].schema.types[1].kind != kEnum {
		t.Error(s)
	}
	_, err = Parse(`{"type":"record","name":"x.Order","fields":[{"name":"a","type":"com.example.Address"}]}`)
	if err == nil || !strings.Contains(err.Error(), "com.example.Address") {
		t.Error(err)
	}
	// A name may come before its definition.
	s, err = Parse(`{"type":"record","name":"R","fields":[{"name":"a","type":["null","E"]},{"name":"b","type":{"type":"enum","name":"E","symbols":["A"]}}]}`)
	if err != nil || s.fields[0].schema.types[1] != s.fields[1].schema {
		t.Error(s, err)
	}
}

func TestCompatibility(t *testing.T) {
	record := func(fields string) string { return `{"type":"record","name":"R","fields":[` + fields + `]}` }
	for _, c := range []struct {
		reader, writer, reason string
	}{
		{`"long"`, `"int"`, ""},
		{`"int"`, `"long"`, "int is not compatible with the writer's type long"},
		{`"bytes"`, `"string"`, ""},
		{`["null","int"]`, `"int"`, ""},
		{`"int"`, `["int"]`, ""},
		{`"double"`, `["int","long"]`, ""},
		{`"int"`, `["null","int"]`, "not compatible"},
		{`["null","long"]`, `["null","int"]`, ""},
		{`["null","int"]`, `["null","string"]`, "lacks the writer's type string"},
		{record(``), record(`{"name":"a","type":"int"}`), ""},
		{record(`{"name":"a","type":"int"}`), record(``), "at path /fields/0"},
		{record(`{"name":"a","type":"int","default":1}`), record(``), ""},
		{record(`{"name":"a","type":"int","aliases":["b"]}`), record(`{"name":"b","type":"int"}`), ""},
		{record(`{"name":"a","type":{"type":"array","items":"int"}}`), record(`{"name":"a","type":{"type":"array","items":"string"}}`), "at path /fields/0/type/items"},
		{record(`{"name":"r","type":["null","R"]}`), record(`{"name":"r","type":["null","R"]}`), ""},
		{`{"type":"record","name":"S","fields":[]}`, record(``), "expected the name R"},
		{`{"type":"record","name":"S","aliases":["R"],"fields":[]}`, record(``), ""},
		{`{"type":"record","name":"x.R","fields":[]}`, record(``), ""},
		{`{"type":"fixed","name":"F","size":2}`, `{"type":"fixed","name":"F","size":3}`, "expected the size 3"},
		{`{"type":"enum","name":"E","symbols":["A"]}`, `{"type":"enum","name":"E","symbols":["A","B"]}`, "lacks the symbol B"},
		{`{"type":"enum","name":"E","symbols":["A"],"default":"A"}`, `{"type":"enum","name":"E","symbols":["A","B"]}`, ""},
		{`{"type":"map","values":"double"}`, `{"type":"map","values":"float"}`, ""},
	} {
		found := strings.Join(Incompatible(mustParse(t, c.reader), mustParse(t, c.writer)), "; ")
		if (found == "") != (c.reason == "") || !strings.Contains(found, c.reason) {
			t.Errorf("%s reads %s: %q, expected %q", c.reader, c.writer, found, c.reason)
		}
	}
}

func TestScrub(t *testing.T) {
	for in, want := range map[string]string{
		"ok": "ok", "a/b": "a_2Fb", "é": "_C3_A9", "1st": "x1st", "a b": "a_b", "a~b": "a_7Eb", "a*b": "a_b", "a.b": "a_b", "a-b": "a_b", "a%2Ab": "a_252Ab", "": "", "😀": "_F0_9F_98_80",
	} {
		if got := scrub(in); got != want {
			t.Errorf("%q is scrubbed to %q, expected %q", in, got, want)
		}
	}
}

// A struct that contains itself has one name, by which it is known again.
func TestSchemaThatContainsItself(t *testing.T) {
	m := defaults(t)
	for _, text := range []string{
		`{"type":"record","name":"N","namespace":"ns","fields":[{"name":"v","type":"int"},{"name":"next","type":["null","N"],"default":null}],"connect.name":"ns.N"}`,
		`{"type":"record","name":"T","fields":[{"name":"kids","type":{"type":"array","items":"T"}},{"name":"named","type":{"type":"map","values":["null","T"]}}],"connect.name":"T"}`,
	} {
		s, err := m.newReading().schema(mustParse(t, text), false, nil, nil, version{})
		if err != nil {
			t.Fatal(err)
		}
		back, err := m.avroSchema(s)
		if err != nil || back.String() != text {
			t.Errorf("%s comes back as %s, %v", text, back, err)
		}
	}
	// Where it may be null, what it holds of itself may still not be.
	s, err := m.newReading().schema(mustParse(t, `{"type":"record","name":"H","fields":[{"name":"t","type":["null",{"type":"record","name":"T","fields":[{"name":"kids","type":{"type":"array","items":"T"}},{"name":"up","type":["null","T"]}]}]}]}`), false, nil, nil, version{})
	if err != nil {
		t.Fatal(err)
	}
	tree := s.Field("t").Schema()
	if kid, up := tree.Field("kids").Schema().Value(), tree.Field("up").Schema(); !tree.Optional() || kid.Optional() || !up.Optional() || kid.Field("up") == nil || up.Name() != "T" {
		t.Errorf("optional: %t, its elements: %t, its parent: %t", tree.Optional(), kid.Optional(), up.Optional())
	}
	// Without a name there is no end to it, in Java either.
	b := schema.NewStruct()
	s = b.Field("next", schema.NewArray(b.Ref()).MustBuild()).MustBuild()
	if _, err := m.avroSchema(s); errs.Class(err) != classOverflow {
		t.Error(err)
	}
}
