package task

import (
	"context"
	"errors"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
)

const (
	pollBackoffMin = 100 * time.Millisecond
	pollBackoffMax = 10 * time.Second
	// quickPoll is a Poll that came back empty at once; after a few of them the task
	// waits a little, so that one that does not block takes no whole core.
	quickPoll      = time.Millisecond
	quickPollDelay = 10 * time.Millisecond
	quickPolls     = 10
)

// polled is what a Poll returned.
type polled struct {
	records []*connect.Record
	err     error
	took    time.Duration
}

// poller calls a source task: all of its methods, from one goroutine, so that a Poll
// that blocks does not keep offsets from being committed. What is below the line
// belongs to the goroutine of Source.Run.
type poller struct {
	life     *lifecycle
	task     connect.SourceTask
	starting chan error
	requests chan context.Context
	results  chan polled
	commits  chan struct{}
	quit     chan struct{}
	done     chan struct{}

	limit     time.Duration // after which a Poll is asked to return; 0 for never
	nudge     *time.Timer
	polling   bool
	ctx       context.Context
	cancel    context.CancelFunc
	backoff   time.Duration
	notBefore time.Time
	empty     int
}

func newPoller(l *lifecycle, t connect.SourceTask, limit time.Duration) *poller {
	return &poller{
		life: l, task: t, limit: limit, starting: make(chan error, 1), requests: make(chan context.Context, 1), results: make(chan polled, 1),
		commits: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
	}
}

func (p *poller) run(ctx context.Context, tc connect.SourceContext, props map[string]string) {
	defer close(p.done)
	err := p.life.guard("starting the task", func() error { return p.task.Start(ctx, tc, props) })
	p.starting <- err
	for err == nil {
		select {
		case <-p.commits:
			p.commit(ctx)
			continue
		default:
		}
		select {
		case pollCtx := <-p.requests:
			p.results <- p.poll(pollCtx)
			continue
		case <-p.commits:
			p.commit(ctx)
			continue
		case <-p.quit:
		}
		break
	}
	select {
	case <-p.commits:
		p.commit(ctx)
	default:
	}
	p.stop(ctx)
}

func (p *poller) poll(ctx context.Context) (res polled) {
	began := time.Now()
	p.life.meter.workBegins(began)
	res.err = p.life.guard("polling the task", func() (err error) {
		res.records, err = p.task.Poll(ctx)
		return err
	})
	now := time.Now()
	res.took = now.Sub(began)
	p.life.meter.workEnds(began, now, len(res.records) > 0)
	if res.err != nil && ctx.Err() != nil && errors.Is(res.err, ctx.Err()) {
		res.err = nil // it was asked to return
	}
	return res
}

// commit tells the task what is durable (invariant I1).
func (p *poller) commit(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	if err := p.life.guard("committing", func() error { return p.task.Commit(ctx) }); err != nil {
		p.life.log.Error("Exception thrown while calling task.commit()", "error", errs.Trace(err))
	}
}

func (p *poller) stop(ctx context.Context) {
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), abandonAfter)
		defer cancel()
	}
	if err := p.life.guard("stopping the task", func() error { return p.task.Stop(ctx) }); err != nil {
		p.life.log.Warn("Could not stop task", "error", errs.Trace(err))
	}
}

// ---

// awaitStart returns when the plugin has started.
func (p *poller) awaitStart(ctx context.Context) error {
	select {
	case err := <-p.starting:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// request asks for one Poll, unless one is under way or a failed one was too short
// a time ago.
func (p *poller) request(ctx context.Context) {
	if p.polling {
		return
	}
	if !p.notBefore.IsZero() {
		if time.Now().Before(p.notBefore) {
			return
		}
		p.notBefore = time.Time{}
	}
	if p.ctx == nil || p.ctx.Err() != nil {
		p.ctx, p.cancel = context.WithCancel(ctx)
		if p.limit > 0 {
			p.nudge = time.AfterFunc(p.limit, p.cancel)
		}
	} else if p.nudge != nil {
		p.nudge.Reset(p.limit)
	}
	p.polling = true
	p.requests <- p.ctx
}

// interrupt makes a Poll that is under way return.
func (p *poller) interrupt() {
	if p.polling {
		p.cancel()
	}
}

// received notes that the result of a Poll was taken.
func (p *poller) received() {
	p.polling = false
	if p.nudge != nil {
		p.nudge.Stop()
	}
}

// check looks at what a Poll returned: its error if it fails the task, nil when the
// task is to go on. A retriable error is forgiven, and the next Poll comes later.
func (p *poller) check(res *polled) error {
	if res.err == nil {
		p.backoff = 0
		if len(res.records) > 0 || res.took > quickPoll {
			p.empty = 0
		} else if p.empty++; p.empty > quickPolls {
			p.notBefore = time.Now().Add(quickPollDelay)
		}
		return nil
	}
	if !errs.IsRetriable(res.err) {
		return res.err
	}
	p.life.log.Warn("failed to poll records from SourceTask. Will retry operation.", "error", errs.Trace(res.err))
	p.life.meter.retries.Add(1)
	p.backoff = min(max(2*p.backoff, pollBackoffMin), pollBackoffMax)
	p.notBefore = time.Now().Add(p.backoff)
	res.records = nil
	return nil
}

// committed queues a call of Commit.
func (p *poller) committed() { notify(p.commits) }

// commitWaits says whether Commit waits for a Poll to return.
func (p *poller) commitWaits() bool { return p.polling && len(p.commits) > 0 }

// end lets the goroutine end and waits for it. A plugin that ignores the end of its
// context is left behind after a while.
func (p *poller) end(ctx context.Context) error {
	if p.cancel != nil {
		p.cancel()
	}
	if p.nudge != nil {
		p.nudge.Stop()
	}
	close(p.quit)
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
	}
	t := time.NewTimer(abandonAfter)
	defer t.Stop()
	select {
	case <-p.done:
	case <-t.C:
		p.life.log.Error("The plugin does not return; its goroutine is left behind")
	}
	return context.Cause(ctx)
}
