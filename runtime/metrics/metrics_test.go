package metrics

import (
	"bufio"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/moldau-io/moldau/runtime/group"
	"github.com/moldau-io/moldau/runtime/herder"
	"github.com/moldau-io/moldau/runtime/state"
	"github.com/moldau-io/moldau/runtime/task"
	"github.com/moldau-io/moldau/runtime/worker"
)

var _ group.Observer = (*Group)(nil)

type fakeHerder struct{}

func (fakeHerder) Ready() bool { return true }
func (fakeHerder) Assignment() *state.Assignment {
	return &state.Assignment{Connectors: []string{"src", "new"}, Tasks: []state.TaskID{{Connector: "src", Task: 0}, {Connector: "src", Task: 1}, {Connector: "snk", Task: 0}}}
}
func (fakeHerder) Generation() int        { return 7 }
func (fakeHerder) Leader() (string, bool) { return "http://w:1/", true }
func (fakeHerder) Rebalancing() bool      { return true }
func (fakeHerder) Status(name string) (herder.StateInfo, error) {
	switch name {
	case "src":
		return herder.StateInfo{Name: name, Type: herder.TypeSource, Connector: state.ConnectorStatus{State: state.Running, Version: "4.1.1"},
			Tasks: []state.TaskStatus{{ID: state.TaskID{Connector: "src"}, State: state.Running}, {ID: state.TaskID{Connector: "src", Task: 1}, State: state.Failed}}}, nil
	case "snk":
		return herder.StateInfo{Name: name, Type: herder.TypeSink, Connector: state.ConnectorStatus{State: state.Paused}}, nil
	}
	return herder.StateInfo{}, errors.New("no status")
}

// gather returns the metrics as name{label="value",…}, labels sorted by name.
func gather(t *testing.T, c prometheus.Collector) map[string]float64 {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	if err := r.Register(c); err != nil {
		t.Fatal(err)
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		if f.GetHelp() == "" {
			t.Errorf("%s has no help", f.GetName())
		}
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			name := f.GetName() + "{" + strings.Join(labels, ",") + "}"
			if _, ok := out[name]; ok {
				t.Errorf("%s is there twice", name)
			}
			out[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return out
}

func newCollector(stats *[]worker.TaskStats, g *Group) *Collector {
	return New(Sources{
		Herder: fakeHerder{}, Tasks: func() []worker.TaskStats { return *stats }, Totals: func() worker.Totals { return worker.Totals{ConnectorStarts: 4, ConnectorFailures: 1} },
		Group: g, Protocol: "sessioned", WorkerID: "w:1", Version: "4.1.1", Commit: "c",
	})
}

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := task.Stats{
			RecordsRead: 100, RecordsWritten: 90, RecordsActive: 10, Batches: 4, BatchRecords: 10, BatchMax: 5, RecordErrors: 2,
			Work: task.Timing{Count: 2, Total: 30 * time.Millisecond, Max: 20 * time.Millisecond}, RunningTime: 3 * time.Second, PausedTime: time.Second,
			Commit: task.Timing{Count: 3}, CommitFailures: 1,
		}
		stats := []worker.TaskStats{
			{ID: state.TaskID{Connector: "src"}, Class: "a.Source", Stats: source},
			{ID: state.TaskID{Connector: "snk"}, Class: "a.Sink", Stats: task.Stats{RecordsRead: 5, Lag: 42, Partitions: 3}},
			{ID: state.TaskID{Connector: "gone"}, Class: "a.Gone"},
		}
		g := &Group{}
		g.Rebalanced(time.Second)
		g.Rebalanced(3 * time.Second)
		g.Heartbeat(5 * time.Millisecond)
		c := newCollector(&stats, g)
		gather(t, c)
		time.Sleep(10 * time.Second)
		stats[0].Stats.RecordsRead = 150
		got := gather(t, c)
		for name, want := range map[string]float64{
			"kafka_connect_worker_connector_count{}":                                              2,
			"kafka_connect_worker_task_count{}":                                                   3,
			"kafka_connect_worker_connector_startup_attempts_total{}":                             4,
			"kafka_connect_worker_connector_startup_failure_percentage{}":                         0.25,
			"kafka_connect_worker_task_startup_success_percentage{}":                              0,
			"kafka_connect_worker_rebalance_epoch{}":                                              7,
			"kafka_connect_worker_rebalance_rebalancing{}":                                        1,
			"kafka_connect_worker_rebalance_leader_name{leader_name=http://w:1/}":                 1,
			"kafka_connect_worker_rebalance_completed_rebalances_total{}":                         2,
			"kafka_connect_worker_rebalance_rebalance_avg_time_ms{}":                              2000,
			"kafka_connect_worker_rebalance_time_since_last_rebalance_ms{}":                       10000,
			"kafka_connect_coordinator_last_heartbeat_seconds_ago{}":                              10,
			"kafka_connect_connector_status{connector=src,status=running}":                        1,
			"kafka_connect_connector_task_status{connector=src,status=failed,task=1}":             1,
			"kafka_connect_connector_task_status{connector=snk,status=unassigned,task=0}":         1,
			"kafka_connect_worker_connector_failed_task_count{connector=src}":                     1,
			"kafka_connect_worker_connector_total_task_count{connector=src}":                      2,
			"kafka_connect_source_task_source_record_poll_total{connector=src,task=0}":            150,
			"kafka_connect_source_task_source_record_poll_rate{connector=src,task=0}":             5,
			"kafka_connect_source_task_source_record_write_rate{connector=src,task=0}":            0,
			"kafka_connect_source_task_poll_batch_avg_time_ms{connector=src,task=0}":              15,
			"kafka_connect_connector_task_batch_size_avg{connector=src,task=0}":                   2.5,
			"kafka_connect_connector_task_running_ratio{connector=src,task=0}":                    0.75,
			"kafka_connect_connector_task_offset_commit_success_percentage{connector=src,task=0}": 0.75,
			"kafka_connect_task_error_total_record_errors{connector=src,task=0}":                  2,
			"kafka_connect_sink_task_sink_record_lag{connector=snk,task=0}":                       42,
			"kafka_connect_sink_task_partition_count{connector=snk,task=0}":                       3,
			"kafka_connect_app_info{commit=c,version=4.1.1,worker=w:1}":                           1,
			"kafka_connect_connector_task_batch_size_max{connector=gone,task=0}":                  0,
		} {
			if value, ok := got[name]; !ok || value != want {
				t.Errorf("%s is %v (%v), want %v", name, value, ok, want)
			}
		}
		for name := range got {
			if strings.Contains(name, "sink_task") && strings.Contains(name, "src") || strings.Contains(name, "source_task") && strings.Contains(name, "snk") {
				t.Errorf("%s is of the other type", name)
			}
		}
	})
}

