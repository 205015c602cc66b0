package group

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/moldau-io/moldau/runtime/state"
)

// joinLapse is added to the rebalance timeout in the timeout of a join.
const joinLapse = 5 * time.Second

// requestRejoin is RequestRejoin on the member's goroutine.
func (o *owner) requestRejoin(reason string) {
	o.asked++
	o.paused = false
	o.rejoin(reason)
}

// rejoin makes the member join again. During a round it has no effect; requests
// from outside are remembered until it is over.
func (o *owner) rejoin(reason string) {
	if o.phase == joining || o.phase == syncing {
		return
	}
	o.followUp = time.Time{}
	if o.wantJoin {
		return
	}
	o.log.Info("joining the group again", "reason", reason)
	o.wantJoin = true
	o.reason = reason
}

// rejoinAfter makes the member join again, not before a pause.
func (o *owner) rejoinAfter(pause time.Duration, reason string) {
	o.rejoin(reason)
	o.joinAt = time.Now().Add(pause)
}

// joinable reports whether a join could be sent, but for the time and the
// coordinator.
func (o *owner) joinable() bool {
	return o.wantJoin && !o.paused && o.phase != joining && o.phase != syncing && o.calls == 0 && o.landing == nil
}

// abort gives up the round under way.
func (o *owner) abort() {
	if o.cancelJoin != nil {
		o.cancelJoin()
		o.cancelJoin = nil
	}
	o.term++
	o.phase = idle
}

// forget gives up the generation and the round under way, and the member id if
// it is worth nothing any more.
func (o *owner) forget(memberID bool) {
	o.abort()
	o.epoch.Add(1)
	o.generation = -1
	o.protocolName = ""
	if memberID {
		o.memberID = ""
	}
	o.beat.forget()
	o.prepared = false
}

// reset forgets the membership and joins anew.
func (o *owner) reset(memberID bool, why string) {
	o.log.Info("resetting the generation", "and member id", memberID, "cause", why)
	o.forget(memberID)
	o.rejoin(why)
}

// join begins a round if one is wanted and nothing is in the way.
func (o *owner) join(now time.Time) {
	if o.coordinator.node < 0 || !o.joinable() || now.Before(o.joinAt) {
		return
	}
	if !o.prepared {
		o.prepared = true
		o.owners = nil
		if o.startedAt.IsZero() {
			o.startedAt = now
		}
		o.log.Info("rebalance started")
		if a := o.assignment; o.protocol == Eager && a != nil && !a.Failed() && !o.lost {
			o.revoke(a.Connectors, a.Tasks)
			if o.calls > 0 {
				return
			}
		}
	}
	o.sendJoin(now)
}

func (o *owner) sendJoin(now time.Time) {
	o.snapshot = o.listener.Snapshot()
	me := state.MemberState{URL: o.cfg.URL, Offset: o.snapshot.Offset(), Assignment: o.claims(now), Draining: o.draining}
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group = o.cfg.GroupID
	req.SessionTimeoutMillis = int32(o.cfg.SessionTimeout.Milliseconds())
	req.RebalanceTimeoutMillis = int32(o.cfg.RebalanceTimeout.Milliseconds())
	req.MemberID = o.memberID
	req.ProtocolType = ProtocolType
	req.Reason = cutReason(o.reason)
	for _, p := range o.cfg.Protocol.offered() {
		metadata, err := EncodeMetadata(me, p.Version())
		if err != nil {
			o.fail(fmt.Errorf("describing this worker to its group: %w", err))
			return
		}
		jp := kmsg.NewJoinGroupRequestProtocol()
		jp.Name, jp.Metadata = p.WireName(), metadata
		req.Protocols = append(req.Protocols, jp)
	}

	o.log.Info("(re-)joining the group", "reason", o.reason)
	o.phase = joining
	o.term++
	o.answered = o.asked
	term, node := o.term, o.coordinator.node
	o.cancelJoin = request(o, max(o.cfg.RequestTimeout, o.cfg.RebalanceTimeout+joinLapse),
		func(ctx context.Context) (kmsg.Response, error) { return o.client.to(ctx, node, req) },
		func(o *owner, resp *kmsg.JoinGroupResponse, err error) {
			if term != o.term {
				return
			}
			if err == nil {
				err = kerr.ErrorForCode(resp.ErrorCode)
			}
			if err != nil {
				o.joinFailed(err, resp)
				return
			}
			o.cfg.Observer.Join(time.Since(now))
			o.onJoin(now, resp)
		})
}

func (o *owner) joinFailed(err error, resp *kmsg.JoinGroupResponse) {
	o.phase = idle
	o.term++
	if err == kerr.MemberIDRequired {
		// The broker first hands out an id, then lets it join (KIP-394).
		o.memberID = resp.MemberID
		o.generation = -1
		o.wantJoin = true
		o.reason = "need to re-join with the given member-id: " + resp.MemberID
		return
	}
	o.roundFailed("JoinGroup", err)
}

