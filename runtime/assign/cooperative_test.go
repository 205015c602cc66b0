package assign

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moldau-io/moldau/runtime/state"
)

const maxDelay = 5 * time.Minute

func (s *sim) expect(t *testing.T, loads string, delay time.Duration) {
	t.Helper()
	if got := s.loads(); got != loads {
		t.Errorf("loads %s, want %s\n%s", got, loads, s.rounds[len(s.rounds)-1])
	}
	if s.delay != delay {
		t.Errorf("delay %v, want %v", s.delay, delay)
	}
	for _, f := range s.faults {
		t.Error(f)
	}
	s.faults = nil
}

func TestWorkersJoinOneByOne(t *testing.T) {
	s := newSim(maxDelay, "a")
	s.connectors = map[string]int{"c1": 4, "c2": 4}
	s.round()
	s.expect(t, "a:2/8", 0)

	s.members["b"] = nil
	if !s.round() {
		t.Error("nothing was revoked for b")
	}
	s.expect(t, "a:1/4 b:0/0", 0)
	s.round()
	s.expect(t, "a:1/4 b:1/4", 0)

	s.members["c"] = nil
	s.settle()
	s.expect(t, "a:1/3 b:1/3 c:0/2", 0)
}

func TestRoundsThatBalanceAreHeldApart(t *testing.T) {
	s := newSim(maxDelay, "a", "b")
	s.connectors = map[string]int{"c1": 6, "c2": 6}
	s.settle()
	for i, id := range []string{"c", "d", "e"} {
		s.members[id] = nil
		revoked := s.round()
		if first := i == 0; revoked != first {
			t.Errorf("round %d: revoked %t", i, revoked)
		}
	}
	s.expect(t, "a:1/4 b:1/4 c:0/2 d:0/2 e:0/0", 40*time.Millisecond)
	s.now = s.now.Add(s.delay)
	if !s.round() {
		t.Error("nothing is revoked after the pause")
	}
	s.settle()
	s.check()
	s.expect(t, "a:1/3 b:1/3 c:0/2 d:0/2 e:0/2", 0)
}

func TestLostWorkWaitsForItsWorker(t *testing.T) {
	s := newSim(maxDelay, "a", "b")
	s.connectors = map[string]int{"c1": 4, "c2": 4}
	s.settle()
	s.expect(t, "a:1/4 b:1/4", 0)
	before := items(s.members["b"])

	delete(s.members, "b")
	s.round()
	s.expect(t, "a:1/4", maxDelay)
	s.now = s.now.Add(maxDelay / 2)
	s.members["b2"] = nil // b is back under another id
	s.round()
	s.expect(t, "a:1/4 b2:0/0", maxDelay/2)
	s.now = s.now.Add(maxDelay / 2)
	s.round()
	s.expect(t, "a:1/4 b2:1/4", 0)
	slices.Sort(before)
	after := items(s.members["b2"])
	slices.Sort(after)
	if !slices.Equal(before, after) {
		t.Errorf("b ran %v, b2 runs %v", before, after)
	}
}

// A worker that the group put out while no broker could be reached is back under
// another id at its next round: it, or its leader, need not wait for itself.
func TestLostWorkIsGivenOutOnceItsWorkerIsBack(t *testing.T) {
	s := newSim(maxDelay, "a")
	s.connectors = map[string]int{"c1": 2, "c2": 1}
	s.settle()
	delete(s.members, "a")
	s.members["a-2"] = nil
	s.round()
	s.expect(t, "a-2:2/3", 0)

	s.members["b"], s.members["c"] = nil, nil
	s.settle()
	s.now = s.now.Add(maxDelay)
	s.settle()
	s.expect(t, "a-2:1/1 b:1/1 c:0/1", 0)
	clear(s.members) // all of them, and they come back one by one
	s.members["a-3"] = nil
	s.round()
	s.expect(t, "a-3:0/0", maxDelay)
	s.now = s.now.Add(time.Second)
	s.members["b-2"] = nil
	s.round()
	s.expect(t, "a-3:0/0 b-2:0/0", maxDelay-time.Second)
	s.members["c-2"] = nil
	s.round()
	s.expect(t, "a-3:1/1 b-2:1/1 c-2:0/1", 0)

	delete(s.members, "c-2")
	s.members["b-2-other"] = nil // says that it has the URL of b, which is there
	s.round()
	s.expect(t, "a-3:1/1 b-2:1/1 b-2-other:0/0", maxDelay)
}

