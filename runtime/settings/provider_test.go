package settings

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moldau-io/moldau/connect/errs"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// echoProvider gives "<path|key>" for keys that do not begin with "no", and a TTL
// in milliseconds for paths such as "ttl5".
type echoProvider struct{ asked *[]string }

func (p echoProvider) Get(_ context.Context, path string, keys []string) (ProviderData, error) {
	*p.asked = append(*p.asked, path)
	data := ProviderData{Values: map[string]string{}}
	for _, key := range keys {
		if !strings.HasPrefix(key, "no") {
			data.Values[key] = "<" + path + "|" + key + ">"
		}
	}
	if ms, ok := strings.CutPrefix(path, "ttl"); ok {
		if n, err := strconv.Atoi(ms); err == nil {
			data.TTL, data.HasTTL = time.Duration(n)*time.Millisecond, true
		}
	}
	return data, nil
}

func (echoProvider) Close() error { return nil }

func TestReferencesAsApache(t *testing.T) {
	type record struct {
		Value, Result string
		TTLs          map[string]int64
	}
	var asked []string
	p := &Providers{byName: map[string]Provider{"p": echoProvider{&asked}, "q": echoProvider{&asked}}}
	for _, r := range readLines[record](t, "testdata/references.jsonl") {
		got, err := p.Resolve(context.Background(), map[string]string{"x": r.Value})
		if err != nil {
			t.Fatal(err)
		}
		if got.Props["x"] != r.Result {
			t.Errorf("%q: %q, want %q", r.Value, got.Props["x"], r.Result)
		}
		ttls := map[string]int64{}
		for path, ttl := range got.TTLs {
			ttls[path] = ttl.Milliseconds()
		}
		if !reflect.DeepEqual(ttls, r.TTLs) {
			t.Errorf("%q: TTLs %v, want %v", r.Value, ttls, r.TTLs)
		}
	}
	asked = nil
	got, err := p.Resolve(context.Background(), map[string]string{"a": "${p:ttl9:k}${p:ttl9:l}", "b": "${p:ttl4:k}", "c": "${p:ttl9:k}"})
	if err != nil {
		t.Fatal(err)
	}
	if slices.Sort(asked); !reflect.DeepEqual(asked, []string{"ttl4", "ttl9"}) {
		t.Errorf("asked for %q", asked)
	}
	if ttl, ok := got.TTL(); !ok || ttl != 4*time.Millisecond {
		t.Errorf("shortest TTL %v, %v", ttl, ok)
	}
	if _, ok := (Resolved{}).TTL(); ok {
		t.Error("a TTL of nothing")
	}
}

