package worker

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/plugins"
	"github.com/moldau-io/moldau/runtime/herder"
	"github.com/moldau-io/moldau/runtime/settings"
	"github.com/moldau-io/moldau/runtime/state"
	"github.com/moldau-io/moldau/runtime/store"
)

const probeClass = "test.Probe"

// probe is a source connector that does what its settings say: "start" is fail, panic,
// or how long it takes; "stop" is how long that takes; "tasks" is how many tasks it has.
type probe struct{ props map[string]string }

func (*probe) ConfigDef() *configdef.Def    { return configdef.New() }
func (*probe) TaskClass() string            { return "test.ProbeTask" }
func (*probe) NewTask() connect.SourceTask  { return nil }
func (p *probe) Stop(context.Context) error { return pause(p.props["stop"]) }
func (p *probe) TaskConfigs(int) ([]map[string]string, error) {
	return make([]map[string]string, len(p.props["tasks"])), pause(p.props["plan"])
}

func (p *probe) Start(_ context.Context, _ connect.ConnectorContext, props map[string]string) error {
	p.props = props
	switch props["start"] {
	case "fail":
		return errors.New("no")
	case "panic":
		panic("oh")
	}
	return pause(props["start"])
}

func pause(text string) error {
	if text == "" {
		return nil
	}
	d, err := time.ParseDuration(text)
	time.Sleep(d) // the clock is virtual
	return err
}

// reports is what a worker has said, in order.
type reports struct {
	mu    sync.Mutex
	lines []string
}

func (r *reports) add(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line)
}

func (r *reports) take() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := strings.Join(r.lines, ", ")
	r.lines = nil
	return out
}

func (r *reports) ConnectorState(name string, s state.State, trace, _ string) {
	first, _, _ := strings.Cut(trace, "\n")
	r.add(strings.TrimSpace(name + " " + string(s) + " " + first))
}
func (r *reports) TaskState(id state.TaskID, s state.State, _, _ string) {
	r.add(id.String() + " " + string(s))
}
func (*reports) TopicUsed(state.TopicStatus)          {}
func (r *reports) RequestReconfiguration(name string) { r.add("plan " + name) }

func newWorker(t *testing.T) (*Worker, *reports) {
	t.Helper()
	providers, err := settings.NewProviders(nil, settings.ProviderOptions{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	r := &reports{}
	w := New(Options{
		Plugins:  plugins.New(plugins.Plugin{Kind: plugins.Source, Class: probeClass, Version: "1", New: func() connect.Configured { return &probe{} }}),
		Reporter: r, Providers: providers, Logger: slog.New(slog.DiscardHandler), GracefulTimeout: 5 * time.Second,
		Offsets:        store.NewMemoryOffsets(slog.New(slog.DiscardHandler)),
		OverridePolicy: func(string, map[string]string) error { return nil },
	})
	return w, r
}

func spec(name string, target state.TargetState, more ...string) herder.ConnectorSpec {
	config := map[string]string{"name": name, "connector.class": probeClass}
	for i := 0; i < len(more); i += 2 {
		config[more[i]] = more[i+1]
	}
	return herder.ConnectorSpec{Name: name, Config: config, Target: target}
}

// at lets time pass and compares what was reported meanwhile.
func at(t *testing.T, r *reports, after time.Duration, want string) {
	t.Helper()
	time.Sleep(after)
	synctest.Wait()
	if got := r.take(); got != want {
		t.Errorf("reported %q, want %q", got, want)
	}
}

func end(t *testing.T, w *Worker) {
	t.Helper()
	w.Abandon(t.Context())
	if err := w.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestConnectorFollowsItsTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, r := newWorker(t)
		defer end(t, w)
		w.StartConnector(spec("a", state.TargetPaused))
		at(t, r, 0, "a PAUSED")
		w.SetTargetState("a", state.TargetStarted)
		at(t, r, 0, "a RUNNING, plan a")
		if !w.ConnectorRunning("a") {
			t.Error("it does not run")
		}
		w.StartConnector(spec("a", state.TargetStarted)) // it runs already
		at(t, r, 0, "")
		w.SetTargetState("a", state.TargetStopped)
		at(t, r, 0, "a STOPPED")
		w.SetTargetState("a", state.TargetStarted)
		at(t, r, 0, "a RUNNING, plan a")
		w.StopConnectors(t.Context(), []string{"a", "unknown"})
		at(t, r, 0, "a UNASSIGNED")
		if w.ConnectorRunning("a") {
			t.Error("it runs")
		}
	})
}

