package file

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestLocate(t *testing.T) {
	text := "éé\nbb\n日本\n😀x\r\nend\n"
	// Positions behind each line, in UTF-16 units, and where they are in bytes.
	for _, c := range []struct {
		position, at int64
		ok           bool
	}{
		{0, 0, true}, {3, 5, true}, {6, 8, true}, {9, 15, true}, {14, 22, true}, {18, 26, true},
		{1, 2, false}, {4, 6, false}, {10, 0, false}, {11, 19, false}, {19, 0, false}, {1 << 40, 0, false},
	} {
		at, ok, err := locate(t.Context(), strings.NewReader(text), c.position)
		if err != nil || ok != c.ok || ok && at != c.at {
			t.Errorf("position %d: byte %d, %v, %v; want %d, %v", c.position, at, ok, err, c.at, c.ok)
		}
	}
	// In ASCII each position is right, within a line too.
	for p := range int64(12) {
		if at, ok, err := locate(t.Context(), strings.NewReader("abc\ndef\nghi\n"), p); at != p || !ok || err != nil {
			t.Errorf("ASCII position %d: byte %d, %v, %v", p, at, ok, err)
		}
	}
}

// Characters that lie across the blocks a file is read in are counted once.
func TestLocateAcrossBlocks(t *testing.T) {
	for shift := range 5 {
		head := strings.Repeat("x", scanBlock-shift)
		text := head + "😀日é\xed\xa0\xf0\x9f\n" + strings.Repeat("é", scanBlock) + "\nend\n"
		units := int64(len(head)) + 2 + 1 + 1 + 2 + 1 + scanBlock + 1
		at, ok, err := locate(t.Context(), strings.NewReader(text), units)
		if want := int64(len(text) - len("end\n")); at != want || !ok || err != nil {
			t.Errorf("shift %d: byte %d, %v, %v; want %d", shift, at, ok, err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := locate(ctx, strings.NewReader("a\n"), 1); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context gives %v", err)
	}
}
