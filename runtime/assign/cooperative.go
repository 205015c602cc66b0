package assign

import (
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/moldau-io/moldau/runtime/state"
)

// Cooperative is incremental cooperative assignment (KIP-415): members keep
// what they run, and each round moves as little as it can.
type Cooperative struct {
	// MaxDelay is how long the work of a member that vanished waits for it to
	// come back (scheduled.rebalance.max.delay.ms). 0 gives it to others at
	// once. Whole milliseconds.
	MaxDelay time.Duration
}

// Memory is what Cooperative has to know of earlier rounds. It is a value: a
// round returns a new one. The zero value is that of a leader without past.
type Memory struct {
	// generation is that of the last round.
	generation int
	// assigned is all that ran, or was lost and waits, after the last round.
	assigned work
	// revoked is what the last round took from members.
	revoked work
	// members are those of the last round, with their URLs.
	members map[string]string
	// absent are the URLs of members that vanished and are not back; awaited says
	// that the wait is for them.
	absent  map[string]bool
	awaited bool
	// balancing says that the last round revoked to even out the load.
	balancing bool
	// balancingRounds counts rounds that had to do so right after another.
	balancingRounds int
	// scheduled is when the wait for lost work, or between rounds that even out
	// the load, ends; zero when there is no wait.
	scheduled time.Time
	// delay is what was left of the wait at the last round.
	delay time.Duration
	// candidates are members that ran nothing during the wait: most likely
	// those that came back. They get the lost work.
	candidates []string
}

// load is what a member is to run after the round.
type load struct {
	member string
	work
}

// Assign computes one round. The revoked parts of the plan are to be stopped by
// the members, who then join again; only that next round gives them to others.
func (c Cooperative) Assign(req Request, mem Memory) (Plan, Memory) {
	mem.candidates, mem.absent = slices.Clone(mem.candidates), maps.Clone(mem.absent)
	ids := req.memberIDs()

	// What was remembered is worth nothing if the round it comes from was not
	// completed, or if another member led since.
	if mem.generation != req.LastCompleted {
		mem.assigned = work{}
	}

	claims := make(map[string]work, len(ids))
	var active, handed work
	for _, id := range ids {
		m := req.Members[id]
		var w work
		if m.Assignment != nil {
			w = work{newSet(m.Assignment.Connectors), newSet(m.Assignment.Tasks)}
		}
		claims[id] = w
		if m.Draining {
			handed.add(w)
		} else {
			active.add(w)
		}
	}
	configured := configuredWork(req.Config)

	// Members still run what the last round revoked: they never got the word.
	if mem.revoked.meets(active) {
		mem.assigned = active.clone()
	}
	mem.revoked = work{}

	deleted := union(mem.assigned, active).minus(configured)
	handed = handed.and(configured).minus(active)
	lost := sortedWork(mem.assigned.minus(active, deleted, handed))
	created := configured.minus(mem.assigned, active)
	duplicated := duplicates(req, claims)

	revoke := make(map[string]work, len(ids))
	now := make(map[string]work, len(ids))
	var next []*load
	for _, id := range ids {
		if req.Members[id].Draining {
			revoke[id] = claims[id]
			continue
		}
		now[id] = claims[id].minus(deleted)
		revoke[id] = union(claims[id].and(deleted), claims[id].and(duplicated))
		next = append(next, &load{id, claims[id].minus(deleted, duplicated).clone()})
	}

	mem.countAbsent(req, next)
	assign := c.recoverLost(req.Now, lost, next, &mem)
	c.balance(req.Now, configured, next, revoke, &mem)

	assign = union(created, handed, assign)
	spread(next, assign.connectors.list, func(l *load) *set[string] { return &l.connectors })
	spread(next, assign.tasks.list, func(l *load) *set[state.TaskID] { return &l.tasks })

	p := Plan{Assignments: make(map[string]*state.Assignment, len(ids))}
	for _, id := range ids {
		a := req.blank(req.Config.Offset())
		a.RevokedConnectors, a.RevokedTasks = revoke[id].connectors.list, revoke[id].tasks.list
		a.Delay = mem.delay
		p.Assignments[id] = a
	}
	allConnectors := make(map[string][]string, len(next))
	allTasks := make(map[string][]state.TaskID, len(next))
	mem.assigned = work{}
	mem.members = make(map[string]string, len(next))
	for _, l := range next {
		fresh := l.minus(now[l.member])
		p.Assignments[l.member].Connectors, p.Assignments[l.member].Tasks = fresh.connectors.list, fresh.tasks.list
		allConnectors[l.member] = l.connectors.minus(revoke[l.member].connectors).list
		allTasks[l.member] = l.tasks.minus(revoke[l.member].tasks).list
		mem.assigned.add(l.work)
		mem.members[l.member] = req.Members[l.member].URL
		mem.revoked.add(revoke[l.member])
	}
	p.Owners = state.NewOwners(req.urls(), allConnectors, allTasks)
	// What was lost stays on the books, so that it is missed again next time if
	// it was not given out, or was and never arrived.
	mem.assigned = union(mem.assigned.minus(mem.revoked), lost)
	mem.generation = req.Generation
	return p, mem
}

