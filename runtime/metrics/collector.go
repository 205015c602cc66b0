package metrics

import (
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/moldau-io/moldau/runtime/herder"
	"github.com/moldau-io/moldau/runtime/state"
	"github.com/moldau-io/moldau/runtime/worker"
)

// Herder is what the metrics need of a herder.
type Herder interface {
	Ready() bool
	Assignment() *state.Assignment
	Generation() int
	Leader() (url string, leads bool)
	Rebalancing() bool
	Status(name string) (herder.StateInfo, error)
}

// Sources are what the metrics are of.
type Sources struct {
	Herder Herder
	// Tasks and Totals are the worker's.
	Tasks  func() []worker.TaskStats
	Totals func() worker.Totals
	// Group is nil for a worker that is alone.
	Group *Group
	// Protocol is connect.protocol.
	Protocol string
	// WorkerID, Version and Commit are shown as labels of kafka_connect_app_info.
	WorkerID, Version, Commit string
}

// Collector is a prometheus.Collector of a worker's metrics. It is safe for concurrent
// use.
type Collector struct {
	s       Sources
	started time.Time
	rates   rates
}

// New returns a collector.
func New(s Sources) *Collector { return &Collector{s: s, started: time.Now()} }

// Describe describes nothing: which metrics there are depends on what runs.
func (*Collector) Describe(chan<- *prometheus.Desc) {}

// Collect reads all metrics.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	r := &reader{c: c, now: time.Now(), out: out, known: map[string]connectorState{}}
	r.app()
	r.worker()
	r.rebalances()
	r.connectors()
	for _, t := range c.s.Tasks() {
		r.task(t)
	}
	c.rates.forget(r.now)
}

// reader reads the metrics once.
type reader struct {
	c   *Collector
	now time.Time
	out chan<- prometheus.Metric
	// known are the connectors' states, read once.
	known map[string]connectorState
}

type connectorState struct {
	info herder.StateInfo
	err  error
}

func (r *reader) status(name string) (herder.StateInfo, error) {
	s, ok := r.known[name]
	if !ok {
		s.info, s.err = r.c.s.Herder.Status(name)
		r.known[name] = s
	}
	return s.info, s.err
}

// put sends one metric; pairs are labels and their values. Names that end in total are
// counters.
func (r *reader) put(group, attribute, help string, value float64, pairs ...string) {
	var names, values []string
	for i := 0; i+1 < len(pairs); i += 2 {
		names, values = append(names, pairs[i]), append(values, strings.ToValidUTF8(pairs[i+1], "?"))
	}
	kind := prometheus.GaugeValue
	if strings.HasSuffix(attribute, "total") {
		kind = prometheus.CounterValue
	}
	name := "kafka_connect_" + strings.ReplaceAll(group+"_"+attribute, "-", "_")
	m, err := prometheus.NewConstMetric(prometheus.NewDesc(name, help, names, nil), kind, value, values...)
	if err != nil {
		m = prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(err), err)
	}
	r.out <- m
}

func (r *reader) app() {
	s := r.c.s
	r.put("app", "info", "What this worker is.", 1, "version", s.Version, "commit", s.Commit, "worker", s.WorkerID)
	r.put("app", "start-time-ms", "When this worker started, in milliseconds since 1970.", float64(r.c.started.UnixMilli()))
}

func (r *reader) worker() {
	a := r.c.s.Herder.Assignment()
	connectors, tasks := 0, 0
	if a != nil {
		connectors, tasks = len(a.Connectors), len(a.Tasks)
	}
	r.put("worker", "connector-count", "Connectors that this worker runs.", float64(connectors))
	r.put("worker", "task-count", "Tasks that this worker runs.", float64(tasks))
	t := r.c.s.Totals()
	r.starts("connector", t.ConnectorStarts, t.ConnectorFailures)
	r.starts("task", t.TaskStarts, t.TaskFailures)
	r.put("worker", "task-self-restart-total", "Failed tasks that started again by themselves.", float64(t.TaskRestarts))
}

func (r *reader) starts(what string, attempts, failures int64) {
	r.put("worker", what+"-startup-attempts-total", "How often a "+what+" was started.", float64(attempts))
	r.put("worker", what+"-startup-failure-total", "How often a "+what+" failed to start.", float64(failures))
	r.put("worker", what+"-startup-success-total", "How often a "+what+" started.", float64(attempts-failures))
	r.put("worker", what+"-startup-failure-percentage", "The part of starts of a "+what+" that failed, from 0 to 1.", ratio(failures, attempts))
	r.put("worker", what+"-startup-success-percentage", "The part of starts of a "+what+" that succeeded, from 0 to 1.", ratio(attempts-failures, attempts))
}

