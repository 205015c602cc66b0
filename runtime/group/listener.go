package group

import (
	"context"
	"sync"

	"github.com/moldau-io/moldau/runtime/state"
)

// Joined says that the worker is a member of the group and what it is to run.
type Joined struct {
	// Assignment is all the worker is to run. What it had to give up is listed as
	// revoked and has stopped already.
	Assignment *state.Assignment
	// Generation is the group's generation of the assignment.
	Generation int
	// Leader says whether this worker leads the group.
	Leader bool
	// Protocol is the version of the group's protocol, state.ProtocolV0 to
	// ProtocolV2.
	Protocol int
}

// Revoked names work that must stop before the worker joins again.
type Revoked struct {
	Connectors []string
	Tasks      []state.TaskID
}

// Listener is told of the group's doings: Java's WorkerRebalanceListener, and
// what WorkerCoordinator asks of the config store. See the package's contract.
type Listener interface {
	// OnJoined tells of a new assignment.
	OnJoined(Joined)
	// OnRevoked returns when everything named has stopped.
	OnRevoked(Revoked)
	// OnLost returns when everything has been told to stop.
	OnLost()
	// Snapshot returns the configuration to assign by and to report to the
	// group. It must not block.
	Snapshot() *state.ConfigSnapshot
	// Refresh reads the config topic to its end.
	Refresh(ctx context.Context) (*state.ConfigSnapshot, error)
}

// courier makes a Listener's calls one after the other, so that the member's
// own goroutine never waits for the herder.
type courier struct {
	mu    sync.Mutex
	queue []func()
	ready chan struct{}
}

func newCourier() *courier { return &courier{ready: make(chan struct{}, 1)} }

func (c *courier) call(f func()) {
	c.mu.Lock()
	c.queue = append(c.queue, f)
	c.mu.Unlock()
	signal(c.ready)
}

// run makes the calls until ctx is done.
func (c *courier) run(ctx context.Context) {
	for {
		c.mu.Lock()
		var f func()
		if len(c.queue) > 0 {
			f, c.queue = c.queue[0], c.queue[1:]
		}
		c.mu.Unlock()
		if f != nil {
			f()
			if ctx.Err() != nil {
				return
			}
			continue
		}
		select {
		case <-c.ready:
		case <-ctx.Done():
			return
		}
	}
}

// signal wakes who waits on a channel of capacity one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
