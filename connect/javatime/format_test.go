package javatime

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/moldau-io/moldau/connect/errs"
)

var testNow = time.UnixMilli(1750000000000)

// recorded is one case of what Java 17's SimpleDateFormat did in UTC and en_US.
type recorded struct {
	Pattern string
	Error   string
	Millis  int64
	Text    string
	Input   string
	Parsed  *int64
	Again   *string
}

func eachRecorded(t *testing.T, file string, do func(recorded)) {
	t.Helper()
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	z, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	for lines.Scan() {
		var c recorded
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		do(c)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

func TestAgainstJava(t *testing.T) {
	file := "testdata/simpledateformat.jsonl.gz"
	if other := os.Getenv("JAVATIME_CASES"); other != "" {
		file = other
	}
	cases := 0
	eachRecorded(t, file, func(c recorded) {
		cases++
		f, err := Compile(c.Pattern, testNow)
		if c.Error != "" {
			if m, _ := errs.Message(err); m != c.Error {
				t.Errorf("Compile(%q): %v, want %s", c.Pattern, err, c.Error)
			}
			return
		}
		if err != nil {
			t.Errorf("Compile(%q): %v", c.Pattern, err)
			return
		}
		if got := f.Format(c.Millis); got != c.Text {
			t.Errorf("%q formats %d as %q, want %q", c.Pattern, c.Millis, got, c.Text)
		}
		got, ok := f.Parse(c.Input)
		switch {
		case ok != (c.Parsed != nil):
			t.Errorf("%q reads %q: %v %v, want %v", c.Pattern, c.Input, got, ok, c.Parsed)
		case ok && got != *c.Parsed:
			t.Errorf("%q reads %q as %d, want %d (off by %d)", c.Pattern, c.Input, got, *c.Parsed, got-*c.Parsed)
		case ok && f.Format(got) != *c.Again:
			t.Errorf("%q writes %q, having read it, as %q, want %q", c.Pattern, c.Input, f.Format(got), *c.Again)
		}
	})
	if cases == 0 {
		t.Fatal("no cases")
	}
}
