package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const schemaURL = "https://moldau.test/openapi.json"

// spec is the OpenAPI document, to hold answers against.
type spec struct {
	doc      any
	compiler *jsonschema.Compiler
}

func newSpec(t testing.TB) *spec {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(openAPI))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource(schemaURL, doc); err != nil {
		t.Fatal(err)
	}
	return &spec{doc, c}
}

// at follows keys and one level of references at each step.
func (s *spec) at(v any, keys ...string) (any, string) {
	pointer := ""
	for _, k := range keys {
		m, _ := v.(map[string]any)
		v, pointer = m[k], pointer+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(k)
		if m, ok := v.(map[string]any); ok {
			if ref, ok := m["$ref"].(string); ok {
				pointer = strings.TrimPrefix(ref, "#")
				v, _ = s.at(s.doc, strings.Split(pointer[1:], "/")...)
			}
		}
	}
	return v, pointer
}

// pattern finds the path of the document that a request's path is of.
func (s *spec) pattern(path string) string {
	paths, _ := s.at(s.doc, "paths")
	parts := strings.Split(strings.Trim(path, "/"), "/")
	best := ""
next:
	for p := range paths.(map[string]any) {
		want := strings.Split(strings.Trim(p, "/"), "/")
		if len(want) != len(parts) {
			continue
		}
		for i := range want {
			if want[i] != parts[i] && !strings.HasPrefix(want[i], "{") {
				continue next
			}
		}
		if best == "" || strings.Count(p, "{") < strings.Count(best, "{") {
			best = p
		}
	}
	return best
}

// check returns an error if the document does not allow that answer to a request.
func (s *spec) check(method, path string, status int, header http.Header, body []byte) error {
	p := s.pattern(path)
	if p == "" {
		return nil // no resource: what is answered then is no part of the document
	}
	operation, _ := s.at(s.doc, "paths", p, strings.ToLower(method))
	if operation == nil {
		return nil
	}
	keys := []string{"paths", p, strings.ToLower(method), "responses", strconv.Itoa(status)}
	response, pointer := s.at(s.doc, keys...)
	if response == nil {
		if status < 400 {
			return fmt.Errorf("%s %s answers %d, which is not in the document", method, p, status)
		}
		keys[4] = "default"
		response, pointer = s.at(s.doc, keys...)
	}
	content, _ := s.at(response, "content", jsonType, "schema")
	if strings.HasPrefix(header.Get("Content-Type"), "text/html") {
		return nil // refused before it came to a resource
	}
	if (content == nil) != (len(body) == 0) {
		return fmt.Errorf("%s %s answers %d with %q; the document has %v", method, p, status, body, content)
	}
	if content == nil {
		return nil
	}
	schema, err := s.compiler.Compile(schemaURL + "#" + pointer + "/content/application~1json/schema")
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	if err := schema.Validate(value); err != nil {
		return fmt.Errorf("%s %s answers %d with %s: %w", method, p, status, body, err)
	}
	return nil
}

func TestOpenAPIHasEveryRoute(t *testing.T) {
	s := newSpec(t)
	a := New(Options{})
	routes := append(a.connectRoutes(), a.adminRoutes()...)
	routed := map[string]bool{}
	err := chi.Walk(a.mux(routes), func(method, pattern string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if method != http.MethodHead {
			routed[method+" "+pattern] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	paths, _ := s.at(s.doc, "paths")
	documented := map[string]bool{}
	ids := map[any]bool{}
	for p, item := range paths.(map[string]any) {
		for method, operation := range item.(map[string]any) {
			documented[strings.ToUpper(method)+" "+p] = true
			id, _ := s.at(operation, "operationId")
			if id == nil || ids[id] {
				t.Errorf("%s %s has the operationId %v, which is none or taken", method, p, id)
			}
			ids[id] = true
		}
	}
	for r := range routed {
		if !documented[r] {
			t.Errorf("%s is served and not in the document", r)
		}
	}
	for r := range documented {
		if !routed[r] {
			t.Errorf("%s is in the document and not served", r)
		}
	}
	for _, rt := range routes {
		checkParameters(t, s, rt)
	}
}

// checkParameters holds a route's parameters against the document's.
func checkParameters(t *testing.T, s *spec, rt route) {
	t.Helper()
	list, _ := s.at(s.doc, "paths", rt.pattern, strings.ToLower(rt.method), "parameters")
	var query, path []string
	items, _ := list.([]any)
	for _, item := range items {
		p, _ := s.at(map[string]any{"p": item}, "p")
		name, _ := s.at(p, "name")
		switch in, _ := s.at(p, "in"); in {
		case "query":
			query = append(query, name.(string))
		case "path":
			path = append(path, "{"+name.(string)+"}")
		}
	}
	slices.Sort(query)
	want := slices.Sorted(slices.Values(rt.query))
	if !slices.Equal(query, want) {
		t.Errorf("%s %s takes %v, the document has %v", rt.method, rt.pattern, want, query)
	}
	var inPattern []string
	for _, part := range strings.Split(rt.pattern, "/") {
		if strings.HasPrefix(part, "{") {
			inPattern = append(inPattern, part)
		}
	}
	if !slices.Equal(path, inPattern) {
		t.Errorf("%s %s: the document has the path parameters %v", rt.method, rt.pattern, path)
	}
}

func TestOpenAPISchemasAreValid(t *testing.T) {
	s := newSpec(t)
	schemas, _ := s.at(s.doc, "components", "schemas")
	if len(schemas.(map[string]any)) < 20 {
		t.Fatalf("only %d schemas", len(schemas.(map[string]any)))
	}
	for name := range schemas.(map[string]any) {
		if _, err := s.compiler.Compile(schemaURL + "#/components/schemas/" + name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Every reference leads somewhere.
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				if to, _ := s.at(s.doc, strings.Split(ref[2:], "/")...); to == nil {
					t.Errorf("%s leads nowhere", ref)
				}
			}
			for _, e := range v {
				walk(e)
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(s.doc)
}

func TestOpenAPIIsServed(t *testing.T) {
	w := httptest.NewRecorder()
	newTestAPI(&fakeHerder{}, nil).ServeHTTP(w, httptest.NewRequest("GET", "/openapi.json", nil))
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct{ OpenAPI string }
	if err := json.Unmarshal(body, &doc); err != nil || w.Code != 200 || doc.OpenAPI != "3.1.0" {
		t.Errorf("%d, %v: OpenAPI %q", w.Code, err, doc.OpenAPI)
	}
}

// Without this a document that allows everything would pass.
func TestOpenAPIRefusesOtherAnswers(t *testing.T) {
	s := newSpec(t)
	for _, c := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/connectors/x/status", 200, `{"name":"x","connector":{"state":"ODD","worker_id":"w"},"tasks":[],"type":"source"}`},
		{"GET", "/connectors/x/status", 200, `{"name":"x","tasks":[],"type":"source"}`},
		{"GET", "/connectors/x/status", 404, `{"message":"no"}`},
		{"GET", "/connectors/x", 200, `{"name":"x","config":{"a":1},"tasks":[],"type":"source"}`},
		{"GET", "/connectors/x", 202, `{}`},
		{"DELETE", "/connectors/x", 204, `{}`},
		{"GET", "/connectors", 200, `[1]`},
	} {
		if s.check(c.method, c.path, c.status, http.Header{}, []byte(c.body)) == nil {
			t.Errorf("%s %s may answer %d with %s", c.method, c.path, c.status, c.body)
		}
	}
}
