package worker

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/plugins"
	"github.com/moldau-io/moldau/runtime/herder"
	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/runtime/settings"
	"github.com/moldau-io/moldau/runtime/state"
	"github.com/moldau-io/moldau/runtime/store"
	"github.com/moldau-io/moldau/runtime/task"
)

var errAbandoned = errors.New("the task was given up by its worker")

// taskRun is one task on this worker.
type taskRun struct {
	w       *Worker
	spec    herder.TaskSpec
	class   string
	log     *slog.Logger
	version atomic.Pointer[string]
	cancel  context.CancelCauseFunc
	done    chan struct{}

	mu      sync.Mutex
	task    task.Task
	target  state.TargetState
	stopped chan struct{} // closed by stop
	failure error         // of the last run, nil where it ended by request
	history restartHistory
	stuck   time.Time // when the Poll or Put began that was said to be stuck

	silenced atomic.Bool

	reportMu sync.Mutex
	last     state.State // that was reported
}

// StartTask implements herder.Worker.
func (w *Worker) StartTask(spec herder.TaskSpec) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.tasks[spec.ID]; ok {
		w.o.Logger.Error("the task runs here already", "task", spec.ID)
		return
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	t := &taskRun{
		w: w, spec: spec, class: spec.Connector["connector.class"], cancel: cancel, done: make(chan struct{}), target: spec.Target, stopped: make(chan struct{}),
		log: w.o.Logger.With("connector", spec.ID.Connector, "task", spec.ID.Task),
	}
	w.tasks[spec.ID] = t
	w.watchTasks()
	w.wg.Go(func() {
		defer cancel(nil)
		t.run(ctx)
	})
}

// run runs the task, again after failures where its policy says so.
func (t *taskRun) run(ctx context.Context) {
	defer close(t.done)
	policy, err := settings.ParseRestartPolicy(t.spec.Connector)
	if err != nil {
		policy = settings.RestartPolicy{} // the task cannot be made then, and says why
	}
	r := restarts{policy: policy}
	for {
		began := time.Now()
		t.once(ctx)
		t.mu.Lock()
		failure := t.failure
		t.task, t.failure = nil, nil
		t.mu.Unlock()
		if failure == nil || ctx.Err() != nil {
			return
		}
		// #nosec G404 -- jitter
		d := r.next(failure, time.Since(began), rand.Float64())
		if !d.again {
			if policy.OnFailure {
				t.log.Error("the failed task is not restarted by itself", "reason", d.reason)
			}
			return
		}
		t.log.Warn("the failed task will be restarted by itself", "after", d.wait, "restart", d.count, "limit", policy.Limit)
		t.mu.Lock()
		t.history.add(RestartEvent{At: time.Now(), Error: errs.String(failure), After: d.wait, Count: d.count})
		t.mu.Unlock()
		if !t.pause(ctx, d.wait) {
			return
		}
		t.w.starts.restarts.Add(1)
	}
}

// pause waits. It is false where the task is stopped meanwhile.
func (t *taskRun) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return !t.isStopped() && ctx.Err() == nil
	case <-t.stopped:
	case <-ctx.Done():
	}
	return false
}

func (t *taskRun) isStopped() bool {
	select {
	case <-t.stopped:
		return true
	default:
		return false
	}
}

// once makes the task and runs it to its end.
func (t *taskRun) once(ctx context.Context) {
	t.w.starts.tasks.Add(1)
	made, release, err := t.guardedMake(ctx)
	if err != nil {
		t.w.starts.taskFailures.Add(1)
		t.log.Error("the task cannot be made", "err", err)
		t.OnFailure(t.spec.ID, err, errs.Trace(err))
		return
	}
	defer release()
	t.mu.Lock()
	t.task = made
	if t.isStopped() {
		made.Stop()
	} else if t.target != t.spec.Target {
		made.SetTarget(t.target)
	}
	t.mu.Unlock()
	// The task has logged and reported how it ended.
	_ = made.Run(ctx)
}

// parseEither reads the settings of a source or a sink.
func (w *Worker) parseEither(config map[string]string, kind plugins.Kind) (own *settings.Connector, source *settings.Source, sink *settings.Sink, err error) {
	if kind == plugins.Source {
		if source, err = settings.ParseSource(w.catalogue, config, w.o.TopicCreation); err != nil {
			return nil, nil, nil, err
		}
		return &source.Connector, source, nil, nil
	}
	if sink, err = settings.ParseSink(w.catalogue, config); err != nil {
		return nil, nil, nil, err
	}
	return &sink.Connector, nil, sink, nil
}

func (t *taskRun) setTarget(target state.TargetState) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.target = target
	if t.task != nil {
		t.task.SetTarget(target)
	}
}

func (t *taskRun) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.isStopped() {
		close(t.stopped)
	}
	if t.task != nil {
		t.task.Stop()
	}
}

