package ctl

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/moldau-io/moldau/api/client"
)

// description is all that the server says of a connector. What it does not know is nil.
type description struct {
	Name      string             `json:"name"`
	Type      string             `json:"type"`
	Connector client.State       `json:"connector"`
	Tasks     []client.TaskState `json:"tasks"`
	Config    map[string]string  `json:"config"`
	Topics    []string           `json:"topics"`
	Offsets   []client.Offset    `json:"offsets"`
}

// shownOffsets is how many offsets a description shows.
const shownOffsets = 10

func (s *session) describeCommand() *cobra.Command {
	var show bool
	cmd := &cobra.Command{
		Use: "describe NAME|PATTERN …", Short: "Show all about connectors: tasks, errors, settings, topics, offsets",
		Long: "Show all that the server says of connectors. Secrets are masked. " + patternHelp,
		Args: cobra.MinimumNArgs(1), ValidArgsFunction: s.completeConnectors,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			found, patterns, err := names(cmd.Context(), c, args)
			if err != nil {
				return err
			}
			var list []description
			for _, name := range found {
				d, err := s.describe(cmd.Context(), c, name, show)
				if err != nil {
					return about(err, "connector %s", name)
				}
				list = append(list, *d)
			}
			t := newTable("NAME")
			for _, d := range list {
				t.add(d.Name)
			}
			if o := s.flags.output; o == "json" || o == "yaml" || o == "name" {
				if len(list) == 1 && !patterns {
					return s.show(list[0], t)
				}
				return s.show(list, t)
			}
			for i, d := range list {
				if i > 0 {
					s.printf("\n")
				}
				s.printDescription(d)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&show, "show-secrets", false, "print secrets as the server shows them")
	return cmd
}

func (s *session) describe(ctx context.Context, c *client.REST, name string, show bool) (*description, error) {
	info, err := c.Connector(ctx, name)
	if err != nil {
		return nil, err
	}
	d := &description{Name: name, Type: info.Type, Tasks: []client.TaskState{}}
	known := secrets{show: true}
	if !show {
		known = s.secretsOf(ctx, c, info.Config["connector.class"])
	}
	d.Config, _ = known.config(info.Config)
	switch status, err := c.ConnectorStatus(ctx, name); {
	case err == nil:
		d.Connector, d.Tasks = status.Connector, append(d.Tasks, status.Tasks...)
	case client.Status(err) != http.StatusNotFound: // one just created has no status yet
		return nil, err
	}
	// Old servers have neither, topic tracking can be off, and a connector's offsets
	// may not be readable just now: all that leaves the rest as it is.
	var status *client.StatusError
	if d.Topics, err = c.Topics(ctx, name); err != nil && !asStatus(err, &status) {
		return nil, err
	}
	if d.Offsets, err = c.Offsets(ctx, name); err != nil && !asStatus(err, &status) {
		return nil, err
	}
	return d, nil
}

func (s *session) printDescription(d description) {
	y := s.style()
	field := func(name, value string) { s.printf("%s %s\n", y.bold(pad(name+":", 10)), clean(value)) }
	field("Name", d.Name)
	field("Type", dash(d.Type))
	field("Class", d.Config["connector.class"])
	if d.Connector.Version != "" {
		field("Version", d.Connector.Version)
	}
	state := summary{Connector: d.Connector, Tasks: d.Tasks}.overall()
	text := y.state(state)
	if d.Connector.WorkerID != "" {
		text += " on " + clean(d.Connector.WorkerID)
	}
	s.printf("%s %s\n", y.bold(pad("State:", 10)), text)
	for _, line := range traceLines(d.Connector.Trace, 4) {
		s.printf("           %s\n", y.red(line))
	}
	s.printf("%s %s\n", y.bold(pad("Tasks:", 10)), tasksText(d.Tasks))
	for _, t := range d.Tasks {
		on := ""
		if t.WorkerID != "" {
			on = " on " + clean(t.WorkerID)
		}
		s.printf("  %d %s%s\n", t.ID, y.state(t.State.State), on)
		for _, line := range traceLines(t.Trace, 4) {
			s.printf("    %s\n", y.red(line))
		}
	}
	s.printf("%s\n", y.bold("Config:"))
	width := 0
	for k := range d.Config {
		width = max(width, len(k))
	}
	for _, k := range slices.Sorted(maps.Keys(d.Config)) {
		s.printf("  %s  %s\n", pad(k, width), indented(clean(d.Config[k]), width+4))
	}
	if len(d.Topics) > 0 {
		s.printf("%s\n", y.bold("Topics:"))
		for _, t := range d.Topics {
			s.printf("  %s\n", clean(t))
		}
	}
	if len(d.Offsets) > 0 {
		s.printf("%s\n", y.bold("Offsets:"))
		for _, o := range d.Offsets[:min(len(d.Offsets), shownOffsets)] {
			s.printf("  %s  %s\n", clean(partitionText(o.Partition)), clean(offsetText(o.Offset)))
		}
		if more := len(d.Offsets) - shownOffsets; more > 0 {
			s.printf("  … %d more: moldau connector offsets get %s\n", more, d.Name)
		}
	}
	if state == "FAILED" || state == "DEGRADED" {
		s.printf("%s moldau connector restart %s --only-failed, once the cause is gone\n", y.bold(pad("Next:", 10)), d.Name)
	}
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-len(text)))
}

// indented keeps the lines of a value below its first.
func indented(text string, by int) string {
	return strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", by))
}
