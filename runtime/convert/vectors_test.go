package convert

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/moldau-io/moldau/connect"
	convbytes "github.com/moldau-io/moldau/converters/bytes"
	"github.com/moldau-io/moldau/converters/header"
	convjson "github.com/moldau-io/moldau/converters/json"
	"github.com/moldau-io/moldau/converters/numbers"
	"github.com/moldau-io/moldau/converters/text"
	"github.com/moldau-io/moldau/plugins"
	"github.com/moldau-io/moldau/test/vectors"
)

func testRegistry() *plugins.Registry {
	var list []plugins.Plugin
	add := func(kind plugins.Kind, class string, make func() connect.Configured) {
		list = append(list, plugins.Plugin{Kind: kind, Class: class, Version: connect.Version, New: make})
	}
	add(plugins.Converter, convjson.Class, func() connect.Configured { return convjson.New() })
	add(plugins.HeaderConverter, convjson.Class, func() connect.Configured { return convjson.NewHeader() })
	add(plugins.Converter, text.Class, func() connect.Configured { return text.New() })
	add(plugins.HeaderConverter, text.Class, func() connect.Configured { return text.NewHeader() })
	add(plugins.Converter, convbytes.Class, func() connect.Configured { return convbytes.New() })
	add(plugins.HeaderConverter, convbytes.Class, func() connect.Configured { return convbytes.NewHeader() })
	for _, n := range numbers.Types() {
		add(plugins.Converter, n.Class, func() connect.Configured { return n.New() })
		add(plugins.HeaderConverter, n.Class, func() connect.Configured { return n.NewHeader() })
	}
	add(plugins.HeaderConverter, header.Class, func() connect.Configured { return header.NewSimple() })
	return plugins.New(list...)
}

// Every case goes through Batch, which is what the command runs.
func TestVectors(t *testing.T) {
	for _, file := range []string{vectors.JSONConverter, vectors.SimpleConverters, vectors.HeaderConverter} {
		t.Run(file, func(t *testing.T) {
			cases, err := vectors.Cases(file)
			if err != nil {
				t.Fatal(err)
			}
			var in, out bytes.Buffer
			for _, c := range cases {
				in.Write(c.Line)
				in.WriteByte('\n')
			}
			if _, err := New(testRegistry()).Batch(context.Background(), &in, &out); err != nil {
				t.Fatal(err)
			}
			lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte{'\n'})
			if len(lines) != len(cases) {
				t.Fatalf("%d results of %d cases", len(lines), len(cases))
			}
			for i, c := range cases {
				var got struct {
					ID     string          `json:"id"`
					Result json.RawMessage `json:"result"`
				}
				if err := json.Unmarshal(lines[i], &got); err != nil {
					t.Fatalf("%s: %v in %s", c.ID, err, lines[i])
				}
				if got.ID != c.ID {
					t.Fatalf("result of %s where that of %s should be", got.ID, c.ID)
				}
				if err := vectors.Compare(c.Result, got.Result); err != nil {
					t.Errorf("%s: %v\n%.300s", c.ID, err, c.Line)
				}
			}
		})
	}
}
