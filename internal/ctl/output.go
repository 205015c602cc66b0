package ctl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// printf writes to the output. A reader that went away ends the process by SIGPIPE or
// is found at the next write; there is nobody to tell.
func (s *session) printf(format string, args ...any) { fmt.Fprintf(s.Out, format, args...) }

func (s *session) errorf(format string, args ...any) { fmt.Fprintf(s.Err, format, args...) }

// notef says on the error stream what is not the answer itself.
func (s *session) notef(format string, args ...any) { s.errorf(format, args...) }

func (s *session) checkOutput() error {
	switch s.flags.output {
	case "", "table", "wide", "json", "yaml", "name":
	default:
		return usage("-o %s is not known: table, wide, json, yaml or name", s.flags.output)
	}
	switch s.flags.color {
	case "auto", "always", "never":
		return nil
	}
	return usage("--color %s is not known: auto, always or never", s.flags.color)
}

func (s *session) coloured(tty bool) bool {
	switch s.flags.color {
	case "always":
		return true
	case "never":
		return false
	}
	return tty && s.Env("NO_COLOR") == "" && s.Env("TERM") != "dumb"
}

func (s *session) style() style { return style{s.coloured(s.OutTTY)} }

func (s *session) errStyle() style { return style{s.coloured(s.ErrTTY)} }

// style colours text, or leaves it as it is.
type style struct{ on bool }

func (y style) paint(code, text string) string {
	if !y.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (y style) red(t string) string    { return y.paint("31", t) }
func (y style) green(t string) string  { return y.paint("32", t) }
func (y style) yellow(t string) string { return y.paint("33", t) }
func (y style) bold(t string) string   { return y.paint("1", t) }

// state colours the state of a connector or task.
func (y style) state(text string) string {
	switch word, _, _ := strings.Cut(text, " "); word {
	case "RUNNING", "healthy":
		return y.green(text)
	case "FAILED", "DEGRADED", "unhealthy":
		return y.red(text)
	}
	return y.yellow(text)
}

// table is text in columns. Columns after narrow are shown with -o wide only.
type table struct {
	head   []string
	narrow int
	rows   [][]string
	// states is the column that is coloured as a state, -1 for none.
	states int
	// name is the column that -o name prints.
	name int
}

func newTable(head ...string) *table {
	return &table{head: head, narrow: len(head), states: slices.Index(head, "STATE"), name: max(0, slices.Index(head, "NAME"))}
}

func (t *table) wide(head ...string) *table {
	t.head = append(t.head, head...)
	return t
}

func (t *table) add(cells ...string) {
	for i, c := range cells {
		cells[i] = clean(c)
	}
	t.rows = append(t.rows, cells)
}

func (t *table) write(w io.Writer, y style, wide bool) {
	n := t.narrow
	if wide {
		n = len(t.head)
	}
	widths := make([]int, n)
	lines := append([][]string{t.head}, t.rows...)
	for _, row := range lines {
		for i := range n {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	for l, row := range lines {
		var b strings.Builder
		for i := range n {
			cell, pad := row[i], widths[i]-utf8.RuneCountInString(row[i])
			switch {
			case l == 0:
				cell = y.bold(cell)
			case i == t.states:
				cell = y.state(cell)
			}
			b.WriteString(cell)
			if i < n-1 {
				b.WriteString(strings.Repeat(" ", pad+2))
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}

// show prints a value as -o says; the table stands for it where that is asked for, and
// nil has none.
func (s *session) show(value any, t *table) error {
	switch s.flags.output {
	case "json":
		return s.json(value)
	case "yaml":
		return s.yaml(value)
	case "name":
		for _, row := range t.rows {
			s.printf("%s\n", row[t.name])
		}
		return nil
	}
	if len(t.rows) > 0 {
		t.write(s.Out, s.style(), s.flags.output == "wide")
	}
	return nil
}

func (s *session) json(value any) error {
	b, err := toJSON(value)
	if err == nil {
		s.printf("%s", b)
	}
	return err
}

func toJSON(value any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(value)
	return b.Bytes(), err
}

// yaml prints the same as json, in the same order.
func (s *session) yaml(value any) error {
	b, err := toYAML(value)
	if err == nil {
		s.printf("%s", b)
	}
	return err
}

func toYAML(value any) ([]byte, error) {
	b, err := toJSON(value)
	if err != nil {
		return nil, err
	}
	var node yaml.Node
	if err := yaml.Unmarshal(b, &node); err != nil {
		return nil, err
	}
	block(&node)
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := e.Encode(&node); err != nil {
		return nil, err
	}
	err = e.Close()
	return out.Bytes(), err
}

// block takes the marks of JSON's notation from a YAML document.
func block(n *yaml.Node) {
	n.Style = 0
	for _, c := range n.Content {
		block(c)
	}
}

// clean takes control characters out of a server's text, which could steer a terminal.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && unicode.IsControl(r) {
			return '\uFFFD'
		}
		return r
	}, text)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// setProgress shows a line that will be overwritten on a terminal; elsewhere each line
// that differs from the last is printed.
func (s *session) setProgress(line, elapsed string) {
	if s.ErrTTY {
		// A line that is wrapped cannot be overwritten.
		shown := []rune(line + " (" + elapsed + ")")
		if width := s.Width(); width > 1 && len(shown) >= width {
			shown = append(shown[:width-2], '…')
		}
		s.errorf("\r\x1b[K%s", string(shown))
	} else if line != s.progress {
		s.errorf("%s\n", line)
	}
	s.progress = line
}

// endProgress leaves the line.
func (s *session) endProgress() {
	if s.progress != "" && s.ErrTTY {
		s.errorf("\r\x1b[K")
	}
	s.progress = ""
}
