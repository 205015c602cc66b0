package ctl

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/moldau-io/moldau/api/client"
)

const (
	// pollEvery is the time between two looks at a connector that is waited for.
	pollEvery = 500 * time.Millisecond
	// taskGrace is how long a connector that runs may be without tasks before that is
	// taken for what it wants.
	taskGrace = 10 * time.Second
	// maxMisses is how many looks in a row may fail: workers restart, too.
	maxMisses = 10
	// manyConnectors are asked for with one request.
	manyConnectors = 5
)

// wish is what is waited for.
type wish struct {
	// state is RUNNING, PAUSED or STOPPED; gone waits for a deletion instead.
	state string
	gone  bool
	// before are the states before the change that is waited for.
	before  map[string]*client.ConnectorStatus
	timeout time.Duration
	settle  time.Duration
}

// waitFlags are the flags of commands that can wait.
type waitFlags struct {
	wait    bool
	timeout time.Duration
}

func (w *waitFlags) register(cmd *cobra.Command, what string) {
	cmd.Flags().BoolVarP(&w.wait, "wait", "w", false, "wait until "+what)
	cmd.Flags().DurationVar(&w.timeout, "timeout", time.Minute, "how long --wait waits")
}

// wait polls until all connectors are as wished, or cannot get there.
func (s *session) wait(ctx context.Context, c *client.REST, names []string, w wish) error {
	begin := s.Now()
	w.settle = s.settle
	waiting := append([]string{}, names...)
	var failed []error
	misses := 0
	for {
		elapsed := s.Now().Sub(begin)
		var left, lines []string
		statuses, err := look(ctx, c, waiting)
		if misses++; err == nil {
			misses = 0
		} else if ctx.Err() != nil || misses > maxMisses || elapsed >= w.timeout {
			s.endProgress()
			return about(err, "waiting for %s", strings.Join(waiting, ", "))
		}
		for _, name := range waiting {
			v := verdict{text: "no answer"}
			if err == nil {
				v = w.judge(name, statuses[name], elapsed)
			}
			switch {
			case v.failed != nil:
				failed = append(failed, v.failed)
			case v.done:
				s.endProgress()
				s.notef("%s %s\n", name, v.text)
			default:
				left = append(left, name)
				lines = append(lines, name+": "+v.text)
			}
		}
		waiting = left
		if len(waiting) == 0 {
			s.endProgress()
			return join(failed)
		}
		if elapsed >= w.timeout {
			f := fail(ExitTimeout, "not %s after %s: %s", w.goal(), w.timeout, strings.Join(lines, "; "))
			f.next("moldau connector describe %s", waiting[0])
			return join(append(failed, f))
		}
		line := lines[0]
		if len(lines) > 1 {
			line = fmt.Sprintf("waiting for %d connectors; %s", len(lines), line)
		}
		s.setProgress(line, elapsed.Round(time.Second).String())
		if err := s.Sleep(ctx, pollEvery); err != nil {
			s.endProgress()
			return err
		}
	}
}

// look returns the statuses of connectors that have one.
func look(ctx context.Context, c *client.REST, names []string) (map[string]*client.ConnectorStatus, error) {
	if len(names) < manyConnectors {
		return statusesOf(ctx, c, names)
	}
	all, err := c.Connectors(ctx, "status")
	out := map[string]*client.ConnectorStatus{}
	for _, name := range names {
		out[name] = all[name].Status
	}
	return out, err
}

func (w wish) goal() string {
	if w.gone {
		return "deleted"
	}
	return w.state
}

// verdict is what a look at a connector comes to.
type verdict struct {
	done   bool
	failed *failure
	text   string
}

func (w wish) judge(name string, status *client.ConnectorStatus, elapsed time.Duration) verdict {
	switch {
	case status == nil && w.gone:
		return verdict{done: true, text: "is gone"}
	case status == nil:
		return verdict{text: "no status yet"}
	}
	v := verdict{text: statusText(status)}
	if w.gone {
		return v
	}
	unchanged := func(now, before client.State) bool { return elapsed < w.settle && now == before }
	old := w.before[name]
	if old == nil {
		old = &client.ConnectorStatus{}
	}
	tasks := map[int]client.State{}
	for _, t := range old.Tasks {
		tasks[t.ID] = t.State
	}
	same := unchanged(status.Connector, old.Connector) && len(status.Tasks) == len(old.Tasks)
	if status.Connector.State == "FAILED" && !unchanged(status.Connector, old.Connector) {
		v.failed = failedAs(name, "connector "+name, status.Connector)
		return v
	}
	reached := status.Connector.State == w.state
	for _, t := range status.Tasks {
		if t.State.State == "FAILED" && w.state == "RUNNING" && !unchanged(t.State, tasks[t.ID]) {
			v.failed = failedAs(name, fmt.Sprintf("task %d of %s", t.ID, name), t.State)
			return v
		}
		same = same && unchanged(t.State, tasks[t.ID])
		reached = reached && (t.State.State == w.state || w.state == "PAUSED" && t.State.State == "FAILED")
	}
	switch w.state {
	case "STOPPED":
		v.done = reached && len(status.Tasks) == 0
	case "RUNNING":
		v.done = reached && !same && (len(status.Tasks) > 0 || elapsed >= taskGrace)
	default:
		v.done = reached
	}
	if v.done {
		v.text = "is " + statusText(status)
	}
	return v
}

func statusText(s *client.ConnectorStatus) string {
	text := dash(s.Connector.State)
	if len(s.Tasks) == 0 {
		if s.Connector.State == "RUNNING" {
			return text + ", no tasks"
		}
		return text
	}
	return text + ", tasks " + tasksText(s.Tasks)
}

// failedAs tells what became of a connector or a task with the gist of its trace.
func failedAs(name, what string, s client.State) *failure {
	text := what + " FAILED"
	if s.WorkerID != "" {
		text += " on " + s.WorkerID
	}
	for _, line := range traceLines(s.Trace, 4) {
		text += "\n  " + line
	}
	return fail(ExitFailed, "%s", text).next("moldau connector describe %s; when the cause is gone: moldau connector restart %s --only-failed", name, name)
}

// statusesOf returns the statuses of connectors that have one.
func statusesOf(ctx context.Context, c *client.REST, names []string) (map[string]*client.ConnectorStatus, error) {
	out := map[string]*client.ConnectorStatus{}
	for _, name := range names {
		status, err := c.ConnectorStatus(ctx, name)
		switch {
		case err == nil:
			out[name] = status
		case client.Status(err) != http.StatusNotFound:
			return nil, err
		}
	}
	return out, nil
}
