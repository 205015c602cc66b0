package worker

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

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

// Reporter hears what becomes of connectors and tasks. Its methods do not block.
type Reporter interface {
	ConnectorState(name string, s state.State, trace, version string)
	TaskState(id state.TaskID, s state.State, trace, version string)
	TopicUsed(s state.TopicStatus)
	RequestReconfiguration(connector string)
}

// Clients makes Kafka clients and opens stores from settings in Java's keys.
type Clients interface {
	Producer(props map[string]string) (task.NewClient, error)
	Consumer(props map[string]string) (task.NewClient, error)
	Admin(props map[string]string) (*kafka.Admin, error)
	// OffsetTopic opens the offsets topic of a single connector (KIP-618): it is made
	// if it does not exist, read to its end and followed until release is called.
	OffsetTopic(ctx context.Context, topic string, producer, consumer, admin map[string]string) (s store.OffsetStore, release func(), err error)
}

// Options are what a Worker works with.
type Options struct {
	Plugins  *plugins.Registry
	Reporter Reporter
	Clients  Clients
	// Providers resolve references in configurations.
	Providers *settings.Providers
	// Chain builds a connector's transforms.
	Chain func(props map[string]string) (task.Chain, error)
	// Offsets is the worker's own offset store.
	Offsets store.OffsetStore
	Logger  *slog.Logger

	// Props are the worker's settings as they were given.
	Props map[string]string
	// Bootstrap is bootstrap.servers.
	Bootstrap string
	GroupID   string
	// Converters are the worker's, for connectors that name none.
	Converters settings.Converters
	// ExactlyOnce is exactly.once.source.support=enabled.
	ExactlyOnce bool
	// TopicCreation is topic.creation.enable, TopicTracking topic.tracking.enable.
	TopicCreation, TopicTracking bool
	// GracefulTimeout is task.shutdown.graceful.timeout.ms.
	GracefulTimeout time.Duration
	// FlushInterval and FlushTimeout are offset.flush.interval.ms and .timeout.ms.
	FlushInterval, FlushTimeout time.Duration
	// OverridePolicy refuses client settings that the worker's policy forbids.
	OverridePolicy func(prefix string, overrides map[string]string) error
	// StuckAfter is moldau.task.stuck.after.ms; 0 for no watchdog.
	StuckAfter time.Duration
	// TTLRestart is called when what config providers gave a connector has changed after
	// its time was over.
	TTLRestart func(connector string)
}

// Worker runs connectors and tasks. It is safe for concurrent use.
type Worker struct {
	o         Options
	catalogue settings.Plugins
	wg        sync.WaitGroup

	mu         sync.Mutex
	connectors map[string]*connectorRun
	tasks      map[state.TaskID]*taskRun
	leases     map[string]*lease
	// watching ends the watchdog; nil while no task is here.
	watching chan struct{}

	starts starts
}

// New returns a worker that runs nothing.
func New(o Options) *Worker {
	return &Worker{o: o, catalogue: settings.Catalogue(o.Plugins), connectors: map[string]*connectorRun{}, tasks: map[state.TaskID]*taskRun{}, leases: map[string]*lease{}}
}

// Bind sets who hears of states; it must come before anything is started.
func (w *Worker) Bind(r Reporter) { w.o.Reporter = r }

// StartConnector implements herder.Worker.
func (w *Worker) StartConnector(spec herder.ConnectorSpec) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.connectors[spec.Name]; ok {
		w.o.Logger.Error("the connector runs here already", "connector", spec.Name)
		return
	}
	w.connectors[spec.Name] = newConnectorRun(w, spec)
}

// StopConnectors implements herder.Worker.
func (w *Worker) StopConnectors(ctx context.Context, names []string) {
	w.mu.Lock()
	var runs []*connectorRun
	for _, name := range names {
		if c := w.connectors[name]; c != nil {
			runs = append(runs, c)
			delete(w.connectors, name)
		}
		w.forget(name)
	}
	w.mu.Unlock()
	for _, c := range runs {
		c.stop()
	}
	deadline := time.NewTimer(connectorStop)
	defer deadline.Stop()
	for _, c := range runs {
		select {
		case <-c.done:
			continue
		case <-deadline.C:
			deadline.Reset(0)
		case <-ctx.Done():
		}
		c.silenced.Store(true)
		c.log.Error("the connector did not stop in time and is left behind; it may still hold resources")
	}
}

