package main

import (
	"context"
	"encoding/json"
	"testing"
	"time"
)

func TestCodecs(t *testing.T) {
	dir := t.TempDir()
	if err := writeInputs(dir); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{flat, event, enveloped} {
		records, err := readInputs(dir, kind)
		if err != nil || len(records) != inputs {
			t.Fatalf("%s: %d records, %v", kind, len(records), err)
		}
		for _, r := range records {
			if !json.Valid(r) {
				t.Fatalf("%s: not JSON: %s", kind, r)
			}
		}
	}
	for _, c := range codecCases {
		r, err := measureCodec(context.Background(), c.name, dir, 0, time.Nanosecond)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if r.records < inputs || r.bytes <= 0 {
			t.Errorf("%s: %v", c.name, r)
		}
		if back, err := parseCodecResult(r.String() + "\n"); err != nil || back != r {
			t.Errorf("%s: %v reads as %v, %v", c.name, r, back, err)
		}
	}
	if _, err := measureCodec(context.Background(), "decode-xml", dir, 0, 1); err == nil {
		t.Error("an unknown case is measured")
	}
}

func TestParseCodecResult(t *testing.T) {
	for _, text := range []string{"", "1 2", "a b c", "0 1 1", "1 0 1", "1 1 -1"} {
		if r, err := parseCodecResult(text); err == nil {
			t.Errorf("%q reads as %v, want an error", text, r)
		}
	}
}
