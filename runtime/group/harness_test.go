package group

import (
	"context"
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
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/runtime/state"
)

const (
	testGroup     = "workers"
	testSession   = 10 * time.Second
	testHeartbeat = 3 * time.Second
	testRebalance = 60 * time.Second
	testMaxDelay  = 5 * time.Minute
)

// cluster is a Kafka cluster and the workers of one group, in virtual time.
type cluster struct {
	t       *testing.T
	kafka   *kfake.Cluster
	net     *kfake.VirtualNetwork
	workers map[string]*worker
	topic   *configTopic
}

func newCluster(t *testing.T, brokers int, opts ...kfake.Opt) *cluster {
	t.Helper()
	c := &cluster{t: t, net: &kfake.VirtualNetwork{}, workers: map[string]*worker{}, topic: &configTopic{tasks: map[string]int{}}}
	ports := make([]int, brokers)
	for i := range ports {
		ports[i] = 9092 + i
	}
	k, err := kfake.NewCluster(append([]kfake.Opt{kfake.Ports(ports...), kfake.ListenFn(c.net.Listen)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	c.kafka = k
	return c
}

// close ends what is left, so that the bubble can end.
func (c *cluster) close() {
	for _, w := range c.workers {
		w.crash()
	}
	c.kafka.Close()
}

// configTopic stands for the config topic: what all workers can read.
type configTopic struct {
	mu     sync.Mutex
	offset int64
	tasks  map[string]int
}

func (c *configTopic) put(connector string, tasks int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset++
	if tasks < 0 {
		delete(c.tasks, connector)
		return
	}
	c.tasks[connector] = tasks
}

func (c *configTopic) read() *state.ConfigSnapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := state.SnapshotData{Offset: c.offset, Connectors: map[string]state.Config{}, TaskCounts: maps.Clone(c.tasks)}
	for name := range c.tasks {
		d.Connectors[name] = state.Config{}
	}
	return state.NewConfigSnapshot(d)
}

// worker is a member with the simplest herder that keeps the contract.
type worker struct {
	t      *testing.T
	name   string
	client *kgo.Client
	member *Member
	cancel context.CancelFunc
	topic  *configTopic

	mu       sync.Mutex
	snapshot *state.ConfigSnapshot
	running  map[string]bool
	joined   []Joined
	events   []string
	stopTime time.Duration
	// refresh, if set, stands in for reading the config topic.
	refresh func(ctx context.Context) (*state.ConfigSnapshot, error)
	// passive workers ask for no round by themselves.
	passive bool
}

func (c *cluster) config(client *kgo.Client, name string) Config {
	var out io.Writer = io.Discard
	if os.Getenv("MEMBER_LOG") != "" {
		out = os.Stderr
	}
	return Config{
		Client: client, GroupID: testGroup, URL: "http://" + name + ":8083/", Protocol: Sessioned,
		SessionTimeout: testSession, HeartbeatInterval: testHeartbeat, RebalanceTimeout: testRebalance, MaxDelay: testMaxDelay,
		SyncTimeout: 3 * time.Second, RequestTimeout: 40 * time.Second, RetryBackoff: 100 * time.Millisecond, RetryBackoffMax: time.Second,
		Logger: slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug})).With("worker", name),
	}
}

// start adds a worker; adjust may change its settings.
func (c *cluster) start(name string, adjust ...func(*Config, *worker)) *worker {
	c.t.Helper()
	opts := append(ClientOpts(testSession),
		kgo.SeedBrokers("localhost:9092"), kgo.Dialer(c.net.DialContext), kgo.ClientID("connect-"+name+":8083"))
	client, err := kgo.NewClient(opts...)
	if err != nil {
		c.t.Fatal(err)
	}
	w := &worker{t: c.t, name: name, client: client, topic: c.topic, running: map[string]bool{}, snapshot: c.topic.read()}
	cfg := c.config(client, name)
	for _, f := range adjust {
		f(&cfg, w)
	}
	if w.member, err = New(cfg); err != nil {
		c.t.Fatal(err)
	}
	var ctx context.Context
	ctx, w.cancel = context.WithCancel(context.Background())
	if err := w.member.Start(ctx, w); err != nil {
		c.t.Fatal(err)
	}
	c.workers[name] = w
	return w
}

// crash ends the worker without leave.
func (w *worker) crash() {
	w.cancel()
	if err := w.member.Stop(context.Background()); err != nil {
		w.t.Errorf("%s: stop: %v", w.name, err)
	}
	w.client.Close()
	w.mu.Lock()
	clear(w.running)
	w.mu.Unlock()
}