func (t *taskRun) abandon() {
	t.silenced.Store(true)
	t.cancel(errAbandoned)
}

func (t *taskRun) stats() (task.Stats, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.task == nil {
		return task.Stats{}, false
	}
	return t.task.Stats(), true
}

// StopTasks implements herder.Worker.
func (w *Worker) StopTasks(ctx context.Context, ids []state.TaskID) {
	w.mu.Lock()
	var runs []*taskRun
	for _, id := range ids {
		if t := w.tasks[id]; t != nil {
			runs = append(runs, t)
			delete(w.tasks, id)
		}
	}
	w.unwatchTasks()
	w.mu.Unlock()
	for _, t := range runs {
		t.stop()
	}
	deadline := time.NewTimer(w.o.GracefulTimeout)
	defer deadline.Stop()
	for _, t := range runs {
		select {
		case <-t.done:
			continue
		case <-deadline.C:
			deadline.Reset(0)
		case <-ctx.Done():
		}
		t.log.Error("Graceful stop of task " + t.spec.ID.String() + " failed.")
		t.abandon()
	}
}

// guardedMake turns a panic of a plugin's constructor or Configure into an error.
func (t *taskRun) guardedMake(ctx context.Context) (made task.Task, release func(), err error) {
	defer func() {
		if r := recover(); r != nil {
			t.log.Error("a plugin panicked", "panic", r, "stack", string(debug.Stack()))
			err = errs.Connect("panic while making task %s: %v", t.spec.ID, r)
		}
	}()
	return t.make(ctx)
}

// make builds the task from its configuration. release ends what it uses beside.
func (t *taskRun) make(ctx context.Context) (made task.Task, release func(), err error) {
	config, err := t.w.Resolve(ctx, t.spec.ID.Connector, t.spec.Connector)
	if err != nil {
		return nil, nil, err
	}
	props, err := t.w.Resolve(ctx, t.spec.ID.Connector, t.spec.Task)
	if err != nil {
		return nil, nil, err
	}
	p, err := t.w.o.Plugins.FindConnector(config["connector.class"])
	if err != nil {
		return nil, nil, err
	}
	instance, err := p.NewConnector()
	if err != nil {
		return nil, nil, err
	}
	version := p.Version
	t.version.Store(&version)
	own, source, sink, err := t.w.parseEither(config, p.Kind)
	if err != nil {
		return nil, nil, err
	}
	if err := checkTasksMax(t.spec.ID.Connector, t.spec.Tasks, own); err != nil {
		return nil, nil, err
	}
	common, err := t.common(config, props, own)
	if err != nil {
		return nil, nil, err
	}
	var failed func()
	defer func() {
		if err != nil {
			closeAll(t.log, common.Chain, common.Key.Converter, common.Value.Converter, common.Header.HeaderConverter)
			if failed != nil {
				failed()
			}
		}
	}()
	switch c := instance.(type) {
	case connect.SourceConnector:
		cfg, end, err := t.source(ctx, common, config, source)
		if err != nil {
			return nil, nil, err
		}
		cfg.Task = c.NewTask()
		failed = end
		made, err := task.NewSource(*cfg)
		return made, end, err
	case connect.SinkConnector:
		cfg, end, err := t.sink(common, config, sink)
		if err != nil {
			return nil, nil, err
		}
		cfg.Task = c.NewTask()
		failed = end
		made, err := task.NewSink(*cfg)
		return made, end, err
	}
	return nil, nil, errs.Connect("Failed to start task %s since it is not a recognizable type (source or sink)", t.spec.ID)
}

func closeAll(log *slog.Logger, closers ...interface{ Close() error }) {
	for _, c := range closers {
		if c == nil {
			continue
		}
		if err := c.Close(); err != nil {
			log.Warn("closing a plugin", "err", err)
		}
	}
}

func (t *taskRun) common(config, props map[string]string, own *settings.Connector) (c task.Common, err error) {
	w := t.w
	c = task.Common{
		ID: t.spec.ID, Props: props, Target: t.spec.Target, Listener: t, Logger: t.log,
		Errors:         task.ErrorPolicy(own.Errors),
		CommitInterval: w.o.FlushInterval, CommitTimeout: w.o.FlushTimeout, StopTimeout: w.o.GracefulTimeout, PollLimit: w.o.StuckAfter / 2,
	}
	if w.o.TopicTracking {
		c.TopicUsed = t.topicUsed()
	}
	if c.Key, err = t.converter("key.converter", orElse(own.Key, w.o.Converters.Key), true); err != nil {
		return c, err
	}
	if c.Value, err = t.converter("value.converter", orElse(own.Value, w.o.Converters.Value), false); err != nil {
		return c, err
	}
	if c.Header, err = t.headerConverter(orElse(own.Header, w.o.Converters.Header)); err != nil {
		return c, err
	}
	chain, err := w.o.Chain(config)
	if err != nil {
		return c, err
	}
	c.Chain = chain
	return c, nil
}

