package worker

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/herder"
	"github.com/moldau-io/moldau/runtime/state"
)

const (
	// connectorStop is how long a connector may take to stop (Worker's
	// CONNECTOR_GRACEFUL_SHUTDOWN_TIMEOUT_MS).
	connectorStop = 5 * time.Second
	// planTimeout bounds a connector's TaskConfigs.
	planTimeout = time.Minute
)

// connectorRun is one connector on this worker. All of the plugin's methods are
// called by its goroutine.
type connectorRun struct {
	w        *Worker
	spec     herder.ConnectorSpec
	log      *slog.Logger
	calls    chan func(ctx context.Context)
	stop     context.CancelFunc
	done     chan struct{}
	version  atomic.Pointer[string]
	started  atomic.Bool
	silenced atomic.Bool

	mu     sync.Mutex
	target state.TargetState
	wake   chan struct{}

	// The rest is the goroutine's own.
	instance connect.Connector
	props    map[string]string
	offsets  connect.OffsetReader
	release  func()
	begun    bool
	failed   bool
}

func newConnectorRun(w *Worker, spec herder.ConnectorSpec) *connectorRun {
	ctx, cancel := context.WithCancel(context.Background())
	c := &connectorRun{
		w: w, spec: spec, log: w.o.Logger.With("connector", spec.Name), calls: make(chan func(context.Context)),
		stop: cancel, done: make(chan struct{}), target: spec.Target, wake: make(chan struct{}, 1),
	}
	w.wg.Go(func() { c.run(ctx) })
	return c
}

func (c *connectorRun) run(ctx context.Context) {
	defer close(c.done)
	c.w.starts.connectors.Add(1)
	if err := c.guard("creating the connector", func() error { return c.create(ctx) }); err != nil {
		c.w.starts.connectorFailures.Add(1)
		c.fail(err)
	} else {
		c.moveTo(ctx, c.wanted())
	}
	for {
		select {
		case <-c.wake:
			c.moveTo(ctx, c.wanted())
		case call := <-c.calls:
			call(ctx)
		case <-ctx.Done():
			c.end()
			return
		}
	}
}

func (c *connectorRun) create(ctx context.Context) error {
	props, err := c.w.Resolve(ctx, c.spec.Name, c.spec.Config)
	if err != nil {
		return err
	}
	c.props = props
	p, err := c.w.o.Plugins.FindConnector(props["connector.class"])
	if err != nil {
		return err
	}
	if c.instance, err = p.NewConnector(); err != nil {
		return err
	}
	version := p.Version
	c.version.Store(&version)
	if _, ok := c.instance.(connect.SourceConnector); ok {
		c.offsets, c.release, err = c.w.connectorOffsets(ctx, c.spec.Name, props)
	}
	return err
}

func (c *connectorRun) wanted() state.TargetState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.target
}

func (c *connectorRun) setTarget(t state.TargetState) {
	c.mu.Lock()
	c.target = t
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// moveTo follows WorkerConnector: a failed connector stays failed until it is
// restarted.
func (c *connectorRun) moveTo(ctx context.Context, target state.TargetState) {
	if c.failed || ctx.Err() != nil {
		return
	}
	switch target {
	case state.TargetStarted:
		if !c.begun {
			err := c.guard("starting the connector", func() error {
				return c.instance.Start(ctx, &connectorContext{c}, c.props)
			})
			c.begun = true
			if err != nil {
				c.w.starts.connectorFailures.Add(1)
				c.fail(err)
				return
			}
			c.started.Store(true)
			c.report(state.Running, nil)
		}
		c.w.o.Reporter.RequestReconfiguration(c.spec.Name)
	case state.TargetPaused, state.TargetStopped:
		if c.begun {
			if err := c.stopInstance(); err != nil {
				c.fail(err)
				return
			}
		}
		if target == state.TargetStopped {
			c.report(state.Stopped, nil)
		} else {
			c.report(state.Paused, nil)
		}
	}
}

func (c *connectorRun) stopInstance() error {
	c.started.Store(false)
	c.begun = false
	ctx, cancel := context.WithTimeout(context.Background(), connectorStop)
	defer cancel()
	return c.guard("stopping the connector", func() error { return c.instance.Stop(ctx) })
}

func (c *connectorRun) end() {
	if c.begun {
		if err := c.stopInstance(); err != nil {
			c.log.Error("the connector did not stop in order", "err", err)
		}
	}
	if c.release != nil {
		c.release()
	}
	c.version.Store(nil)
	c.report(state.Unassigned, nil)
}

func (c *connectorRun) fail(err error) {
	c.failed = true
	c.started.Store(false)
	c.log.Error("the connector failed", "err", err)
	c.report(state.Failed, err)
}

func (c *connectorRun) report(s state.State, failure error) {
	if c.silenced.Load() {
		return
	}
	version, trace := "", ""
	if v := c.version.Load(); v != nil {
		version = *v
	}
	if failure != nil {
		trace = errs.Trace(failure)
	}
	c.w.o.Reporter.ConnectorState(c.spec.Name, s, trace, version)
}

// guard turns a plugin's panic into an error.
func (c *connectorRun) guard(doing string, f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			c.log.Error("a plugin panicked", "doing", doing, "panic", r, "stack", string(debug.Stack()))
			err = errs.Connect("panic while %s %s: %v", doing, c.spec.Name, r)
		}
	}()
	return f()
}

// taskConfigs asks the connector for its tasks, and gives up when ctx ends.
func (c *connectorRun) taskConfigs(ctx context.Context, maxTasks int) ([]map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, planTimeout)
	defer cancel()
	type result struct {
		tasks []map[string]string
		err   error
	}
	answer := make(chan result, 1)
	call := func(context.Context) {
		var r result
		r.err = c.guard("planning the tasks of", func() (err error) {
			if !c.begun || c.failed {
				return nil
			}
			r.tasks, err = c.instance.TaskConfigs(maxTasks)
			if r.tasks == nil {
				r.tasks = []map[string]string{}
			}
			return err
		})
		answer <- r
	}
	select {
	case c.calls <- call:
	case <-c.done:
		return nil, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("the connector %s is busy: %w", c.spec.Name, ctx.Err())
	}
	select {
	case r := <-answer:
		return r.tasks, r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("the connector %s does not answer when asked for its tasks: %w", c.spec.Name, ctx.Err())
	}
}

// failLater fails the connector from outside of its goroutine.
func (c *connectorRun) failLater(err error) {
	c.w.wg.Go(func() {
		select {
		case c.calls <- func(context.Context) { c.fail(err) }:
		case <-c.done:
		}
	})
}

// connectorContext is what a connector sees of the worker.
type connectorContext struct{ c *connectorRun }

func (x *connectorContext) RequestTaskReconfiguration() {
	x.c.w.o.Reporter.RequestReconfiguration(x.c.spec.Name)
}
func (x *connectorContext) RaiseError(err error)               { x.c.failLater(err) }
func (x *connectorContext) OffsetReader() connect.OffsetReader { return x.c.offsets }
func (x *connectorContext) Logger() *slog.Logger               { return x.c.log }
