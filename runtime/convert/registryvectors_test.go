package convert

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/converters/avro"
	"github.com/moldau-io/moldau/converters/jsonschema"
	"github.com/moldau-io/moldau/converters/protobuf"
	"github.com/moldau-io/moldau/plugins"
	"github.com/moldau-io/moldau/test/vectors"
)

// formats are the files of converters whose schemas are in a registry, and how two
// texts of a registered schema are compared where not as JSON.
var formats = []struct {
	file   string
	plugin plugins.Plugin
	same   func(want, got string) error
}{
	{vectors.AvroConverter, plugins.Plugin{Class: avro.Class, New: func() connect.Configured { return avro.New() }}, nil},
	{vectors.JSONSchemaConverter, plugins.Plugin{Class: jsonschema.Class, New: func() connect.Configured { return jsonschema.New() }}, nil},
	{vectors.ProtobufConverter, plugins.Plugin{Class: protobuf.Class, New: func() connect.Configured { return protobuf.New() }}, nil},
}

// Every case goes through Batch, which is what the command runs.
func TestRegistryVectors(t *testing.T) {
	for _, f := range formats {
		t.Run(f.file, func(t *testing.T) {
			t.Parallel()
			f.plugin.Kind, f.plugin.Version = plugins.Converter, connect.Version
			cases, err := vectors.Cases(f.file)
			if err != nil {
				t.Fatal(err)
			}
			engine := New(plugins.New(f.plugin))
			passed := 0
			for _, c := range cases {
				got, err := one(engine, c.Line)
				if err == nil {
					err = compareRegistry(engine, c, got, f.same)
				}
				if err != nil {
					t.Errorf("%s: %v\n%.600s", c.ID, err, c.Line)
					continue
				}
				passed++
			}
			t.Logf("%d of %d", passed, len(cases))
		})
	}
}

// one runs a batch of one line and returns its result.
func one(engine *Engine, line []byte) (json.RawMessage, error) {
	var out bytes.Buffer
	if _, err := engine.Batch(context.Background(), bytes.NewReader(line), &out); err != nil {
		return nil, err
	}
	var got struct {
		Result json.RawMessage `json:"result"`
	}
	return got.Result, json.Unmarshal(out.Bytes(), &got)
}

func compareRegistry(engine *Engine, c vectors.Case, got json.RawMessage, same func(want, got string) error) error {
	var w, g map[string]json.RawMessage
	if err := json.Unmarshal(c.Result, &w); err != nil {
		return err
	}
	if err := json.Unmarshal(got, &g); err != nil {
		return err
	}
	if string(w["mapOrder"]) == "true" {
		// The order within maps is Java's: what the bytes mean counts.
		want, err := decoded(engine, c, w)
		if err != nil {
			return err
		}
		have, err := decoded(engine, c, g)
		if err != nil {
			return err
		}
		if err := vectors.Compare(want, have); err != nil {
			return fmt.Errorf("decoded: %w", err)
		}
		w["bytes"], g["bytes"] = nil, nil
	}
	delete(w, "mapOrder")
	delete(g, "mapOrder")
	if same != nil && w["schema"] != nil && g["schema"] != nil {
		var ws, gs string
		if err := json.Unmarshal(w["schema"], &ws); err != nil {
			return err
		}
		if err := json.Unmarshal(g["schema"], &gs); err != nil {
			return err
		}
		if err := same(ws, gs); err != nil {
			return err
		}
		// The GUID is a hash of the text.
		for _, name := range []string{"schema", "guid"} {
			w[name], g[name] = nil, nil
		}
	}
	want, err := json.Marshal(w)
	if err != nil {
		return err
	}
	have, err := json.Marshal(g)
	if err != nil {
		return err
	}
	return vectors.Compare(want, have)
}

// decoded is what a result's bytes are read as, with the schema that was registered.
func decoded(engine *Engine, c vectors.Case, result map[string]json.RawMessage) (json.RawMessage, error) {
	var line map[string]json.RawMessage
	if err := json.Unmarshal(c.Line, &line); err != nil {
		return nil, err
	}
	if result["schema"] != nil {
		entry := map[string]json.RawMessage{"references": json.RawMessage("[]")}
		for _, name := range []string{"subject", "version", "id", "schemaType", "schema"} {
			entry[name] = result[name]
		}
		registry, err := json.Marshal([]map[string]json.RawMessage{entry})
		if err != nil {
			return nil, err
		}
		line["registry"] = registry
	}
	line["method"], line["input"] = json.RawMessage(`"toConnectData"`), result["bytes"]
	text, err := json.Marshal(line)
	if err != nil {
		return nil, err
	}
	return one(engine, text)
}
