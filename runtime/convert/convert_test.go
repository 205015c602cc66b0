package convert

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/moldau-io/moldau/converters/header"
	convjson "github.com/moldau-io/moldau/converters/json"
)

func TestDecode(t *testing.T) {
	var out bytes.Buffer
	setup := Setup{Class: "JsonConverter", Config: map[string]string{"schemas.enable": "false"}, Topic: "t"}
	in := "eyJhIjoxfQ==\n\nnull\n\"MQ==\"\n!\nWw=="
	failed, err := New(testRegistry()).Decode(context.Background(), setup, strings.NewReader(in), &out)
	if err != nil || failed != 2 {
		t.Errorf("%d failed, %v", failed, err)
	}
	want := []string{
		`{"schema":null,"payload":{"a":1}}`, `{"schema":null,"payload":null}`, `{"schema":null,"payload":1}`,
		`{"error":{"class":"java.lang.IllegalArgumentException","message":"not base64`,
		`{"error":{"class":"org.apache.kafka.connect.errors.DataException","message":"Converting byte[] to Kafka Connect data failed due to serialization error: ","causeClass":"org.apache.kafka.common.errors.SerializationException"}}`,
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%q", lines)
	}
	for i := range want {
		if !strings.HasPrefix(lines[i], want[i]) {
			t.Errorf("line %d: %s, expected %s", i, lines[i], want[i])
		}
	}
}

func TestEncode(t *testing.T) {
	for class, want := range map[string]string{convjson.Class: "eyJhIjoxfQ==", "StringConverter": "e2E9MX0=", "SimpleHeaderConverter": "eyJhIjoxfQ=="} {
		setup := Setup{Class: class, Config: map[string]string{}}
		if class == convjson.Class {
			setup.Config["schemas.enable"] = "false"
		}
		if class == "SimpleHeaderConverter" {
			setup.Header = "h"
		}
		var out bytes.Buffer
		in := `{"schema":null,"payload":{"a":1}}` + "\n" + `{"schema":null,"payload":null}`
		if failed, err := New(testRegistry()).Encode(context.Background(), setup, strings.NewReader(in), &out); failed != 0 || err != nil || out.String() != want+"\nnull\n" {
			t.Errorf("%s: %q, %d, %v", class, out.String(), failed, err)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	for _, setup := range []Setup{
		{Class: "NoConverter"}, {Class: header.Class}, {Class: "JsonConverter", Config: map[string]string{"schemas.enable": "maybe"}},
	} {
		var out bytes.Buffer
		_, err := New(testRegistry()).Decode(context.Background(), setup, strings.NewReader("MQ=="), &out)
		var config *ConfigError
		if !errors.As(err, &config) || !strings.HasPrefix(out.String(), `{"configError":{"class":"`) || strings.Count(out.String(), "\n") != 1 {
			t.Errorf("%s: %v, %s", setup.Class, err, out.String())
		}
	}
}

// A line that is wrong fails alone.
func TestBatchGoesOn(t *testing.T) {
	in := `{"id":1,"class":"StringConverter","method":"toConnectData","input":"YQ=="}
not json
{"id":"x","class":"NoConverter","method":"toConnectData","input":"YQ=="}
{"id":2,"class":"StringConverter","method":"guess","input":"YQ=="}
{"id":3,"class":"StringConverter","method":"fromConnectData","input":{"schema":null}}
{"id":4,"class":"IntegerConverter","method":"toConnectHeader","input":"AAAAAQ=="}`
	var out bytes.Buffer
	failed, err := New(testRegistry()).Batch(context.Background(), strings.NewReader(in), &out)
	if err != nil || failed != 4 {
		t.Errorf("%d failed, %v", failed, err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range []string{
		`{"id":1,"result":{"value":{"schema":{"type":"string","optional":true},"payload":"a"}}}`,
		`{"id":null,"result":{"error":`, `{"id":"x","result":{"error":`, `{"id":2,"result":{"error":`, `{"id":3,"result":{"error":`,
		`{"id":4,"result":{"value":{"schema":{"type":"int32","optional":true},"payload":1}}}`,
	} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d of %q, expected %s", i, lines, want)
		}
	}
}

// Many setups in one batch must not keep as many converters open.
func TestBatchForgetsConverters(t *testing.T) {
	var in, out bytes.Buffer
	for i := range 3 * maxOpen {
		in.WriteString(`{"id":1,"class":"StringConverter","method":"toConnectData","topic":"t` + strings.Repeat("x", i) + `","input":"YQ=="}` + "\n")
	}
	if failed, err := New(testRegistry()).Batch(context.Background(), &in, &out); failed != 0 || err != nil || strings.Count(out.String(), "\n") != 3*maxOpen {
		t.Errorf("%d failed, %v", failed, err)
	}
}

func FuzzBatch(f *testing.F) {
	f.Add([]byte(`{"id":1,"class":"JsonConverter","method":"toConnectData","config":{"schemas.enable":"false"},"input":"e30="}`))
	f.Add([]byte(`{"id":1,"class":"SimpleHeaderConverter","method":"fromConnectHeader","input":{"schema":null,"payload":[1]}}`))
	engine := New(testRegistry())
	f.Fuzz(func(t *testing.T, line []byte) {
		var out bytes.Buffer
		if _, err := engine.Batch(context.Background(), bytes.NewReader(line), &out); err != nil {
			t.Fatal(err)
		}
	})
}
