package notation

import (
	"encoding/json"
	"math"
	"regexp"
	"testing"

	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/test/vectors"
)

// Each record that Connect's transforms gave back must read and print as itself,
// where its envelopes can be read at all.
func TestRecordsReadAndPrintAsThemselves(t *testing.T) {
	cases, err := vectors.Cases(vectors.Transforms)
	if err != nil {
		t.Fatal(err)
	}
	codec := New()
	n := 0
	for _, c := range cases {
		r, err := codec.ReadRecord(c.Record)
		if err != nil {
			t.Errorf("%s: %v", c.ID, err)
			continue
		}
		// Inputs lack the typed members that outputs have.
		got := stripTyped(t, codec.AppendRecord(nil, r))
		// Jackson reads numbers by way of BigDecimal, which has no -0.
		want := negativeZero.ReplaceAll(c.Record, []byte(":0.0$1"))
		if err := vectors.Compare(want, got); err != nil {
			t.Errorf("%s: %v", c.ID, err)
		}
		n++
	}
	if n < 4000 {
		t.Errorf("only %d records compared", n)
	}
}

var negativeZero = regexp.MustCompile(`:-0\.0([,}])`)

func stripTyped(t *testing.T, b []byte) []byte {
	t.Helper()
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	delete(raw, "keyTyped")
	delete(raw, "valueTyped")
	var headers []map[string]json.RawMessage
	if err := json.Unmarshal(raw["headers"], &headers); err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		delete(h, "valueTyped")
	}
	var err error
	if raw["headers"], err = json.Marshal(headers); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTyped(t *testing.T) {
	m := schema.NewMap(2)
	m.PutString("b", schema.OfFloat64(1e10))
	m.Put(schema.OfInt8(1), schema.Null())
	s := schema.NewStruct().Field("f", schema.OptionalOf(schema.Boolean)).MustBuild()
	for want, v := range map[string]schema.Value{
		`null`: schema.Null(), `{"int16":7}`: schema.OfInt16(7), `{"float32":"1.5"}`: schema.OfFloat32(1.5), `{"float64":"NaN"}`: schema.OfFloat64(math.NaN()),
		`{"bytes":"AQ=="}`: schema.OfBytes([]byte{1}), `{"decimal":"1.20"}`: schema.OfDecimal(schema.DecimalFromInt64(120, 2)), `{"date":-5}`: schema.OfDate(-5),
		`{"string":"a\"b"}`: schema.OfString(`a"b`), `{"array":[{"boolean":true},null]}`: schema.OfArray([]schema.Value{schema.OfBoolean(true), schema.Null()}),
		`{"map":[[{"int8":1},null],[{"string":"b"},{"float64":"1.0E10"}]]}`: schema.OfMap(m),
		`{"struct":[["f",null]]}`: schema.OfStruct(schema.NewStructValue(s)),
	} {
		if got := string(AppendTyped(nil, v)); got != want {
			t.Errorf("%s, expected %s", got, want)
		}
	}
}

func TestUnwritableValues(t *testing.T) {
	got := string(New().AppendMember(nil, "value", nil, schema.OfDate(7)))
	want := `"value":{"schema":null,"typed":{"date":7},"encodeError":{"class":"org.apache.kafka.connect.errors.DataException","message":"Java class class java.util.Date does not have corresponding schema type."}}`
	if got != want {
		t.Errorf("%s, expected %s", got, want)
	}
}

func FuzzReadRecord(f *testing.F) {
	f.Add([]byte(`{"kind":"sink","topic":"t","partition":0,"offset":1,"timestamp":null,"key":{"schema":null,"payload":"k"},"value":{"schema":{"type":"int8"},"payload":1},"headers":[{"name":"h","value":{"schema":null,"payload":null}}]}`))
	codec := New()
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := codec.ReadRecord(b)
		if err != nil {
			return
		}
		if out := codec.AppendRecord(nil, r); !json.Valid(out) {
			t.Errorf("%q prints as %q", b, out)
		}
	})
}