func TestLostWorkIsSharedWhenNobodyComesBack(t *testing.T) {
	s := newSim(maxDelay, "a", "b", "c")
	s.connectors = map[string]int{"c1": 5, "c2": 4, "c3": 0}
	s.settle()
	s.expect(t, "a:1/3 b:1/3 c:1/3", 0)
	delete(s.members, "c")
	s.round()
	s.expect(t, "a:1/3 b:1/3", maxDelay)
	s.now = s.now.Add(maxDelay - time.Millisecond)
	s.round()
	s.expect(t, "a:1/3 b:1/3", time.Millisecond)
	s.now = s.now.Add(time.Millisecond)
	s.settle()
	s.expect(t, "a:2/5 b:1/4", 0)
}

func TestNoDelayConfigured(t *testing.T) {
	s := newSim(0, "a", "b", "c")
	s.connectors = map[string]int{"c1": 5, "c2": 4}
	s.settle()
	delete(s.members, "b")
	s.round()
	s.expect(t, "a:1/5 c:1/4", 0)
	// Revocations may follow each other without pause.
	for _, id := range []string{"d", "e"} {
		s.members[id] = nil
		if !s.round() {
			t.Errorf("no revocation for %s", id)
		}
	}
	s.settle()
	s.check()
	s.expect(t, s.loads(), 0)
}

func TestBackoffGrowsWithEachBalancingRound(t *testing.T) {
	c := Cooperative{MaxDelay: maxDelay}
	var got []time.Duration
	for n := 1; n <= 5; n++ {
		got = append(got, c.backoff(n).Round(10*time.Millisecond))
	}
	want := []time.Duration{40 * time.Millisecond, 1600 * time.Millisecond, 64 * time.Second, maxDelay, maxDelay}
	if !slices.Equal(got, want) {
		t.Errorf("back-off %v, want %v", got, want)
	}
	for limit, want := range map[time.Duration]time.Duration{0: 0, time.Millisecond: time.Millisecond, 30 * time.Millisecond: 30 * time.Millisecond} {
		if got := (Cooperative{MaxDelay: limit}).backoff(3); got.Round(time.Millisecond) != want {
			t.Errorf("with at most %v: %v", limit, got)
		}
	}
}

func TestAssignmentThatDidNotArriveIsMadeAgain(t *testing.T) {
	s := newSim(maxDelay, "a", "b")
	s.connectors = map[string]int{"c1": 2, "c2": 2}
	s.unheard["b"] = true
	s.round()
	s.expect(t, "a:1/2 b:0/0", 0)
	s.round() // everybody of the last round is here: no reason to wait
	s.expect(t, "a:1/2 b:1/2", 0)
}

func TestRevocationThatDidNotArriveIsMadeAgain(t *testing.T) {
	s := newSim(maxDelay, "a")
	s.connectors = map[string]int{"c1": 4}
	s.round()
	s.members["b"] = nil
	s.unheard["a"] = true
	s.round()
	s.expect(t, "a:1/4 b:0/0", 0)
	s.settle()
	s.check()
	s.expect(t, "a:1/2 b:0/2", 0)
}

func TestNewLeaderGivesOutWhatIsMissingAtOnce(t *testing.T) {
	s := newSim(maxDelay, "a", "b", "c")
	s.connectors = map[string]int{"c1": 3, "c2": 3}
	s.settle()
	delete(s.members, "a")
	s.mem, s.lastDone = Memory{}, s.generation
	s.round()
	s.expect(t, "b:1/3 c:1/3", 0)
}

func TestLeaderThatMissedARoundForgets(t *testing.T) {
	s := newSim(maxDelay, "a", "b")
	s.connectors = map[string]int{"c1": 2}
	s.settle()
	delete(s.members, "b")
	s.lastDone = s.generation + 3 // completed under another leader
	s.generation += 3
	s.round()
	s.expect(t, "a:1/2", 0)
}

func TestDeletedWorkIsRevoked(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		t.Run(fmt.Sprintf("new leader %t", fresh), func(t *testing.T) {
			s := newSim(maxDelay, "a", "b")
			s.connectors = map[string]int{"c1": 2, "c2": 2}
			s.settle()
			delete(s.connectors, "c1")
			s.connectors["c2"] = 1
			if fresh {
				s.mem, s.lastDone = Memory{}, -1
			}
			s.settle()
			s.check()
			s.expect(t, s.loads(), 0)
		})
	}
}

