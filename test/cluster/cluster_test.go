package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/moldau-io/moldau/runtime/herder"
	"github.com/moldau-io/moldau/runtime/state"
)

const (
	session   = 30 * time.Second
	heartbeat = 10 * time.Second
	// requestTimeout bounds requests between workers, stopMargin what stopping may take
	// beyond the tasks' own time; both are as in a real process.
	requestTimeout = 90 * time.Second
	stopMargin     = 10 * time.Second

	workers   = "workers" // the group
	dataTopic = "data"
	clock     = "15:04:05.000"
)

// cluster is Kafka, the workers of one group and the account of what they run.
type cluster struct {
	t      *testing.T
	kafka  *kfake.Cluster
	reaper *reaper
	net    kfake.VirtualNetwork
	ledger *ledger
	props  map[string]string // settings of all workers, beside those of props
	since  time.Time

	mu      sync.Mutex
	nodes   map[string]*node // alive
	ended   []*node          // killed or left
	history []string
	joined  int
}

func newCluster(t *testing.T, extra map[string]string) *cluster {
	t.Helper()
	c := &cluster{t: t, ledger: newLedger(), nodes: map[string]*node{}, props: extra, since: time.Now()}
	k, err := kfake.NewCluster(kfake.Ports(9092, 9093, 9094), kfake.ListenFn(c.net.Listen), kfake.SeedTopics(2, dataTopic))
	if err != nil {
		t.Fatal(err)
	}
	c.kafka = k
	if c.reaper, err = startReaper(c); err != nil {
		t.Fatal(err)
	}
	return c
}

// close ends everything, so that the bubble can end.
func (c *cluster) close() {
	for _, name := range c.names() {
		c.kill(name)
	}
	for _, n := range c.ended {
		n.link.cut()
		<-n.done
	}
	// Tasks that were given up end by themselves.
	wait(5 * time.Minute)
	c.reaper.close()
	c.kafka.Close()
}

func (c *cluster) logger(name string) *slog.Logger {
	var out io.Writer = io.Discard
	if os.Getenv("MOLDAU_CLUSTER_LOG") != "" {
		out = os.Stderr
	}
	if out == io.Discard {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelInfo})).With("worker", name)
}

func (c *cluster) note(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.history = append(c.history, fmt.Sprintf("%s (%v) %s", time.Now().Format(clock), time.Since(c.since).Round(time.Second), fmt.Sprintf(format, args...)))
	if os.Getenv("MOLDAU_CLUSTER_LOG") != "" {
		fmt.Fprintln(os.Stderr, "====", c.history[len(c.history)-1])
	}
}

func (c *cluster) names() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.nodes))
}

func (c *cluster) node(name string) *node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nodes[name]
}

func (c *cluster) byURL(url string) *node {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.nodes {
		if n.url == url {
			return n
		}
	}
	return nil
}

// start starts another worker. A late one reaches Kafka after a while only.
func (c *cluster) start(late time.Duration) string {
	c.t.Helper()
	c.joined++
	name := fmt.Sprintf("w%d", c.joined)
	n, err := c.newNode(name)
	if err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	c.nodes[name] = n
	c.mu.Unlock()
	if late > 0 {
		n.link.freeze(true)
		time.AfterFunc(late, func() { n.link.freeze(false) })
	}
	n.run()
	return name
}

func (c *cluster) remove(name string) *node {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.nodes[name]
	delete(c.nodes, name)
	c.ended = append(c.ended, n)
	return n
}

// kill ends a worker at once; nobody is told but by the end of its connections.
func (c *cluster) kill(name string) {
	n := c.remove(name)
	c.ledger.kill(name)
	n.link.cut()
	n.kill()
	<-n.done
}

// leave takes a worker out in order; the function returned waits until it has ended.
func (c *cluster) leave(name string) (ended func() error) {
	n := c.remove(name)
	n.stop()
	return func() error {
		<-n.done
		c.ledger.kill(name)
		n.link.cut()
		return n.err
	}
}

