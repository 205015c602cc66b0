package group

import (
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/assign"
)

// Config is what a Member works with. Times are whole milliseconds.
type Config struct {
	// Client talks to the brokers. Its client id becomes the head of the member
	// id; Connect's is client.id, or "connect-<host>:<port>" of the advertised
	// listener. The client should have the options of ClientOpts, must not be a
	// consumer, and is not closed by the member.
	Client *kgo.Client
	// GroupID is group.id of the workers.
	GroupID string
	// URL is the advertised URL of this worker's REST API, with a slash at its end.
	URL string
	// Protocol is connect.protocol.
	Protocol Protocol
	// SessionTimeout is session.timeout.ms: a member that is not heard of for so
	// long is out of the group. The brokers bound it, to 6 s to 30 min by default.
	SessionTimeout time.Duration
	// HeartbeatInterval is heartbeat.interval.ms. It must be less than the
	// session timeout, and should be no more than a third of it.
	HeartbeatInterval time.Duration
	// RebalanceTimeout is rebalance.timeout.ms: how long the group waits for
	// members to join when a rebalance has begun, and how long a Listener's call
	// may take.
	RebalanceTimeout time.Duration
	// MaxDelay is scheduled.rebalance.max.delay.ms.
	MaxDelay time.Duration
	// SyncTimeout is worker.sync.timeout.ms: how long a leader tries to catch up
	// with the config topic.
	SyncTimeout time.Duration
	// RequestTimeout is request.timeout.ms.
	RequestTimeout time.Duration
	// RetryBackoff and RetryBackoffMax are retry.backoff.ms and
	// retry.backoff.max.ms.
	RetryBackoff, RetryBackoffMax time.Duration
	// Margin is how long before the end of the session OnLost is called, for the
	// work to stop in. 0 stands for a heartbeat interval.
	Margin time.Duration
	// HandOver makes Stop give this worker's work to the others before it leaves.
	HandOver bool
	// Assigner assigns when this worker leads; nil stands for an assign.Leader.
	Assigner Assigner
	// Observer is told of requests and rebalances, for metrics. May be nil.
	Observer Observer
	// Logger is where the member logs to.
	Logger *slog.Logger
}

// Assigner makes the assignment of a round. It is called on the member's own
// goroutine and must not block. The members of the request have what they said
// of themselves, and its snapshot is as new as any of them has read.
type Assigner interface {
	Assign(assign.Request) assign.Plan
}

// Observer is told of what the metrics of a group member count
// (kafka.connect:type=connect-coordinator-metrics). Its methods are called on
// the member's own goroutine and must not block.
type Observer interface {
	// Heartbeat, Join and Sync tell how long an answered request took.
	Heartbeat(took time.Duration)
	Join(took time.Duration)
	Sync(took time.Duration)
	// Rebalanced tells how long it took from the start of a rebalance to its end.
	Rebalanced(took time.Duration)
	// RebalanceFailed tells of a join or sync that has to be done again.
	RebalanceFailed()
}

// nothing is the Observer of who does not care.
type nothing struct{}

func (nothing) Heartbeat(time.Duration)  {}
func (nothing) Join(time.Duration)       {}
func (nothing) Sync(time.Duration)       {}
func (nothing) Rebalanced(time.Duration) {}
func (nothing) RebalanceFailed()         {}

// ClientOpts returns the options a client for a Member should have besides
// those of the worker's settings: a connection on which the coordinator does not
// answer must be given up well within the session, so that another can be tried.
// A dialer of the client's own must have a time limit like this one.
func ClientOpts(sessionTimeout time.Duration) []kgo.Opt {
	return []kgo.Opt{
		kgo.RequestTimeoutOverhead(min(max(sessionTimeout/4, time.Second), 15*time.Minute)),
		kgo.DialTimeout(max(sessionTimeout/3, time.Second)),
	}
}

// complete checks the settings and fills in what may be left out.
func (c *Config) complete() error {
	positive := func(key string, d time.Duration) error {
		if d < time.Millisecond || d > math.MaxInt32*time.Millisecond {
			return errs.InvalidValue(key, d.Milliseconds(), fmt.Sprintf("Value must be between 1 and %d", math.MaxInt32))
		}
		return nil
	}
	switch {
	case c.Client == nil || c.Logger == nil:
		return errs.New(errs.ClassIllegalArgument, "a group member needs a client and a logger")
	case c.GroupID == "":
		return errs.InvalidValue("group.id", c.GroupID, "a worker of a cluster needs the name of its group")
	}
	for _, v := range []struct {
		key string
		d   time.Duration
	}{
		{"session.timeout.ms", c.SessionTimeout},
		{"heartbeat.interval.ms", c.HeartbeatInterval},
		{"rebalance.timeout.ms", c.RebalanceTimeout},
		{"worker.sync.timeout.ms", c.SyncTimeout},
		{"request.timeout.ms", c.RequestTimeout},
	} {
		if err := positive(v.key, v.d); err != nil {
			return err
		}
	}
	if c.HeartbeatInterval >= c.SessionTimeout {
		return errs.New(errs.ClassIllegalArgument, "Heartbeat must be set lower than the session timeout").
			WithHint("heartbeat.interval.ms is %d, session.timeout.ms is %d", c.HeartbeatInterval.Milliseconds(), c.SessionTimeout.Milliseconds())
	}
	c.RetryBackoffMax = max(c.RetryBackoffMax, time.Millisecond)
	if c.Margin <= 0 {
		c.Margin = c.HeartbeatInterval
	}
	// At least a third of the session has to be left for heartbeats to arrive in.
	c.Margin = min(c.Margin, c.SessionTimeout*2/3)
	if c.Assigner == nil {
		c.Assigner = assign.NewLeader(c.MaxDelay)
	}
	if c.Observer == nil {
		c.Observer = nothing{}
	}
	return nil
}
