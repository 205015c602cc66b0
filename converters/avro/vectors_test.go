package avro_test

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/converters/avro"
	"github.com/moldau-io/moldau/converters/registry"
	"github.com/moldau-io/moldau/plugins"
	"github.com/moldau-io/moldau/runtime/convert"
	"github.com/moldau-io/moldau/test/vectors"
)

// The vectors' results are compared in package runtime/convert. Here the texts of
// registered schemas must be the same to the byte as well, since a registry takes
// others for other schemas.
func TestVectors(t *testing.T) {
	cases, err := vectors.Cases(vectors.AvroConverter)
	if err != nil {
		t.Fatal(err)
	}
	engine := convert.New(plugins.New(plugins.Plugin{
		Kind: plugins.Converter, Class: avro.Class, Version: registry.Version,
		New: func() connect.Configured { return avro.New() },
	}))
	passed, texts := 0, 0
	for _, c := range cases {
		var out bytes.Buffer
		if _, err := engine.Batch(context.Background(), bytes.NewReader(c.Line), &out); err != nil {
			t.Fatal(err)
		}
		var got struct{ Result json.RawMessage }
		if err := json.Unmarshal(out.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		var want, have struct {
			Schema   json.RawMessage
			Bytes    []byte
			MapOrder bool
		}
		if err := json.Unmarshal(c.Result, &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(got.Result, &have); err != nil {
			t.Fatal(err)
		}
		if want.MapOrder { // the same bytes in another order
			slices.Sort(want.Bytes)
			slices.Sort(have.Bytes)
			if !bytes.Equal(want.Bytes, have.Bytes) || !bytes.Equal(want.Schema, have.Schema) {
				t.Errorf("%s: %s, expected %s", c.ID, got.Result, c.Result)
			} else {
				passed++
			}
			continue
		}
		if err := vectors.Compare(c.Result, got.Result); err != nil {
			t.Errorf("%s: %v\n%.2500s", c.ID, err, c.Line)
			continue
		}
		passed++
		if want.Schema != nil {
			texts++
			if !bytes.Equal(want.Schema, have.Schema) {
				t.Errorf("%s: the schema is\n%s, expected\n%s", c.ID, have.Schema, want.Schema)
			}
		}
	}
	t.Logf("%d of %d, %d texts", passed, len(cases), texts)
}
