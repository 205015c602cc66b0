package group

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/moldau-io/moldau/runtime/assign"
	"github.com/moldau-io/moldau/runtime/state"
)

// lead makes the assignment of a round for all members: Java's onLeaderElected
// and ensureLeaderConfig.
func (o *owner) lead(resp *kmsg.JoinGroupResponse) {
	protocol, err := protocolOf(o.protocolName)
	if err != nil {
		o.fail(err)
		return
	}
	req := assign.Request{
		Leader: o.memberID, Version: protocol.Version(),
		Generation: int(o.generation), LastCompleted: o.lastCompleted,
		Members: make(map[string]state.MemberState, len(resp.Members)),
	}
	var unread []string
	for _, m := range resp.Members {
		s, err := DecodeMetadata(m.ProtocolMetadata)
		if err != nil {
			o.log.Warn("a member of the group says something that cannot be read; it gets no work",
				"member", m.MemberID, "bytes", len(m.ProtocolMetadata), "err", err)
			unread = append(unread, m.MemberID)
			continue
		}
		req.Members[m.MemberID] = s
	}
	most := assign.MaxOffset(req.Members)
	if o.snapshot.Offset() >= most {
		o.assign(req, unread, o.snapshot)
		return
	}
	o.log.Info("leads the group and has not read all that another member has; catching up with the config topic",
		"offset", o.snapshot.Offset(), "wanted", most)
	term, listener := o.term, o.listener
	ctx, cancel := context.WithTimeout(o.ctx, o.cfg.SyncTimeout)
	o.cancelJoin = cancel
	o.wg.Go(func() {
		defer cancel()
		// The listener may hold on past the end of ctx; the group must not wait.
		type read struct {
			s   *state.ConfigSnapshot
			err error
		}
		done := make(chan read, 1)
		o.wg.Go(func() {
			s, err := listener.Refresh(ctx)
			done <- read{s, err}
		})
		var r read
		select {
		case r = <-done:
		case <-ctx.Done():
			r.err = ctx.Err()
		}
		o.post(func(o *owner) {
			if term != o.term {
				return
			}
			if r.err != nil || r.s == nil || r.s.Offset() < most {
				o.log.Info("was selected to perform assignments, but does not have the latest config found in sync request; "+
					"returning an empty configuration to trigger re-sync", "err", r.err)
				o.owners = nil
				o.distribute(req, unread, assign.Mismatch(req))
				return
			}
			o.snapshot = r.s
			o.assign(req, unread, r.s)
		})
	})
}

func (o *owner) assign(req assign.Request, unread []string, snapshot *state.ConfigSnapshot) {
	req.Config = snapshot
	req.Now = time.Now()
	plan := o.cfg.Assigner.Assign(req)
	o.owners = plan.Owners
	o.distribute(req, unread, plan)
}

// distribute sends each member its part of the plan.
func (o *owner) distribute(req assign.Request, unread []string, plan assign.Plan) {
	for _, id := range unread {
		if plan.Assignments[id] == nil {
			plan.Assignments[id] = &state.Assignment{
				Version: req.Version, Leader: req.Leader, LeaderURL: o.cfg.URL, Offset: assign.MaxOffset(req.Members),
			}
		}
	}
	list := make([]kmsg.SyncGroupRequestGroupAssignment, 0, len(plan.Assignments))
	for id, a := range plan.Assignments {
		b, err := EncodeAssignment(a, req.Version)
		if err != nil {
			o.log.Error("an assignment cannot be sent", "member", id, "err", err)
			continue
		}
		ga := kmsg.NewSyncGroupRequestGroupAssignment()
		ga.MemberID, ga.MemberAssignment = id, b
		list = append(list, ga)
	}
	o.sendSync(list)
}