// recoverLost decides on the work of members that vanished. It returns what is
// to be treated like new work now, or gives it to candidates among next, or
// sets a delay to wait for the members to come back.
func (c Cooperative) recoverLost(now time.Time, lost work, next []*load, mem *Memory) work {
	if lost.empty() && !mem.balancing {
		mem.endWait()
		return work{}
	}
	if !mem.waiting() && len(mem.absent) == 0 {
		// Nobody left: the last round's assignment did not reach its member, or the
		// member came back at once.
		return lost
	}
	if c.MaxDelay <= 0 {
		return lost
	}
	if !mem.waiting() || now.Before(mem.scheduled) {
		for _, l := range next {
			if l.empty() && !slices.Contains(mem.candidates, l.member) {
				mem.candidates = append(mem.candidates, l.member)
			}
		}
		// Once all are back, there is nobody to wait for.
		if back := mem.awaited && len(mem.absent) == 0; !back {
			mem.delay = c.MaxDelay
			if mem.waiting() {
				mem.delay = min(ceilMillis(mem.scheduled.Sub(now)), c.MaxDelay)
			}
			mem.scheduled = now.Add(mem.delay)
			mem.awaited = len(mem.absent) > 0
			return work{}
		}
	}

	// The wait is over.
	var takers []*load
	for _, id := range mem.candidates {
		if i := slices.IndexFunc(next, func(l *load) bool { return l.member == id }); i >= 0 {
			takers = append(takers, next[i])
		}
	}
	mem.endWait()
	mem.balancing = false
	if len(takers) == 0 {
		return lost
	}
	for i, name := range lost.connectors.list {
		takers[i%len(takers)].connectors.add(name)
	}
	for i, task := range lost.tasks.list {
		takers[i%len(takers)].tasks.add(task)
	}
	return work{}
}

// balance revokes what members have too much of, unless a wait is on. Rounds
// that would do so back to back are held apart by a growing delay
// (KAFKA-12495), so that members that never settle do not stop work for ever.
func (c Cooperative) balance(now time.Time, configured work, next []*load, revoke map[string]work, mem *Memory) {
	if mem.delay > 0 {
		mem.balancing = false
		return
	}
	surplus := surplusOf(configured, next)
	switch {
	case len(surplus) == 0 && mem.balancing:
		mem.balancing = false
		mem.balancingRounds = 0
		return
	case len(surplus) == 0:
		return
	case mem.balancing:
		mem.balancingRounds++
		if mem.delay = c.backoff(mem.balancingRounds); mem.delay > 0 {
			mem.scheduled = now.Add(mem.delay)
			return
		}
	default:
		mem.balancing = true
	}
	for _, l := range next {
		if w, ok := surplus[l.member]; ok {
			revoke[l.member] = union(revoke[l.member], w)
			l.work = l.minus(w)
		}
	}
}

// backoff is 40^n milliseconds, at most MaxDelay.
func (c Cooperative) backoff(n int) time.Duration {
	limit := c.MaxDelay.Milliseconds()
	if limit <= 1 {
		return time.Duration(limit) * time.Millisecond
	}
	const base = 40
	exp := min(float64(n), math.Log(float64(limit))/math.Log(base))
	return time.Duration(min(int64(math.Pow(base, exp)), limit)) * time.Millisecond
}

