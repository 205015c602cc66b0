package schemas

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/moldau-io/moldau/converters/registry"
)

// Verdict is what a registry says of a schema that may come to be registered.
type Verdict struct {
	Subject    string
	Format     registry.Format
	Compatible bool
	// New says that the subject has no versions yet.
	New bool
	// Unasked says that the registry could not be asked, for the reasons.
	Unasked bool
	// Reasons are the registry's own where it was asked.
	Reasons []string
}

// Check asks whether a schema may be registered under a subject.
func Check(ctx context.Context, c *registry.HTTP, subject string, d registry.Document) (Verdict, error) {
	v := Verdict{Subject: subject, Format: d.Format}
	var err error
	if v.New, err = isNew(ctx, c, subject); err != nil {
		return v, err
	}
	v.Compatible, v.Reasons, err = c.Compatible(ctx, subject, d)
	if v.New && code(err) == noSubject { // registries differ in what they say of new subjects
		v.Compatible, err = true, nil
	}
	return v, explain(err, fmt.Sprintf("asking whether the %s schema may be registered under %s", d.Format, subject))
}

// isNew says whether a subject has no versions.
func isNew(ctx context.Context, c *registry.HTTP, subject string) (bool, error) {
	versions, err := c.Versions(ctx, subject)
	if err != nil && code(err) != noSubject {
		return false, explain(err, "asking for the versions of "+subject)
	}
	return len(versions) == 0, nil
}

// Print writes a verdict.
func (v Verdict) Print(w io.Writer) error {
	text := "compatible"
	switch {
	case v.Unasked:
		text = "NOT KNOWN"
	case !v.Compatible:
		text = "INCOMPATIBLE"
	case v.New:
		text = "compatible: the subject is new"
	}
	if _, err := fmt.Fprintf(w, "%s (%s): %s\n", v.Subject, v.Format, text); err != nil {
		return err
	}
	reasons := v.Reasons
	if !v.Compatible && len(reasons) == 0 {
		reasons = []string{"the registry gives no reason"}
	}
	for _, r := range reasons {
		if _, err := fmt.Fprintf(w, "  %s\n", r); err != nil {
			return err
		}
	}
	return nil
}

// endings of files tell formats.
var endings = map[string]registry.Format{".avsc": registry.Avro, ".proto": registry.Protobuf, ".json": registry.JSON}

// FormatOf is the format that flags or a file's name say.
func FormatOf(named, path string) (registry.Format, error) {
	f := registry.Format(strings.ToUpper(named))
	switch {
	case named == "":
		if f, ok := endings[strings.ToLower(filepath.Ext(path))]; ok {
			return f, nil
		}
		return "", fmt.Errorf("%s: its name does not tell the kind of schema; say --type AVRO, JSON or PROTOBUF", path)
	case slices.Contains([]registry.Format{registry.Avro, registry.JSON, registry.Protobuf}, f):
		return f, nil
	}
	return "", fmt.Errorf("--type %s: it is AVRO, JSON or PROTOBUF", named)
}

// ParseReference reads NAME=SUBJECT:VERSION.
func ParseReference(text string) (registry.Reference, error) {
	name, rest, ok := strings.Cut(text, "=")
	at := strings.LastIndexByte(rest, ':')
	if !ok || name == "" || at < 1 {
		return registry.Reference{}, fmt.Errorf("--reference %s: expected NAME=SUBJECT:VERSION", text)
	}
	version, err := strconv.ParseInt(rest[at+1:], 10, 32)
	if err != nil || version < 1 {
		return registry.Reference{}, fmt.Errorf("--reference %s: %q is no version, a number from 1", text, rest[at+1:])
	}
	return registry.Reference{Name: name, Subject: rest[:at], Version: int32(version)}, nil
}
