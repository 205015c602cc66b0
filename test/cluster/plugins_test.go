package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/converters/header"
	"github.com/moldau-io/moldau/converters/text"
	"github.com/moldau-io/moldau/plugins"
)

// Settings of the connectors of these tests.
const (
	sourceClass = "test.Source"
	sinkClass   = "test.Sink"

	tasksKey = "tasks"      // how many tasks to plan
	failKey  = "fail.task"  // which of them fails to start
	slowKey  = "slow.stop"  // how long tasks take to stop, in seconds
	timesKey = "fail.times" // how often a task fails with a retriable error before it starts
	hangKey  = "hang"       // how long the first Poll does not return, in seconds, whatever it is asked
	rateKey  = "rate"       // the pause between two records of a source, in seconds; 0 for none
)

const toldToFail = "told to fail"

// ledger keeps account of what runs where, in virtual time.
type ledger struct {
	mu      sync.Mutex
	running map[string]map[instance]time.Time // what → which → since
	dead    map[string]bool
	longest time.Duration // that something ran twice at a time
	overlap string
	starts  int
	failed  map[string]int
}

// instance is one run of something.
type instance struct {
	worker string
	number int
}

func newLedger() *ledger {
	return &ledger{running: map[string]map[instance]time.Time{}, dead: map[string]bool{}, failed: map[string]int{}}
}

func (l *ledger) start(worker, what string) instance {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.starts++
	i := instance{worker, l.starts}
	if l.dead[worker] {
		return i
	}
	if l.running[what] == nil {
		l.running[what] = map[instance]time.Time{}
	}
	l.running[what][i] = time.Now()
	return i
}

// fail counts the failures of something, and says whether it is to fail once more.
func (l *ledger) fail(what string, times int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed[what] >= times {
		return false
	}
	l.failed[what]++
	return true
}

func (l *ledger) stop(i instance, what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end(i, what)
}

func (l *ledger) end(i instance, what string) {
	if since, ok := l.running[what][i]; ok {
		l.compare(i, since, what)
		delete(l.running[what], i)
	}
}

// compare notes what runs on another worker as well. A task that its own worker has
// given up may still be ending there when it starts again.
func (l *ledger) compare(i instance, since time.Time, what string) {
	for other, began := range l.running[what] {
		if other.worker == i.worker {
			continue
		}
		if began.Before(since) {
			began = since
		}
		l.note(time.Since(began), fmt.Sprintf("%s on %s and %s until %s", what, i.worker, other.worker, time.Now().Format(clock)))
	}
}

func (l *ledger) note(d time.Duration, text string) {
	if d > l.longest {
		l.longest, l.overlap = d, fmt.Sprintf("%s for %v", text, d)
	}
}

// kill says that a worker is no more: nothing of it runs, whatever its goroutines do.
func (l *ledger) kill(worker string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for what, on := range l.running {
		for i := range on {
			if i.worker == worker {
				l.end(i, what)
			}
		}
	}
	l.dead[worker] = true
}

// on returns the workers that run something.
func (l *ledger) on(what string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for i := range l.running[what] {
		out = append(out, i.worker)
	}
	slices.Sort(out)
	return out
}

// all returns what runs.
func (l *ledger) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for what, on := range l.running {
		if len(on) > 0 {
			out = append(out, what)
		}
	}
	slices.Sort(out)
	return out
}

// worst is how long anything has run twice at a time, to now.
func (l *ledger) worst() (time.Duration, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for what, on := range l.running {
		for i, since := range on {
			l.compare(i, since, what)
		}
	}
	return l.longest, l.overlap
}

// catalogue is the plugins of one worker.
func catalogue(l *ledger, worker string) *plugins.Registry {
	return plugins.New(
		plugins.Plugin{Kind: plugins.Source, Class: sourceClass, Version: "1", New: func() connect.Configured { return &source{connector{ledger: l, worker: worker}} }},
		plugins.Plugin{Kind: plugins.Sink, Class: sinkClass, Version: "1", New: func() connect.Configured { return &sink{connector{ledger: l, worker: worker}} }},
		plugins.Plugin{Kind: plugins.Converter, Class: text.Class, Version: "1", New: func() connect.Configured { return text.New() }},
		plugins.Plugin{Kind: plugins.HeaderConverter, Class: header.Class, Version: "1", New: func() connect.Configured { return header.NewSimple() }},
	)
}

// connector is what source and sink have in common.
type connector struct {
	ledger *ledger
	worker string
	props  map[string]string
	run    instance
}