// leave ends the worker in order.
func (w *worker) leave() {
	w.mu.Lock()
	clear(w.running)
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := w.member.Stop(ctx); err != nil {
		w.t.Errorf("%s: stop: %v", w.name, err)
	}
	w.client.Close()
}

func (w *worker) note(format string, args ...any) {
	w.events = append(w.events, fmt.Sprintf(format, args...))
}

func (w *worker) OnJoined(j Joined) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.joined = append(w.joined, j)
	w.note("joined %d", j.Generation)
	a := j.Assignment
	if w.passive {
		return
	}
	if w.snapshot.Offset() < a.Offset || a.Failed() {
		w.snapshot = w.topic.read()
	}
	switch {
	case a.Failed():
		w.member.RequestRejoin("failed")
		return
	case w.snapshot.Offset() != a.Offset:
		w.member.RequestRejoin("offset")
		return
	}
	assigned := work(a)
	for it := range w.running {
		if !slices.Contains(assigned, it) {
			w.t.Errorf("%s runs %s, which it neither is assigned nor was revoked", w.name, it)
		}
	}
	for _, it := range assigned {
		w.running[it] = true
	}
	if a.Revokes() {
		w.member.RequestRejoin("revoked")
	} else if a.Delay > 0 {
		time.AfterFunc(a.Delay, func() { w.member.RequestRejoin("delay") })
	}
}

func (w *worker) OnRevoked(r Revoked) {
	w.mu.Lock()
	stop := w.stopTime
	w.mu.Unlock()
	if stop > 0 {
		time.Sleep(stop)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note("revoked %d", len(r.Connectors)+len(r.Tasks))
	for _, it := range work(&state.Assignment{Connectors: r.Connectors, Tasks: r.Tasks}) {
		delete(w.running, it)
	}
}

func (w *worker) OnLost() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note("lost")
	clear(w.running)
}

func (w *worker) Snapshot() *state.ConfigSnapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.snapshot
}

func (w *worker) Refresh(ctx context.Context) (*state.ConfigSnapshot, error) {
	w.mu.Lock()
	refresh := w.refresh
	w.mu.Unlock()
	if refresh != nil {
		return refresh(ctx)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.snapshot = w.topic.read()
	return w.snapshot, nil
}

func (w *worker) runs() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.running))
}

func (w *worker) history() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.events, ", ")
}

func (w *worker) last() Joined {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.joined) == 0 {
		return Joined{}
	}
	return w.joined[len(w.joined)-1]
}

func work(a *state.Assignment) []string {
	r := slices.Clone(a.Connectors)
	for _, t := range a.Tasks {
		r = append(r, t.String())
	}
	return r
}

// configure writes a connector and has the workers notice, as a herder does.
func (c *cluster) configure(connector string, tasks int) {
	c.topic.put(connector, tasks)
	for _, w := range c.workers {
		w.mu.Lock()
		w.snapshot = c.topic.read()
		w.mu.Unlock()
		w.member.RequestRejoin("configuration changed")
	}
}

// wait lets virtual time pass and everything come to rest.
func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// check compares what runs with what is configured.
func (c *cluster) check(alive ...string) {
	c.t.Helper()
	owner := map[string]string{}
	loads := []int{}
	for _, name := range alive {
		w := c.workers[name]
		runs := w.runs()
		for _, it := range runs {
			if other, ok := owner[it]; ok {
				c.t.Errorf("%s runs on %s and %s", it, other, name)
			}
			owner[it] = name
		}
		loads = append(loads, len(runs))
		if v := w.member.View(); !v.Stable {
			c.t.Errorf("%s is not stable: %+v", name, v)
		}
	}
	want := 0
	snapshot := c.topic.read()
	for _, name := range snapshot.Connectors() {
		want++
		if owner[name] == "" {
			c.t.Errorf("connector %s runs nowhere", name)
		}
		for _, id := range snapshot.Tasks(name) {
			want++
			if owner[id.String()] == "" {
				c.t.Errorf("task %s runs nowhere", id)
			}
		}
	}
	if len(owner) != want {
		c.t.Errorf("%d run, %d are configured", len(owner), want)
	}
	if slices.Max(loads)-slices.Min(loads) > 2 {
		c.t.Errorf("loads %v", loads)
	}
}

func (c *cluster) leader() *worker {
	for _, name := range slices.Sorted(maps.Keys(c.workers)) {
		if w := c.workers[name]; w.member.View().Leader {
			return w
		}
	}
	c.t.Fatal("nobody leads")
	return nil
}
