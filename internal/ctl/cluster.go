package ctl

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/moldau-io/moldau/api/client"
)

func (s *session) clusterCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "cluster", Short: "Look at the workers: versions, health, log levels"}
	cmd.AddCommand(s.clusterInfo(), s.clusterHealth(), s.loggersCommand())
	return cmd
}

// workerInfo is what connectors' statuses say of a worker.
type workerInfo struct {
	ID         string `json:"worker_id"`
	Connectors int    `json:"connectors"`
	Tasks      int    `json:"tasks"`
	Failed     int    `json:"failed"`
}

// workersOf finds the workers that have work; one without any is in no status.
func workersOf(all map[string]client.Expanded) []*workerInfo {
	by := map[string]*workerInfo{}
	at := func(s client.State) *workerInfo {
		if by[s.WorkerID] == nil {
			by[s.WorkerID] = &workerInfo{ID: s.WorkerID}
		}
		if s.State == "FAILED" {
			by[s.WorkerID].Failed++
		}
		return by[s.WorkerID]
	}
	for _, e := range all {
		if e.Status == nil {
			continue
		}
		at(e.Status.Connector).Connectors++
		for _, t := range e.Status.Tasks {
			at(t.State).Tasks++
		}
	}
	delete(by, "")
	out := []*workerInfo{}
	for _, id := range slices.Sorted(maps.Keys(by)) {
		out = append(out, by[id])
	}
	return out
}

func (s *session) clusterInfo() *cobra.Command {
	return &cobra.Command{
		Use: "info", Short: "Show the server's version, its Kafka cluster and the workers that have work", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			root, err := c.Root(cmd.Context())
			if err != nil {
				return err
			}
			all, err := c.Connectors(cmd.Context(), "status")
			if err != nil {
				return err
			}
			workers := workersOf(all)
			if o := s.flags.output; o == "json" || o == "yaml" {
				return s.show(struct {
					Server string `json:"server"`
					client.Root
					Connectors int           `json:"connectors"`
					Workers    []*workerInfo `json:"workers"`
				}{redactURL(c.URL), *root, len(all), workers}, nil)
			}
			y := s.style()
			for _, f := range [][2]string{
				{"Server", redactURL(c.URL)}, {"Version", root.Version}, {"Commit", dash(root.Commit)}, {"Kafka", dash(root.ClusterID)}, {"Connectors", fmt.Sprint(len(all))},
			} {
				s.printf("%s %s\n", y.bold(pad(f[0]+":", 12)), f[1])
			}
			t := newTable("WORKER", "CONNECTORS", "TASKS", "FAILED")
			for _, w := range workers {
				t.add(w.ID, fmt.Sprint(w.Connectors), fmt.Sprint(w.Tasks), fmt.Sprint(w.Failed))
			}
			if s.flags.output == "name" || len(workers) > 0 {
				if s.flags.output != "name" {
					s.printf("\n")
				}
				return s.show(nil, t)
			}
			return nil
		},
	}
}

func (s *session) clusterHealth() *cobra.Command {
	var alone bool
	cmd := &cobra.Command{
		Use: "health", Short: "Ask whether the worker is well; status 1 if it is not", Args: cobra.NoArgs,
		Long: `Ask whether the worker is well, and count connectors and tasks by state. It ends with
status 1 if the worker is not well, or a connector or task has failed. With --worker it
asks about the worker alone, as a container's health check should.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			h, err := c.Health(cmd.Context())
			if err != nil {
				return err
			}
			out := struct {
				client.Health
				Connectors map[string]int `json:"connectors"`
				Tasks      map[string]int `json:"tasks"`
			}{Health: *h, Connectors: map[string]int{}, Tasks: map[string]int{}}
			if h.Status == "healthy" && !alone {
				all, err := c.Connectors(cmd.Context(), "status")
				if err != nil {
					return err
				}
				for _, e := range all {
					if e.Status == nil {
						continue
					}
					out.Connectors[e.Status.Connector.State]++
					for _, t := range e.Status.Tasks {
						out.Tasks[t.State.State]++
					}
				}
			}
			if o := s.flags.output; o == "json" || o == "yaml" {
				if err := s.show(out, nil); err != nil {
					return err
				}
			} else {
				s.printf("%s: %s\n", s.style().state(h.Status), h.Message)
				if !alone {
					s.printf("connectors: %s\ntasks: %s\n", countsText(out.Connectors), countsText(out.Tasks))
				}
			}
			switch failed := out.Connectors["FAILED"] + out.Tasks["FAILED"]; {
			case h.Status != "healthy":
				return fail(ExitFailed, "the worker is %s", h.Status).next("see the worker's log")
			case failed > 0:
				return fail(ExitFailed, "%s failed", plural(failed, "connector or task has", "connectors or tasks have")).next("moldau connector list --state failed -o wide")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&alone, "worker", false, "ask about the worker alone, not its connectors and tasks")
	return cmd
}

// countsText lists how many are in each state.
func countsText(by map[string]int) string {
	var parts []string
	for _, state := range slices.Sorted(maps.Keys(by)) {
		parts = append(parts, fmt.Sprintf("%d %s", by[state], state))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

func (s *session) loggersCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "loggers [PATTERN …]", Short: "List loggers and their levels", ValidArgsFunction: s.completeLogger,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			wanted, err := matchers(args)
			if err != nil {
				return err
			}
			all, err := c.Loggers(cmd.Context())
			if err != nil {
				return err
			}
			t := newTable("NAME", "LEVEL").wide("CHANGED")
			for _, name := range slices.Sorted(maps.Keys(all)) {
				if len(wanted) > 0 && !slices.ContainsFunc(wanted, func(m matcher) bool { return m.matches(name) }) {
					delete(all, name)
					continue
				}
				changed := "-"
				if ms := all[name].LastModified; ms != nil {
					changed = time.UnixMilli(*ms).UTC().Format(time.RFC3339)
				}
				t.add(name, all[name].Level, changed)
			}
			if len(all) == 0 {
				return fail(ExitNotFound, "no logger matches %s", strings.Join(args, ", ")).next("moldau cluster loggers lists those that have a level of their own; any other can be set, too")
			}
			return s.show(all, t)
		},
	}
	cmd.AddCommand(s.setLogger())
	return cmd
}

func (s *session) setLogger() *cobra.Command {
	var cluster bool
	cmd := &cobra.Command{
		Use: "set LOGGER LEVEL", Short: "Set the level of a logger and those below it", Args: cobra.ExactArgs(2), ValidArgsFunction: s.completeLogger,
		Long: "Set the level of a logger and those below it, on the worker that is asked or, with\n--all-workers, on all.",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			changed, err := c.SetLogger(cmd.Context(), args[0], args[1], cluster)
			if err != nil {
				if client.Status(err) == http.StatusNotFound {
					return about(err, "logger %s, level %s", args[0], args[1])
				}
				return about(err, "logger %s", args[0])
			}
			if cluster {
				s.printf("%s set on all workers\n", args[0])
				return nil
			}
			s.printf("%s to %s: %s\n", plural(len(changed), "logger set", "loggers set"), strings.ToUpper(args[1]), strings.Join(changed, ", "))
			return nil
		},
	}
	cmd.Flags().BoolVar(&cluster, "all-workers", false, "set it on all workers (needs Kafka 3.7)")
	return cmd
}