// Names that the MBeans of Apache Connect do not have under these groups, or that we do
// not serve: testdata/attributes.txt lists the attributes of a worker of Apache's.
func TestNamesAreConnects(t *testing.T) {
	f, err := os.Open("testdata/attributes.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	stats := []worker.TaskStats{{ID: state.TaskID{Connector: "src"}}, {ID: state.TaskID{Connector: "snk"}}}
	g := &Group{}
	g.Rebalanced(time.Second)
	g.Heartbeat(time.Second)
	served := map[string]bool{}
	for name := range gather(t, newCollector(&stats, g)) {
		name, _, _ = strings.Cut(name, "{")
		served[name] = true
	}
	var missing []string
	lines := bufio.NewScanner(f)
	n := 0
	for ; lines.Scan(); n++ {
		group, attribute, ok := strings.Cut(lines.Text(), " ")
		if !ok {
			t.Fatalf("line %q", lines.Text())
		}
		if name := "kafka_connect_" + strings.ReplaceAll(group+"_"+attribute, "-", "_"); !served[name] {
			missing = append(missing, group+" "+attribute)
		}
	}
	if n < 80 {
		t.Fatalf("only %d attributes", n)
	}
	slices.Sort(missing)
	if !slices.Equal(missing, notServed) {
		t.Errorf("not served: %q", missing)
	}
}

// notServed are attributes of Apache's that we have no counterpart of: texts that the
// exporter's usual rules leave out, and averages of what is a gauge here.
var notServed = []string{
	"connector connector-class", "connector_task connector-type", "connector_task connector-version",
	"connector_task header-converter-class", "connector_task header-converter-version", "connector_task key-converter-class", "connector_task key-converter-version",
	"connector_task task-class", "connector_task task-version", "connector_task value-converter-class", "connector_task value-converter-version",
	"sink_task sink-record-active-count-avg", "source_task source-record-active-count-avg",
}

func TestRates(t *testing.T) {
	r := &rates{}
	at := time.UnixMilli(0)
	key := rateKey{"m", "c", "0"}
	for _, s := range []struct {
		after time.Duration
		count float64
		want  float64
	}{
		{0, 100, 0}, {500 * time.Millisecond, 200, 0}, {time.Second, 200, 100}, {10 * time.Second, 1100, 100},
		{70 * time.Second, 1160, 1}, // the window has moved on to the point at 10 s
		{71 * time.Second, 5, 0},    // the task was started anew
		{81 * time.Second, 25, 2},
	} {
		if got := r.rate(key, at.Add(s.after), s.count); got != s.want {
			t.Errorf("after %s: %v, want %v", s.after, got, s.want)
		}
	}
	if got := r.rate(rateKey{"m", "c", "1"}, at.Add(time.Minute), 5); got != 0 {
		t.Errorf("another task has the rate %v", got)
	}
	r.forget(at.Add(time.Hour))
	if len(r.points) != 0 {
		t.Errorf("%d points are kept", len(r.points))
	}
}
