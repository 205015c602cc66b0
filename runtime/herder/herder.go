package herder

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moldau-io/moldau/runtime/state"
	"github.com/moldau-io/moldau/runtime/store"
)

const (
	// reconfigureFirst and reconfigureMax bound the back-off between tries to publish
	// a connector's task configurations.
	reconfigureFirst = 250 * time.Millisecond
	reconfigureMax   = time.Minute
)

// Options are what a Herder works with.
type Options struct {
	Core CoreConfig
	// WorkerID is host:port of the advertised listener, as statuses show it.
	WorkerID string
	// GroupID is the workers' group.id; ClusterID is the Kafka cluster's id.
	GroupID, ClusterID string
	Group              Group
	Configs            store.ConfigStore
	Statuses           store.StatusStore
	Worker             Worker
	Peers              Peers
	Validator          Validator
	Logger             *slog.Logger
	// SyncTimeout is worker.sync.timeout.ms.
	SyncTimeout time.Duration
	// RebalanceWait is how long a request waits for a rebalance before it is refused.
	RebalanceWait time.Duration
	// KeyAlgorithm and KeySize make session keys; KeySize is in bytes.
	KeyAlgorithm string
	KeySize      int
	// SignatureAlgorithms are those accepted in requests between workers.
	SignatureAlgorithms []string
	// ExactlyOnce is exactly.once.source.support=enabled.
	ExactlyOnce bool
	// LoggerLevel sets a level on this worker, for changes made for the whole cluster.
	LoggerLevel func(logger, level string)
}

// Herder drives a Core. All methods but Run are safe for concurrent use.
type Herder struct {
	o    Options
	log  *slog.Logger
	core *Core

	inbox    chan *message
	requests chan *request
	changes  chan struct{}
	stopped  chan struct{}

	mu      sync.Mutex
	pending *ConfigsChanged
	delayed []delayedRequest
	stage   TimeoutError
	fencing map[string]*fencing
	// replanning are the connectors with a request for new task configurations.
	replanning map[string]struct{}
	// planning are those with a plan under way; true if another one was asked for since.
	planning map[string]bool

	// starting is held while something is started; lost says that nothing may be, for
	// the place in the group is lost and the loop has not heard of it yet.
	starting sync.Mutex
	lost     bool

	view  atomic.Pointer[view]
	ready atomic.Bool
	// fenced is the loop's own: a write of the request it runs was refused.
	fenced    bool
	wg        sync.WaitGroup
	lifetime  context.Context
	wakeDelay chan struct{}
}

// view is what other goroutines may know of the core.
type view struct {
	snapshot   *state.ConfigSnapshot
	assignment *state.Assignment
	generation int
	leader     bool
	sessioned  bool
	settled    bool
}

type message struct {
	ev   Event
	done chan struct{}
}

type request struct {
	stage string
	run   func(ctx context.Context) error
	ctx   context.Context
	done  chan error
}

type delayedRequest struct {
	at  time.Time
	run func(ctx context.Context) error
}

// New returns a herder that does nothing until Run.
func New(o Options) *Herder {
	h := &Herder{
		o: o, log: o.Logger, inbox: make(chan *message), requests: make(chan *request), changes: make(chan struct{}, 1),
		stopped: make(chan struct{}), fencing: map[string]*fencing{}, replanning: map[string]struct{}{}, planning: map[string]bool{}, wakeDelay: make(chan struct{}, 1),
	}
	h.view.Store(&view{snapshot: state.EmptySnapshot(), generation: -1})
	return h
}

// Run starts the stores and the group and serves until ctx ends; then it stops
// connectors and tasks, leaves the group and closes the stores, within the time
// that shutdown's context gives.
func (h *Herder) Run(ctx context.Context, shutdown func() (context.Context, context.CancelFunc)) error {
	lifetime, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	h.lifetime = lifetime
	defer close(h.stopped)
	h.setStage("initializing and reading to the end of internal topics")
	if err := h.o.Statuses.Start(ctx); err != nil {
		return errors.Join(err, h.o.Statuses.Stop(ctx))
	}
	h.o.Configs.SetListener(configListener{h})
	if err := h.o.Configs.Start(ctx); err != nil {
		return errors.Join(err, h.o.Configs.Stop(ctx), h.o.Statuses.Stop(ctx))
	}
	h.core = NewCore(h.o.Core, h.o.Configs.Snapshot())
	h.publish()
	if err := h.o.Group.Start(lifetime, h); err != nil {
		return errors.Join(err, h.o.Configs.Stop(ctx), h.o.Statuses.Stop(ctx))
	}
	h.endStage()
	h.serve(ctx)
	return h.shutDown(end, shutdown)
}

