package group

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// warnEvery is how often an unreachable group is complained of.
const warnEvery = 30 * time.Second

// discovery is the search for the group's coordinator.
type discovery struct {
	// node is the coordinator, -1 while it is not known.
	node   int32
	asking bool
	askAt  time.Time
	tries  int
	// since is when the search began, warned when it was last complained of.
	since, warned time.Time
}

func (o *owner) needsCoordinator() bool {
	return o.wantJoin && !o.paused || o.memberID != ""
}

// discover asks for the coordinator if it is not known.
func (o *owner) discover(now time.Time) {
	d := &o.coordinator
	if d.node >= 0 || d.asking || now.Before(d.askAt) || !o.needsCoordinator() {
		return
	}
	d.asking = true
	if d.since.IsZero() {
		d.since, d.warned = now, now
	}
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.CoordinatorType = 0
	req.CoordinatorKey = o.cfg.GroupID
	req.CoordinatorKeys = []string{o.cfg.GroupID}
	try := d.tries
	request(o, o.cfg.HeartbeatInterval,
		func(ctx context.Context) (kmsg.Response, error) { return o.client.any(ctx, try, req) },
		(*owner).onCoordinator)
}

func (o *owner) onCoordinator(resp *kmsg.FindCoordinatorResponse, err error) {
	d := &o.coordinator
	d.asking = false
	now := time.Now()
	node, host, port := int32(-1), "", int32(0)
	if err == nil {
		code := resp.ErrorCode
		node, host, port = resp.NodeID, resp.Host, resp.Port
		if len(resp.Coordinators) > 0 {
			c := resp.Coordinators[0]
			code, node, host, port = c.ErrorCode, c.NodeID, c.Host, c.Port
		}
		err = kerr.ErrorForCode(code)
	}
	if err != nil {
		if f := o.fatal(err); f != nil {
			o.fail(f)
			return
		}
		d.askAt = now.Add(o.backoff(d.tries))
		d.tries++
		if now.Sub(d.warned) >= warnEvery {
			d.warned = now
			o.log.Warn("cannot find the group's coordinator; check that the brokers of bootstrap.servers and their advertised.listeners can be reached from here",
				"for", now.Sub(d.since).Round(time.Second), "err", err)
		} else {
			o.log.Debug("finding the group's coordinator failed", "err", err)
		}
		return
	}
	o.log.Info("discovered the group's coordinator", "node", node, "host", host, "port", port)
	*d = discovery{node: node}
	// The first heartbeat tells whether the membership still holds.
	o.beat.at = now
}

// lostCoordinator forgets the coordinator, and with it the round under way.
func (o *owner) lostCoordinator(why string) {
	if o.coordinator.node < 0 {
		return
	}
	o.log.Info("the group's coordinator is unavailable or no longer is it; looking for it again", "node", o.coordinator.node, "cause", why)
	o.coordinator = discovery{node: -1}
	o.beat.forget()
	if o.phase == joining || o.phase == syncing {
		o.abort()
		o.rejoinAfter(0, "the coordinator was lost during a rebalance")
	}
}

// backoff is retry.backoff.ms doubled with each try up to the limit, give or
// take a fifth.
func (o *owner) backoff(tries int) time.Duration {
	d := o.cfg.RetryBackoff << min(tries, 20)
	if d <= 0 || d > o.cfg.RetryBackoffMax {
		d = o.cfg.RetryBackoffMax
	}
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}
