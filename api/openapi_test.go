package api

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/moldau-io/moldau/internal/openapitest"
)

func newSpec(t testing.TB) *openapitest.Spec {
	t.Helper()
	s, err := openapitest.New(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	return s
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
	paths, _ := s.At(nil, "paths")
	documented := map[string]bool{}
	ids := map[any]bool{}
	for p, item := range paths.(map[string]any) {
		for method, operation := range item.(map[string]any) {
			documented[strings.ToUpper(method)+" "+p] = true
			id, _ := s.At(operation, "operationId")
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
func checkParameters(t *testing.T, s *openapitest.Spec, rt route) {
	t.Helper()
	list, _ := s.At(nil, "paths", rt.pattern, strings.ToLower(rt.method), "parameters")
	var query, path []string
	items, _ := list.([]any)
	for _, item := range items {
		p, _ := s.At(map[string]any{"p": item}, "p")
		name, _ := s.At(p, "name")
		switch in, _ := s.At(p, "in"); in {
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
	schemas, _ := s.At(nil, "components", "schemas")
	if len(schemas.(map[string]any)) < 20 {
		t.Fatalf("only %d schemas", len(schemas.(map[string]any)))
	}
	for name := range schemas.(map[string]any) {
		if err := s.Compile(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Every reference leads somewhere.
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				if to, _ := s.At(nil, strings.Split(ref[2:], "/")...); to == nil {
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
	whole, _ := s.At(nil)
	walk(whole)
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
		if s.Check(c.method, c.path, c.status, http.Header{}, []byte(c.body)) == nil {
			t.Errorf("%s %s may answer %d with %s", c.method, c.path, c.status, c.body)
		}
	}
}