func (m *Memory) waiting() bool { return !m.scheduled.IsZero() }

func (m *Memory) endWait() {
	m.candidates, m.scheduled, m.delay = nil, time.Time{}, 0
	m.absent, m.awaited = nil, false
}

// countAbsent notes who vanished since the last round, and who of all that did is
// back: a worker that joins anew, restarted or put out of the group meanwhile, has
// another member id and the same URL. Java knows members by their ids alone.
func (m *Memory) countAbsent(req Request, next []*load) {
	if !m.waiting() {
		m.absent = nil
	}
	here := make(map[string]bool, len(next))
	for _, l := range next {
		here[l.member] = true
	}
	for id, url := range m.members {
		if !here[id] {
			if m.absent == nil {
				m.absent = map[string]bool{}
			}
			m.absent[url] = true
		}
	}
	for id := range here {
		if _, before := m.members[id]; !before {
			if url := req.Members[id].URL; url != "" {
				delete(m.absent, url)
			}
		}
	}
}

// configuredWork is all that is to run, in order.
func configuredWork(s *state.ConfigSnapshot) work {
	names := s.Connectors()
	w := work{connectors: newSet(names)}
	for _, name := range names {
		w.tasks.add(s.Tasks(name)...)
	}
	return w
}

// duplicates is what more than one member claims, draining ones aside: those
// have stopped.
func duplicates(req Request, claims map[string]work) work {
	var seen, twice work
	for id, w := range claims {
		if req.Members[id].Draining {
			continue
		}
		twice.add(seen.and(w))
		seen.add(w)
	}
	return twice
}

// surplusOf returns what each member has over its share, connectors and tasks
// apart. It is empty when the loads are within one of each other.
func surplusOf(configured work, next []*load) map[string]work {
	if configured.empty() || !slices.ContainsFunc(next, func(l *load) bool { return !l.empty() }) {
		return nil
	}
	r := map[string]work{}
	surplus(next, len(configured.connectors.list),
		func(l *load) []string { return l.connectors.list },
		func(member string, over []string) {
			r[member] = work{connectors: newSet(over)}
		})
	surplus(next, len(configured.tasks.list),
		func(l *load) []state.TaskID { return l.tasks.list },
		func(member string, over []state.TaskID) {
			w := r[member]
			w.tasks = newSet(over)
			r[member] = w
		})
	return r
}

// surplus calls give for each member that has more of a kind than its share of
// total, with what it has too much.
func surplus[T any](next []*load, total int, of func(*load) []T, give func(member string, over []T)) {
	share, extras := total/len(next), total%len(next)
	atShare, atExtra := 0, 0
	for _, l := range next {
		switch len(of(l)) {
		case share:
			atShare++
		case share + 1:
			atExtra++
		}
	}
	if atExtra == extras && atShare+atExtra == len(next) {
		return
	}
	for _, l := range next {
		most := share
		if len(of(l)) > share && extras > 0 {
			extras--
			most++
		}
		if over := len(of(l)) - most; over > 0 {
			give(l.member, of(l)[:over])
		}
	}
}

// spread gives the items out one by one, each time to all of the least loaded
// members in turn.
func spread[T comparable](next []*load, items []T, of func(*load) *set[T]) {
	if len(next) == 0 {
		return
	}
	order := slices.Clone(next)
	slices.SortStableFunc(order, func(a, b *load) int { return len(of(a).list) - len(of(b).list) })
	for len(items) > 0 {
		least := len(of(order[0]).list)
		for _, l := range order {
			if len(items) == 0 || len(of(l).list) > least {
				break
			}
			of(l).add(items[0])
			items = items[1:]
		}
	}
}

func sortedWork(w work) work {
	return work{
		w.connectors.sorted(strings.Compare),
		w.tasks.sorted(state.CompareTaskIDs),
	}
}

// ceilMillis rounds up to whole milliseconds, so that no positive delay becomes
// none on the wire.
func ceilMillis(d time.Duration) time.Duration {
	return (d + time.Millisecond - 1).Truncate(time.Millisecond)
}
