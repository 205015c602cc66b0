package metrics

import (
	"sync"
	"time"
)

// Group counts what a member of the group of workers does; it is a group.Observer. It
// is safe for concurrent use. The zero value has counted nothing.
type Group struct {
	mu                                sync.Mutex
	heartbeat, join, sync, rebalanced timing
	failed                            int64
	// heartbeatAt and rebalancedAt are when the last ones ended.
	heartbeatAt, rebalancedAt time.Time
}

type timing struct {
	count      int64
	total, max time.Duration
}

func (t *timing) add(took time.Duration) {
	t.count++
	t.total += took
	t.max = max(t.max, took)
}

// avg is in milliseconds, 0 before the first.
func (t *timing) avg() float64 {
	if t.count == 0 {
		return 0
	}
	return ms(t.total) / float64(t.count)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Heartbeat implements group.Observer.
func (g *Group) Heartbeat(took time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.heartbeat.add(took)
	g.heartbeatAt = time.Now()
}

// Join implements group.Observer.
func (g *Group) Join(took time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.join.add(took)
}

// Sync implements group.Observer.
func (g *Group) Sync(took time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sync.add(took)
}

// Rebalanced implements group.Observer.
func (g *Group) Rebalanced(took time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rebalanced.add(took)
	g.rebalancedAt = time.Now()
}

// RebalanceFailed implements group.Observer.
func (g *Group) RebalanceFailed() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failed++
}
