package javatime

import (
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect/errs"
)

func TestCompileErrors(t *testing.T) {
	for pattern, want := range map[string]string{
		"yyyy-bb":  "Illegal pattern character 'b'",
		"XXXX":     "invalid ISO 8601 format: length=4",
		"XXXXb":    "Illegal pattern character 'b'",
		"'open":    "Unterminated quote",
		"yyyy'x''": "Unterminated quote",
	} {
		_, err := Compile(pattern, testNow)
		if m, _ := errs.Message(err); m != want || errs.Class(err) != errs.ClassIllegalArgument {
			t.Errorf("%s: %v, want %s", pattern, err, want)
		}
	}
}

// A zone name that was read stays with the format, as in Java.
func TestZoneStays(t *testing.T) {
	f, err := Compile("yyyy-MM-dd HH:mm z", testNow)
	if err != nil {
		t.Fatal(err)
	}
	at, ok := f.Parse("2024-07-01 12:00 PDT")
	if got := f.Format(at); !ok || at != 1719860400000 || got != "2024-07-01 12:00 PDT" {
		t.Errorf("%d %v %s", at, ok, got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2024-02-03T04:05:06.007+01:00", int64(0))
	f.Add("EEE MMM d HH:mm:ss z yyyy", "Tue Nov 14 22:13:20 UTC 2023", int64(-1))
	f.Add("YYYY ww u", "2024 99999999999 -2147483648", int64(1<<62))
	f.Fuzz(func(t *testing.T, pattern, text string, millis int64) {
		c, err := Compile(pattern, testNow)
		if err != nil {
			return
		}
		if len(c.items) < 40 && len(pattern) < 60 && !strings.ContainsRune(pattern, 0xfffd) {
			if out := c.Format(millis); out != c.Format(millis) {
				t.Fatal("formatting changes the format")
			}
		}
		c.Parse(text)
	})
}

func BenchmarkFormat(b *testing.B) {
	f, err := Compile("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", testNow)
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		buf = f.Append(buf[:0], 1700000000123)
	}
}

func BenchmarkParse(b *testing.B) {
	f, err := Compile("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", testNow)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := f.Parse("2023-11-14T22:13:20.123Z"); !ok {
			b.Fatal("not read")
		}
	}
}
