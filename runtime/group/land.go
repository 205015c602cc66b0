package group

import (
	"slices"
	"time"

	"github.com/moldau-io/moldau/runtime/state"
)

// land completes a round once the work it revoked has stopped.
func (o *owner) land(now time.Time) {
	l := o.landing
	if l == nil || o.calls > 0 {
		return
	}
	o.landing = nil
	if l.epoch != o.epoch.Load() {
		// The membership was lost or left meanwhile: what is new is void, what was
		// revoked has stopped all the same.
		if l.protocol != Eager && o.assignment != nil {
			o.assignment = without(o.assignment, l.assignment)
		}
		return
	}
	a := l.assignment
	if l.protocol != Eager && o.assignment != nil {
		a = merge(o.assignment, a)
	}
	o.assignment = a
	o.protocol = l.protocol
	o.lastCompleted = int(l.generation)
	o.lost = false
	o.cfg.Observer.Rebalanced(now.Sub(o.startedAt))
	o.startedAt = time.Time{}
	if o.draining {
		a.RevokedConnectors, a.RevokedTasks = nil, nil
		o.drained(a.Failed())
		return
	}
	switch {
	case a.Failed() || a.Revokes():
		o.followUp = now.Add(o.cfg.SessionTimeout)
	case a.Delay > 0:
		o.followUp = now.Add(a.Delay + o.cfg.SessionTimeout)
	}
	if o.wantJoin {
		o.followUp = time.Time{}
	}

	told := a.Clone()
	// The next join must not say that it is still to be revoked.
	a.RevokedConnectors, a.RevokedTasks = nil, nil
	joined := Joined{Assignment: told, Generation: o.lastCompleted, Leader: o.memberID == a.Leader, Protocol: int(l.protocol)}
	o.log.Info("got an assignment", "generation", joined.Generation, "leader", joined.Leader, "protocol", l.protocol.String(),
		"error", a.Error, "offset", a.Offset, "connectors", len(a.Connectors), "tasks", len(a.Tasks), "delay", a.Delay)
	o.call(func() {
		if o.epoch.Load() == l.epoch {
			o.listener.OnJoined(joined)
		}
	})
}

// merge returns the assignment after a cooperative round: what is new, then what
// is kept of the old.
func merge(old, fresh *state.Assignment) *state.Assignment {
	m := fresh.Clone()
	kept := without(old, fresh)
	have := make(map[string]bool, len(m.Connectors))
	for _, c := range m.Connectors {
		have[c] = true
	}
	for _, c := range kept.Connectors {
		if !have[c] {
			m.Connectors = append(m.Connectors, c)
		}
	}
	haveTask := make(map[state.TaskID]bool, len(m.Tasks))
	for _, t := range m.Tasks {
		haveTask[t] = true
	}
	for _, t := range kept.Tasks {
		if !haveTask[t] {
			m.Tasks = append(m.Tasks, t)
		}
	}
	return m
}

// without returns the old assignment less what the fresh one revokes.
func without(old, fresh *state.Assignment) *state.Assignment {
	r := old.Clone()
	if !fresh.Revokes() {
		return r
	}
	gone := make(map[string]bool, len(fresh.RevokedConnectors))
	for _, c := range fresh.RevokedConnectors {
		gone[c] = true
	}
	goneTask := make(map[state.TaskID]bool, len(fresh.RevokedTasks))
	for _, t := range fresh.RevokedTasks {
		goneTask[t] = true
	}
	r.Connectors = slices.DeleteFunc(r.Connectors, func(c string) bool { return gone[c] })
	r.Tasks = slices.DeleteFunc(r.Tasks, func(t state.TaskID) bool { return goneTask[t] })
	return r
}
