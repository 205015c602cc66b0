package jsonschema

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/preview/notation"
	"github.com/moldau-io/moldau/test/vectors"
)

// subject is one entry of a registry in memory.
type subject struct {
	Subject    string          `json:"subject"`
	Version    int32           `json:"version"`
	ID         int             `json:"id"`
	Schema     json.RawMessage `json:"schema"`
	References []struct {
		Name    string `json:"name"`
		Subject string `json:"subject"`
		Version int32  `json:"version"`
	} `json:"references"`
}

// memory is a registry that always registers, under the topic's name, and puts ids
// before the payload.
type memory struct {
	entries []subject
	suffix  string
	added   *subject
}

func (m *memory) Resolve(_ context.Context, topic, _ string, document []byte) (Registered, error) {
	name, last := topic+m.suffix, int32(0)
	for _, e := range m.entries {
		if e.Subject == name {
			if string(e.Schema) == string(document) {
				return m.registered(e), nil
			}
			last = max(last, e.Version)
		}
	}
	m.entries = append(m.entries, subject{Subject: name, Version: last + 1, ID: len(m.entries) + 1, Schema: document})
	m.added = &m.entries[len(m.entries)-1]
	return m.registered(*m.added), nil
}

func (m *memory) registered(e subject) Registered {
	r := Registered{ID: e.ID, Key: fmt.Sprint(e.Subject, e.ID), Text: e.Schema, Version: e.Version, References: map[string]string{}}
	for _, ref := range e.References {
		for _, o := range m.entries {
			if o.Subject == ref.Subject && o.Version == ref.Version {
				r.References[ref.Name] = string(o.Schema)
			}
		}
	}
	return r
}

func (m *memory) Frame(_ string, _ *connect.RawHeaders, r Registered, payload []byte) ([]byte, error) {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(r.ID)), payload...), nil
}

func (m *memory) Unframe(_ context.Context, topic string, _ *connect.RawHeaders, b []byte) (Registered, []byte, error) {
	if len(b) < 5 || b[0] != 0 {
		return Registered{}, nil, errs.New(errs.ClassSerialization, "Unknown magic byte!")
	}
	for _, e := range m.entries {
		if e.Subject == topic+m.suffix && e.ID == int(binary.BigEndian.Uint32(b[1:])) {
			return m.registered(e), b[5:], nil
		}
	}
	return Registered{}, nil, errs.New(errs.ClassSerialization, "Schema not found")
}

// beyond are the settings that are the registry's business.
var beyond = []string{"subject.name.strategy", "auto.register.schemas", "use.latest.version", "schema.id.serializer", "schema.id.deserializer"}

func isBeyond(c vectors.Case) bool {
	if strings.Contains(c.ID, "-headers-") {
		return true
	}
	for name := range c.Config {
		for _, suffix := range beyond {
			if strings.HasSuffix(name, suffix) {
				return true
			}
		}
	}
	return false
}

func TestVectors(t *testing.T) {
	cases, err := vectors.Cases(vectors.JSONSchemaConverter)
	if err != nil {
		t.Fatal(err)
	}
	codec := notation.New()
	passed, run, exact, texts := 0, 0, 0, 0
	for _, c := range cases {
		if isBeyond(c) {
			continue
		}
		run++
		var line struct {
			Topic    string
			Registry []subject
			Result   struct{ Schema json.RawMessage }
		}
		if err := json.Unmarshal(c.Line, &line); err != nil {
			t.Fatal(err)
		}
		m := &memory{entries: line.Registry, suffix: "-value"}
		if c.IsKey {
			m.suffix = "-key"
		}
		out := answer(codec, c, line.Topic, m)
		if err := vectors.Compare(c.Result, out); err != nil {
			t.Errorf("%s: %v\n%.700s", c.ID, err, c.Line)
			continue
		}
		passed++
		if line.Result.Schema != nil && m.added != nil {
			texts++
			if string(line.Result.Schema) == string(m.added.Schema) {
				exact++
			} else {
				t.Errorf("%s: the document is\n%s, expected\n%s", c.ID, m.added.Schema, line.Result.Schema)
			}
		}
	}
	t.Logf("%d of %d of %d, %d of %d texts", passed, run, len(cases), exact, texts)
}

// answer converts one case and writes what comes of it in the vectors' notation.
func answer(codec *notation.Codec, c vectors.Case, topic string, m *memory) []byte {
	ctx := context.Background()
	failed := func(err error) []byte { return append(notation.AppendError([]byte(`{"error":`), err), '}') }
	open := func(m *memory) (*Converter, error) {
		conv := New(func(map[string]string, bool) (Registry, error) { return m, nil })
		return conv, conv.Configure(c.Config, c.IsKey)
	}
	conv, err := open(m)
	if err != nil {
		return failed(err)
	}
	out := []byte{'{'}
	var sv connect.SchemaAndValue
	if c.Method == "fromConnectData" {
		if sv, err = codec.ReadEnvelope(c.Input); err != nil {
			return failed(err)
		}
	} else {
		var in []byte
		if err := json.Unmarshal(c.Input, &in); err != nil {
			return failed(err)
		}
		if sv, err = conv.ToConnectData(ctx, topic, nil, in); err != nil {
			return failed(err)
		}
		out = codec.AppendMember(out, "value", sv.Schema, sv.Value)
		if c.Method == "toConnectData" {
			return append(out, '}')
		}
		*m = memory{suffix: m.suffix}
		if conv, err = open(m); err != nil {
			return failed(err)
		}
		out = append(out, ',')
	}
	b, err := conv.FromConnectData(ctx, topic, nil, sv.Schema, sv.Value)
	if err != nil {
		return failed(err)
	}
	rest := map[string]any{"bytes": b}
	if m.added != nil {
		rest["subject"], rest["version"], rest["id"] = m.added.Subject, m.added.Version, m.added.ID
		rest["schemaType"], rest["schema"] = "JSON", m.added.Schema
	}
	if strings.Contains(string(c.Result), `"mapOrder":true`) {
		rest["mapOrder"] = true
	}
	text, err := json.Marshal(rest)
	if err != nil {
		return failed(err)
	}
	return append(out, text[1:]...)
}