// topicUsed notes a topic when the task first uses it.
func (t *taskRun) topicUsed() func(string) {
	var seen sync.Map
	return func(topic string) {
		if _, ok := seen.LoadOrStore(topic, struct{}{}); ok {
			return
		}
		t.w.o.Reporter.TopicUsed(state.TopicStatus{Topic: topic, Connector: t.spec.ID.Connector, Task: t.spec.ID.Task, DiscoverTimestamp: time.Now().UnixMilli()})
	}
}

// orElse returns the connector's own converter, or the worker's; their settings are
// not mixed.
func orElse(own *settings.ConverterSettings, workers settings.ConverterSettings) settings.ConverterSettings {
	if own != nil {
		return *own
	}
	return workers
}

func (t *taskRun) converter(key string, s settings.ConverterSettings, isKey bool) (task.Converter, error) {
	p, ok := t.w.o.Plugins.Find(plugins.Converter, s.Class)
	if !ok {
		return task.Converter{}, errs.InvalidValue(key, s.Class, "Class "+s.Class+" could not be found.")
	}
	c, err := p.NewConverter()
	if err != nil {
		return task.Converter{}, err
	}
	if err := c.Configure(s.Props, isKey); err != nil {
		return task.Converter{}, err
	}
	return task.Converter{Converter: c, Class: p.Class}, nil
}

func (t *taskRun) headerConverter(s settings.ConverterSettings) (task.HeaderConverter, error) {
	p, ok := t.w.o.Plugins.Find(plugins.HeaderConverter, s.Class)
	if !ok {
		return task.HeaderConverter{}, errs.InvalidValue("header.converter", s.Class, "Class "+s.Class+" could not be found.")
	}
	c, err := p.NewHeaderConverter()
	if err != nil {
		return task.HeaderConverter{}, err
	}
	if err := c.Configure(s.Props); err != nil {
		return task.HeaderConverter{}, err
	}
	return task.HeaderConverter{HeaderConverter: c, Class: p.Class}, nil
}

// taskOffsets is a connector's view of a store.
type taskOffsets struct {
	offsetReader
	s store.OffsetStore
}

func (o taskOffsets) Set(ctx context.Context, offsets []connect.PartitionOffset) error {
	return o.s.Set(ctx, o.connector, offsets)
}

func (o taskOffsets) Records(offsets []connect.PartitionOffset) ([]task.OffsetRecord, error) {
	records, err := o.s.Records(o.connector, offsets)
	out := make([]task.OffsetRecord, len(records))
	for i, r := range records {
		out[i] = task.OffsetRecord(r)
	}
	return out, err
}

func (o taskOffsets) Topic() string { return o.s.Topic() }

// newTaskOffsets is a connector's view of a store, which the task tells of its own
// transactions if the store has a second copy.
func newTaskOffsets(s store.OffsetStore, connector string) task.Offsets {
	o := taskOffsets{offsetReader{s, connector}, s}
	if m, ok := s.(offsetMirror); ok {
		return mirroredOffsets{o, m}
	}
	return o
}

// offsetMirror is a store with a second copy.
type offsetMirror = store.Mirror

// mirroredOffsets is the view of such a store.
type mirroredOffsets struct {
	taskOffsets
	mirror offsetMirror
}

// Records also removes from the copy what they remove, since the transaction that they
// are for must not end before that.
func (o mirroredOffsets) Records(offsets []connect.PartitionOffset) ([]task.OffsetRecord, error) {
	ctx, cancel := context.WithTimeout(context.Background(), prepareTimeout)
	defer cancel()
	if err := o.mirror.Prepare(ctx, o.connector, offsets); err != nil {
		return nil, err
	}
	return o.taskOffsets.Records(offsets)
}

// Committed implements task.OffsetMirror.
func (o mirroredOffsets) Committed(offsets []connect.PartitionOffset) {
	o.mirror.Committed(o.connector, offsets)
}

// prepareTimeout bounds the removal of offsets from a store's second copy.
const prepareTimeout = 30 * time.Second

