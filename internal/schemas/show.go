package schemas

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/moldau-io/moldau/converters/registry"
)

// Find returns a version of a subject. version is a number from 1, or "latest".
func Find(ctx context.Context, c *registry.HTTP, subject, version string) (registry.Registered, error) {
	doing := fmt.Sprintf("asking for version %s of %s", version, subject)
	if version == "latest" {
		r, err := c.Latest(ctx, subject)
		return r, explain(err, doing)
	}
	n, err := strconv.ParseInt(version, 10, 32)
	if err != nil || n < 1 {
		return registry.Registered{}, fmt.Errorf("version %q is neither a number from 1 nor latest", version)
	}
	r, err := c.ByVersion(ctx, subject, int32(n))
	return r, explain(err, doing)
}

// Print writes a version and its schema: JSON with indents, Protobuf as it is.
func Print(w io.Writer, r registry.Registered) error {
	var b strings.Builder
	line := func(name, value string) { fmt.Fprintf(&b, "%-12s%s\n", name, value) }
	line("subject", r.Subject)
	line("version", strconv.Itoa(int(r.Version)))
	line("id", strconv.Itoa(int(r.ID)))
	line("type", string(r.Format))
	for _, ref := range r.References {
		line("reference", fmt.Sprintf("%s is version %d of %s", ref.Name, ref.Version, ref.Subject))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Metadata)) {
		line("metadata", name+"="+r.Metadata[name])
	}
	for _, rule := range r.Rules {
		line("rule", fmt.Sprintf("%s (%s, %s)", rule.Name, rule.Type, rule.Mode))
	}
	b.WriteString("\n" + pretty(r.Document) + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// PrintSchema writes the text of a version alone, so that a file of it can be checked.
func PrintSchema(w io.Writer, r registry.Registered) error {
	_, err := io.WriteString(w, pretty(r.Document)+"\n")
	return err
}

func pretty(d registry.Document) string {
	var b bytes.Buffer
	if d.Format == registry.Protobuf || json.Indent(&b, []byte(d.Text), "", "  ") != nil {
		return strings.TrimRight(d.Text, "\n")
	}
	return b.String()
}
