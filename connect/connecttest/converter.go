package connecttest

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/moldau-io/moldau/connect"
)

// ConverterCase is a datum that goes there and back.
type ConverterCase struct {
	Name string
	In   connect.SchemaAndValue
	// Bytes are what it becomes; nil for not compared.
	Bytes []byte
	// Back is what is read again; nil for In.
	Back *connect.SchemaAndValue
}

// Converter is the suite of a converter.
type Converter struct {
	New    func() connect.Converter
	Config map[string]string
	IsKey  bool
	Cases  []ConverterCase
}

const converterTopic = "conformance"

// Run runs the suite.
func (s Converter) Run(t *testing.T) {
	t.Helper()
	made := func(t *testing.T) connect.Converter {
		c := s.New()
		if err := c.Configure(s.Config, s.IsKey); err != nil {
			t.Fatalf("Configure: %v", err)
		}
		t.Cleanup(func() {
			if err := c.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
		return c
	}
	t.Run("definition", func(t *testing.T) {
		checkDefinition(t, func() connect.Configured { return s.New() })
	})
	for _, tc := range s.Cases {
		t.Run(tc.Name, func(t *testing.T) { s.check(t, made(t), tc) })
	}
	t.Run("garbage", func(t *testing.T) {
		c := made(t)
		rnd := rand.New(rand.NewPCG(1, 2))
		for range 200 {
			b := make([]byte, rnd.IntN(40))
			for i := range b {
				b[i] = byte(rnd.UintN(256))
			}
			// Any outcome but a panic will do.
			if got, err := c.ToConnectData(t.Context(), converterTopic, nil, b); err != nil && !got.Value.IsNull() {
				t.Errorf("a value and an error for %x", b)
			}
		}
	})
}

func (s Converter) check(t *testing.T, c connect.Converter, tc ConverterCase) {
	t.Helper()
	ctx := t.Context()
	b, err := c.FromConnectData(ctx, converterTopic, nil, tc.In.Schema, tc.In.Value)
	if err != nil {
		t.Fatalf("FromConnectData: %v", err)
	}
	if tc.Bytes != nil && !bytes.Equal(b, tc.Bytes) {
		t.Errorf("bytes %q, want %q", b, tc.Bytes)
	}
	if a, ok := c.(connect.Appender); ok {
		out, present, err := a.AppendConnectData(ctx, []byte("before"), converterTopic, nil, tc.In.Schema, tc.In.Value)
		switch {
		case err != nil:
			t.Errorf("AppendConnectData: %v", err)
		case present != (b != nil):
			t.Errorf("AppendConnectData reports null as %v, FromConnectData as %v", !present, b == nil)
		case string(out) != "before"+string(b):
			t.Errorf("AppendConnectData gives %q, FromConnectData %q", out, b)
		}
	}
	kept := bytes.Clone(b)
	got, err := c.ToConnectData(ctx, converterTopic, nil, b)
	if err != nil {
		t.Fatalf("ToConnectData: %v", err)
	}
	want := tc.In
	if tc.Back != nil {
		want = *tc.Back
	}
	if !got.Schema.Equal(want.Schema) {
		t.Errorf("schema %v, want %v", got.Schema, want.Schema)
	}
	if !got.Value.Equal(want.Value) {
		t.Errorf("value %s, want %s", Show(got.Value), Show(want.Value))
	}
	if !bytes.Equal(kept, b) {
		t.Error("the bytes that were read have been changed")
	}
}