func (h *Herder) serve(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var requests chan *request
		if h.core.Settled() {
			requests = h.requests
			if h.ready.CompareAndSwap(false, true) {
				h.log.Info("herder started")
			}
		}
		h.resetTimer(timer)
		select {
		case <-ctx.Done():
			return
		case m := <-h.inbox:
			h.step(m.ev)
			if m.done != nil {
				close(m.done)
			}
		case <-h.changes:
			h.mu.Lock()
			ev := h.pending
			h.pending = nil
			h.mu.Unlock()
			if ev != nil {
				h.step(*ev)
			}
		case r := <-requests:
			h.runRequest(r)
		case <-h.wakeDelay:
		case <-timer.C:
			h.step(Tick{})
			h.runDelayed()
		}
	}
}

func (h *Herder) resetTimer(timer *time.Timer) {
	next := h.core.Next()
	h.mu.Lock()
	for _, d := range h.delayed {
		if next.IsZero() || d.at.Before(next) {
			next = d.at
		}
	}
	h.mu.Unlock()
	if next.IsZero() {
		timer.Reset(time.Hour)
		return
	}
	// A delayed request that waits for a rebalance must not spin the loop.
	wait := time.Until(next)
	if wait <= 0 && !h.core.Settled() {
		wait = 50 * time.Millisecond
	}
	timer.Reset(max(wait, 0))
}

func (h *Herder) runRequest(r *request) {
	if err := r.ctx.Err(); err != nil {
		r.done <- err
		return
	}
	h.setStage(r.stage)
	r.done <- r.run(r.ctx)
	h.endStage()
	h.afterRequest()
}

// afterRequest tells the core of a write that another worker's claim refused.
func (h *Herder) afterRequest() {
	if h.fenced {
		h.fenced = false
		h.step(Fenced{})
		return
	}
	h.publish()
}

func (h *Herder) runDelayed() {
	if !h.core.Settled() {
		return
	}
	now := time.Now()
	h.mu.Lock()
	var due []delayedRequest
	h.delayed = slices.DeleteFunc(h.delayed, func(d delayedRequest) bool {
		if d.at.After(now) {
			return false
		}
		due = append(due, d)
		return true
	})
	h.mu.Unlock()
	for _, d := range due {
		if err := d.run(h.lifetime); err != nil {
			h.log.Error("a request of the worker's own failed", "err", err)
		}
	}
	h.afterRequest()
}

// later runs something on the herder's goroutine once there is no rebalance.
func (h *Herder) later(wait time.Duration, run func(ctx context.Context) error) {
	h.mu.Lock()
	h.delayed = append(h.delayed, delayedRequest{time.Now().Add(wait), run})
	h.mu.Unlock()
	select {
	case h.wakeDelay <- struct{}{}:
	default:
	}
}

// do runs something on the herder's goroutine and waits for it. A rebalance in the
// way is waited for, for a bounded time.
func (h *Herder) do(ctx context.Context, stage string, run func(ctx context.Context) error) error {
	r := &request{stage: stage, run: run, ctx: ctx, done: make(chan error, 1)}
	wait := time.NewTimer(h.o.RebalanceWait)
	defer wait.Stop()
	expired := wait.C
	for {
		select {
		case h.requests <- r:
			select {
			case err := <-r.done:
				return err
			case <-ctx.Done():
				return h.timeout(ctx)
			case <-h.stopped:
				return ErrShuttingDown
			}
		case <-expired:
			if v := h.view.Load(); h.ready.Load() && !v.settled {
				return ErrRebalanceNeeded
			}
			// The herder is busy or still starting: only the client's own patience counts.
			expired = nil
		case <-ctx.Done():
			return h.timeout(ctx)
		case <-h.stopped:
			return ErrShuttingDown
		}
	}
}

func (h *Herder) timeout(ctx context.Context) error {
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ctx.Err()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	stage := h.stage
	return &stage
}

func (h *Herder) setStage(stage string) {
	h.mu.Lock()
	h.stage = TimeoutError{Stage: stage, Started: time.Now()}
	h.mu.Unlock()
}