func (*connector) ConfigDef() *configdef.Def {
	return configdef.New(configdef.Optional(tasksKey, configdef.Int, 1, configdef.Low, "How many tasks to plan."))
}

func (c *connector) Start(_ context.Context, _ connect.ConnectorContext, props map[string]string) error {
	c.props = props
	c.run = c.ledger.start(c.worker, props["name"])
	return nil
}

func (c *connector) TaskConfigs(most int) ([]map[string]string, error) {
	n, err := strconv.Atoi(c.props[tasksKey])
	if err != nil {
		return nil, err
	}
	out := make([]map[string]string, min(n, most))
	for i := range out {
		out[i] = map[string]string{"name": c.props["name"], "task": strconv.Itoa(i)}
		for _, key := range []string{failKey, timesKey, hangKey, slowKey, rateKey} {
			if v, ok := c.props[key]; ok {
				out[i][key] = v
			}
		}
	}
	return out, nil
}

func (*connector) TaskClass() string { return "test.Task" }

func (c *connector) Stop(context.Context) error {
	c.ledger.stop(c.run, c.props["name"])
	return nil
}

type source struct{ connector }

func (s *source) NewTask() connect.SourceTask { return &sourceTask{taskBase: taskOf(s.connector)} }

func (s *source) ExactlyOnceSupport(map[string]string) (bool, error) { return true, nil }

type sink struct{ connector }

func (s *sink) NewTask() connect.SinkTask { return &sinkTask{taskOf(s.connector)} }

// task is what the tasks have in common.
type taskBase struct {
	ledger *ledger
	worker string
	what   string
	run    instance
	slow   time.Duration
	rate   time.Duration
	hang   time.Duration
}

func taskOf(c connector) taskBase { return taskBase{ledger: c.ledger, worker: c.worker} }

func (t *taskBase) start(props map[string]string) error {
	if props[failKey] == props["task"] {
		return errors.New(toldToFail)
	}
	if times, err := strconv.Atoi(props[timesKey]); err == nil && t.ledger.fail(props["name"]+"-"+props["task"], times) {
		return errs.Retriable("told to fail for a while")
	}
	t.slow, t.rate, t.hang = seconds(props[slowKey]), seconds(props[rateKey]), seconds(props[hangKey])
	t.what = props["name"] + "-" + props["task"]
	t.run = t.ledger.start(t.worker, t.what)
	return nil
}

func seconds(text string) time.Duration {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}

func (t *taskBase) stop() {
	if t.what == "" {
		return
	}
	time.Sleep(t.slow) // the clock is virtual
	t.ledger.stop(t.run, t.what)
}

type sourceTask struct {
	taskBase
	sent int64
}

func (t *sourceTask) Start(_ context.Context, _ connect.SourceContext, props map[string]string) error {
	return t.start(props)
}

func (t *sourceTask) Poll(ctx context.Context) ([]*connect.Record, error) {
	time.Sleep(t.hang)
	t.hang = 0
	if t.rate == 0 {
		<-ctx.Done()
		return nil, nil
	}
	timer := time.NewTimer(t.rate)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return nil, nil
	}
	t.sent++
	partition, offset := schema.NewMap(1), schema.NewMap(1)
	partition.PutString("task", schema.OfString(t.what))
	offset.PutString("sent", schema.OfInt64(t.sent))
	return []*connect.Record{{
		Topic: dataTopic, Partition: connect.NoPartition, Timestamp: connect.NoTimestamp,
		ValueSchema: schema.Of(schema.String), Value: schema.OfString(t.what), SourcePartition: partition, SourceOffset: offset,
	}}, nil
}

func (*sourceTask) Commit(context.Context) error { return nil }

func (t *sourceTask) Stop(context.Context) error {
	t.stop()
	return nil
}

type sinkTask struct{ taskBase }

func (t *sinkTask) Start(_ context.Context, _ connect.SinkContext, props map[string]string) error {
	return t.start(props)
}

func (*sinkTask) Open(context.Context, []connect.TopicPartition) error  { return nil }
func (*sinkTask) Put(context.Context, []*connect.Record) error          { return nil }
func (*sinkTask) Close(context.Context, []connect.TopicPartition) error { return nil }

func (*sinkTask) PreCommit(_ context.Context, o map[connect.TopicPartition]int64) (map[connect.TopicPartition]int64, error) {
	return o, nil
}

func (t *sinkTask) Stop(context.Context) error {
	t.stop()
	return nil
}
