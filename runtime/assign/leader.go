package assign

import (
	"time"

	"github.com/moldau-io/moldau/runtime/state"
)

// Leader assigns round after round on behalf of one worker and keeps what
// Cooperative must remember in between. It is not safe for concurrent use.
type Leader struct {
	cooperative Cooperative
	memory      Memory
}

// NewLeader returns a leader without past. maxDelay is
// scheduled.rebalance.max.delay.ms.
func NewLeader(maxDelay time.Duration) *Leader {
	return &Leader{cooperative: Cooperative{MaxDelay: maxDelay}}
}

// Assign computes one round, eagerly for state.ProtocolV0, else cooperatively.
func (l *Leader) Assign(req Request) Plan {
	if req.Version == state.ProtocolV0 {
		return Eager(req)
	}
	var p Plan
	p, l.memory = l.cooperative.Assign(req, l.memory)
	return p
}
