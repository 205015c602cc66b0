package ctl

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/spf13/cobra"
)

func (s *session) watchCommand() *cobra.Command {
	var every time.Duration
	cmd := &cobra.Command{
		Use: "watch [NAME|PATTERN …]", Short: "Show connectors' states as they change, until Ctrl-C",
		Long: "Show connectors' states as they change. On a terminal the table is redrawn, elsewhere\nevery change is a line. " + patternHelp, ValidArgsFunction: s.completeConnectors,
		RunE: func(cmd *cobra.Command, args []string) error {
			if every < 100*time.Millisecond {
				return usage("--interval %s is too short; it must be at least 100ms", every)
			}
			if o := s.flags.output; o != "" && o != "table" && o != "wide" {
				return usage("watch prints a table; -o %s is for list", o)
			}
			return s.watch(cmd.Context(), args, every)
		},
	}
	cmd.Flags().DurationVar(&every, "interval", 2*time.Second, "time between two looks")
	return cmd
}

// watch goes on while the server is away, and ends with the context.
func (s *session) watch(ctx context.Context, args []string, every time.Duration) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	before := map[string][]string{}
	first, away := true, ""
	for {
		list, err := summaries(ctx, c, args)
		var f *failure
		if err != nil {
			f = explain(err)
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case f != nil && (first || f.code == ExitUsage || f.code == ExitDenied):
			return err
		case f != nil && f.code != ExitNotFound:
			if away != f.text {
				s.notef("%s %s\n", s.Now().Format(time.TimeOnly), f.text)
			}
			away = f.text
		default:
			away = ""
			s.drawWatch(list, before, first, every)
			first = false
		}
		if err := s.Sleep(ctx, every); err != nil {
			if errors.Is(err, context.Canceled) {
				return nil
			}
			return err
		}
	}
}

func (s *session) drawWatch(list []summary, before map[string][]string, first bool, every time.Duration) {
	now := s.Now().Format(time.TimeOnly)
	if s.OutTTY {
		s.printf("\x1b[H\x1b[2J%s, every %s; Ctrl-C ends\n\n", now, every)
		summaryTable(list).write(s.Out, s.style(), s.flags.output == "wide")
		return
	}
	t := summaryTable(nil)
	here := map[string]bool{}
	for _, x := range list {
		here[x.Name] = true
		row := x.row()
		if !slices.Equal(before[x.Name], row) {
			before[x.Name] = row
			t.add(row...)
		}
	}
	if first {
		t.write(s.Out, s.style(), s.flags.output == "wide")
	} else {
		for _, row := range t.rows {
			s.printf("%s %s %s %s%s\n", now, row[0], s.style().state(row[2]), row[3], because(row[7]))
		}
	}
	for name := range before {
		if !here[name] {
			delete(before, name)
			s.printf("%s %s deleted\n", now, name)
		}
	}
}

func because(cause string) string {
	if cause == "-" {
		return ""
	}
	return ": " + cause
}
