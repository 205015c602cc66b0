package assign

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/moldau-io/moldau/runtime/state"
)

// sim is a group of members around a leader, in virtual time. Each round takes
// what members claim, asks the leader's assignor, and applies the outcome as
// workers do.
type sim struct {
	coop       Cooperative
	mem        Memory
	now        time.Time
	generation int
	lastDone   int
	connectors map[string]int
	members    map[string]*state.Assignment
	draining   map[string]bool
	delay      time.Duration
	rounds     []string
	// unheard are members that do not get the next assignment.
	unheard map[string]bool
	faults  []string
}

func newSim(maxDelay time.Duration, members ...string) *sim {
	s := &sim{
		coop:       Cooperative{MaxDelay: maxDelay},
		now:        time.Unix(1_700_000_000, 0),
		lastDone:   -1,
		connectors: map[string]int{},
		members:    map[string]*state.Assignment{},
		draining:   map[string]bool{},
		unheard:    map[string]bool{},
	}
	for _, m := range members {
		s.members[m] = nil
	}
	return s
}

func (s *sim) snapshot() *state.ConfigSnapshot {
	d := state.SnapshotData{Connectors: map[string]state.Config{}, TaskCounts: maps.Clone(s.connectors)}
	for name := range s.connectors {
		d.Connectors[name] = state.NewConfig(nil)
	}
	return state.NewConfigSnapshot(d)
}

// url is the worker's: ids with a dash are new ones of the worker named before it.
func (s *sim) url(id string) string {
	worker, _, _ := strings.Cut(id, "-")
	return "http://" + worker + "/"
}

func (s *sim) ids() []string { return slices.Sorted(maps.Keys(s.members)) }

// round is one rebalance. It returns whether members would join again at once:
// they were revoked something, or missed the outcome.
func (s *sim) round() bool {
	s.generation++
	req := Request{
		Leader: s.ids()[0], Version: state.ProtocolV2, Generation: s.generation, LastCompleted: s.lastDone,
		Members: map[string]state.MemberState{}, Config: s.snapshot(), Now: s.now,
	}
	running := map[string][]string{} // item → members that run it
	for id, a := range s.members {
		req.Members[id] = state.MemberState{URL: s.url(id), Assignment: a, Draining: s.draining[id]}
		if !s.draining[id] {
			for _, it := range items(a) {
				running[it] = append(running[it], id)
			}
		}
	}
	var p Plan
	p, s.mem = s.coop.Assign(req, s.mem)
	s.lastDone = s.generation

	revoked := false
	s.delay = 0
	var log []string
	given := map[string]string{}
	for _, id := range s.ids() {
		a := p.Assignments[id]
		if a == nil {
			s.fault("no assignment for %s", id)
			continue
		}
		s.delay = a.Delay
		for _, it := range items(a) {
			if len(running[it]) > 0 {
				s.fault("%s is given to %s while %v run it", it, id, running[it])
			}
			if other, ok := given[it]; ok {
				s.fault("%s is given to both %s and %s", it, other, id)
			}
			if s.draining[id] {
				s.fault("%s is given to %s, which is leaving", it, id)
			}
			given[it] = id
		}
		log = append(log, fmt.Sprintf("%s+%v-%v", id, items(a), items(&state.Assignment{Connectors: a.RevokedConnectors, Tasks: a.RevokedTasks})))
		if s.unheard[id] {
			revoked = true
			continue
		}
		revoked = revoked || a.Revokes()
		s.members[id] = apply(s.members[id], a)
	}
	clear(s.unheard)
	s.rounds = append(s.rounds, strings.Join(log, " ")+fmt.Sprintf(" delay=%v", s.delay))
	return revoked
}

// apply does what a worker does with an assignment: it keeps what is not
// revoked and adds what is new.
func apply(old, fresh *state.Assignment) *state.Assignment {
	r := fresh.Clone()
	if old != nil {
		for _, c := range old.Connectors {
			if !slices.Contains(fresh.RevokedConnectors, c) {
				r.Connectors = append(r.Connectors, c)
			}
		}
		for _, id := range old.Tasks {
			if !slices.Contains(fresh.RevokedTasks, id) {
				r.Tasks = append(r.Tasks, id)
			}
		}
	}
	r.RevokedConnectors, r.RevokedTasks = nil, nil
	return r
}

func items(a *state.Assignment) []string {
	if a == nil {
		return nil
	}
	r := slices.Clone(a.Connectors)
	for _, t := range a.Tasks {
		r = append(r, t.String())
	}
	return r
}

// settle goes on until nobody has a reason to join again.
func (s *sim) settle() {
	for n := 0; ; n++ {
		if n > 60 {
			s.fault("the group does not settle")
			return
		}
		again := s.round()
		if again {
			continue
		}
		if s.delay > 0 {
			s.now = s.now.Add(s.delay)
			continue
		}
		return
	}
}

func (s *sim) fault(format string, args ...any) {
	s.faults = append(s.faults, fmt.Sprintf("generation %d: ", s.generation)+fmt.Sprintf(format, args...))
}

// check compares a settled group with what it should be.
func (s *sim) check() {
	want := map[string]bool{}
	for name, n := range s.connectors {
		want[name] = true
		for i := range n {
			want[state.TaskID{Connector: name, Task: i}.String()] = true
		}
	}
	got := map[string]string{}
	minC, maxC, minT, maxT := 1<<30, 0, 1<<30, 0
	for _, id := range s.ids() {
		for _, it := range items(s.members[id]) {
			if other, ok := got[it]; ok {
				s.fault("%s runs on %s and %s", it, other, id)
			}
			if !want[it] {
				s.fault("%s runs on %s and is not configured", it, id)
			}
			got[it] = id
		}
		c, t := 0, 0
		if a := s.members[id]; a != nil {
			c, t = len(a.Connectors), len(a.Tasks)
		}
		if !s.draining[id] {
			minC, maxC, minT, maxT = min(minC, c), max(maxC, c), min(minT, t), max(maxT, t)
		}
	}
	for it := range want {
		if _, ok := got[it]; !ok {
			s.fault("%s runs nowhere", it)
		}
	}
	if maxC-minC > 1 || maxT-minT > 1 {
		s.fault("loads differ: connectors %d to %d, tasks %d to %d", minC, maxC, minT, maxT)
	}
}

// loads prints how many connectors and tasks each member has.
func (s *sim) loads() string {
	var r []string
	for _, id := range s.ids() {
		c, t := 0, 0
		if a := s.members[id]; a != nil {
			c, t = len(a.Connectors), len(a.Tasks)
		}
		r = append(r, fmt.Sprintf("%s:%d/%d", id, c, t))
	}
	return strings.Join(r, " ")
}