// wait lets virtual time pass and everything come to rest.
func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// leader returns the worker that leads, nil if none does.
func (c *cluster) leader() *node {
	for _, name := range c.names() {
		if n := c.node(name); n != nil {
			if _, leads := n.herder.Leader(); leads {
				return n
			}
		}
	}
	return nil
}

// request carries out a client's request as the REST API does: a worker that cannot
// serve it hands it on, once.
func (c *cluster) request(ctx context.Context, n *node, f func(context.Context, *herder.Herder) error) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	err := f(ctx, n.herder)
	var forward *herder.ForwardError
	if !errors.As(err, &forward) {
		return err
	}
	to := c.byURL(forward.URL)
	if to == nil {
		return err
	}
	for _, l := range []*link{n.link, to.link} {
		if err := l.passable(ctx); err != nil {
			return err
		}
	}
	return f(ctx, to.herder)
}

// put creates or changes a connector through any worker, and tries again until it is done.
func (c *cluster) put(name string, config map[string]string) {
	c.t.Helper()
	config = maps.Clone(config)
	config["name"] = name
	var err error
	for range 20 {
		err = c.request(c.t.Context(), c.node(c.names()[0]), func(ctx context.Context, h *herder.Herder) error {
			_, _, err := h.PutConnector(ctx, name, config, "", true)
			return err
		})
		if err == nil {
			return
		}
		time.Sleep(5 * time.Second)
	}
	c.t.Fatalf("%s: %v", name, err)
}

// source is the configuration of a source connector.
func sourceConfig(tasks int, more ...string) map[string]string {
	m := map[string]string{"connector.class": sourceClass, "tasks.max": "100", tasksKey: fmt.Sprint(tasks)}
	for i := 0; i < len(more); i += 2 {
		m[more[i]] = more[i+1]
	}
	return m
}

// problems compares what runs, what is assigned and what statuses say with the
// configuration, after a quiet while.
func (c *cluster) problems() (out []string) {
	bad := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	names := c.names()
	if len(names) == 0 {
		return nil
	}
	first := c.node(names[0])
	snapshot := first.configs.Snapshot()
	for _, name := range names {
		n := c.node(name)
		if n.over() {
			bad("%s has ended: %v", name, n.err)
		}
		if !n.herder.Ready() || n.herder.Rebalancing() {
			bad("%s is not settled (ready %t), view %+v", name, n.herder.Ready(), n.member.View())
		}
		if diff := differ(snapshot, n.configs.Snapshot()); diff != "" {
			bad("configurations of %s and %s differ: %s", names[0], name, diff)
		}
	}
	c.balance(names, bad)
	wanted := map[string]bool{}
	for _, connector := range snapshot.Connectors() {
		c.checkConnector(names, snapshot, connector, wanted, bad)
	}
	for _, what := range c.ledger.all() {
		if !wanted[what] {
			bad("%s runs on %v, and should not", what, c.ledger.on(what))
		}
	}
	for _, name := range names {
		for _, connector := range c.node(name).statuses.Connectors() {
			if !snapshot.Contains(connector) {
				bad("%s has a status of %s, which is gone", name, connector)
			}
		}
	}
	if d, text := c.ledger.worst(); d > 0 {
		bad("ran twice: %s", text)
	}
	return out
}

