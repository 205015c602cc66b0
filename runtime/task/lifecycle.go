package task

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/state"
)

// errStopTimeout is the cause of a hard stop after a graceful one took too long.
var errStopTimeout = errors.New("the task did not stop within task.shutdown.graceful.timeout.ms")

// errStopped ends work that waits when the task is asked to stop. It never leaves
// the package.
var errStopped = errors.New("the task is stopping")

// abandonAfter is how long a hard stop waits for a plugin that ignores its context.
const abandonAfter = 5 * time.Second

// lifecycle is what sources and sinks have in common: target state, stop, phases
// and what the listener hears (Java's WorkerTask).
type lifecycle struct {
	id       state.TaskID
	listener Listener
	log      *slog.Logger
	meter    meter
	timeout  time.Duration

	mu       sync.Mutex
	target   state.TargetState
	stopping bool
	stopped  chan struct{} // closed by Stop
	wake     chan struct{} // the target has changed

	panicMu sync.Mutex
	panics  map[*errs.Error][]string
}

func newLifecycle(c Common) lifecycle {
	target := c.Target
	if target == "" {
		target = state.TargetStarted
	}
	return lifecycle{
		id: c.ID, listener: c.Listener, log: c.Logger, timeout: c.StopTimeout, target: target,
		stopped: make(chan struct{}), wake: make(chan struct{}, 1),
	}
}

// ID names the task.
func (l *lifecycle) ID() state.TaskID { return l.id }

// Stats returns what the task has done so far.
func (l *lifecycle) Stats() Stats { return l.meter.stats() }

// Stop begins a graceful end.
func (l *lifecycle) Stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.stopping {
		l.stopping = true
		close(l.stopped)
	}
}

// SetTarget changes what the task is to do.
func (l *lifecycle) SetTarget(target state.TargetState) {
	if target == state.TargetStopped {
		l.Stop()
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopping {
		return
	}
	l.target = target
	notify(l.wake)
}

func (l *lifecycle) isStopping() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stopping
}

func (l *lifecycle) shouldPause() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.target == state.TargetPaused
}

// run calls work between the first and the last thing that the listener hears.
func (l *lifecycle) run(parent context.Context, work func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(parent)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-ctx.Done():
			return
		case <-l.stopped:
		}
		if l.timeout <= 0 {
			return
		}
		t := time.NewTimer(l.timeout)
		defer t.Stop()
		select {
		case <-ctx.Done():
		case <-t.C:
			cancel(errStopTimeout)
		}
	}()
	err := l.awaitStart(ctx)
	if err == nil {
		l.meter.setPhase(PhaseStarting)
		err = l.guard("running the task", func() error { return work(ctx) })
	}
	hard := context.Cause(ctx)
	cancel(nil)
	<-watched
	return l.finish(err, hard)
}

// awaitStart waits while a task that has not started yet is paused.
func (l *lifecycle) awaitStart(ctx context.Context) error {
	for told := false; ; {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case l.isStopping():
			return errStopped
		case !l.shouldPause():
			return nil
		}
		if !told {
			told = true
			l.paused()
		}
		select {
		case <-l.wake:
		case <-l.stopped:
		case <-ctx.Done():
		}
	}
}

func (l *lifecycle) finish(err, hard error) error {
	if errors.Is(err, errStopped) {
		err = nil
	}
	l.mu.Lock()
	wasStopping := l.stopping
	l.stopping = true
	l.mu.Unlock()
	switch {
	case hard != nil:
		l.meter.setPhase(PhaseStopped)
		l.log.Warn("Task ended before it could commit", "cause", hard, "error", err)
		return hard
	case err == nil:
		l.meter.setPhase(PhaseStopped)
		l.listener.OnShutdown(l.id)
		return nil
	case wasStopping:
		l.meter.setPhase(PhaseStopped)
		l.log.Warn("After being scheduled for shutdown, task threw an uncaught exception.", "error", errs.Trace(err, l.frames(err)...))
		l.listener.OnShutdown(l.id)
		return nil
	}
	trace := errs.Trace(withoutCode(err), l.frames(err)...)
	l.meter.setPhase(PhaseFailed)
	l.log.Error("Task threw an uncaught and unrecoverable exception. Task is being killed and will not recover until manually restarted", "error", trace)
	l.listener.OnFailure(l.id, err, trace)
	return err
}

func (l *lifecycle) started() {
	l.meter.setPhase(PhaseRunning)
	l.listener.OnStartup(l.id)
}

func (l *lifecycle) paused() {
	l.meter.setPhase(PhasePaused)
	l.listener.OnPause(l.id)
}

func (l *lifecycle) resumed() {
	l.meter.setPhase(PhaseRunning)
	l.listener.OnResume(l.id)
}

// notify wakes the reader of a channel of capacity one.
func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// sleep waits for d and returns nil, errStopped when the task is to stop, or the
// cause of ctx's end.
func (l *lifecycle) sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-l.stopped:
		return errStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
