package ctl

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/moldau-io/moldau/api/client"
)

func (s *session) connectorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "connector", Aliases: []string{"connectors"}, Short: "Look at connectors and change them",
		Long: "Look at the connectors of a Kafka Connect cluster, Moldau's or Apache's, and change them.\n\n" + patternHelp,
	}
	cmd.AddCommand(
		s.listCommand(), s.getCommand(), s.describeCommand(), s.applyCommand(), s.createCommand(), s.patchCommand(), s.deleteCommand(),
		s.pauseCommand(), s.resumeCommand(), s.stopCommand(), s.restartCommand(), s.offsetsCommand(), s.topicsCommand(), s.watchCommand(),
	)
	return cmd
}

// summary is a connector as lists show it.
type summary struct {
	Name      string             `json:"name"`
	Type      string             `json:"type"`
	Class     string             `json:"class,omitempty"`
	Connector client.State       `json:"connector"`
	Tasks     []client.TaskState `json:"tasks"`
}

func (x summary) count(state string) (n int) {
	for _, t := range x.Tasks {
		if t.State.State == state {
			n++
		}
	}
	return n
}

// tasksText says how many of the tasks run, and what the others do.
func tasksText(tasks []client.TaskState) string {
	counts := map[string]int{}
	for _, t := range tasks {
		counts[t.State.State]++
	}
	text := fmt.Sprintf("%d/%d", counts["RUNNING"], len(tasks))
	delete(counts, "RUNNING")
	if len(counts) > 0 {
		text += " (" + countsText(counts) + ")"
	}
	return text
}

// overall is the state of a connector with its tasks: one that runs while tasks of it
// have failed is DEGRADED.
func (x summary) overall() string {
	if failed := x.count("FAILED"); x.Connector.State == "RUNNING" && failed > 0 {
		return "DEGRADED"
	}
	return dash(x.Connector.State)
}

// cause is the first line of the first trace there is.
func (x summary) cause() string {
	if x.Connector.Trace != "" {
		return firstLine(x.Connector.Trace)
	}
	for _, t := range x.Tasks {
		if t.Trace != "" {
			return fmt.Sprintf("task %d: %s", t.ID, firstLine(t.Trace))
		}
	}
	return ""
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return strings.TrimRight(line, "\r")
}

// traceLines is the gist of a Java stack trace: its first line and those that begin
// with "Caused by", as many as n.
func traceLines(trace string, n int) []string {
	var out []string
	for line := range strings.Lines(trace) {
		line = clean(strings.TrimSpace(line))
		if line != "" && (len(out) == 0 || strings.HasPrefix(line, "Caused by:")) && len(out) < n {
			out = append(out, line)
		}
	}
	return out
}

// summaries reads all connectors that match; without matchers, all.
func summaries(ctx context.Context, c *client.REST, args []string) ([]summary, error) {
	wanted, err := matchers(args)
	if err != nil {
		return nil, err
	}
	all, err := c.Connectors(ctx, "info", "status")
	if err != nil {
		return nil, err
	}
	out := []summary{}
	found := make([]bool, len(wanted))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		take := len(wanted) == 0
		for i, m := range wanted {
			if m.matches(name) {
				take, found[i] = true, true
			}
		}
		if take {
			out = append(out, newSummary(name, all[name]))
		}
	}
	for i, m := range wanted {
		if !found[i] {
			return nil, fail(ExitNotFound, "there is no connector %s", m.text).next("moldau connector list shows what there is")
		}
	}
	return out, nil
}

func newSummary(name string, e client.Expanded) summary {
	x := summary{Name: name, Tasks: []client.TaskState{}}
	if e.Info != nil {
		x.Type, x.Class = e.Info.Type, e.Info.Config["connector.class"]
	}
	if e.Status != nil {
		x.Type, x.Connector = e.Status.Type, e.Status.Connector
		x.Tasks = append(x.Tasks, e.Status.Tasks...)
	}
	return x
}

func summaryTable(list []summary) *table {
	t := newTable("NAME", "TYPE", "STATE", "TASKS", "CLASS").wide("WORKER", "VERSION", "CAUSE")
	for _, x := range list {
		t.add(x.row()...)
	}
	return t
}

func (x summary) row() []string {
	return []string{x.Name, dash(x.Type), x.overall(), tasksText(x.Tasks), dash(simple(x.Class)), dash(x.Connector.WorkerID), dash(x.Connector.Version), dash(x.cause())}
}

func (s *session) listCommand() *cobra.Command {
	var kind, state string
	cmd := &cobra.Command{
		Use: "list [NAME|PATTERN …]", Aliases: []string{"ls"}, Short: "List connectors and their states",
		Long: "List connectors and their states. " + patternHelp + `

A connector that runs while tasks of it have failed is shown as DEGRADED.`,
		Example: `  moldau connector list
  moldau connector list 'orders-*' -o wide
  moldau connector list --state failed -o name | xargs moldau connector restart`,
		ValidArgsFunction: s.completeConnectors,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			all, err := summaries(cmd.Context(), c, args)
			if err != nil {
				return err
			}
			list := []summary{}
			for _, x := range all {
				in := strings.ToUpper(state)
				if (kind == "" || strings.EqualFold(kind, x.Type)) && (in == "" || in == x.overall() || in == x.Connector.State || x.count(in) > 0) {
					list = append(list, x)
				}
			}
			if len(list) == 0 {
				s.notef("no connectors\n")
			}
			return s.show(list, summaryTable(list))
		},
	}
	cmd.Flags().StringVar(&kind, "type", "", "source or sink: list those alone")
	cmd.Flags().StringVar(&state, "state", "", "list those alone that are in this `state`, or have a task in it")
	return cmd
}

// exported is a connector as a file has it.
type exported struct {
	Name   string            `json:"name"`
	Config map[string]string `json:"config"`
}

func (s *session) getCommand() *cobra.Command {
	var show bool
	cmd := &cobra.Command{
		Use: "get NAME|PATTERN …", Short: "Print connectors' configurations, as apply takes them",
		Long: "Print the configurations of connectors as JSON, or YAML with -o yaml, in the form that\napply -f takes. " + patternHelp + `

Secrets are masked; apply keeps the server's value of a setting whose value is the mask.
--show-secrets prints them.`,
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
			list := []exported{}
			t := newTable("NAME", "CLASS")
			hidden := 0
			for _, name := range found {
				info, err := c.Connector(cmd.Context(), name)
				if err != nil {
					return about(err, "connector %s", name)
				}
				known := secrets{show: true}
				if !show {
					known = s.secretsOf(cmd.Context(), c, info.Config["connector.class"])
				}
				config, n := known.config(info.Config)
				hidden += n
				list = append(list, exported{name, config})
				t.add(name, simple(config["connector.class"]))
			}
			if hidden > 0 {
				s.notef("%s masked; --show-secrets prints them\n", plural(hidden, "value is", "values are"))
			}
			if s.flags.output == "" {
				s.flags.output = "json"
			}
			if len(list) == 1 && !patterns {
				return s.show(list[0], t)
			}
			return s.show(list, t)
		},
	}
	cmd.Flags().BoolVar(&show, "show-secrets", false, "print secrets as the server shows them")
	return cmd
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
