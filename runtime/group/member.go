package group

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/state"
)

// maxReason is how long the reason of a join or leave request may be.
const maxReason = 255

// Member is this worker's membership in its group. Its methods may be called
// from any goroutine.
type Member struct {
	cfg    Config
	client requester

	mu    sync.Mutex
	inbox []func(*owner)
	wake  chan struct{}

	view    atomic.Pointer[View]
	started atomic.Bool
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	ended   chan struct{}
	failed  chan struct{}
	failure error
}

// View is what a member knows of itself and its group.
type View struct {
	// Stable says that the member has an assignment and neither joins nor is
	// about to.
	Stable bool
	// MemberID is "" unless the member is stable.
	MemberID string
	// Generation is the one of the last assignment, -1 before the first.
	Generation int
	// Protocol is that of the group as of the last assignment; before, it is
	// the worker's own setting.
	Protocol Protocol
	// Leader says whether this worker leads the group.
	Leader bool
	// LeaderID and LeaderURL are those of the last assignment.
	LeaderID, LeaderURL string
	// Assignment is all the worker is to run or claims; nil for none. It must not
	// be changed.
	Assignment *state.Assignment
	// Lost says that OnLost was called and no OnJoined since.
	Lost bool
	// LastHeartbeat is when the last heartbeat was sent; zero for never.
	LastHeartbeat time.Time
	// SessionEnds is when the group may begin to give this worker's work away
	// unless a broker confirms the membership before; zero when it has none.
	SessionEnds time.Time

	owners *state.Owners
}

// requester is what a member needs of a Kafka client. Both methods return soon
// after ctx ends, whatever the connection is doing.
type requester interface {
	// any sends a request to some broker, once; each try picks another.
	any(ctx context.Context, try int, req kmsg.Request) (kmsg.Response, error)
	// to sends a request to one broker, once.
	to(ctx context.Context, node int32, req kmsg.Request) (kmsg.Response, error)
}

type kgoRequester struct{ c *kgo.Client }

// any goes round the brokers that are known and those of bootstrap.servers, in
// case all the former are gone. Client.Request would do that too, but waits for
// a connection in the making past the end of ctx.
func (r kgoRequester) any(ctx context.Context, try int, req kmsg.Request) (kmsg.Response, error) {
	brokers := append(r.c.DiscoveredBrokers(), r.c.SeedBrokers()...)
	return brokers[try%len(brokers)].Request(ctx, req)
}

func (r kgoRequester) to(ctx context.Context, node int32, req kmsg.Request) (kmsg.Response, error) {
	return r.c.Broker(int(node)).Request(ctx, req)
}

// New returns a member that does nothing until Start. It fails if a setting is
// missing or out of its range.
func New(cfg Config) (*Member, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	m := &Member{
		cfg: cfg, client: kgoRequester{cfg.Client},
		wake: make(chan struct{}, 1), ended: make(chan struct{}), failed: make(chan struct{}),
	}
	m.view.Store(&View{Generation: -1, Protocol: cfg.Protocol})
	return m, nil
}

// Start begins to join the group and returns at once. A member is started once.
// When ctx ends, the member does, without leaving the group.
func (m *Member) Start(ctx context.Context, l Listener) error {
	if !m.started.CompareAndSwap(false, true) {
		return errs.New(errs.ClassIllegalState, "the group member was started before")
	}
	ctx, m.cancel = context.WithCancel(ctx)
	o := newOwner(m, ctx, l)
	m.wg.Go(func() { o.courier.run(ctx) })
	m.wg.Go(func() {
		defer close(m.ended)
		o.run()
	})
	return nil
}

// RequestRejoin asks for a new round. The reason, cut to 255 bytes, is shown to
// the brokers.
func (m *Member) RequestRejoin(reason string) {
	m.post(func(o *owner) { o.requestRejoin(reason) })
}

// Leave gives up the membership until the next RequestRejoin. It waits for the
// broker's answer, for a heartbeat interval at most.
func (m *Member) Leave(ctx context.Context, reason string) {
	done := make(chan struct{})
	m.post(func(o *owner) { o.leave(reason, true, func() { close(done) }) })
	select {
	case <-done:
	case <-ctx.Done():
	case <-m.ended:
	}
}

// Stop leaves the group and waits for all that Start began. Work must have
// stopped before. If ctx ends first, the member ends without waiting for the
// brokers, and Stop returns ctx's error if a Listener's call does not end.
func (m *Member) Stop(ctx context.Context) error {
	if !m.started.Load() {
		return nil
	}
	m.post(func(o *owner) { o.stop() })
	select {
	case <-m.ended:
	case <-ctx.Done():
	}
	m.cancel()
	rest := make(chan struct{})
	go func() {
		m.wg.Wait()
		close(rest)
	}()
	select {
	case <-rest:
		return nil
	default:
	}
	select {
	case <-rest:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Failed returns a channel that is closed when the member ended because joining
// cannot succeed: the group is of another kind, the worker may not use it, or
// settings do not suit the brokers. Err then returns the reason and the cure.
func (m *Member) Failed() <-chan struct{} { return m.failed }

// Err returns why the member failed, nil if it did not.
func (m *Member) Err() error {
	select {
	case <-m.failed:
		return m.failure
	default:
		return nil
	}
}

// View returns what the member knows now.
func (m *Member) View() View { return *m.view.Load() }

// OwnerURL returns the URL of the worker that runs a connector or, for a task
// number from 0 up, a task. It is "" if none does, if this worker does not lead,
// or during a rebalance.
func (m *Member) OwnerURL(connector string, task int) string {
	v := m.view.Load()
	if !v.Stable || !v.Leader {
		return ""
	}
	var url string
	if task >= 0 {
		url, _ = v.owners.TaskURL(state.TaskID{Connector: connector, Task: task})
	} else {
		url, _ = v.owners.ConnectorURL(connector)
	}
	return url
}

// post hands something to the member's own goroutine.
func (m *Member) post(f func(*owner)) {
	m.mu.Lock()
	m.inbox = append(m.inbox, f)
	m.mu.Unlock()
	signal(m.wake)
}

// request sends a request from a goroutine of its own and hands the outcome to
// the member's. The returned function gives it up.
func request[R kmsg.Response](o *owner, timeout time.Duration, send func(context.Context) (kmsg.Response, error), then func(o *owner, resp R, err error)) context.CancelFunc {
	ctx, cancel := context.WithTimeout(o.ctx, timeout)
	o.wg.Go(func() {
		defer cancel()
		kresp, err := send(ctx)
		resp, ok := kresp.(R)
		if err == nil && !ok {
			err = errors.New("the broker's response is of another kind")
		}
		o.post(func(o *owner) { then(o, resp, err) })
	})
	return cancel
}
