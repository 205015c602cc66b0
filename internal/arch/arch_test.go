// Package arch holds one test: that imports point the way docs/architecture.md says.
package arch

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/moldau-io/moldau/"

// rule forbids imports: none of the packages below from may import what is below to.
// Paths without a dot in the first element and without our module are Go's own.
type rule struct {
	from   string
	to     []string
	except []string
	why    string
}

var rules = []rule{
	{"connect", []string{module}, []string{module + "connect"}, "the plugin API stands on nothing else of ours"},
	{"connectors", []string{module + "runtime", module + "api", module + "plugins", module + "converters", module + "transforms"}, nil, "a connector knows the plugin API and its client library"},
	{"transforms", []string{module + "runtime", module + "api", module + "plugins", module + "converters", module + "connectors"}, nil, "a transform knows the plugin API alone"},
	{"converters", []string{module + "runtime", module + "api", module + "plugins", module + "connectors", module + "transforms"}, nil, "a converter knows the plugin API alone"},
	{"plugins", []string{module + "runtime", module + "api", module + "cmd"}, nil, "the catalogue does not run what it lists"},
	{"runtime", []string{module + "api", module + "ui", module + "plugins/standard", module + "cmd", module + "internal/node"}, nil, "the runtime does not know who asks it, nor what ships"},
	{"runtime/state", []string{"github.com/twmb", module + "runtime", "time.Now"}, []string{module + "runtime/state"}, "values have no I/O"},
	{"runtime/assign", []string{"github.com/twmb"}, nil, "assignment is pure"},
	{"runtime/task", []string{module + "runtime/store", module + "runtime/worker", module + "runtime/herder"}, nil, "the data path declares the interfaces it needs"},
	{"runtime/herder", []string{"github.com/twmb"}, nil, "the herder never talks to Kafka itself"},
	{"api", []string{"github.com/twmb", module + "plugins/standard", module + "cmd", module + "internal/node"}, nil, "the API turns requests into calls"},
	{"ui", []string{module}, nil, "the page is a client of the REST API"},
}

func TestImportsPointOneWay(t *testing.T) {
	root := filepath.Join("..", "..")
	seen := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == ".git" || name == "testdata" || name == "bin" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		seen++
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, imp := range file.Imports {
			name, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				return err
			}
			if why := forbidden(filepath.ToSlash(filepath.Dir(rel)), name); why != "" {
				t.Errorf("%s imports %s: %s", rel, name, why)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 50 {
		t.Fatalf("only %d files found below %s", seen, must(filepath.Abs(root)))
	}
}

func must(s string, err error) string {
	if err != nil {
		return err.Error()
	}
	return s
}

// below says whether path is dir or in it.
func below(path, dir string) bool {
	dir = strings.TrimSuffix(dir, "/")
	return path == dir || strings.HasPrefix(path, dir+"/")
}

func forbidden(dir, imported string) string {
	for _, r := range rules {
		if !below(dir, r.from) {
			continue
		}
		allowed := below(imported, module+dir)
		for _, e := range r.except {
			allowed = allowed || below(imported, e)
		}
		for _, to := range r.to {
			if !allowed && below(imported, to) {
				return r.why
			}
		}
	}
	if below(dir, "connectors") && below(imported, module+"connectors") {
		if own := strings.SplitN(dir, "/", 3); len(own) > 1 && !below(imported, module+"connectors/"+own[1]) {
			return "connectors do not know each other"
		}
	}
	if below(dir, "runtime") && imported == "net/http" {
		return "the runtime serves and speaks no HTTP"
	}
	return ""
}

func TestForbidden(t *testing.T) {
	cases := []struct {
		dir, imported string
		want          bool
	}{
		{"connect", module + "runtime/state", true},
		{"connect/schema", module + "connect/errs", false},
		{"connectors/sse", module + "connectors/file", true},
		{"connectors/sse", module + "connectors/sse/wire", false},
		{"runtime/task", module + "runtime/store", true},
		{"runtime/state", module + "runtime/kafka", true},
		{"runtime/worker", "net/http", true},
		{"runtime/herder", "github.com/twmb/franz-go/pkg/kgo", true},
		{"api", module + "runtime/herder", false},
		{"cmd/moldau", module + "internal/node", false},
	}
	for _, c := range cases {
		if got := forbidden(c.dir, c.imported) != ""; got != c.want {
			t.Errorf("forbidden(%s, %s) = %v, want %v", c.dir, c.imported, got, c.want)
		}
	}
	if _, err := os.Stat(filepath.Join("..", "..", "go.mod")); err != nil {
		t.Error(err)
	}
}
