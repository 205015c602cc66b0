package file

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

// Each line of the file has bytes and what java.io.InputStreamReader reads from
// them as UTF-16, both in hex.
func TestDecodeAsJava(t *testing.T) {
	f, err := os.Open("testdata/java_utf8.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := 0
	for in := bufio.NewScanner(f); in.Scan(); lines++ {
		from, to, _ := strings.Cut(in.Text(), " ")
		b, err := hex.DecodeString(from)
		if err != nil {
			t.Fatal(err)
		}
		got, units := decode(b)
		var want strings.Builder
		for _, u := range utf16.Encode([]rune(got)) {
			want.WriteString(hex.EncodeToString([]byte{byte(u >> 8), byte(u)}))
		}
		if want.String() != to || units != int64(len(to)/4) {
			t.Errorf("%s: got %s and %d units, want %s", from, want.String(), units, to)
		}
		used, n := countUnits(b, 1<<40, true)
		if used != len(b) || n != units {
			t.Errorf("%s: counted %d units over %d bytes, want %d", from, n, used, units)
		}
	}
	if lines != 600 {
		t.Errorf("%d lines", lines)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"", "abc", "é日本😀", "a\xffb", "\xed\xa0\x80", strings.Repeat("x", 40) + "é"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, units := decode(bytes.Clone(b))
		if !utf8.ValidString(got) {
			t.Errorf("%x gives a string that is not UTF-8", b)
		}
		if want := int64(len(utf16.Encode([]rune(got)))); units != want {
			t.Errorf("%x: %d units, want %d", b, units, want)
		}
		if utf8.Valid(b) && got != string(b) {
			t.Errorf("%x is changed to %x", b, got)
		}
		if ascii(b) != (len(b) == len([]rune(string(b))) && strings.IndexFunc(string(b), func(r rune) bool { return r > 0x7f }) < 0) {
			t.Errorf("%x: ascii says %v", b, ascii(b))
		}
		var sum int64
		for rest := b; len(rest) > 0; {
			used, n := countUnits(rest, 3, true)
			sum, rest = sum+n, rest[used:]
		}
		if sum != units {
			t.Errorf("%x: counted %d in steps, %d at once", b, sum, units)
		}
	})
}
