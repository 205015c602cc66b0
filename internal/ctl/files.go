package ctl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/moldau-io/moldau/runtime/settings"
)

const fileHelp = `A file is JSON, YAML or a .properties file and holds a connector's settings, name
among them, or {"name", "config", "initial_state"}; JSON may be a list of those and YAML
several documents. - is standard input, JSON or YAML.`

// definition is a connector as a file has it.
type definition struct {
	// source is the file, for messages.
	source string
	name   string
	config map[string]string
	// state is RUNNING, PAUSED, STOPPED or "".
	state string
}

var extensions = []string{".json", ".yaml", ".yml", ".properties"}

// load reads files and folders; a folder gives its files of known kinds, by name.
func (s *session) load(paths []string) ([]definition, error) {
	var all []definition
	for _, path := range paths {
		files := []string{path}
		if path != "-" {
			info, err := os.Stat(path)
			if err != nil {
				return nil, usage("cannot read %s: %v", path, errors.Unwrap(err))
			}
			if info.IsDir() {
				if files, err = folder(path); err != nil {
					return nil, err
				}
			}
		}
		for _, file := range files {
			found, err := s.loadFile(file)
			if err != nil {
				return nil, err
			}
			all = append(all, found...)
		}
	}
	seen := map[string]string{}
	for _, d := range all {
		if other, ok := seen[d.name]; ok {
			return nil, usage("connector %s is in %s and in %s", d.name, other, d.source)
		}
		seen[d.name] = d.source
	}
	return all, nil
}

func folder(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, usage("cannot read %s: %v", dir, err)
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() && slices.Contains(extensions, strings.ToLower(filepath.Ext(e.Name()))) && !strings.HasPrefix(e.Name(), ".") {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	if len(files) == 0 {
		return nil, usage("%s has no files that end in %s", dir, strings.Join(extensions, ", "))
	}
	return files, nil
}

func (s *session) read(path string) ([]byte, error) {
	if path == "-" {
		text, err := io.ReadAll(s.In)
		if err != nil {
			return nil, fmt.Errorf("reading standard input: %w", err)
		}
		return text, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, usage("cannot read %s: %v", path, errors.Unwrap(err))
	}
	return text, nil
}

func (s *session) loadFile(path string) ([]definition, error) {
	text, err := s.read(path)
	if err != nil {
		return nil, err
	}
	source := path
	if path == "-" {
		source = "standard input"
	}
	if strings.EqualFold(filepath.Ext(path), ".properties") {
		props, err := settings.ReadProperties(bytes.NewReader(text))
		if err != nil {
			return nil, usage("%s: %v", source, err)
		}
		d, err := newDefinition(source, props["name"], props, "")
		return []definition{d}, err
	}
	values, err := documents(text)
	if err != nil {
		return nil, usage("%s: %v", source, err)
	}
	var all []definition
	for _, v := range values {
		items := []any{v}
		if list, ok := v.([]any); ok {
			items = list
		}
		for _, item := range items {
			d, err := define(source, item)
			if err != nil {
				return nil, err
			}
			all = append(all, d)
		}
	}
	if len(all) == 0 {
		return nil, usage("%s is empty", source)
	}
	return all, nil
}

// documents reads JSON or the documents of a YAML file into maps, lists and scalars,
// which are as they are written: numbers and booleans keep their text.
func documents(text []byte) ([]any, error) {
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		var v any
		err := d.Decode(&v)
		if err == nil {
			if _, err = d.Token(); err == io.EOF {
				return []any{v}, nil
			}
			err = errors.New("there is more in it than one JSON value")
		}
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			line := 1 + bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte("\n"))
			return nil, fmt.Errorf("line %d: not JSON: %w", line, err)
		}
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	var out []any
	budget := &yamlBudget{maxValues}
	d := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var node yaml.Node
		err := d.Decode(&node)
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("not YAML: %w", err)
		}
		v, err := budget.value(&node, 0)
		if err != nil {
			return nil, err
		}
		if v != nil {
			out = append(out, v)
		}
	}
}