func TestInconsistentConnectorHasNoTasks(t *testing.T) {
	d := state.SnapshotData{
		Offset:     4,
		Connectors: map[string]state.Config{"c": {}}, TaskCounts: map[string]int{"c": 2}, Inconsistent: map[string]bool{"c": true},
	}
	req := Request{Leader: "a", Version: 2, LastCompleted: -1, Config: state.NewConfigSnapshot(d), Now: time.Unix(1, 0),
		Members: map[string]state.MemberState{"a": {URL: "u", Offset: 4}}}
	for name, p := range map[string]Plan{"eager": Eager(req), "cooperative": NewLeader(0).Assign(req)} {
		a := p.Assignments["a"]
		if fmt.Sprint(items(a)) != "[c]" || a.Offset != 4 || a.Leader != "a" || a.LeaderURL != "u" {
			t.Errorf("%s: %v", name, a)
		}
	}
}

func TestDuplicateIsStoppedEverywhereThenGivenOnce(t *testing.T) {
	s := newSim(maxDelay, "a", "b")
	s.connectors = map[string]int{"c": 2}
	s.settle()
	s.members["b"].Tasks = slices.Clone(s.members["a"].Tasks)
	s.members["b"].Tasks = append(s.members["b"].Tasks, state.TaskID{Connector: "c", Task: 1 - s.members["a"].Tasks[0].Task})
	if !s.round() {
		t.Error("nothing revoked")
	}
	s.settle()
	s.check()
	s.expect(t, "a:1/1 b:0/1", 0)
}

func TestDrainingMemberHandsOverAtOnce(t *testing.T) {
	s := newSim(maxDelay, "a", "b", "c")
	s.connectors = map[string]int{"c1": 3, "c2": 3, "c3": 3}
	s.settle()
	s.expect(t, "a:1/3 b:1/3 c:1/3", 0)
	s.draining["b"] = true
	s.round()
	s.expect(t, "a:2/5 b:0/0 c:1/4", 0)
	delete(s.members, "b")
	s.round()
	s.expect(t, "a:2/5 c:1/4", 0)

	// Alone, there is nobody to hand over to; the next one gets all.
	delete(s.members, "c")
	s.mem = Memory{}
	s.settle()
	s.draining["a"] = true
	s.round()
	s.expect(t, "a:0/0", 0)
	delete(s.members, "a")
	s.members["d"] = nil
	s.round()
	s.expect(t, "d:3/9", 0)
}

func TestDrainingDuringAWaitDoesNotEndIt(t *testing.T) {
	s := newSim(maxDelay, "a", "b", "c")
	s.connectors = map[string]int{"c1": 6}
	s.settle()
	s.expect(t, "a:1/2 b:0/2 c:0/2", 0)
	delete(s.members, "c")
	s.round()
	s.expect(t, "a:1/2 b:0/2", maxDelay)
	s.now = s.now.Add(time.Minute)
	s.draining["b"] = true
	s.round()
	s.expect(t, "a:1/4 b:0/0", maxDelay-time.Minute)
}

func TestOwnersAreThoseAfterTheRound(t *testing.T) {
	req := Request{
		Leader: "a", Version: 2, Generation: 1, LastCompleted: -1, Now: time.Unix(1, 0),
		Config: state.NewConfigSnapshot(state.SnapshotData{
			Connectors: map[string]state.Config{"x": {}, "y": {}}, TaskCounts: map[string]int{"x": 3}}),
		Members: map[string]state.MemberState{
			"a": {URL: "ua", Assignment: &state.Assignment{Connectors: []string{"x"}, Tasks: []state.TaskID{{Connector: "x"}, {Connector: "x", Task: 1}, {Connector: "x", Task: 2}}}},
			"b": {URL: "ub"},
		},
	}
	p, _ := Cooperative{}.Assign(req, Memory{})
	if u, _ := p.Owners.ConnectorURL("y"); u != "ub" {
		t.Errorf("y is at %q", u)
	}
	if _, ok := p.Owners.TaskURL(state.TaskID{Connector: "x"}); ok {
		t.Error("a revoked task has an owner")
	}
	if u, _ := p.Owners.TaskURL(state.TaskID{Connector: "x", Task: 2}); u != "ua" {
		t.Errorf("x-2 is at %q", u)
	}
}

