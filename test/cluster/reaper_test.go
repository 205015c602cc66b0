package cluster

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// reaper does for the workers' group what Kafka does and kfake leaves undone: a member
// to which an answer could not be delivered has no session there that could end, and
// each new join puts off the end of the rebalance that would remove it.
type reaper struct {
	kafka  *kfake.Cluster
	client *kgo.Client
	note   func(format string, args ...any)
	stop   context.CancelFunc
	done   chan struct{}

	mu    sync.Mutex
	heard map[string]time.Time // by member
}

// silence is longer than a session and a rebalance.
const silence = session + 90*time.Second

func startReaper(c *cluster) (*reaper, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers("localhost:9092"), kgo.Dialer(c.net.DialContext))
	if err != nil {
		return nil, err
	}
	r := &reaper{kafka: c.kafka, client: client, note: c.note, done: make(chan struct{}), heard: map[string]time.Time{}}
	for _, key := range []kmsg.Key{kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat} {
		c.kafka.ControlKey(int16(key), func(req kmsg.Request) (kmsg.Response, error, bool) {
			c.kafka.KeepControl()
			r.hear(req)
			return nil, nil, false
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

func (r *reaper) hear(req kmsg.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch req := req.(type) {
	case *kmsg.JoinGroupRequest:
		r.heard[req.MemberID] = time.Now()
	case *kmsg.SyncGroupRequest:
		r.heard[req.MemberID] = time.Now()
	case *kmsg.HeartbeatRequest:
		r.heard[req.MemberID] = time.Now()
	}
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
		return
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
