package cluster

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// reaper does for the workers' group what Kafka does and kfake leaves undone. A member
// to which an answer could not be delivered has no session there that could end; one
// that joins while it is taken to wait for its part of an assignment is not counted; and
// each new join puts off the end of the rebalance that would help in both cases.
type reaper struct {
	kafka  *kfake.Cluster
	client *kgo.Client
	note   func(format string, args ...any)
	stop   context.CancelFunc
	done   chan struct{}

	mu    sync.Mutex
	heard map[string]time.Time // by member
	// held is until when joins are put off, so that a rebalance can end.
	held time.Time

	epoch int32     // of the rebalance under way
	since time.Time // when it was first seen
}

const (
	// silence is longer than a session and a rebalance.
	silence = session + 90*time.Second
	// rebalance is rebalance.timeout.ms, by default.
	rebalance = time.Minute
)

func startReaper(c *cluster) (*reaper, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers("localhost:9092"), kgo.Dialer(c.net.DialContext))
	if err != nil {
		return nil, err
	}
	r := &reaper{kafka: c.kafka, client: client, note: c.note, done: make(chan struct{}), heard: map[string]time.Time{}}
	for _, key := range []kmsg.Key{kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat} {
		c.kafka.ControlKey(int16(key), func(req kmsg.Request) (kmsg.Response, error, bool) {
			c.kafka.KeepControl()
			answer, held := r.hear(req)
			return answer, nil, held
		})
	}
	var ctx context.Context
	ctx, r.stop = context.WithCancel(context.Background())
	go r.run(ctx)
	return r, nil
}

func (r *reaper) close() {
	r.stop()
	<-r.done
	r.client.Close()
}

// hear notes who sends a request, and answers it if it is held.
func (r *reaper) hear(req kmsg.Request) (answer kmsg.Response, held bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch req := req.(type) {
	case *kmsg.SyncGroupRequest:
		r.heard[req.MemberID] = time.Now()
	case *kmsg.HeartbeatRequest:
		r.heard[req.MemberID] = time.Now()
	case *kmsg.JoinGroupRequest:
		r.heard[req.MemberID] = time.Now()
		if req.Group == workers && time.Now().Before(r.held) {
			resp := req.ResponseKind().(*kmsg.JoinGroupResponse)
			resp.ErrorCode = kerr.CoordinatorLoadInProgress.Code
			return resp, true
		}
	}
	return nil, false
}

// last returns when a member was last heard of.
func (r *reaper) last(member string) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.heard[member]
}

func (r *reaper) run(ctx context.Context) {
	defer close(r.done)
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.reap(ctx)
		}
	}
}

func (r *reaper) reap(ctx context.Context) {
	info := r.kafka.GroupInfo(workers)
	if info == nil || info.State != "PreparingRebalance" {
		r.since = time.Time{}
		return
	}
	if r.since.IsZero() || r.epoch != info.Epoch {
		r.since, r.epoch = time.Now(), info.Epoch
	}
	if time.Since(r.since) > 2*rebalance {
		r.note("the broker lets a rebalance end")
		r.mu.Lock()
		r.held = time.Now().Add(rebalance + 5*time.Second)
		r.mu.Unlock()
		r.since = time.Time{}
	}
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group = workers
	r.mu.Lock()
	for _, m := range info.Members {
		if time.Since(r.heard[m.MemberID]) > silence {
			gone := kmsg.NewLeaveGroupRequestMember()
			gone.MemberID = m.MemberID
			req.Members = append(req.Members, gone)
		}
	}
	r.mu.Unlock()
	if len(req.Members) == 0 {
		return
	}
	r.note("the broker forgets %d silent members", len(req.Members))
	if _, err := req.RequestWith(ctx, r.client); err != nil {
		r.note("it does not: %v", err)
	}
}