// SetTargetState implements herder.Worker.
func (w *Worker) SetTargetState(connector string, target state.TargetState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.connectors[connector]; c != nil {
		c.setTarget(target)
	}
	for id, t := range w.tasks {
		if id.Connector == connector {
			t.setTarget(target)
		}
	}
}

// ConnectorRunning implements herder.Worker.
func (w *Worker) ConnectorRunning(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.connectors[name]
	return c != nil && c.started.Load()
}

// TaskConfigs implements herder.Worker. It returns nil when the connector does not run.
func (w *Worker) TaskConfigs(ctx context.Context, name string, config map[string]string) ([]map[string]string, error) {
	w.mu.Lock()
	c := w.connectors[name]
	w.mu.Unlock()
	if c == nil {
		return nil, nil
	}
	common, err := w.parse(config)
	if err != nil {
		return nil, err
	}
	tasks, err := c.taskConfigs(ctx, common.TasksMax)
	if err != nil || tasks == nil {
		return nil, err
	}
	if err := checkTasksMax(name, len(tasks), common); err != nil {
		// As Java does, the connector fails and is not asked again until it changes.
		c.failLater(err)
		return nil, nil
	}
	for i, t := range tasks {
		own := make(map[string]string, len(t)+2)
		for k, v := range t {
			own[k] = v
		}
		own["task.class"] = c.instance.TaskClass()
		for _, key := range []string{"topics", "topics.regex"} {
			if v, ok := config[key]; ok {
				own[key] = v
			}
		}
		tasks[i] = own
	}
	return tasks, nil
}

func checkTasksMax(connector string, tasks int, c *settings.Connector) error {
	if tasks > c.TasksMax && c.EnforceTasksMax {
		return errs.New("org.apache.kafka.connect.runtime.TooManyTasksException",
			"The connector %s has generated %d tasks, which is greater than %d, the maximum number of tasks it is configured to create. "+
				"This behaviour should be considered a bug and is disallowed. If necessary, it can be permitted by reconfiguring the connector "+
				"with 'tasks.max.enforce' set to false; however, this option will be removed in a future release of Kafka Connect.",
			connector, tasks, c.TasksMax)
	}
	return nil
}

// parse reads what every connector has, and checks the rest.
func (w *Worker) parse(config map[string]string) (*settings.Connector, error) {
	p, err := w.o.Plugins.FindConnector(config["connector.class"])
	if err != nil {
		return nil, err
	}
	own, _, _, err := w.parseEither(config, p.Kind)
	return own, err
}

// IsSource implements herder.Worker.
func (w *Worker) IsSource(config map[string]string) (bool, error) {
	p, err := w.o.Plugins.FindConnector(config["connector.class"])
	return err == nil && p.Kind == plugins.Source, err
}

// Abandon implements herder.Worker.
func (w *Worker) Abandon(context.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, c := range w.connectors {
		c.silenced.Store(true)
		c.stop()
		delete(w.connectors, name)
	}
	for id, t := range w.tasks {
		t.abandon()
		delete(w.tasks, id)
	}
	w.unwatchTasks()
	for name := range w.leases {
		w.forget(name)
	}
}

// Wait returns when every connector and task has ended, or when ctx does.
func (w *Worker) Wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		w.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// starts count what was started, and what failed to.
type starts struct{ connectors, connectorFailures, tasks, taskFailures, restarts atomic.Int64 }

// Totals are what a worker has done since it was made.
type Totals struct {
	// ConnectorStarts and TaskStarts are tries, with the failures beside.
	ConnectorStarts, ConnectorFailures, TaskStarts, TaskFailures int64
	// TaskRestarts are those of failed tasks by themselves.
	TaskRestarts int64
}

// Totals returns the worker's counts.
func (w *Worker) Totals() Totals {
	s := &w.starts
	return Totals{s.connectors.Load(), s.connectorFailures.Load(), s.tasks.Load(), s.taskFailures.Load(), s.restarts.Load()}
}

