package assign

import "github.com/moldau-io/moldau/runtime/state"

// Eager deals out all connectors, then all tasks, to the members in turn, in
// the order of their ids: Java's EagerAssignor. What members run now does not
// matter, for they have stopped it. Draining members get nothing as long as
// there is another.
func Eager(req Request) Plan {
	all := req.memberIDs()
	takers := make([]string, 0, len(all))
	for _, id := range all {
		if !req.Members[id].Draining {
			takers = append(takers, id)
		}
	}
	if len(takers) == 0 {
		takers = all
	}

	connectors := map[string][]string{}
	tasks := map[string][]state.TaskID{}
	turn := 0
	next := func() string {
		id := takers[turn%len(takers)]
		turn++
		return id
	}
	names := req.Config.Connectors()
	for _, name := range names {
		id := next()
		connectors[id] = append(connectors[id], name)
	}
	for _, name := range names {
		for _, task := range req.Config.Tasks(name) {
			id := next()
			tasks[id] = append(tasks[id], task)
		}
	}

	p := Plan{
		Assignments: make(map[string]*state.Assignment, len(all)),
		Owners:      state.NewOwners(req.urls(), connectors, tasks),
	}
	for _, id := range all {
		a := req.blank(req.Config.Offset())
		a.Connectors, a.Tasks = connectors[id], tasks[id]
		p.Assignments[id] = a
	}
	return p
}
