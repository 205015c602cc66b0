package dlq

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// shown bounds how many characters of a key or value are printed.
const shown = 200

// Print writes a summary for people.
func (s *Summary) Print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s of %s, %d replayed\n", s.Topic, plural(s.Letters, "dead letter"), plural(len(s.Causes), "cause"), s.Replayed)
	for _, g := range s.Causes {
		fmt.Fprintf(&b, "\ncause %s: %s", g.ID, plural(g.Letters, "letter"))
		if g.Replayed > 0 {
			fmt.Fprintf(&b, " (%d replayed)", g.Replayed)
		}
		fmt.Fprintf(&b, ", %s to %s\n", g.First.UTC().Format(time.RFC3339), g.Last.UTC().Format(time.RFC3339))
		if g.Exception == "" {
			b.WriteString("  the letters do not say what went wrong; errors.deadletterqueue.context.headers.enable=true makes sinks say it\n")
		} else {
			fmt.Fprintf(&b, "  connector  %s\n  stage      %s, %s\n  error      %s: %s\n", g.Connector, g.Stage, g.Class, g.Exception, g.Message)
		}
		for _, l := range g.Samples {
			from := "this topic"
			if l.Context.Topic != "" {
				from = where(l.Context.Topic, l.Context.Partition, l.Context.Offset)
			}
			fmt.Fprintf(&b, "  letter     %s, from %s\n    key      %s\n    value    %s\n", where(s.Topic, l.Partition, l.Offset), from, text(l.Key), text(l.Value))
			for _, h := range l.Headers {
				fmt.Fprintf(&b, "    header   %s = %s\n", h.Key, text(h.Value))
			}
			for _, line := range firstLines(l.Context.Trace, 3) {
				fmt.Fprintf(&b, "    trace    %s\n", line)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// JSON writes a summary, samples included, as one JSON object.
func (s *Summary) JSON(w io.Writer) error {
	type sample struct {
		Partition int32             `json:"partition"`
		Offset    int64             `json:"offset"`
		From      string            `json:"from,omitempty"`
		Key       *string           `json:"key"`
		Value     *string           `json:"value"`
		Headers   map[string]string `json:"headers,omitempty"`
		Trace     string            `json:"trace,omitempty"`
	}
	type group struct {
		*Group
		Samples []sample `json:"samples"`
	}
	encode := func(b []byte) *string {
		if b == nil {
			return nil
		}
		t := base64.StdEncoding.EncodeToString(b)
		return &t
	}
	groups := []group{}
	for _, g := range s.Causes {
		out := group{g, []sample{}}
		for _, l := range g.Samples {
			x := sample{Partition: l.Partition, Offset: l.Offset, Key: encode(l.Key), Value: encode(l.Value), Trace: l.Context.Trace}
			if l.Context.Topic != "" {
				x.From = where(l.Context.Topic, l.Context.Partition, l.Context.Offset)
			}
			for _, h := range l.Headers {
				if x.Headers == nil {
					x.Headers = map[string]string{}
				}
				x.Headers[h.Key] = base64.StdEncoding.EncodeToString(h.Value)
			}
			out.Samples = append(out.Samples, x)
		}
		groups = append(groups, out)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(map[string]any{"topic": s.Topic, "letters": s.Letters, "replayed": s.Replayed, "causes": groups})
}

// text shows bytes as text where they are text, else as base64, cut if they are long.
func text(b []byte) string {
	switch {
	case b == nil:
		return "null"
	case !utf8.Valid(b):
		s := base64.StdEncoding.EncodeToString(b[:min(len(b), shown*3/4)])
		return fmt.Sprintf("%d bytes, base64 %s", len(b), s)
	}
	s := strings.ReplaceAll(string(b), "\n", "\\n")
	if n := len(s); n > shown {
		cut := shown
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		return fmt.Sprintf("%s… (%d bytes)", s[:cut], n)
	}
	return s
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func firstLines(s string, n int) []string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	if s == "" {
		return nil
	}
	return lines[:min(n, len(lines))]
}
