package group

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/moldau-io/moldau/runtime/state"
)

// phase is how far a member has got in a round.
type phase int

const (
	// idle: no request of a round is under way.
	idle phase = iota
	// joining: a JoinGroup is under way.
	joining
	// syncing: joined; a SyncGroup, or the leader's work for it, is under way.
	syncing
	// stable: synced.
	stable
)

// owner is the state of a Member, owned by one goroutine. Whatever others have
// to say comes as functions through the inbox.
type owner struct {
	*Member
	ctx      context.Context
	log      *slog.Logger
	listener Listener
	courier  *courier

	coordinator discovery
	beat        heartbeats

	memberID     string
	generation   int32
	protocolName string
	protocol     Protocol
	// lastCompleted is the generation of the last assignment, -1 before the first.
	lastCompleted int

	phase phase
	// term tells answers to the present round from those to rounds given up.
	term       int
	cancelJoin context.CancelFunc
	wantJoin   bool
	reason     string
	joinAt     time.Time
	joinTries  int
	// asked counts RequestRejoins, answered those the present round is for.
	asked, answered int
	// prepared says that what comes before a join has been done.
	prepared  bool
	startedAt time.Time
	// snapshot is the one whose offset was reported with the last join.
	snapshot *state.ConfigSnapshot
	landing  *landing
	followUp time.Time

	// calls counts the Listener's calls that have not returned; no join is sent
	// before they have.
	calls      int
	callsSince time.Time
	// epoch tells joins that are still good from those lost or left since.
	epoch atomic.Int64

	assignment *state.Assignment
	owners     *state.Owners
	// confirmed is when the last request was sent that proved the membership.
	confirmed time.Time
	lost      bool
	// claimUntil is how long lost work is claimed.
	claimUntil time.Time

	// paused: left, does not join unless asked to.
	paused bool
	dead   bool

	draining   bool
	drainUntil time.Time
	stopping   bool
	finished   bool
}

// landing is a completed round whose revoked work has yet to stop.
type landing struct {
	assignment *state.Assignment
	protocol   Protocol
	generation int32
	epoch      int64
}

func newOwner(m *Member, ctx context.Context, l Listener) *owner {
	return &owner{
		Member: m, ctx: ctx, listener: l, courier: newCourier(),
		log:         m.cfg.Logger.With("group", m.cfg.GroupID),
		coordinator: discovery{node: -1},
		generation:  -1, lastCompleted: -1, protocol: m.cfg.Protocol,
		wantJoin: true,
	}
}

// run owns the state until the member was stopped or its context ends.
func (o *owner) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for !o.finished && o.ctx.Err() == nil {
		o.mu.Lock()
		inbox := o.inbox
		o.inbox = nil
		o.mu.Unlock()
		for _, f := range inbox {
			f(o)
		}
		next := o.step(time.Now())
		o.publish()
		if o.finished {
			return
		}
		if next.IsZero() {
			next = time.Now().Add(time.Hour)
		}
		timer.Reset(max(time.Until(next), 0))
		select {
		case <-o.wake:
		case <-timer.C:
		case <-o.ctx.Done():
		}
	}
}

// step does what is due and returns when there will be more, zero for not
// before something happens.
func (o *owner) step(now time.Time) time.Time {
	if o.dead {
		if o.stopping {
			o.finished = true
		}
		return time.Time{}
	}
	o.checkSession(now)
	o.checkCalls(now)
	o.land(now)
	if !o.followUp.IsZero() && !now.Before(o.followUp) {
		o.rejoin("the assignment needs another round")
	}
	if o.draining && !now.Before(o.drainUntil) {
		o.log.Warn("the group did not take over this worker's work in time; leaving without")
		o.finish()
	}
	o.discover(now)
	o.join(now)
	o.sendHeartbeat(now)

	var next time.Time
	consider := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	consider(o.sessionDeadline())
	consider(o.followUp)
	if o.calls > 0 && o.memberID != "" {
		consider(o.callsSince.Add(o.cfg.RebalanceTimeout))
	}
	if o.draining {
		consider(o.drainUntil)
	}
	if o.coordinator.node < 0 {
		if !o.coordinator.asking && o.needsCoordinator() {
			consider(o.coordinator.askAt)
		}
	} else {
		if o.joinable() {
			consider(o.joinAt)
		}
		if o.beats() && !o.beat.underWay {
			consider(o.beat.at)
		}
	}
	return next
}

// publish makes the state known to other goroutines.
func (o *owner) publish() {
	v := &View{
		Generation: o.lastCompleted, Protocol: o.protocol, Assignment: o.assignment, Lost: o.lost,
		LastHeartbeat: o.beat.sent, owners: o.owners,
	}
	if a := o.assignment; a != nil {
		v.LeaderID, v.LeaderURL = a.Leader, a.LeaderURL
		v.Stable = o.phase == stable && !o.wantJoin && !o.lost && o.landing == nil && !a.Failed()
		if !o.lost {
			v.SessionEnds = o.confirmed.Add(o.cfg.SessionTimeout)
		}
	}
	if v.Stable {
		v.MemberID = o.memberID
		v.Leader = o.memberID == v.LeaderID
	}
	o.view.Store(v)
}

// call makes a Listener's call. No join is sent before it has returned.
func (o *owner) call(f func()) {
	if o.calls == 0 {
		o.callsSince = time.Now()
	}
	o.calls++
	o.courier.call(func() {
		f()
		o.post(func(o *owner) {
			o.calls--
			o.callsSince = time.Now()
		})
	})
}

// revoke has work stopped. Nothing is told of work that has stopped already.
func (o *owner) revoke(connectors []string, tasks []state.TaskID) {
	if o.draining || len(connectors) == 0 && len(tasks) == 0 {
		return
	}
	o.log.Info("stopping revoked work", "connectors", len(connectors), "tasks", len(tasks))
	o.call(func() { o.listener.OnRevoked(Revoked{Connectors: connectors, Tasks: tasks}) })
}

// checkCalls leaves the group when a Listener's call holds it up: Java's poll
// timeout.
func (o *owner) checkCalls(now time.Time) {
	if o.calls == 0 || o.memberID == "" || now.Sub(o.callsSince) < o.cfg.RebalanceTimeout {
		return
	}
	o.log.Warn("worker poll timeout has expired: stopping or starting work took longer than the rebalance timeout; leaving the group. "+
		"Look for connectors or tasks that are slow to stop, or raise rebalance.timeout.ms, "+
		"which is also how long a rebalance waits for each worker", "rebalance.timeout.ms", o.cfg.RebalanceTimeout.Milliseconds())
	o.leave("worker poll timeout has expired.", false, nil)
	o.lose("the worker held up its group")
}

// fail ends the member for good.
func (o *owner) fail(err error) {
	if o.dead {
		return
	}
	o.log.Error("cannot be a member of the group", "err", err)
	o.forget(true)
	if o.assignment != nil && !o.lost {
		o.lose("joining the group cannot succeed")
	}
	o.dead = true
	o.failure = err
	close(o.failed)
}