func ratio(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

func flag(on bool) float64 {
	if on {
		return 1
	}
	return 0
}

func (r *reader) rebalances() {
	h := r.c.s.Herder
	r.put("worker_rebalance", "epoch", "The group's generation.", float64(h.Generation()))
	r.put("worker_rebalance", "rebalancing", "Whether a rebalance is under way.", flag(h.Rebalancing()))
	leader, leads := h.Leader()
	r.put("worker_rebalance", "leader-name", "The group's leader.", 1, "leader_name", leader)
	r.put("worker_rebalance", "leader", "Whether this worker leads the group.", flag(leads))
	r.put("worker_rebalance", "connect-protocol", "The protocol of the group.", 1, "connect_protocol", r.c.s.Protocol)
	g := r.c.s.Group
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	r.put("worker_rebalance", "completed-rebalances-total", "Rebalances that this worker has completed.", float64(g.rebalanced.count))
	r.put("worker_rebalance", "rebalance-avg-time-ms", "How long rebalances took on average, in milliseconds.", g.rebalanced.avg())
	r.put("worker_rebalance", "rebalance-max-time-ms", "How long the longest rebalance took, in milliseconds.", ms(g.rebalanced.max))
	if !g.rebalancedAt.IsZero() {
		r.put("worker_rebalance", "time-since-last-rebalance-ms", "The time since the last rebalance ended, in milliseconds.", ms(r.now.Sub(g.rebalancedAt)))
		r.put("coordinator", "last-rebalance-seconds-ago", "The time since the last rebalance ended, in seconds.", r.now.Sub(g.rebalancedAt).Seconds())
	}
	if !g.heartbeatAt.IsZero() {
		r.put("coordinator", "last-heartbeat-seconds-ago", "The time since a heartbeat was last answered, in seconds.", r.now.Sub(g.heartbeatAt).Seconds())
	}
	for _, c := range []struct {
		attribute, help string
		count           int64
		in              float64
	}{
		{"heartbeat-rate", "Heartbeats in a second.", g.heartbeat.count, 1},
		{"join-rate", "Joins of the group in a second.", g.join.count, 1},
		{"sync-rate", "Syncs with the group in a second.", g.sync.count, 1},
		{"rebalance-rate-per-hour", "Rebalances in an hour.", g.rebalanced.count, 3600},
		{"failed-rebalance-rate-per-hour", "Joins and syncs that had to be done again, in an hour.", g.failed, 3600},
	} {
		r.put("coordinator", c.attribute, c.help, c.in*r.c.rates.rate(rateKey{metric: c.attribute}, r.now, float64(c.count)))
	}
	r.put("coordinator", "rebalance-latency-avg", "How long rebalances took on average, in milliseconds.", g.rebalanced.avg())
	r.put("coordinator", "rebalance-latency-max", "How long the longest rebalance took, in milliseconds.", ms(g.rebalanced.max))
	r.put("coordinator", "rebalance-latency-total", "How long all rebalances took, in milliseconds.", ms(g.rebalanced.total))
	r.put("coordinator", "heartbeat-total", "Heartbeats that were answered.", float64(g.heartbeat.count))
	r.put("coordinator", "heartbeat-response-time-max", "How long a heartbeat took at most, in milliseconds.", ms(g.heartbeat.max))
	r.put("coordinator", "join-total", "Joins of the group.", float64(g.join.count))
	r.put("coordinator", "join-time-avg", "How long a join took on average, in milliseconds.", g.join.avg())
	r.put("coordinator", "join-time-max", "How long a join took at most, in milliseconds.", ms(g.join.max))
	r.put("coordinator", "sync-total", "Syncs with the group.", float64(g.sync.count))
	r.put("coordinator", "sync-time-avg", "How long a sync took on average, in milliseconds.", g.sync.avg())
	r.put("coordinator", "sync-time-max", "How long a sync took at most, in milliseconds.", ms(g.sync.max))
	r.put("coordinator", "rebalance-total", "Rebalances that succeeded.", float64(g.rebalanced.count))
	r.put("coordinator", "failed-rebalance-total", "Joins and syncs that had to be done again.", float64(g.failed))
}

// connectors are those assigned to this worker, and the states of its tasks: they are
// there when something has failed, too.
func (r *reader) connectors() {
	a := r.c.s.Herder.Assignment()
	if a == nil {
		return
	}
	r.put("coordinator", "assigned-connectors", "Connectors that the group has given to this worker.", float64(len(a.Connectors)))
	r.put("coordinator", "assigned-tasks", "Tasks that the group has given to this worker.", float64(len(a.Tasks)))
	for _, name := range a.Connectors {
		info, err := r.status(name)
		if err != nil {
			continue // it has no status yet
		}
		r.put("connector", "status", "The state of a connector, as a label.", 1, "connector", name, "status", lower(info.Connector.State))
		r.put("connector", "connector-type", "The type of a connector, as a label.", 1, "connector", name, "connector_type", info.Type)
		r.put("connector", "connector-version", "The version of a connector, as a label.", 1, "connector", name, "connector_version", info.Connector.Version)
	}
	counts := map[string]map[state.State]int{}
	var order []string
	for _, id := range a.Tasks {
		if counts[id.Connector] == nil {
			counts[id.Connector] = map[state.State]int{}
			order = append(order, id.Connector)
		}
		s := state.Unassigned
		if info, err := r.status(id.Connector); err == nil {
			for _, t := range info.Tasks {
				if t.ID == id {
					s = t.State
				}
			}
		}
		counts[id.Connector][s]++
		r.put("connector_task", "status", "The state of a task, as a label.", 1, "connector", id.Connector, "task", strconv.Itoa(id.Task), "status", lower(s))
	}
	for _, name := range order {
		total := 0
		for _, s := range []state.State{state.Running, state.Paused, state.Failed, state.Unassigned, state.Destroyed, state.Restarting} {
			r.put("worker", "connector-"+lower(s)+"-task-count", "Tasks of a connector on this worker that are "+lower(s)+".", float64(counts[name][s]), "connector", name)
			total += counts[name][s]
		}
		r.put("worker", "connector-total-task-count", "Tasks of a connector on this worker.", float64(total), "connector", name)
	}
}

func lower(s state.State) string { return strings.ToLower(string(s)) }