// differ says in what two snapshots differ.
func differ(a, b *state.ConfigSnapshot) string {
	if !slices.Equal(a.Connectors(), b.Connectors()) {
		return fmt.Sprintf("%v and %v", a.Connectors(), b.Connectors())
	}
	for _, name := range a.Connectors() {
		ca, _ := a.RawConnectorConfig(name)
		cb, _ := b.RawConnectorConfig(name)
		ta, _ := a.TargetState(name)
		tb, _ := b.TargetState(name)
		if unplanned(a, name) || unplanned(b, name) {
			continue
		}
		if !ca.Equal(cb) || ta != tb || a.Inconsistent(name) != b.Inconsistent(name) || a.TaskCount(name) != b.TaskCount(name) {
			return fmt.Sprintf("%s: %v %s %d tasks, %v %s %d tasks", name, ca.Map(), ta, a.TaskCount(name), cb.Map(), tb, b.TaskCount(name))
		}
		for _, id := range a.Tasks(name) {
			x, _ := a.RawTaskConfig(id)
			y, _ := b.RawTaskConfig(id)
			if !x.Equal(y) {
				return fmt.Sprintf("%s: %v and %v", id, x.Map(), y.Map())
			}
		}
	}
	ka, _ := a.SessionKey()
	kb, _ := b.SessionKey()
	if string(ka.Key) != string(kb.Key) || ka.CreationTimestamp != kb.CreationTimestamp {
		return "session keys"
	}
	if a.Offset() != b.Offset() {
		return fmt.Sprintf("offsets %d and %d", a.Offset(), b.Offset())
	}
	return ""
}

// unplanned says whether a connector was changed while it is paused. Its tasks are planned
// when it runs again; until then a worker that finds the older configuration compacted
// away knows of none, as with Apache's.
func unplanned(s *state.ConfigSnapshot, connector string) bool {
	target, _ := s.TargetState(connector)
	raw, _ := s.RawConnectorConfig(connector)
	applied, ok := s.AppliedConnectorConfig(connector)
	return target == state.TargetPaused && (!ok || !applied.Raw().Equal(raw))
}

// balance checks that no worker has more than one connector or task more than another.
func (c *cluster) balance(names []string, bad func(string, ...any)) {
	var connectors, tasks []int
	leaders := 0
	for _, name := range names {
		n := c.node(name)
		a := n.herder.Assignment()
		if a == nil {
			continue
		}
		connectors, tasks = append(connectors, len(a.Connectors)), append(tasks, len(a.Tasks))
		if _, leads := n.herder.Leader(); leads {
			leaders++
		}
	}
	if leaders != 1 {
		bad("%d workers lead", leaders)
	}
	for _, load := range [][]int{connectors, tasks} {
		if len(load) > 0 && slices.Max(load)-slices.Min(load) > 1 {
			bad("%v connectors and %v tasks are not balanced", connectors, tasks)
		}
	}
}

func (c *cluster) checkConnector(names []string, snapshot *state.ConfigSnapshot, connector string, wanted map[string]bool, bad func(string, ...any)) {
	target, _ := snapshot.TargetState(connector)
	raw, _ := snapshot.RawConnectorConfig(connector)
	config := raw.Map()
	var owners []string
	for _, name := range names {
		if a := c.node(name).herder.Assignment(); a != nil && a.HasConnector(connector) {
			owners = append(owners, name)
		}
	}
	want := state.Running
	switch target {
	case state.TargetPaused:
		want = state.Paused
	case state.TargetStopped:
		want = state.Stopped
	}
	on := c.ledger.on(connector)
	switch {
	case len(owners) != 1:
		bad("connector %s is assigned to %v", connector, owners)
		return
	case want == state.Running && !slices.Equal(on, owners):
		bad("connector %s runs on %v, is assigned to %v", connector, on, owners)
	case want != state.Running && len(on) > 0:
		bad("connector %s is %s and runs on %v", connector, target, on)
	}
	wanted[connector] = true
	for _, name := range names {
		s, ok := c.node(name).statuses.Connector(connector)
		if !ok || s.State != want || s.WorkerID != owners[0]+":8083" {
			bad("%s says that connector %s is %s on %s (known %t, generation %d), it is %s on %s", name, connector, s.State, s.WorkerID, ok, s.Generation, want, owners[0])
		}
	}
	tasks := snapshot.Tasks(connector)
	planned := config[tasksKey]
	switch {
	case snapshot.Inconsistent(connector):
		bad("the tasks of %s are inconsistent", connector)
	case target == state.TargetStopped:
		planned = "0"
	case target == state.TargetPaused && len(tasks) == 0:
		planned = "0" // it was stopped, or made so, and has not run since
	}
	if unplanned(snapshot, connector) {
		for _, id := range tasks {
			wanted[id.String()] = true
		}
		return
	}
	if fmt.Sprint(len(tasks)) != planned && target != state.TargetPaused {
		bad("%s has %d tasks, wants %s", connector, len(tasks), planned)
	}
	for _, name := range names {
		if known := c.node(name).statuses.Tasks(connector); len(known) != len(tasks) {
			bad("%s has statuses of %d tasks of %s, there are %d", name, len(known), connector, len(tasks))
		}
	}
	for _, id := range tasks {
		c.checkTask(names, snapshot, id, target, wanted, bad)
	}
}