// maxDepth bounds how deep YAML may be nested, and maxValues how many values a file may
// come to; with aliases, both could be without end.
const (
	maxDepth  = 32
	maxValues = 1_000_000
)

// yamlBudget is how many values may still be read.
type yamlBudget struct{ left int }

func (b *yamlBudget) value(n *yaml.Node, depth int) (any, error) {
	if b.left--; depth > maxDepth || b.left < 0 {
		return nil, fmt.Errorf("line %d: nested too deeply", n.Line)
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 0 {
			return nil, nil
		}
		return b.value(n.Content[0], depth+1)
	case yaml.AliasNode:
		return b.value(n.Alias, depth+1)
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			v, err := b.value(c, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if key.Kind != yaml.ScalarNode {
				return nil, fmt.Errorf("line %d: a key must be text", key.Line)
			}
			if _, ok := m[key.Value]; ok {
				return nil, fmt.Errorf("line %d: %s is there twice", key.Line, key.Value)
			}
			v, err := b.value(n.Content[i+1], depth+1)
			if err != nil {
				return nil, err
			}
			m[key.Value] = v
		}
		return m, nil
	case yaml.ScalarNode:
		switch n.ShortTag() {
		case "!!null":
			return nil, nil
		case "!!int", "!!float":
			return json.Number(n.Value), nil
		case "!!bool":
			return n.Value == "true" || n.Value == "True" || n.Value == "TRUE", nil
		}
		return n.Value, nil
	}
	return nil, fmt.Errorf("line %d: not understood", n.Line)
}

// define reads one connector: its settings, or a request to create it.
func define(source string, v any) (definition, error) {
	fields, ok := v.(map[string]any)
	if !ok {
		return definition{}, usage("%s: a connector is an object of settings, or {\"name\", \"config\"}", source)
	}
	inner, nested := fields["config"].(map[string]any)
	if !nested {
		config, err := plainTexts(source, fields)
		if err != nil {
			return definition{}, err
		}
		return newDefinition(source, config["name"], config, "")
	}
	config, err := plainTexts(source, inner)
	if err != nil {
		return definition{}, err
	}
	name, _ := fields["name"].(string)
	state, _ := fields["initial_state"].(string)
	for key := range fields {
		// What GET /connectors/{name} answers can be used as it is.
		if !slices.Contains([]string{"name", "config", "initial_state", "tasks", "type"}, key) {
			return definition{}, usage("%s: %q is not known beside \"config\"; there are name, config and initial_state", source, key)
		}
	}
	if name == "" {
		name = config["name"]
	}
	if own, ok := config["name"]; ok && own != name {
		return definition{}, usage("%s: the connector is called %q, but %q in its config", source, name, own)
	}
	return newDefinition(source, name, config, state)
}

// plainTexts makes settings' values text; a list is joined by commas.
func plainTexts(source string, fields map[string]any) (map[string]string, error) {
	out := make(map[string]string, len(fields))
	for key, v := range fields {
		text, ok := scalar(v)
		if list, is := v.([]any); is {
			var parts []string
			ok = true
			for _, e := range list {
				part, plain := scalar(e)
				ok = ok && plain
				parts = append(parts, part)
			}
			text = strings.Join(parts, ",")
		}
		if !ok {
			return nil, usage("%s: the value of %s must be text, a number or a boolean", source, key)
		}
		out[key] = text
	}
	return out, nil
}

func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return fmt.Sprint(v), true
	}
	return "", false
}

func newDefinition(source, name string, config map[string]string, state string) (definition, error) {
	d := definition{source: source, name: name, config: config, state: strings.ToUpper(state)}
	if strings.TrimSpace(name) == "" {
		return d, usage("%s: the connector has no name", source)
	}
	if strings.TrimSpace(config["connector.class"]) == "" {
		return d, usage("%s: connector %s has no connector.class", source, name)
	}
	if d.state != "" && !slices.Contains(initialStates, d.state) {
		return d, usage("%s: initial_state is %q; it can be RUNNING, PAUSED or STOPPED", source, state)
	}
	config["name"] = name
	return d, nil
}

var initialStates = []string{"RUNNING", "PAUSED", "STOPPED"}
