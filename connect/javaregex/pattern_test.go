package javaregex

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/moldau-io/moldau/connect/errs"
)

// recorded is one case of what Java 17's java.util.regex did.
type recorded struct {
	Pattern, Error, Text, Replacement, Thrown string
	Matches, Find                             bool
	Replaced                                  string
}

func TestAgainstJava(t *testing.T) {
	file := "testdata/regex.jsonl.gz"
	if other := os.Getenv("JAVAREGEX_CASES"); other != "" {
		file = other
	}
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	z, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	cases := 0
	for lines := bufio.NewScanner(z); lines.Scan(); cases++ {
		var c recorded
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		check(t, c)
	}
	if cases == 0 {
		t.Fatal("no cases")
	}
}

func check(t *testing.T, c recorded) {
	p, err := Compile(c.Pattern)
	if c.Error != "" {
		if err == nil {
			t.Errorf("Compile(%q) works, want %q", c.Pattern, c.Error)
		} else if m, _ := errs.Message(err); m != c.Error {
			t.Errorf("Compile(%q): %q, want %q", c.Pattern, m, c.Error)
		}
		return
	}
	if err != nil {
		t.Errorf("Compile(%q): %v", c.Pattern, err)
		return
	}
	if got, err := p.Matches(c.Text); got != c.Matches || err != nil {
		t.Errorf("%q (%s) matches %q: %v %v, want %v", c.Pattern, p.find, c.Text, got, err, c.Matches)
	}
	if got, err := p.Find(c.Text); got != c.Find || err != nil {
		t.Errorf("%q (%s) finds %q: %v %v, want %v", c.Pattern, p.find, c.Text, got, err, c.Find)
	}
	got, err := p.ReplaceFirst(c.Text, c.Replacement)
	switch {
	case c.Thrown == "" && (err != nil || got != c.Replaced):
		t.Errorf("%q (%s) in %q by %q: %q %v, want %q", c.Pattern, p.find, c.Text, c.Replacement, got, err, c.Replaced)
	case c.Thrown != "" && (err == nil || errs.String(err) != c.Thrown):
		t.Errorf("%q in %q by %q: %q %v, want %s", c.Pattern, c.Text, c.Replacement, got, err, c.Thrown)
	}
}

func TestExplosivePatternEnds(t *testing.T) {
	p, err := Compile("(a+)+b")
	if err != nil {
		t.Fatal(err)
	}
	if !p.explosive() {
		t.Fatal("no limit")
	}
	if _, err := p.Matches("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac"); errs.Class(err) != errs.ClassConnect {
		t.Fatalf("got %v", err)
	}
	for _, plain := range []string{"(.*)", "([^.]+)\\.(.*)", "^ab$", "topic-(\\d+)", "a{2}{3}", "(?i)orders.*"} {
		if p, err := Compile(plain); err != nil || p.explosive() {
			t.Errorf("%s: %v", plain, err)
		}
	}
}

func TestErrors(t *testing.T) {
	for pattern, want := range map[string]string{
		"[":       "Unclosed character class near index 0\n[\n^",
		"*a":      "Dangling meta character '*' near index 0\n*a\n^",
		"(":       "Unclosed group near index 1\n(",
		`\`:       "Unexpected internal error near index 1\n\\",
		"(?<1>a)": "capturing group name does not start with a Latin letter near index 3\n(?<1>a)\n   ^",
		"a)":      "Unmatched closing ')' near index 0\na)\n^",
	} {
		_, err := Compile(pattern)
		if err == nil {
			t.Errorf("%s compiles", pattern)
			continue
		}
		if m, _ := errs.Message(err); m != want || errs.Class(err) != ClassPatternSyntax {
			t.Errorf("%s: %q, want %q", pattern, m, want)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{`(?<n>\w+)-\k<n>`, `[a-z&&[^b]]++`, `\Qa.b\E$`, `(?x) a # b`, `(?<=ab|c)x{2,3}?`, `[\p{L}&&[^\p{Lu}]]`} {
		f.Add(s, "ab-1", "$1")
	}
	f.Fuzz(func(t *testing.T, pattern, text, replacement string) {
		p, err := Compile(pattern)
		if err != nil || len(pattern) > 30 || len(text) > 30 {
			return
		}
		if p.explosive() {
			p.find.MatchTimeout, p.whole.MatchTimeout = 10*time.Millisecond, 10*time.Millisecond
		}
		// Errors are allowed; panics are not.
		whole, err := p.Matches(text)
		if found, err2 := p.Find(text); err == nil && err2 == nil && whole && !found {
			t.Fatalf("%q matches %q but is not found in it", pattern, text)
		}
		_, _ = p.ReplaceFirst(text, replacement)
	})
}