func TestEagerDealsInTurn(t *testing.T) {
	req := Request{
		Leader: "m1", LastCompleted: -1,
		Config: state.NewConfigSnapshot(state.SnapshotData{
			Connectors: map[string]state.Config{"x": {}, "y": {}, "z": {}}, TaskCounts: map[string]int{"x": 2, "z": 1}}),
		Members: map[string]state.MemberState{"m2": {URL: "u2"}, "m1": {URL: "u1"}},
	}
	p := NewLeader(maxDelay).Assign(req)
	if got, want := fmt.Sprint(items(p.Assignments["m1"]), items(p.Assignments["m2"])), "[x z x-1] [y x-0 z-0]"; got != want {
		t.Errorf("dealt %s, want %s", got, want)
	}
	if u, _ := p.Owners.TaskURL(state.TaskID{Connector: "z"}); u != "u2" {
		t.Errorf("z-0 is at %q", u)
	}
	for _, a := range p.Assignments {
		if a.Revokes() || a.Delay != 0 || a.Version != 0 || a.LeaderURL != "u1" {
			t.Errorf("%v", a)
		}
	}
	req.Members["m2"] = state.MemberState{Draining: true}
	if p := Eager(req); !p.Assignments["m2"].Empty() {
		t.Errorf("leaving member gets %v", p.Assignments["m2"])
	}
	req.Members["m1"] = state.MemberState{Draining: true}
	if p := Eager(req); p.Assignments["m1"].Empty() {
		t.Error("nobody gets anything")
	}
}

func TestMismatch(t *testing.T) {
	req := Request{Leader: "a", Version: 1, Config: state.EmptySnapshot(),
		Members: map[string]state.MemberState{"a": {URL: "u", Offset: 3}, "b": {Offset: 9}}}
	p := Mismatch(req)
	if len(p.Assignments) != 2 || p.Owners != nil {
		t.Fatalf("plan %v", p)
	}
	for _, a := range p.Assignments {
		if !a.Failed() || !a.Empty() || a.Revokes() || a.Offset != 9 || a.Leader != "a" || a.LeaderURL != "u" || a.Version != 1 {
			t.Errorf("%v", a)
		}
	}
}

// TestRandomGroups plays random histories and compares each settled group with
// what it should be.
func TestRandomGroups(t *testing.T) {
	for seed := range uint64(200) {
		if faults, history := randomHistory(seed); len(faults) > 0 {
			t.Fatalf("seed %d:\n%s\nhistory:\n%s", seed, strings.Join(faults, "\n"), strings.Join(history, "\n"))
		}
	}
}

func randomHistory(seed uint64) (faults, history []string) {
	r := rand.New(rand.NewPCG(seed, 1))
	delays := []time.Duration{0, time.Millisecond, time.Second, maxDelay}
	s := newSim(delays[r.IntN(len(delays))], "m0")
	note := func(format string, args ...any) {
		s.rounds = append(s.rounds, fmt.Sprintf("# "+format, args...))
	}
	for step := 1; step <= 30; step++ {
		for range 1 + r.IntN(3) {
			ids := s.ids()
			victim := ids[r.IntN(len(ids))]
			switch r.IntN(9) {
			case 0, 1:
				id := fmt.Sprintf("m%d", r.IntN(8)*100+step)
				s.members[id] = nil
				note("join %s", id)
			case 2:
				if len(ids) > 1 {
					delete(s.members, victim)
					delete(s.draining, victim)
					note("crash %s", victim)
				}
			case 3:
				if len(ids) > 1 && !s.draining[victim] {
					s.draining[victim] = true
					note("drain %s", victim)
					s.round()
					delete(s.members, victim)
					delete(s.draining, victim)
				}
			case 4, 5:
				name := fmt.Sprintf("c%d", r.IntN(6))
				s.connectors[name] = r.IntN(7)
				note("configure %s with %d tasks", name, s.connectors[name])
			case 6:
				name := fmt.Sprintf("c%d", r.IntN(6))
				delete(s.connectors, name)
				note("delete %s", name)
			case 7:
				s.unheard[victim] = true
				note("%s misses a round", victim)
			case 8:
				s.mem = Memory{}
				note("the leader is new")
			}
			if r.IntN(2) == 0 {
				s.round()
			}
			s.now = s.now.Add(time.Duration(r.IntN(int(maxDelay))))
		}
		s.settle()
		s.check()
		if len(s.faults) == 0 {
			before := s.loads()
			if s.round() || s.delay != 0 || s.loads() != before {
				s.fault("a round without cause moves work: %s, then %s", before, s.loads())
			}
			// A new connector must not move what runs.
			s.connectors["new"] = 3
			if s.round() {
				s.fault("a new connector moves what runs")
			}
			s.check()
			delete(s.connectors, "new")
			s.settle()
		}
		if len(s.faults) > 0 {
			return s.faults, s.rounds
		}
	}
	return nil, nil
}

func BenchmarkRound(b *testing.B) {
	s := newSim(maxDelay, "a", "b", "c")
	for i := range 1000 {
		s.connectors[fmt.Sprintf("c%d", i)] = 1
	}
	s.settle()
	for b.Loop() {
		s.round()
	}
}