// TaskStats are a running task's counters.
type TaskStats struct {
	ID    state.TaskID
	Class string
	Stats task.Stats
	// Stuck says that the watchdog has found the present Poll or Put to take too long.
	Stuck bool
}

// Stats returns the counters of the tasks on this worker, by id.
func (w *Worker) Stats() []TaskStats {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]TaskStats, 0, len(w.tasks))
	for id, t := range w.tasks {
		if s, ok := t.stats(); ok {
			out = append(out, TaskStats{id, t.class, s, t.isStuck()})
		}
	}
	return out
}

func (w *Worker) admin(config map[string]string, clientID string) (*kafka.Admin, error) {
	props, err := w.adminProps(config, clientID)
	if err != nil {
		return nil, err
	}
	return w.o.Clients.Admin(props)
}

// FenceTasks implements herder.Worker.
func (w *Worker) FenceTasks(ctx context.Context, connector string, config map[string]string, tasks int) error {
	admin, err := w.admin(config, "connector-worker-adminclient-"+connector)
	if err != nil {
		return err
	}
	defer admin.Close()
	ids := make([]string, tasks)
	for i := range ids {
		ids[i] = w.transactionalID(connector, i)
	}
	return admin.FenceProducers(ctx, ids)
}

// offsetStore returns the store of a source connector's offsets: its own topic before
// the worker's, when it has one (KIP-618).
func (w *Worker) offsetStore(ctx context.Context, name string, config map[string]string) (store.OffsetStore, func(), error) {
	topic := strings.TrimSpace(config["offsets.storage.topic"])
	if topic == "" {
		return w.o.Offsets, func() {}, nil
	}
	producer, err := w.producerProps(config, "connector-offset-producer-"+name)
	if err != nil {
		return nil, nil, err
	}
	if topic == w.o.Offsets.Topic() && producer["bootstrap.servers"] == w.o.Bootstrap {
		return w.o.Offsets, func() {}, nil // the same topic under another setting
	}
	consumer, err := w.consumerProps(name, config, "connector-consumer-"+name)
	if err != nil {
		return nil, nil, err
	}
	delete(consumer, "group.id")
	admin, err := w.adminProps(config, "connector-adminclient-"+name)
	if err != nil {
		return nil, nil, err
	}
	own, release, err := w.o.Clients.OffsetTopic(ctx, topic, producer, consumer, admin)
	if err != nil {
		return nil, nil, err
	}
	both := store.NewConnectorOffsetStore(own, w.o.Offsets, w.o.Logger)
	return both, func() {
		settle, cancel := context.WithTimeout(context.WithoutCancel(ctx), prepareTimeout)
		defer cancel()
		if err := both.Settle(settle); err != nil {
			w.o.Logger.Warn("offsets were not all copied to the worker's topic", "connector", name, "error", err)
		}
		release()
	}, nil
}

func (w *Worker) connectorOffsets(ctx context.Context, name string, config map[string]string) (connect.OffsetReader, func(), error) {
	s, release, err := w.offsetStore(ctx, name, config)
	if err != nil {
		return nil, nil, err
	}
	return offsetReader{s, name}, release, nil
}

// setInTransaction writes offset records with the first task's transactional id, so
// that a task left over from before is fenced (Worker.modifySourceConnectorOffsets).
func (w *Worker) setInTransaction(ctx context.Context, name string, config map[string]string, topic string, records []store.OffsetRecord) error {
	props, err := w.exactlyOnceProducerProps(config, name, 0, "connector-offset-producer-"+name)
	if err != nil {
		return err
	}
	newClient, err := w.o.Clients.Producer(props)
	if err != nil {
		return err
	}
	client, err := newClient()
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.BeginTransaction(); err != nil {
		return err
	}
	batch := make([]*kgo.Record, len(records))
	for i, r := range records {
		batch[i] = &kgo.Record{Topic: topic, Key: r.Key, Value: r.Value}
	}
	if err := client.ProduceSync(ctx, batch...).FirstErr(); err != nil {
		return err
	}
	return kafka.EndTransaction(ctx, client, kgo.TryCommit, topic)
}