// roundFailed decides what comes after a refused or unanswered join or sync.
func (o *owner) roundFailed(what string, err error) {
	o.phase = idle
	o.cfg.Observer.RebalanceFailed()
	pause := time.Duration(0)
	switch err {
	case kerr.UnknownMemberID, kerr.IllegalGeneration:
		o.reset(err == kerr.UnknownMemberID, "encountered "+kerrName(err)+" from "+what+" response")
	case kerr.RebalanceInProgress:
		o.log.Info("the group began another rebalance", "request", what)
	case kerr.NotCoordinator, kerr.CoordinatorNotAvailable:
		o.lostCoordinator(what + ": " + err.Error())
		pause = o.cfg.RetryBackoff
	case kerr.CoordinatorLoadInProgress:
		o.log.Info("the coordinator is loading the group", "request", what)
		pause = o.cfg.RetryBackoff
	default:
		if f := o.fatal(err); f != nil {
			o.fail(f)
			return
		}
		if _, answered := err.(*kerr.Error); answered {
			o.log.Warn("rebalance failed", "request", what, "err", err)
		} else {
			o.lostCoordinator(what + " without answer: " + err.Error())
		}
		pause = o.backoff(o.joinTries)
	}
	// However a broker misbehaves, it is not asked in a tight loop.
	if o.joinTries++; o.joinTries > 3 {
		pause = max(pause, o.backoff(o.joinTries-3))
	}
	o.wantJoin = true
	o.reason = "rebalance failed due to " + kerrName(err)
	o.joinAt = time.Now().Add(pause)
}

func (o *owner) onJoin(sent time.Time, resp *kmsg.JoinGroupResponse) {
	if t := resp.ProtocolType; t != nil && *t != ProtocolType {
		o.fail(o.fatal(kerr.InconsistentGroupProtocol))
		return
	}
	o.confirm(sent)
	o.phase = syncing
	o.memberID = resp.MemberID
	o.generation = resp.Generation
	o.protocolName = ""
	if resp.Protocol != nil {
		o.protocolName = *resp.Protocol
	}
	o.beat.forget()
	o.beat.at = time.Now().Add(o.cfg.HeartbeatInterval)
	o.log.Info("joined the group", "generation", o.generation, "member", o.memberID, "protocol", o.protocolName, "leader", resp.LeaderID == o.memberID)
	if resp.LeaderID == o.memberID {
		o.lead(resp)
		return
	}
	o.sendSync(nil)
}

func (o *owner) sendSync(assignments []kmsg.SyncGroupRequestGroupAssignment) {
	if o.coordinator.node < 0 {
		o.roundFailed("SyncGroup", kerr.CoordinatorNotAvailable)
		return
	}
	req := kmsg.NewPtrSyncGroupRequest()
	req.Group = o.cfg.GroupID
	req.Generation = o.generation
	req.MemberID = o.memberID
	req.ProtocolType = kmsg.StringPtr(ProtocolType)
	req.Protocol = kmsg.StringPtr(o.protocolName)
	req.GroupAssignment = assignments
	term, node, sent := o.term, o.coordinator.node, time.Now()
	o.cancelJoin = request(o, o.cfg.RequestTimeout,
		func(ctx context.Context) (kmsg.Response, error) { return o.client.to(ctx, node, req) },
		func(o *owner, resp *kmsg.SyncGroupResponse, err error) {
			if term != o.term {
				return
			}
			if err == nil {
				err = kerr.ErrorForCode(resp.ErrorCode)
			}
			if err != nil {
				o.term++
				o.roundFailed("SyncGroup", err)
				return
			}
			o.cfg.Observer.Sync(time.Since(sent))
			o.onSync(sent, resp)
		})
}

func (o *owner) onSync(sent time.Time, resp *kmsg.SyncGroupResponse) {
	if t, p := resp.ProtocolType, resp.Protocol; t != nil && *t != ProtocolType || p != nil && *p != o.protocolName {
		o.fail(o.fatal(kerr.InconsistentGroupProtocol))
		return
	}
	protocol, err := protocolOf(o.protocolName)
	if err != nil {
		o.fail(err)
		return
	}
	a, err := DecodeAssignment(resp.MemberAssignment)
	if err != nil {
		o.log.Warn("the leader sent an assignment that cannot be read", "bytes", len(resp.MemberAssignment), "err", err)
		o.term++
		o.roundFailed("SyncGroup", errors.New("unreadable assignment"))
		return
	}
	o.confirm(sent)
	o.cancelJoin = nil
	o.phase = stable
	o.wantJoin, o.prepared = false, false
	o.joinTries = 0
	o.landing = &landing{assignment: a, protocol: protocol, generation: o.generation, epoch: o.epoch.Load()}
	if o.asked != o.answered {
		// Asked for after this round's join was sent.
		o.rejoin("asked for during the rebalance")
	}
	switch {
	case protocol != Eager:
		o.revoke(a.RevokedConnectors, a.RevokedTasks)
	case o.protocol != Eager && o.assignment != nil && !o.lost:
		// A worker that knows only the eager protocol has come: this one kept its
		// work running for a cooperative round, and the others may have it now.
		// Java's worker lets it run on.
		over := without(o.assignment, &state.Assignment{RevokedConnectors: a.Connectors, RevokedTasks: a.Tasks})
		o.revoke(over.Connectors, over.Tasks)
	}
}

// cutReason fits a reason into a request.
func cutReason(reason string) *string {
	if len(reason) > maxReason {
		reason = reason[:maxReason]
	}
	return &reason
}

func kerrName(err error) string {
	var ke *kerr.Error
	if errors.As(err, &ke) {
		return ke.Message
	}
	return err.Error()
}