func (h *Herder) endStage() {
	h.mu.Lock()
	h.stage.Completed = time.Now()
	h.mu.Unlock()
}

// OnJoined implements Listener.
func (h *Herder) OnJoined(ev Joined) { h.send(ev) }

// OnRevoked implements Listener.
func (h *Herder) OnRevoked(ev Revoked) { h.send(ev) }

// OnLost implements Listener. The work stops at once: the loop may be busy for longer
// than the session lasts, with a write that Kafka does not answer (invariant I6).
func (h *Herder) OnLost() {
	h.log.Warn("lost the place in the group: stopping all connectors and tasks")
	h.starting.Lock()
	h.lost = true
	h.o.Worker.Abandon(h.lifetime)
	h.starting.Unlock()
	h.send(Lost{})
}

// Snapshot implements Listener.
func (h *Herder) Snapshot() *state.ConfigSnapshot { return h.view.Load().snapshot }

// Refresh implements Listener: it also makes what was read the herder's own.
func (h *Herder) Refresh(ctx context.Context) (*state.ConfigSnapshot, error) {
	if err := h.o.Configs.Refresh(ctx); err != nil {
		return nil, err
	}
	snapshot := h.o.Configs.Snapshot()
	h.send(ConfigsRead{snapshot})
	return snapshot, nil
}

// send hands an event to the loop and waits until it was dealt with.
func (h *Herder) send(ev Event) {
	m := &message{ev, make(chan struct{})}
	select {
	case h.inbox <- m:
		select {
		case <-m.done:
		case <-h.stopped:
		}
	case <-h.stopped:
	}
}

func (h *Herder) publish() {
	h.view.Store(&view{
		snapshot: h.core.Snapshot(), assignment: h.core.Assignment(), generation: h.core.Generation(),
		leader: h.core.Leader(), sessioned: h.core.Sessioned(), settled: h.core.Settled(),
	})
}

// step feeds an event to the core and carries out what it asks for, and what
// follows from that.
func (h *Herder) step(ev Event) {
	queue := []Event{ev}
	for len(queue) > 0 {
		actions := h.core.Step(time.Now(), queue[0])
		queue = queue[1:]
		h.publish()
		for _, a := range actions {
			if next := h.carryOut(a); next != nil {
				queue = append(queue, next)
			}
		}
	}
	h.publish()
}

func (h *Herder) carryOut(a Action) Event {
	ctx := h.lifetime
	switch a := a.(type) {
	case ReadConfigs:
		h.setStage("reading to the end of the config topic")
		defer h.endStage()
		ctx, cancel := context.WithTimeout(ctx, h.o.SyncTimeout)
		defer cancel()
		if err := h.o.Configs.Refresh(ctx); err != nil {
			h.log.Warn("did not reach the end of the config topic quickly enough", "err", err)
			return ConfigsRead{}
		}
		return ConfigsRead{h.o.Configs.Snapshot()}
	case Rejoin:
		h.log.Info("joining the group again", "reason", a.Reason)
		h.o.Group.RequestRejoin(a.Reason)
	case LeaveGroup:
		h.log.Warn("leaving the group", "reason", a.Reason)
		h.o.Group.Leave(ctx, a.Reason)
	case StartConnectors:
		for _, name := range a.Names {
			h.startConnector(name)
		}
	case StopConnectors:
		h.setStage("stopping connectors")
		h.o.Worker.StopConnectors(ctx, a.Names)
		h.flushStatuses()
	case StartTasks:
		for _, id := range a.IDs {
			h.startTask(id)
		}
	case StopTasks:
		h.setStage("stopping tasks")
		h.o.Worker.StopTasks(ctx, a.IDs)
		h.flushStatuses()
	case AbandonAll:
		h.starting.Lock()
		h.lost = false
		h.o.Worker.Abandon(ctx)
		h.starting.Unlock()
	case SetTargetState:
		h.o.Worker.SetTargetState(a.Connector, a.Target)
	case ClaimWrites:
		h.setStage("claiming write privileges for the config topic")
		defer h.endStage()
		ctx, cancel := context.WithTimeout(ctx, h.o.SyncTimeout)
		defer cancel()
		if err := h.o.Configs.ClaimWritePrivileges(ctx); err != nil {
			h.log.Error("cannot claim the config topic as leader; trying again", "err", err)
			return Claimed{}
		}
		return Claimed{true}
	case WriteSessionKey:
		return h.writeSessionKey(ctx)
	case SweepStatuses:
		h.sweepStatuses()
	case Restart:
		h.carryOutRestart(ctx, a.Request)
	case ForgetTopics:
		for _, name := range a.Connectors {
			h.forgetTopics(name)
		}
	case AbortFencing:
		h.abortFencing(a.Connectors)
	}
	return nil
}

