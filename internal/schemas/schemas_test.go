package schemas

import (
	"bytes"
	"testing"

	"github.com/moldau-io/moldau/converters/registry"
)

func TestRanges(t *testing.T) {
	for want, in := range map[string][]int32{"": nil, "7": {7}, "1-3": {1, 2, 3}, "1,3-4,9": {1, 3, 4, 9}, "1-2,4": {1, 2, 4}} {
		if got := ranges(in); got != want {
			t.Errorf("%v is written as %q, want %q", in, got, want)
		}
	}
}

func TestPrint(t *testing.T) {
	r := registry.Registered{Subject: "s", Version: 2, ID: 5, Document: registry.Document{Format: registry.Avro, Text: `"int"`,
		Metadata: map[string]string{"b": "2", "a": "1"}, Rules: []registry.Rule{{Name: "mask", Type: "CEL", Mode: "WRITE"}}}}
	var b bytes.Buffer
	if err := Print(&b, r); err != nil {
		t.Fatal(err)
	}
	const want = "subject     s\nversion     2\nid          5\ntype        AVRO\nmetadata    a=1\nmetadata    b=2\nrule        mask (CEL, WRITE)\n\n\"int\"\n"
	if b.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", b.String(), want)
	}
}

func TestSettings(t *testing.T) {
	file := map[string]string{"key.converter.schema.registry.url": "http://key:1", "value.converter.schema.registry.url": "http://value:1", "value.converter.max.retries": "x"}
	for _, c := range []struct {
		s        Settings
		prefixes []string
		ok       bool
	}{
		{Settings{}, prefixes, false},
		{Settings{URL: "http://r:1"}, prefixes, true},
		{Settings{File: file}, prefixes, false}, // its max.retries is wrong
		{Settings{File: file}, []string{"key.converter."}, true},
		{Settings{File: file, Sets: map[string]string{"max.retries": "1"}}, prefixes, true},
		{Settings{File: map[string]string{"schema.registry.url": "http://r:1"}}, prefixes, true},
		{Settings{File: map[string]string{"schema.registry.url": "http://r:1"}}, []string{"key.converter."}, false},
	} {
		client, err := c.s.open(c.prefixes)
		if (err == nil) != c.ok {
			t.Errorf("%+v with %q: %v", c.s, c.prefixes, err)
		}
		if client != nil {
			if err := client.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
