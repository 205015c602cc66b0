//go:build integration

package integration

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/test/refstack"
)

// Converters by the registry's names of their formats.
var registryConverters = map[string]string{
	"AVRO":     "io.confluent.connect.avro.AvroConverter",
	"JSON":     "io.confluent.connect.json.JsonSchemaConverter",
	"PROTOBUF": "io.confluent.connect.protobuf.ProtobufConverter",
}

// referred is a schema that others refer to.
type referred struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

// exchanged is a value that another client and a converter write and read.
type exchanged struct {
	Name       string          `json:"name"`
	Topic      string          `json:"topic"`
	Format     string          `json:"format"`
	Schema     json.RawMessage `json:"schema"`
	References []referred      `json:"references,omitempty"`
	// Value is as testdata/serdes.py takes it.
	Value string `json:"value"`
	// payload is the value as a converter reads it, in the notation of JsonConverter.
	payload string
	// refers is a schema that is registered before.
	refers string
	// settings are those of the converter that writes.
	settings []string
}

func exchanges() []*exchanged {
	record := func(fields string) json.RawMessage {
		return json.RawMessage(`{"type":"record","name":"R","namespace":"shop","fields":[` + fields + `]}`)
	}
	object := func(properties string) json.RawMessage {
		return json.RawMessage(`{"$schema":"http://json-schema.org/draft-07/schema#","title":"R","type":"object","properties":{` + properties + `}}`)
	}
	const addressAvro = `{"type":"record","name":"Address","namespace":"shop","fields":[{"name":"street","type":"string"}]}`
	const addressJSON = `{"title":"Address","type":"object","properties":{"street":{"type":"string"}}}`
	message := func(fields string) string {
		return `{"name":"FILE","package":"shop","syntax":"proto3","messageType":[{"name":"R","field":[` + fields + `]}]}`
	}
	one := func(name, fields string) json.RawMessage {
		return json.RawMessage("[" + strings.Replace(message(fields), "FILE", name, 1) + "]")
	}
	return []*exchanged{
		{Name: "JSON of all types", Format: "JSON",
			Schema: object(`"a":{"type":"string"},"b":{"type":"integer","connect.type":"int64"},"c":{"type":"number"},"d":{"type":"boolean"},"e":{"type":"array","items":{"type":"string"}}`),
			Value:  `{"a": "ä", "b": 9007199254740993, "c": 1.5, "d": True, "e": ["x", "y"]}`, payload: `{"a":"ä","b":9007199254740993,"c":1.5,"d":true,"e":["x","y"]}`},
		{Name: "JSON in JSON", Format: "JSON", Schema: object(`"in":{"type":"object","title":"In","properties":{"a":{"oneOf":[{"type":"null"},{"type":"string"}]}}}`),
			Value: `{"in": {"a": "x"}}`, payload: `{"in":{"a":"x"}}`},
		{Name: "JSON with a reference", Format: "JSON", Schema: object(`"home":{"$ref":"address.json"}`), References: []referred{{Name: "address.json"}}, refers: addressJSON,
			Value: `{"home": {"street": "Kampa"}}`, payload: `{"home":{"street":"Kampa"}}`},
		{Name: "Avro of all types", Format: "AVRO", settings: []string{"connect.meta.data=true", "enhanced.avro.schema.support=true"},
			Schema: record(`{"name":"a","type":"string"},{"name":"b","type":"long"},{"name":"c","type":"double"},{"name":"d","type":"boolean"},{"name":"e","type":{"type":"array","items":"int"}},` +
				`{"name":"f","type":{"type":"map","values":"string"}},{"name":"g","type":"bytes"},{"name":"h","type":["null","string"],"default":null},{"name":"i","type":{"type":"enum","name":"E","symbols":["X","Y"]}},{"name":"j","type":"float"}`),
			Value:   `{"a": "ä", "b": 2**62, "c": 1.5, "d": True, "e": [1, -1], "f": {"k": "v"}, "g": b"\x00\xff", "h": None, "i": "Y", "j": 0.5}`,
			payload: `{"a":"ä","b":4611686018427387904,"c":1.5,"d":true,"e":[1,-1],"f":{"k":"v"},"g":"AP8=","h":null,"i":"Y","j":0.5}`},
		{Name: "Avro's logical types", Format: "AVRO",
			Schema: record(`{"name":"a","type":{"type":"int","logicalType":"date"}},{"name":"b","type":{"type":"long","logicalType":"timestamp-millis"}},` +
				`{"name":"c","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}},{"name":"d","type":{"type":"int","logicalType":"time-millis"}}`),
			Value:   `{"a": datetime.date(1970, 1, 11), "b": datetime.datetime(1970, 1, 1, 0, 0, 1, 500000, datetime.timezone.utc), "c": decimal.Decimal("12.34"), "d": datetime.time(0, 0, 2)}`,
			payload: `{"a":10,"b":1500,"c":"BNI=","d":2000}`},
		{Name: "Avro with a reference", Format: "AVRO", Schema: record(`{"name":"home","type":"shop.Address"}`), References: []referred{{Name: "shop.Address"}}, refers: addressAvro,
			Value: `{"home": {"street": "Kampa"}}`, payload: `{"home":{"street":"Kampa"}}`},
		{Name: "Protobuf of all types", Format: "PROTOBUF",
			Schema: one("all.proto", `{"name":"a","number":1,"type":"TYPE_STRING","label":"LABEL_OPTIONAL"},{"name":"b","number":7,"type":"TYPE_INT64","label":"LABEL_OPTIONAL"},`+
				`{"name":"c","number":3,"type":"TYPE_DOUBLE","label":"LABEL_OPTIONAL"},{"name":"d","number":4,"type":"TYPE_BOOL","label":"LABEL_OPTIONAL"},{"name":"e","number":5,"type":"TYPE_STRING","label":"LABEL_REPEATED"},{"name":"f","number":6,"type":"TYPE_BYTES","label":"LABEL_OPTIONAL"}`),
			Value:   `{"a": "ä", "b": "9007199254740993", "c": 1.5, "d": true, "e": ["x", "y"], "f": "AP8="}`,
			payload: `{"a":"ä","b":9007199254740993,"c":1.5,"d":true,"e":["x","y"],"f":"AP8="}`},
		{Name: "Protobuf with an import", Format: "PROTOBUF",
			Schema: json.RawMessage(`[{"name":"address.proto","package":"shop","syntax":"proto3","messageType":[{"name":"Address","field":[{"name":"street","number":1,"type":"TYPE_STRING","label":"LABEL_OPTIONAL"}]}]},` +
				`{"name":"home.proto","package":"shop","syntax":"proto3","dependency":["address.proto"],"messageType":[{"name":"Home","field":[{"name":"home","number":2,"type":"TYPE_MESSAGE","typeName":".shop.Address","label":"LABEL_OPTIONAL"}]}]}]`),
			Value: `{"home": {"street": "Kampa"}}`, payload: `{"home":{"street":"Kampa"}}`},
	}
}

