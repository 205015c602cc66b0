package settings

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect/errs"
)

func TestPropertiesAsJava(t *testing.T) {
	type record struct {
		Bytes                  string
		Latin1, UTF8           map[string]string
		Latin1Error, UTF8Error string
	}
	check := func(b []byte, how string, got map[string]string, err error, want map[string]string, wantErr string) {
		t.Helper()
		switch {
		case wantErr == "malformed":
			if err == nil || !strings.Contains(err.Error(), "is not UTF-8") {
				t.Errorf("%q %s: %v, want an error", b, how, err)
			}
		case wantErr != "":
			if text, _ := errs.Message(err); err == nil || text != wantErr {
				t.Errorf("%q %s: %v, want %s", b, how, err, wantErr)
			}
		case err != nil:
			t.Errorf("%q %s: %v", b, how, err)
		case !reflect.DeepEqual(got, want):
			t.Errorf("%q %s: %q, want %q", b, how, got, want)
		}
	}
	for _, r := range readLines[record](t, "testdata/properties.jsonl") {
		b, err := base64.StdEncoding.DecodeString(r.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ReadProperties(bytes.NewReader(b))
		check(b, "as ISO 8859-1", got, err, r.Latin1, r.Latin1Error)
		got, err = ReadPropertiesUTF8(bytes.NewReader(b))
		check(b, "as UTF-8", got, err, r.UTF8, r.UTF8Error)
	}
}

func TestLoadProperties(t *testing.T) {
	path := filepath.Join(t.TempDir(), "worker.properties")
	if err := os.WriteFile(path, []byte("a = 1\n# no\nb=2\\\n  3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := LoadProperties(path)
	if err != nil || !reflect.DeepEqual(got, map[string]string{"a": "1", "b": "23"}) {
		t.Errorf("%v, %v", got, err)
	}
	if err := os.WriteFile(path, []byte("a=1\n\nsecret=hunter2\\u00g\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = LoadProperties(path)
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "line 2") || !strings.Contains(err.Error(), "secret") {
		t.Errorf("the error does not say where: %v", err)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error shows the value: %v", err)
	}
	if _, err := LoadProperties(path + ".not"); err == nil {
		t.Error("no error for a file that is not there")
	}
}

// escapeProperty writes text so that any reader of properties reads it again.
func escapeProperty(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case strings.ContainsRune("=: \\#!", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\f':
			b.WriteString(`\f`)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func FuzzProperties(f *testing.F) {
	for _, s := range []string{"a=b", "a\\\n b:c", "\\u0041=\\", "#x\na", "\\\n#", "a=1\r\nb=2"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		props, err := ReadPropertiesUTF8(bytes.NewReader(b))
		if err != nil {
			return
		}
		var again strings.Builder
		for name, value := range props {
			again.WriteString(escapeProperty(name) + "=" + escapeProperty(value) + "\n")
		}
		got, err := ReadPropertiesUTF8(strings.NewReader(again.String()))
		if err != nil || !reflect.DeepEqual(got, props) {
			t.Errorf("%q, read again %q, %v", props, got, err)
		}
		if _, err := ReadProperties(bytes.NewReader(b)); err != nil && errs.Class(err) != errs.ClassIllegalArgument {
			t.Error(err)
		}
	})
}