func TestFailedConnectorStaysFailed(t *testing.T) {
	for start, want := range map[string]string{
		"fail":  "a FAILED org.apache.kafka.connect.errors.ConnectException: no",
		"panic": "a FAILED org.apache.kafka.connect.errors.ConnectException: panic while starting the connector a: oh",
	} {
		synctest.Test(t, func(t *testing.T) {
			w, r := newWorker(t)
			defer end(t, w)
			w.StartConnector(spec("a", state.TargetStarted, "start", start))
			at(t, r, 0, want)
			w.SetTargetState("a", state.TargetPaused)
			at(t, r, 0, "")
			if n := w.Totals(); n.ConnectorStarts != 1 || n.ConnectorFailures != 1 || w.ConnectorRunning("a") {
				t.Errorf("%+v", n)
			}
		})
	}
}

// A connector that does not stop is left behind after five seconds, and its late end is
// not reported: somebody else may run it by then.
func TestConnectorsThatDoNotStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, r := newWorker(t)
		defer end(t, w)
		for _, name := range []string{"a", "b", "c"} {
			w.StartConnector(spec(name, state.TargetPaused, "stop", map[bool]string{true: "1s", false: "1m"}[name == "b"]))
			w.SetTargetState(name, state.TargetStarted)
		}
		time.Sleep(time.Second)
		r.take()
		begun := time.Now()
		w.StopConnectors(t.Context(), []string{"a", "b", "c"})
		if took := time.Since(begun); took != connectorStop {
			t.Errorf("it took %v", took)
		}
		at(t, r, 0, "b UNASSIGNED")
		at(t, r, 2*time.Minute, "")
	})
}

func TestAbandonedConnectorsSayNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, r := newWorker(t)
		w.StartConnector(spec("a", state.TargetStarted))
		at(t, r, 0, "a RUNNING, plan a")
		end(t, w)
		at(t, r, 0, "")
	})
}

func TestTaskConfigs(t *testing.T) {
	for _, c := range []struct {
		name  string
		more  []string
		tasks int
		fails bool
		after string
	}{
		{"three", []string{"tasks", "xxx", "tasks.max", "3"}, 3, false, ""},
		{"none", nil, 0, false, ""},
		{"too many", []string{"tasks", "xxx", "tasks.max", "2"}, -1, false, "a FAILED org.apache.kafka.connect.runtime.TooManyTasksException: " +
			"The connector a has generated 3 tasks, which is greater than 2, the maximum number of tasks it is configured to create. " +
			"This behaviour should be considered a bug and is disallowed. If necessary, it can be permitted by reconfiguring the connector " +
			"with 'tasks.max.enforce' set to false; however, this option will be removed in a future release of Kafka Connect."},
		{"too many, allowed", []string{"tasks", "xxx", "tasks.max", "2", "tasks.max.enforce", "false"}, 3, false, ""},
		{"too slow", []string{"plan", "2m"}, -1, true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, r := newWorker(t)
				defer end(t, w)
				s := spec("a", state.TargetStarted, c.more...)
				w.StartConnector(s)
				at(t, r, 0, "a RUNNING, plan a")
				tasks, err := w.TaskConfigs(t.Context(), "a", s.Config)
				if (err != nil) != c.fails || tasks == nil != (c.tasks < 0) || c.tasks > 0 && len(tasks) != c.tasks {
					t.Errorf("%v, %v", tasks, err)
				}
				for _, task := range tasks {
					if !slices.Equal(slices.Sorted(maps.Keys(task)), []string{"task.class"}) || task["task.class"] != "test.ProbeTask" {
						t.Errorf("%v", task)
					}
				}
				at(t, r, 0, c.after)
				if tasks, err := w.TaskConfigs(t.Context(), "other", s.Config); tasks != nil || err != nil {
					t.Errorf("of a connector that does not run: %v, %v", tasks, err)
				}
			})
		})
	}
}

// A task that cannot be made reports that, and can be stopped like others.
func TestTaskThatCannotBeMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, r := newWorker(t)
		defer end(t, w)
		id := state.TaskID{Connector: "a", Task: 1}
		w.StartTask(herder.TaskSpec{ID: id, Connector: map[string]string{"name": "a", "connector.class": "test.Nothing"}, Task: map[string]string{}, Tasks: 2})
		at(t, r, 0, "a-1 FAILED")
		w.StopTasks(t.Context(), []state.TaskID{id, {Connector: "a", Task: 2}})
		at(t, r, 0, "")
		if n := w.Totals(); n.TaskStarts != 1 || n.TaskFailures != 1 {
			t.Errorf("%+v", n)
		}
	})
}