func (h *Herder) flushStatuses() {
	defer h.endStage()
	ctx, cancel := context.WithTimeout(h.lifetime, h.o.SyncTimeout)
	defer cancel()
	if err := h.o.Statuses.Flush(ctx); err != nil {
		h.log.Warn("statuses are not yet in the status topic", "err", err)
	}
}

func (h *Herder) writeSessionKey(ctx context.Context) Event {
	h.setStage("writing a new session key to the config topic")
	defer h.endStage()
	key := make([]byte, h.o.KeySize)
	if _, err := rand.Read(key); err != nil {
		h.log.Error("cannot make a session key", "err", err)
		return SessionKeyWritten{}
	}
	err := h.o.Configs.PutSessionKey(ctx, state.SessionKey{Key: key, Algorithm: h.o.KeyAlgorithm, CreationTimestamp: time.Now().UnixMilli()})
	if err != nil {
		h.log.Warn("cannot write a new session key; reading the config topic before trying again", "err", err)
		return SessionKeyWritten{}
	}
	return SessionKeyWritten{true}
}

func (h *Herder) startConnector(name string) {
	snapshot := h.core.Snapshot()
	config, ok := snapshot.RawConnectorConfig(name)
	if !ok {
		return
	}
	target, _ := snapshot.TargetState(name)
	h.starting.Lock()
	defer h.starting.Unlock()
	if h.lost {
		return
	}
	h.log.Info("starting connector", "connector", name)
	h.o.Worker.StartConnector(ConnectorSpec{Name: name, Config: config.Map(), Target: target})
}

func (h *Herder) startTask(id state.TaskID) {
	snapshot := h.core.Snapshot()
	config, ok := snapshot.RawConnectorConfig(id.Connector)
	task, known := snapshot.RawTaskConfig(id)
	if !ok || !known {
		return
	}
	target, _ := snapshot.TargetState(id.Connector)
	spec := TaskSpec{ID: id, Connector: config.Map(), Task: task.Map(), Target: target, Tasks: snapshot.TaskCount(id.Connector)}
	if h.o.ExactlyOnce {
		generation, _ := snapshot.TaskConfigGeneration(id.Connector)
		spec.Fence = func(ctx context.Context) error { return h.fenceOrForward(ctx, id.Connector) }
		spec.Verify = func(ctx context.Context) error { return h.verifyTask(ctx, id, generation) }
	}
	h.starting.Lock()
	defer h.starting.Unlock()
	if h.lost {
		return
	}
	h.log.Info("starting task", "task", id)
	h.o.Worker.StartTask(spec)
}

// shutDown hands work over in order: leaving the group first thing lets the others
// take it at once.
func (h *Herder) shutDown(end context.CancelFunc, shutdown func() (context.Context, context.CancelFunc)) error {
	ctx, cancel := shutdown()
	defer cancel()
	h.log.Info("stopping the connectors and tasks of this worker")
	h.setStage("shutting down")
	var names []string
	var ids []state.TaskID
	if a := h.core.Assignment(); a != nil {
		names, ids = a.Connectors, a.Tasks
	}
	h.o.Worker.StopConnectors(ctx, names)
	h.o.Worker.StopTasks(ctx, ids)
	h.o.Worker.Abandon(ctx)
	var failed error
	if err := h.o.Statuses.Flush(ctx); err != nil {
		failed = err
	}
	// The group's goroutine may be waiting for the loop, which serves no more.
	drained := make(chan struct{})
	stop := make(chan struct{})
	go func() {
		defer close(drained)
		for {
			select {
			case m := <-h.inbox:
				if m.done != nil {
					close(m.done)
				}
			case r := <-h.requests:
				r.done <- ErrShuttingDown
			case <-stop:
				return
			}
		}
	}()
	failed = errors.Join(failed, h.o.Group.Stop(ctx))
	end()
	h.wg.Wait()
	close(stop)
	<-drained
	return errors.Join(failed, h.o.Configs.Stop(ctx), h.o.Statuses.Stop(ctx))
}
