// Package openapitest holds answers of a REST API against its OpenAPI document. It is
// for tests alone.
package openapitest

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const (
	schemaURL = "https://moldau.test/openapi.json"
	jsonType  = "application/json"
)

// Spec is an OpenAPI document.
type Spec struct {
	doc      any
	compiler *jsonschema.Compiler
}

// New reads a document, in JSON.
func New(document []byte) (*Spec, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource(schemaURL, doc); err != nil {
		return nil, err
	}
	return &Spec{doc, c}, nil
}

// At follows keys from a value of the document, and a reference at each step; nil is
// the document. It returns what is there and its JSON pointer.
func (s *Spec) At(v any, keys ...string) (any, string) {
	pointer := ""
	if v == nil {
		v = s.doc
	}
	for _, k := range keys {
		m, _ := v.(map[string]any)
		v, pointer = m[k], pointer+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(k)
		if m, ok := v.(map[string]any); ok {
			if ref, ok := m["$ref"].(string); ok {
				pointer = strings.TrimPrefix(ref, "#")
				v, _ = s.At(s.doc, strings.Split(pointer[1:], "/")...)
			}
		}
	}
	return v, pointer
}

// Pattern finds the path of the document that a request's path is of, "" for none.
func (s *Spec) Pattern(path string) string {
	paths, _ := s.At(s.doc, "paths")
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

// Check returns an error if the document does not allow that answer to a request.
func (s *Spec) Check(method, path string, status int, header http.Header, body []byte) error {
	p := s.Pattern(path)
	if p == "" {
		return nil // no resource: what is answered then is no part of the document
	}
	operation, _ := s.At(s.doc, "paths", p, strings.ToLower(method))
	if operation == nil {
		return nil
	}
	keys := []string{"paths", p, strings.ToLower(method), "responses", strconv.Itoa(status)}
	response, pointer := s.At(s.doc, keys...)
	if response == nil {
		if status < 400 {
			return fmt.Errorf("%s %s answers %d, which is not in the document", method, p, status)
		}
		keys[4] = "default"
		response, pointer = s.At(s.doc, keys...)
	}
	content, _ := s.At(response, "content", jsonType, "schema")
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

// Compile makes the schema of that name ready to use.
func (s *Spec) Compile(name string) error {
	_, err := s.compiler.Compile(schemaURL + "#/components/schemas/" + name)
	return err
}
