package ctl

import (
	"context"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/moldau-io/moldau/api/client"
)

// each does something to every connector that arguments mean, and goes on after
// errors; then it waits, if that is asked for.
func (s *session) each(ctx context.Context, args []string, did string, w waitFlags, wished wish, do func(c *client.REST, name string) error) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	found, _, err := names(ctx, c, args)
	if err != nil {
		return err
	}
	if w.wait && wished.state == "RUNNING" {
		if wished.before, err = look(ctx, c, found); err != nil {
			return err
		}
	}
	var failed []error
	var done []string
	for _, name := range found {
		if err := do(c, name); err != nil {
			failed = append(failed, about(err, "connector %s", name))
			continue
		}
		done = append(done, name)
		s.printf("connector %s%s\n", name, did)
	}
	if w.wait && len(done) > 0 {
		wished.timeout = w.timeout
		if err := s.wait(ctx, c, done, wished); err != nil {
			failed = append(failed, err)
		}
	}
	return join(failed)
}

func (s *session) pauseCommand() *cobra.Command {
	var w waitFlags
	cmd := &cobra.Command{
		Use: "pause NAME|PATTERN …", Short: "Let connectors rest; their tasks keep what they hold", Long: "Pause connectors. " + patternHelp,
		Args: cobra.MinimumNArgs(1), ValidArgsFunction: s.completeConnectors,
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.each(cmd.Context(), args, ": pause requested", w, wish{state: "PAUSED"}, func(c *client.REST, name string) error { return c.Pause(cmd.Context(), name) })
		},
	}
	w.register(cmd, "they are PAUSED")
	return cmd
}

func (s *session) resumeCommand() *cobra.Command {
	var w waitFlags
	cmd := &cobra.Command{
		Use: "resume NAME|PATTERN …", Short: "Let paused or stopped connectors go on", Long: "Resume paused or stopped connectors. " + patternHelp,
		Args: cobra.MinimumNArgs(1), ValidArgsFunction: s.completeConnectors,
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.each(cmd.Context(), args, ": resume requested", w, wish{state: "RUNNING"}, func(c *client.REST, name string) error { return c.Resume(cmd.Context(), name) })
		},
	}
	w.register(cmd, "they are RUNNING or a task fails")
	return cmd
}

func (s *session) stopCommand() *cobra.Command {
	var w waitFlags
	cmd := &cobra.Command{
		Use: "stop NAME|PATTERN …", Short: "End connectors' tasks; settings and offsets stay", Long: "Stop connectors. " + patternHelp,
		Args: cobra.MinimumNArgs(1), ValidArgsFunction: s.completeConnectors,
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.each(cmd.Context(), args, ": stop requested", w, wish{state: "STOPPED"}, func(c *client.REST, name string) error { return c.Stop(cmd.Context(), name) })
		},
	}
	w.register(cmd, "they are STOPPED")
	return cmd
}

func (s *session) restartCommand() *cobra.Command {
	var w waitFlags
	var onlyFailed, connectorOnly bool
	var task string
	cmd := &cobra.Command{
		Use: "restart NAME|PATTERN …", Short: "Restart connectors and their tasks",
		Long: "Restart connectors and their tasks, or those alone that failed. " + patternHelp,
		Example: `  moldau connector restart my-sink --only-failed --wait
  moldau connector restart my-sink --task 0`,
		Args: cobra.MinimumNArgs(1), ValidArgsFunction: s.completeConnectors,
		RunE: func(cmd *cobra.Command, args []string) error {
			if task != "" && (onlyFailed || connectorOnly) || onlyFailed && connectorOnly {
				return usage("--task, --only-failed and --connector-only exclude each other")
			}
			return s.each(cmd.Context(), args, ": restart requested", w, wish{state: "RUNNING"}, func(c *client.REST, name string) error {
				if task != "" {
					return c.RestartTask(cmd.Context(), name, task)
				}
				return c.Restart(cmd.Context(), name, !connectorOnly, onlyFailed)
			})
		},
	}
	cmd.Flags().BoolVar(&onlyFailed, "only-failed", false, "restart what is FAILED alone")
	cmd.Flags().BoolVar(&connectorOnly, "connector-only", false, "restart the connector's instance and no tasks")
	cmd.Flags().StringVar(&task, "task", "", "restart the task of this `number` alone")
	w.register(cmd, "they are RUNNING or a task fails")
	return cmd
}

func (s *session) deleteCommand() *cobra.Command {
	var w waitFlags
	var yes, ignore bool
	cmd := &cobra.Command{
		Use: "delete NAME|PATTERN …", Aliases: []string{"rm"}, Short: "Delete connectors",
		Long: "Delete connectors. Offsets stay, so one that is created anew under the name goes on where\nit was. " + patternHelp + ` With a pattern
the names are shown and a yes is asked for; scripts give --yes.`,
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
			if patterns && !yes {
				if err := s.confirm("delete " + strings.Join(found, ", ")); err != nil {
					return err
				}
			}
			return s.each(cmd.Context(), found, " deleted", w, wish{gone: true}, func(c *client.REST, name string) error {
				err := c.Delete(cmd.Context(), name)
				if ignore && client.Status(err) == http.StatusNotFound {
					return nil
				}
				return err
			})
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&ignore, "ignore-not-found", false, "take a connector that is not there for deleted")
	w.register(cmd, "they are gone")
	return cmd
}

// confirm asks for a yes; without a terminal there must be --yes.
func (s *session) confirm(what string) error {
	if !s.InTTY {
		return usage("this would %s", what).next("add --yes if that is right")
	}
	line, err := s.ReadLine(what + "? [y/N] ")
	if err != nil {
		return fail(ExitFailed, "no answer, nothing is done")
	}
	if answer := strings.ToLower(strings.TrimSpace(line)); answer != "y" && answer != "yes" {
		return fail(ExitFailed, "nothing is done")
	}
	return nil
}
