package notation

import (
	"encoding/json"
	"regexp"
	"testing"

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
