package group

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/moldau-io/moldau/internal/broken"
	"github.com/moldau-io/moldau/runtime/state"
)

// heartbeats keeps the session alive.
type heartbeats struct {
	underWay bool
	// seq tells the answer to the heartbeat under way from those given up.
	seq   int
	at    time.Time
	sent  time.Time
	tries int
}

// forget gives up the heartbeat under way.
func (h *heartbeats) forget() {
	h.underWay = false
	h.seq++
}

// beats reports whether heartbeats are due at all. Unlike Java's, this member
// also sends them while it waits for a join: the answer is the proof that it is
// still known, and a join may take a minute.
func (o *owner) beats() bool { return o.memberID != "" && o.generation >= 0 }

func (o *owner) sendHeartbeat(now time.Time) {
	if !o.beats() || o.coordinator.node < 0 || o.beat.underWay || now.Before(o.beat.at) {
		return
	}
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group = o.cfg.GroupID
	req.MemberID = o.memberID
	req.Generation = o.generation
	o.beat.underWay = true
	o.beat.seq++
	o.beat.sent = now
	o.beat.at = now.Add(o.cfg.HeartbeatInterval)
	seq, node := o.beat.seq, o.coordinator.node
	request(o, min(o.cfg.HeartbeatInterval, o.cfg.SessionTimeout/3),
		func(ctx context.Context) (kmsg.Response, error) { return o.client.to(ctx, node, req) },
		func(o *owner, resp *kmsg.HeartbeatResponse, err error) {
			if seq != o.beat.seq {
				return
			}
			o.beat.underWay = false
			if err == nil {
				o.cfg.Observer.Heartbeat(time.Since(now))
				err = kerr.ErrorForCode(resp.ErrorCode)
			}
			o.onHeartbeat(now, req, err)
		})
}

func (o *owner) onHeartbeat(sent time.Time, req *kmsg.HeartbeatRequest, err error) {
	current := req.MemberID == o.memberID && req.Generation == o.generation
	switch err {
	case nil:
		o.beat.tries = 0
		o.confirm(sent)
	case kerr.RebalanceInProgress:
		o.beat.tries = 0
		o.confirm(sent)
		if o.phase == stable && current {
			o.rejoin("group is already rebalancing")
		}
	case kerr.IllegalGeneration, kerr.UnknownMemberID:
		// The answer to a join under way says better what there is to do.
		if current && o.phase != joining {
			o.log.Info("heartbeat was refused", "member", o.memberID, "generation", o.generation, "err", err)
			o.reset(err == kerr.UnknownMemberID, "encountered "+kerrName(err)+" from HEARTBEAT response")
		}
	case kerr.NotCoordinator, kerr.CoordinatorNotAvailable:
		o.retryHeartbeat()
		o.lostCoordinator(err.Error())
	case kerr.CoordinatorLoadInProgress:
		o.retryHeartbeat()
	default:
		if f := o.fatal(err); f != nil {
			o.fail(f)
			return
		}
		o.retryHeartbeat()
		if _, answered := err.(*kerr.Error); answered {
			o.log.Warn("heartbeat failed", "err", err)
			return
		}
		o.lostCoordinator("heartbeat without answer: " + err.Error())
	}
}

func (o *owner) retryHeartbeat() {
	o.beat.at = time.Now().Add(o.backoff(o.beat.tries))
	o.beat.tries++
}

// confirm notes that the coordinator knew this member when it got a request
// sent at this time; the session cannot end sooner than a session timeout later.
func (o *owner) confirm(sent time.Time) {
	if sent.After(o.confirmed) {
		o.confirmed = sent
	}
}

// sessionDeadline is when work must begin to stop unless the membership is
// confirmed before; zero if there is none to stop.
func (o *owner) sessionDeadline() time.Time {
	if o.lost || o.assignment == nil || broken.Invariant(6) {
		return time.Time{}
	}
	return o.confirmed.Add(o.cfg.SessionTimeout - o.cfg.Margin)
}

func (o *owner) checkSession(now time.Time) {
	if d := o.sessionDeadline(); !d.IsZero() && !now.Before(d) {
		o.lose("no broker confirmed the membership in time")
	}
}

// lose has all work stopped, before the group can give it to others (invariant
// I6). The work is still claimed at the next join as long as the group waits
// for this worker to come back.
func (o *owner) lose(why string) {
	if o.lost || o.assignment == nil {
		return
	}
	o.log.Warn("the membership is in doubt; stopping all work before the group gives it to others",
		"cause", why, "last confirmed", time.Since(o.confirmed).Round(time.Millisecond),
		"connectors", len(o.assignment.Connectors), "tasks", len(o.assignment.Tasks))
	o.lost = true
	o.epoch.Add(1)
	o.followUp = time.Time{}
	o.claimUntil = o.confirmed.Add(o.cfg.SessionTimeout)
	if o.protocol != Eager && o.assignment.Leader != o.memberID {
		// Another leads, and remembers what this member had.
		o.claimUntil = o.claimUntil.Add(o.cfg.MaxDelay)
	}
	if !o.draining {
		o.call(o.listener.OnLost)
	}
	if o.phase == stable {
		o.rejoin("the membership was in doubt")
	}
	o.wantJoin = true
}

// claims is the work to claim at a join.
func (o *owner) claims(now time.Time) *state.Assignment {
	if o.lost && now.After(o.claimUntil) {
		o.assignment = nil
	}
	return o.assignment
}
