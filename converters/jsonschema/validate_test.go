package jsonschema

import (
	"bytes"
	_ "embed"
	"testing"
)

// validation holds what the Java library that Confluent's converter uses says of
// schemas and values: ok, bad, or load for a schema that it refuses.
//
//go:embed testdata/validation.jsonl
var validation []byte

// unlike are the values that only a list of top-level domains tells apart.
var unlike = map[string]bool{"a.b": true, "a@x.invalidtld": true}

func TestValidation(t *testing.T) {
	for line := range bytes.Lines(validation) {
		n, err := parse(line)
		if err != nil {
			t.Fatal(err)
		}
		value := n.get("v")
		if unlike[value.text] {
			continue
		}
		got := "ok"
		m, err := NewCodec(Options{}).load(n.get("schema"), nil)
		if err != nil {
			got = "load"
		} else if err = m.check(value, "#"); err != nil {
			got = "bad"
		}
		if want := n.get("result").text; got != want {
			t.Errorf("%s: %v, expected %s", bytes.TrimSpace(line), err, want)
		}
	}
}