func write(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFileAndDirectoryProviders(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "ok", "a.properties"), "k=v\nz=caf\u00e9\nempty=\n")
	write(t, filepath.Join(dir, "ok", "secret"), "line\nend\n")
	write(t, filepath.Join(dir, "ok", "bad"), "\xff")
	write(t, filepath.Join(dir, "ok", "bad.properties"), "a=\xff")
	write(t, filepath.Join(dir, "ok", "escape.properties"), "a=\\u00g")
	write(t, filepath.Join(dir, "okay", "other.properties"), "k=other")
	write(t, filepath.Join(dir, "no", "b.properties"), "k=forbidden")
	if err := os.Mkdir(filepath.Join(dir, "ok", "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "ok", "secret"), filepath.Join(dir, "ok", "link")); err != nil {
		t.Fatal(err)
	}
	ok := filepath.Join(dir, "ok")
	var log bytes.Buffer
	_, err := NewProviders(map[string]string{
		"config.providers":                          "file , dir,openfile,opendir,missing",
		"config.providers.file.class":               "org.apache.kafka.common.config.provider.FileConfigProvider",
		"config.providers.file.param.allowed.paths": ok + "," + filepath.Join(dir, "missing"),
		"config.providers.dir.class":                "DirectoryConfigProvider",
		"config.providers.dir.param.allowed.paths":  ok,
		"config.providers.openfile.class":           "File",
		"config.providers.opendir.class":            "Directory",
	}, ProviderOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err == nil {
		t.Fatal("a path that does not exist is accepted")
	}
	_, err = NewProviders(map[string]string{
		"config.providers": "file", "config.providers.file.class": "FileConfigProvider",
		"config.providers.file.param.allowed.paths": ok + ",rel/../ative",
	}, ProviderOptions{Logger: discard()})
	if text, _ := errs.Message(err); text != "Path ative is not absolute" {
		t.Errorf("relative path: %v", err)
	}
	p, err := NewProviders(map[string]string{
		"config.providers":                          "file , dir,openfile,opendir,missing",
		"config.providers.file.class":               "org.apache.kafka.common.config.provider.FileConfigProvider",
		"config.providers.file.param.allowed.paths": ok,
		"config.providers.dir.class":                "DirectoryConfigProvider",
		"config.providers.dir.param.allowed.paths":  ok + "/",
		"config.providers.openfile.class":           "File",
		"config.providers.opendir.class":            "Directory",
	}, ProviderOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ in, want, err string }{
		{"${file:" + file + ":k}", "v", ""},
		{"${file:" + file + ":z}", "caf\u00e9", ""},
		{"[${file:" + file + ":empty}]", "[]", ""},
		{"${file:" + file + ":x}", "${file:" + file + ":x}", ""},
		{"${file:" + dir + "/ok/../no/b.properties:k}", "${file:" + dir + "/ok/../no/b.properties:k}", ""},
		{"${file:" + dir + "/okay/other.properties:k}", "${file:" + dir + "/okay/other.properties:k}", ""},
		{"${file:" + dir + "/no/../ok/a.properties:k}", "v", ""},
		{"${openfile:" + dir + "/no/b.properties:k}", "forbidden", ""},
		{"${file:k}", "${file:k}", ""},
		{"${openfile:" + dir + "/gone:k}", "", "Could not read properties from file " + dir + "/gone"},
		{"${file:" + ok + "/bad.properties:k}", "", "Could not read properties from file " + ok + "/bad.properties"},
		{"${file:" + ok + "/escape.properties:k}", "", `Malformed \uxxxx encoding.`},
		{"${dir:" + ok + ":secret}", "line\nend\n", ""},
		{"${dir:" + ok + ":link}", "line\nend\n", ""},
		{"${dir:" + ok + ":sub}", "${dir:" + ok + ":sub}", ""},
		{"${dir:" + ok + ":../no/b.properties}", "${dir:" + ok + ":../no/b.properties}", ""},
		{"${dir:" + ok + ":bad}", "", "Could not read file " + ok + "/bad for property bad"},
		{"${dir:" + dir + "/no:b.properties}", "${dir:" + dir + "/no:b.properties}", ""},
		{"${opendir:" + dir + "/no:b.properties}", "k=forbidden", ""},
		{"${opendir:" + file + ":k}", "${opendir:" + file + ":k}", ""},
		{"${dir:secret}", "${dir:secret}", ""},
		{"${missing:a:b}", "${missing:a:b}", ""},
	} {
		got, err := p.Resolve(context.Background(), map[string]string{"x": c.in})
		if text, _ := messageOrNone(err); text != c.err {
			t.Errorf("%s: error %q, want %q", c.in, text, c.err)
		}
		if err == nil && got.Props["x"] != c.want {
			t.Errorf("%s: %q, want %q", c.in, got.Props["x"], c.want)
		}
	}
	if n := strings.Count(log.String(), "may not read the path"); n != 3 {
		t.Errorf("%d warnings about paths: %s", n, log.String())
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func messageOrNone(err error) (string, bool) {
	if err == nil {
		return "", false
	}
	return errs.Message(err)
}

func TestEnvProvider(t *testing.T) {
	props := map[string]string{"config.providers": "env", "config.providers.env.class": "org.apache.kafka.common.config.provider.EnvVarConfigProvider"}
	o := ProviderOptions{Logger: discard(), Environ: []string{"A_USER=u=v", "B_PASS=p", "EMPTY="}}
	resolve := func(value string) (string, error) {
		t.Helper()
		p, err := NewProviders(props, o)
		if err != nil {
			return "", err
		}
		r, err := p.Resolve(context.Background(), map[string]string{"x": value})
		return r.Props["x"], err
	}
	if got, err := resolve("${env:A_USER}/${env:B_PASS}/${env:EMPTY}/${env:C}"); err != nil || got != "u=v/p//${env:C}" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := resolve("${env::A_USER}"); err != nil || got != "u=v" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := resolve("${env:path:A_USER}"); err == nil || err.Error() != "Path is not supported for EnvVarConfigProvider, invalid value 'path'" {
		t.Error(err)
	}
	props["config.providers.env.param.allowlist.pattern"] = "A_.*"
	if got, err := resolve("${env:A_USER}/${env:B_PASS}"); err != nil || got != "u=v/${env:B_PASS}" {
		t.Errorf("%q, %v", got, err)
	}
	props["config.providers.env.param.allowlist.pattern"] = "A_"
	if got, err := resolve("${env:A_USER}"); err != nil || got != "${env:A_USER}" {
		t.Errorf("a pattern that matches a part: %q, %v", got, err)
	}
	props["config.providers.env.param.allowlist.pattern"] = "("
	if _, err := resolve("${env:A_USER}"); err == nil || !strings.HasPrefix(err.Error(), "Invalid value ( for configuration allowlist.pattern: Invalid regex: ") {
		t.Error(err)
	}
	props["config.providers.env.class"] = "no.such.Provider"
	_, err := resolve("x")
	if text, _ := messageOrNone(err); text != "Invalid value no.such.Provider for configuration config.providers.env.class: Could not load config provider class or one of its dependencies" {
		t.Error(err)
	}
}

func FuzzResolve(f *testing.F) {
	f.Add("${p:a:b}x${q:c}$")
	f.Add("${p:${p:k}}")
	f.Fuzz(func(t *testing.T, value string) {
		var asked []string
		p := &Providers{byName: map[string]Provider{"p": echoProvider{&asked}}}
		r, err := p.Resolve(context.Background(), map[string]string{"x": value})
		if err != nil {
			t.Fatal(err)
		}
		if len(asked) == 0 && r.Props["x"] != value {
			t.Errorf("%q became %q without a look-up", value, r.Props["x"])
		}
	})
}

func TestValuesAreGoodForAWhile(t *testing.T) {
	props := map[string]string{keyConfigProviders: "env", "config.providers.env.class": "EnvVarConfigProvider"}
	for text, want := range map[string]time.Duration{"": 0, "60000": time.Minute, "0": -1, "soon": -1} {
		delete(props, ttlKey("env"))
		if text != "" {
			props[ttlKey("env")] = text
		}
		p, err := NewProviders(props, ProviderOptions{Logger: discard(), Environ: []string{"A=b"}})
		if want < 0 {
			if err == nil || !strings.Contains(err.Error(), "config.providers.env.param.moldau.ttl.ms") {
				t.Errorf("%q: %v", text, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		r, err := p.Resolve(t.Context(), map[string]string{"x": "${env:A}"})
		ttl, ok := r.TTL()
		if err != nil || r.Props["x"] != "b" || ttl != want || ok != (want > 0) {
			t.Errorf("%q: %v for %v (%t), %v", text, r.Props, ttl, ok, err)
		}
	}
}
