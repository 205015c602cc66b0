package schemas

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"golang.org/x/sync/errgroup"

	"github.com/moldau-io/moldau/converters/registry"
)

// Subject is what a registry has under one name.
type Subject struct {
	Name     string          `json:"subject"`
	Versions []int32         `json:"versions"`
	Format   registry.Format `json:"type"` // of the latest version
	ID       int32           `json:"id"`   // the same
}

// atOnce is how many subjects are asked for at a time.
const atOnce = 8

// List returns the subjects, by name.
func List(ctx context.Context, c *registry.HTTP) ([]Subject, error) {
	names, err := c.Subjects(ctx)
	if err != nil {
		return nil, explain(err, "listing subjects")
	}
	slices.Sort(names)
	all := make([]Subject, len(names))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i, name := range names {
		g.Go(func() error {
			versions, err := c.Versions(ctx, name)
			if err != nil {
				return explain(err, "listing the versions of "+name)
			}
			latest, err := c.Latest(ctx, name)
			if err != nil {
				return explain(err, "asking for the latest version of "+name)
			}
			slices.Sort(versions)
			all[i] = Subject{Name: name, Versions: versions, Format: latest.Format, ID: latest.ID}
			return nil
		})
	}
	return all, g.Wait()
}

// PrintList writes subjects as a table.
func PrintList(w io.Writer, all []Subject) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	if _, err := fmt.Fprintln(t, "SUBJECT\tVERSIONS\tTYPE\tLATEST ID"); err != nil {
		return err
	}
	for _, s := range all {
		if _, err := fmt.Fprintf(t, "%s\t%s\t%s\t%d\n", s.Name, ranges(s.Versions), s.Format, s.ID); err != nil {
			return err
		}
	}
	return t.Flush()
}

// ranges writes ascending numbers as in 1-3,5.
func ranges(numbers []int32) string {
	var parts []string
	for i := 0; i < len(numbers); {
		end := i
		for end+1 < len(numbers) && numbers[end+1] == numbers[end]+1 {
			end++
		}
		text := strconv.Itoa(int(numbers[i]))
		if end > i {
			text += "-" + strconv.Itoa(int(numbers[end]))
		}
		parts = append(parts, text)
		i = end + 1
	}
	return strings.Join(parts, ",")
}