// register registers a schema with the registry itself.
func register(t testing.TB, subject, format, text string) (id int) {
	t.Helper()
	status, answer, err := request(http.MethodPost, servers.url(refstack.Registry)+"/subjects/"+url.PathEscape(subject)+"/versions",
		map[string]string{"schemaType": format, "schema": text})
	var registered struct{ ID int }
	if err == nil {
		err = json.Unmarshal(answer, &registered)
	}
	if err != nil || status != http.StatusOK {
		t.Fatalf("registering %s: status %d, %v: %s", subject, status, err, answer)
	}
	return registered.ID
}

// serdes runs testdata/serdes.py and returns what it prints.
func serdes(t *testing.T, mode string, cases []*exchanged) string {
	t.Helper()
	in, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python(t), filepath.Join("testdata", "serdes.py"), mode, servers.addr(refstack.Kafka), servers.url(refstack.Registry))
	var errout bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &errout
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("serdes.py %s: %v\n%s", mode, err, errout.Bytes())
	}
	return string(out)
}

// converted runs moldau convert over one line.
func converted(t *testing.T, c *exchanged, line, direction string, settings ...string) string {
	t.Helper()
	args := []string{"convert", "--converter", registryConverters[c.Format], "--topic", c.Topic, "--set", "schema.registry.url=" + servers.url(refstack.Registry)}
	for _, s := range settings {
		args = append(args, "--set", s)
	}
	cmd := exec.Command(binary(t), append(args, direction)...)
	cmd.Stdin = strings.NewReader(line + "\n")
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s: %s: %v: %s", c.Name, direction, err, out)
	}
	return strings.TrimSpace(string(out))
}

// sameJSON says whether two texts are one value.
func sameJSON(a, b string) bool {
	parse := func(text string) (v any) {
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			return err
		}
		return v
	}
	return reflect.DeepEqual(parse(a), parse(b))
}

// What Python's serializers write the converters read, and the reverse.
func TestRegistryExchangesWithPython(t *testing.T) {
	servers.up(t, refstack.Registry)
	cases := exchanges()
	for i, c := range cases {
		c.Topic = newTopic(t, 1)
		if c.refers != "" {
			c.References[0].Subject, c.References[0].Version = fmt.Sprintf("%s-%d", unique(t, "s"), i), 1
			register(t, c.References[0].Subject, c.Format, c.refers)
		}
	}
	serdes(t, "write", cases)
	var back []*exchanged
	var records []*kgo.Record
	for _, c := range cases {
		record := consume(t, servers.addr(refstack.Kafka), c.Topic, 1)[0]
		text := converted(t, c, base64.StdEncoding.EncodeToString(record.Value), "decode", c.settings...)
		var envelope struct{ Payload json.RawMessage }
		if err := json.Unmarshal([]byte(text), &envelope); err != nil {
			t.Errorf("%s: %v: %s", c.Name, err, text)
			continue
		}
		if !sameJSON(string(envelope.Payload), c.payload) {
			t.Errorf("%s: %s is read as %s, want %s", c.Name, c.Value, envelope.Payload, c.payload)
		}
		other := *c
		other.Topic = newTopic(t, 1)
		encoded := converted(t, &other, text, "encode", c.settings...)
		value, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			t.Errorf("%s: %v: %s", c.Name, err, encoded)
			continue
		}
		back, records = append(back, &other), append(records, &kgo.Record{Topic: other.Topic, Value: value})
	}
	produce(t, records...)
	if out := serdes(t, "read", back); out != "" {
		t.Error(out)
	}
}
