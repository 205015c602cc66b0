package assign

import (
	"slices"
	"time"

	"github.com/moldau-io/moldau/runtime/state"
)

// Request is what the leader of the group knows when it assigns.
type Request struct {
	// Leader is the member id of the leader, one of Members.
	Leader string
	// Version is that of the group's protocol, state.ProtocolV0 to ProtocolV2.
	Version int16
	// Generation is the one being formed.
	Generation int
	// LastCompleted is the last generation this leader was an assigned member
	// of, -1 for none.
	LastCompleted int
	// Members maps member ids to what the members said of themselves.
	Members map[string]state.MemberState
	// Config is the leader's snapshot of the config topic. Its offset is at
	// least MaxOffset(Members); it becomes the offset of the assignments.
	Config *state.ConfigSnapshot
	// Now is the present.
	Now time.Time
}

// Plan is the outcome of one round.
type Plan struct {
	// Assignments has one entry for each member of the request.
	Assignments map[string]*state.Assignment
	// Owners says where everything runs once the plan is carried out. It is nil
	// if there is no assignment because the leader lags behind.
	Owners *state.Owners
}

// MaxOffset is the largest config offset any member has read. The leader may
// only assign with a snapshot that has it.
func MaxOffset(members map[string]state.MemberState) int64 {
	most := state.NoOffset
	for _, m := range members {
		most = max(most, m.Offset)
	}
	return most
}

// Mismatch is the plan of a leader whose snapshot is older than MaxOffset:
// nobody gets or loses anything, and all are told to read on and join again.
func Mismatch(req Request) Plan {
	p := Plan{Assignments: make(map[string]*state.Assignment, len(req.Members))}
	for id := range req.Members {
		a := req.blank(MaxOffset(req.Members))
		a.Error = state.AssignmentConfigMismatch
		p.Assignments[id] = a
	}
	return p
}

// blank is an assignment of nothing.
func (r Request) blank(offset int64) *state.Assignment {
	return &state.Assignment{
		Version:   r.Version,
		Leader:    r.Leader,
		LeaderURL: r.Members[r.Leader].URL,
		Offset:    offset,
	}
}

// memberIDs returns the ids of all members, sorted.
func (r Request) memberIDs() []string {
	ids := make([]string, 0, len(r.Members))
	for id := range r.Members {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// urls maps member ids to advertised URLs.
func (r Request) urls() map[string]string {
	m := make(map[string]string, len(r.Members))
	for id, s := range r.Members {
		m[id] = s.URL
	}
	return m
}