func (c *cluster) checkTask(names []string, snapshot *state.ConfigSnapshot, id state.TaskID, target state.TargetState, wanted map[string]bool, bad func(string, ...any)) {
	var owners []string
	for _, name := range names {
		if a := c.node(name).herder.Assignment(); a != nil && a.HasTask(id) {
			owners = append(owners, name)
		}
	}
	raw, _ := snapshot.RawTaskConfig(id)
	want := []state.State{state.Running}
	fails := raw.Map()[failKey] == fmt.Sprint(id.Task)
	switch {
	case fails && target == state.TargetPaused:
		want = []state.State{state.Failed, state.Paused} // it may have failed before
	case fails:
		want = []state.State{state.Failed}
	case target == state.TargetPaused:
		want = []state.State{state.Paused}
	}
	on := c.ledger.on(id.String())
	switch {
	case len(owners) != 1:
		bad("task %s is assigned to %v", id, owners)
		return
	case fails && len(on) > 0:
		bad("task %s failed and runs on %v", id, on)
	case !fails && target == state.TargetStarted && !slices.Equal(on, owners):
		bad("task %s runs on %v, is assigned to %v", id, on, owners)
	case len(on) > 1:
		bad("task %s runs on %v", id, on)
	}
	wanted[id.String()] = true
	for _, name := range names {
		s, ok := c.node(name).statuses.Task(id)
		if !ok || !slices.Contains(want, s.State) || s.WorkerID != owners[0]+":8083" {
			cause, _, _ := strings.Cut(s.Trace, "\n")
			bad("%s says that task %s is %s on %s (known %t, generation %d, %s), it is %s on %s", name, id, s.State, s.WorkerID, ok, s.Generation, cause, want, owners[0])
		}
	}
}

// check fails the test with what is wrong.
func (c *cluster) check() {
	c.t.Helper()
	if bad := c.problems(); len(bad) > 0 {
		if more := len(bad) - 15; more > 0 {
			bad = append(bad[:15], fmt.Sprintf("and %d more", more))
		}
		if g := c.kafka.GroupInfo(workers); g != nil {
			c.note("the group is %s in generation %d", g.State, g.Epoch)
			for _, m := range g.Members {
				c.note("with %s, last heard of at %s", m.MemberID, c.reaper.last(m.MemberID).Format(clock))
			}
		}
		c.t.Fatalf("%s\nhistory:\n%s", strings.Join(bad, "\n"), strings.Join(c.history, "\n"))
	}
}

func TestOneWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, nil)
		defer c.close()
		name := c.start(0)
		wait(30 * time.Second)
		c.put("a", sourceConfig(3, rateKey, "5"))
		wait(30 * time.Second)
		c.check()
		if len(c.ledger.all()) != 4 {
			t.Errorf("%v run", c.ledger.all())
		}
		wait(time.Hour)
		c.check()
		if err := c.leave(name)(); err != nil {
			t.Error(err)
		}
	})
}