func (t *taskRun) source(ctx context.Context, common task.Common, config map[string]string, own *settings.Source) (_ *task.SourceConfig, release func(), err error) {
	w, id := t.w, t.spec.ID
	offsets, closeStore, err := w.offsetStore(ctx, id.Connector, config)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			closeStore()
		}
	}()
	clientID := "connector-producer-" + id.String()
	var props map[string]string
	if w.o.ExactlyOnce {
		props, err = w.exactlyOnceProducerProps(config, id.Connector, id.Task, clientID)
	} else {
		props, err = w.producerProps(config, clientID)
	}
	if err != nil {
		return nil, nil, err
	}
	cfg := &task.SourceConfig{Common: common, Offsets: newTaskOffsets(offsets, id.Connector)}
	if cfg.NewProducer, err = w.o.Clients.Producer(props); err != nil {
		return nil, nil, err
	}
	cfg.MaxRequestSize, cfg.BufferMemory = int(number(props["max.request.size"])), number(props["buffer.memory"])
	if w.o.ExactlyOnce {
		cfg.ExactlyOnce = &task.ExactlyOnceConfig{
			Boundary: task.Boundary(own.Boundary), BeforeProducer: t.spec.Fence, AfterProducer: t.spec.Verify,
		}
		if own.HasBoundaryInterval {
			cfg.ExactlyOnce.Interval = own.BoundaryInterval
		}
	}
	for _, g := range own.TopicGroups {
		cfg.TopicRules = append(cfg.TopicRules, topicRule(g))
	}
	if cfg.TopicRules != nil {
		admin, err := w.admin(config, "connector-adminclient-"+id.String())
		if err != nil {
			return nil, nil, err
		}
		cfg.Admin = admin
		return cfg, func() { admin.Close(); closeStore() }, nil
	}
	return cfg, closeStore, nil
}

// topicRule makes a group of topic.creation.* a rule; the default group is for all.
func topicRule(g settings.TopicGroup) task.TopicRule {
	r := task.TopicRule{Group: g.Name, Topic: kafka.NewTopic{Partitions: g.Partitions, ReplicationFactor: g.Replicas, Configs: g.Configs}}
	if g.Name != "default" {
		r.Include = []task.Matcher{g.Include}
		r.Exclude = []task.Matcher{g.Exclude}
	}
	return r
}

// number reads a client setting; one that is no number was refused when the client's
// options were made, and 0 takes the default.
func number(text string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (t *taskRun) sink(common task.Common, config map[string]string, own *settings.Sink) (_ *task.SinkConfig, release func(), err error) {
	w, id := t.w, t.spec.ID
	props, err := w.consumerProps(id.Connector, config, "connector-consumer-"+id.String())
	if err != nil {
		return nil, nil, err
	}
	cfg := &task.SinkConfig{Common: common, MaxPollRecords: int(number(props["max.poll.records"]))}
	if cfg.NewConsumer, err = w.o.Clients.Consumer(props); err != nil {
		return nil, nil, err
	}
	cfg.MetadataInterval = time.Duration(number(props["metadata.max.age.ms"])) * time.Millisecond
	cfg.Topics = own.Topics
	if own.TopicsRegex != nil {
		cfg.TopicsRegex, cfg.TopicsPattern = own.TopicsRegex, own.TopicsRegex.String()
	}
	if own.DLQ.Topic == "" {
		return cfg, func() {}, nil
	}
	dlq := &task.DeadLetterConfig{Topic: own.DLQ.Topic, ReplicationFactor: own.DLQ.Replicas, ContextHeaders: own.DLQ.ContextHeaders}
	producer, err := w.producerProps(config, "connector-dlq-producer-"+id.String())
	if err != nil {
		return nil, nil, err
	}
	if dlq.NewProducer, err = w.o.Clients.Producer(producer); err != nil {
		return nil, nil, err
	}
	dlq.MaxRequestSize = int(number(producer["max.request.size"]))
	admin, err := w.admin(config, "connector-dlq-adminclient-"+id.String())
	if err != nil {
		return nil, nil, err
	}
	dlq.Admin = admin
	cfg.DeadLetters = dlq
	return cfg, admin.Close, nil
}

func (t *taskRun) report(s state.State, trace string) {
	if t.silenced.Load() {
		return
	}
	t.reportMu.Lock()
	defer t.reportMu.Unlock()
	t.last = s
	t.publish(s, trace)
}

// publish tells the herder; reportMu keeps what is told in order.
func (t *taskRun) publish(s state.State, trace string) {
	version := ""
	if v := t.version.Load(); v != nil && s != state.Unassigned {
		version = *v
	}
	t.w.o.Reporter.TaskState(t.spec.ID, s, trace, version)
}

// OnStartup implements task.Listener.
func (t *taskRun) OnStartup(state.TaskID) { t.report(state.Running, "") }

// OnPause implements task.Listener.
func (t *taskRun) OnPause(state.TaskID) { t.report(state.Paused, "") }

// OnResume implements task.Listener.
func (t *taskRun) OnResume(state.TaskID) { t.report(state.Running, "") }

// OnFailure implements task.Listener.
func (t *taskRun) OnFailure(_ state.TaskID, err error, trace string) {
	t.mu.Lock()
	t.failure = err
	t.mu.Unlock()
	t.report(state.Failed, trace)
}

// OnShutdown implements task.Listener.
func (t *taskRun) OnShutdown(state.TaskID) { t.report(state.Unassigned, "") }
