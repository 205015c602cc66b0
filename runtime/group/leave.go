package group

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// leave tells the coordinator that this member goes, and forgets the
// membership. A paused member does not join again before it is asked to. then,
// if not nil, runs when the coordinator has answered or has not for a heartbeat
// interval.
func (o *owner) leave(reason string, paused bool, then func()) {
	if then == nil {
		then = func() {}
	}
	id, node := o.memberID, o.coordinator.node
	o.forget(true)
	o.followUp = time.Time{}
	o.wantJoin, o.reason = !paused, reason
	o.paused = paused
	if id == "" || node < 0 || o.dead {
		then()
		return
	}
	o.log.Info("leaving the group", "member", id, "reason", reason)
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group = o.cfg.GroupID
	req.MemberID = id
	m := kmsg.NewLeaveGroupRequestMember()
	m.MemberID = id
	m.Reason = cutReason(reason)
	req.Members = append(req.Members, m)
	request(o, o.cfg.HeartbeatInterval,
		func(ctx context.Context) (kmsg.Response, error) { return o.client.to(ctx, node, req) },
		func(o *owner, resp *kmsg.LeaveGroupResponse, err error) {
			if err == nil {
				err = kerr.ErrorForCode(resp.ErrorCode)
			}
			if err == nil && len(resp.Members) > 0 {
				err = kerr.ErrorForCode(resp.Members[0].ErrorCode)
			}
			if err != nil {
				o.log.Warn("the coordinator did not take leave; the group waits for this worker until its session ends", "err", err)
			}
			then()
		})
}

// stop is Stop on the member's goroutine.
func (o *owner) stop() {
	if o.stopping {
		return
	}
	o.stopping = true
	if o.cfg.HandOver && !o.dead && o.assignment != nil && !o.lost && o.memberID != "" && o.coordinator.node >= 0 && o.protocol != Eager {
		o.log.Info("handing this worker's work over to the others")
		o.draining = true
		o.drainUntil = time.Now().Add(o.cfg.SessionTimeout)
		o.requestRejoin("the worker hands over its work")
		return
	}
	o.finish()
}

// drained follows up on a round during the hand-over: it is done if the round
// told the others of it and the leader could assign.
func (o *owner) drained(failed bool) {
	switch {
	case o.asked != o.answered:
		return
	case failed:
		o.asked++
		o.rejoinAfter(o.cfg.RetryBackoffMax, "the worker hands over its work")
	default:
		o.assignment = nil
		o.finish()
	}
}

func (o *owner) finish() {
	o.draining = false
	o.leave("the worker is shutting down", true, func() { o.finished = true })
}
