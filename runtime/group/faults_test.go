package group

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/moldau-io/moldau/connect/errs"
)

// link is a worker's network, which can be cut in two ways.
type link struct {
	dial  func(ctx context.Context, network, addr string) (net.Conn, error)
	mu    sync.Mutex
	conns map[*linkConn]bool
	// refuse lets no connection be made; swallow lets dials wait for ever.
	refuse, swallow bool
}

// linkConn is a connection that can go dead without either end being told, as
// when a machine loses its power.
type linkConn struct {
	net.Conn
	dead     atomic.Bool
	deadline atomic.Pointer[time.Time]
	gone     chan struct{}
	closed   sync.Once
}

func (l *link) connect(ctx context.Context, network, addr string) (net.Conn, error) {
	l.mu.Lock()
	refuse, swallow := l.refuse, l.swallow
	l.mu.Unlock()
	switch {
	case refuse:
		return nil, errors.New("connection refused")
	case swallow:
		ctx, cancel := context.WithTimeout(ctx, testSession/3)
		defer cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	}
	c, err := l.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	lc := &linkConn{Conn: c, gone: make(chan struct{})}
	l.mu.Lock()
	l.conns[lc] = true
	l.mu.Unlock()
	return lc, nil
}

// cut stops the network. A silent cut tells nobody: what is sent vanishes, and
// the brokers do not see connections closed.
func (l *link) cut(silent bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuse, l.swallow = !silent, silent
	for c := range l.conns {
		if silent {
			c.dead.Store(true)
		} else {
			c.Conn.Close()
		}
	}
	clear(l.conns)
}

// mend lets new connections be made. Old ones stay dead.
func (l *link) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuse, l.swallow = false, false
}

func (c *linkConn) Write(b []byte) (int, error) {
	if c.dead.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func (c *linkConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil || !c.dead.Load() {
		return n, err
	}
	go func() { // the broker can go on writing
		junk := make([]byte, 4096)
		for err == nil {
			_, err = c.Conn.Read(junk)
		}
	}()
	var late <-chan time.Time
	if d := c.deadline.Load(); d != nil && !d.IsZero() {
		t := time.NewTimer(time.Until(*d))
		defer t.Stop()
		late = t.C
	}
	select {
	case <-late:
		return 0, os.ErrDeadlineExceeded
	case <-c.gone:
		return 0, net.ErrClosed
	}
}

func (c *linkConn) SetReadDeadline(t time.Time) error {
	c.deadline.Store(&t)
	return c.Conn.SetReadDeadline(t)
}

func (c *linkConn) Close() error {
	c.closed.Do(func() { close(c.gone) })
	if c.dead.Load() {
		return nil
	}
	return c.Conn.Close()
}

// linked gives a worker a network of its own.
func (c *cluster) linked(name string, adjust ...func(*Config, *worker)) (*worker, *link) {
	c.t.Helper()
	l := &link{dial: c.net.DialContext, conns: map[*linkConn]bool{}}
	w := c.start(name, append([]func(*Config, *worker){func(cfg *Config, w *worker) {
		w.client.Close()
		client, err := kgo.NewClient(append(ClientOpts(testSession),
			kgo.SeedBrokers("localhost:9092"), kgo.Dialer(l.connect), kgo.ClientID("connect-"+name+":8083"))...)
		if err != nil {
			c.t.Fatal(err)
		}
		w.client, cfg.Client = client, client
	}}, adjust...)...)
	return w, l
}

func TestCoordinatorMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 5)
		defer c.close()
		c.topic.put("c1", 6)
		c.start("a")
		c.start("b")
		wait(30 * time.Second)
		c.check("a", "b")
		before := c.workers["a"].history() + c.workers["b"].history()
		for range 8 {
			c.kafka.RehashCoordinators()
			wait(5 * time.Second)
			c.check("a", "b")
		}
		if after := c.workers["a"].history() + c.workers["b"].history(); after != before {
			t.Errorf("moves were felt: %s, then %s", before, after)
		}
		// A move in the middle of a round.
		c.configure("c2", 3)
		c.kafka.RehashCoordinators()
		wait(time.Minute)
		c.check("a", "b")
	})
}

func TestCoordinatorIsLoading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		defer c.close()
		c.topic.put("c1", 2)
		h := c.kafka.Fault(
			kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, Err: kerr.CoordinatorLoadInProgress, Count: 3},
			kfake.Fault{Keys: []kmsg.Key{kmsg.SyncGroup}, Err: kerr.CoordinatorLoadInProgress, Count: 2},
			kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.CoordinatorLoadInProgress, Count: 3},
			kfake.Fault{Keys: []kmsg.Key{kmsg.FindCoordinator}, Err: kerr.CoordinatorNotAvailable, Count: 3},
		)
		defer h.Remove()
		a := c.start("a")
		wait(20 * time.Second)
		c.check("a")
		if h.Hits() < 8 || strings.Contains(a.history(), "lost") {
			t.Errorf("%d faults, history %s", h.Hits(), a.history())
		}
	})
}

func TestRefusedMembership(t *testing.T) {
	for _, key := range []kmsg.Key{kmsg.Heartbeat, kmsg.SyncGroup, kmsg.JoinGroup} {
		for _, e := range []*kerr.Error{kerr.UnknownMemberID, kerr.IllegalGeneration, kerr.RebalanceInProgress, kerr.NotCoordinator, kerr.UnknownServerError} {
			t.Run(kmsg.NameForKey(int16(key))+" "+e.Message, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := newCluster(t, 1)
					defer c.close()
					c.topic.put("c1", 6)
					a := c.start("a")
					b := c.start("b")
					wait(30 * time.Second)
					c.check("a", "b")
					id, ran := a.member.View().MemberID, strings.Join(a.runs(), " ")
					h := c.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Err: e, Count: 2})
					defer h.Remove()
					if key != kmsg.Heartbeat {
						a.member.RequestRejoin("test")
						b.member.RequestRejoin("test")
					}
					wait(testMaxDelay + 3*time.Minute)
					c.check("a", "b")
					if h.Hits() != 2 {
						t.Errorf("%d faults", h.Hits())
					}
					if e != kerr.UnknownMemberID && a.member.View().MemberID != id {
						t.Error("the member id was given up")
					}
					if now := strings.Join(a.runs(), " "); now != ran {
						t.Errorf("a ran %s, now %s", ran, now)
					}
					// A member that is told it is none has no proof of the contrary until
					// its former self has expired.
					if e != kerr.UnknownMemberID && strings.Contains(a.history()+b.history(), "lost") {
						t.Errorf("a: %s; b: %s", a.history(), b.history())
					}
				})
			})
		}
	}
}

func TestCutOffWorkerStopsInTime(t *testing.T) {
	for _, silent := range []bool{false, true} {
		for _, maxDelay := range []time.Duration{0, testMaxDelay} {
			name := "refused"
			if silent {
				name = "silent"
			}
			t.Run(name+" "+maxDelay.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := newCluster(t, 1)
					defer c.close()
					c.topic.put("c1", 6)
					set := func(cfg *Config, _ *worker) { cfg.MaxDelay = maxDelay }
					stays := c.start("a", set)
					wait(time.Second) // a leads
					goes, l := c.linked("b", set)
					wait(30 * time.Second)
					c.check("a", "b")
					ran := strings.Join(goes.runs(), " ")
					l.cut(silent)
					began := time.Now()
					for len(goes.runs()) > 0 {
						for _, it := range goes.runs() {
							if strings.Contains(" "+strings.Join(stays.runs(), " ")+" ", " "+it+" ") {
								t.Fatalf("%s runs twice after %v", it, time.Since(began))
							}
						}
						wait(100 * time.Millisecond)
					}
					if took := time.Since(began); took > testSession-testHeartbeat+100*time.Millisecond || took < testSession-2*testHeartbeat {
						t.Errorf("work stopped after %v", took)
					}
					if v := goes.member.View(); !v.Lost || v.Stable || v.MemberID != "" {
						t.Errorf("view %+v", v)
					}
					wait(time.Minute)
					if n := len(stays.runs()); (n == 7) != (maxDelay == 0) {
						t.Errorf("the other worker runs %d", n)
					}
					l.mend()
					wait(testMaxDelay + time.Minute)
					c.check("a", "b")
					if now := strings.Join(goes.runs(), " "); maxDelay > 0 && now != ran {
						t.Errorf("ran %s, now %s", ran, now)
					}
				})
			})
		}
	}
}

func TestShortCutIsNotFelt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		defer c.close()
		c.topic.put("c1", 6)
		a, l := c.linked("a")
		wait(10 * time.Second)
		before := a.history()
		for _, silent := range []bool{false, true} {
			l.cut(silent)
			wait(2 * time.Second)
			l.mend()
			wait(10 * time.Second)
			c.check("a")
			if a.history() != before {
				t.Errorf("silent %t: %s", silent, a.history())
			}
		}
	})
}

func TestCutWhileOthersHoldTheRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		defer c.close()
		c.topic.put("c1", 6)
		a, l := c.linked("a")
		wait(time.Second)
		b := c.start("b", func(_ *Config, w *worker) { w.stopTime = 40 * time.Second })
		wait(20 * time.Second)
		c.check("a", "b")
		// b has to give something up and takes its time; a waits in its join.
		c.start("c")
		wait(15 * time.Second)
		if len(a.runs()) == 0 {
			t.Fatalf("a waits for the round and has stopped: %s", a.history())
		}
		l.cut(true)
		wait(testSession)
		if len(a.runs()) != 0 {
			t.Error("a is cut off during a round and goes on")
		}
		l.mend()
		wait(testMaxDelay + time.Minute)
		c.check("a", "b", "c")
		if h := b.history(); strings.Contains(h, "lost") {
			t.Errorf("b: %s", h)
		}
	})
}

func TestTooSlowStopLeavesTheGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		defer c.close()
		c.topic.put("c1", 6)
		a := c.start("a", func(_ *Config, w *worker) { w.stopTime = testRebalance + 30*time.Second })
		wait(time.Second)
		b := c.start("b")
		wait(testRebalance + 10*time.Second)
		if v := b.member.View(); !v.Leader {
			t.Errorf("b is held up: %+v", v)
		}
		wait(30 * time.Second)
		if h := a.history(); !strings.HasPrefix(h, "joined 1, revoked 3, lost") && !strings.Contains(h, "lost") {
			t.Errorf("a: %s", h)
		}
		a.mu.Lock()
		a.stopTime = 0
		a.mu.Unlock()
		wait(testMaxDelay + time.Minute)
		c.check("a", "b")
	})
}

func TestFatalErrors(t *testing.T) {
	tests := []struct {
		err         *kerr.Error
		class, text string
		keys        []kmsg.Key
	}{
		{kerr.GroupAuthorizationFailed, "org.apache.kafka.common.errors.GroupAuthorizationException", "ACL Read on the group workers", []kmsg.Key{kmsg.FindCoordinator, kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat}},
		{kerr.GroupMaxSizeReached, "org.apache.kafka.common.errors.GroupMaxSizeReachedException", "group.max.size", []kmsg.Key{kmsg.JoinGroup}},
		{kerr.InvalidGroupID, "org.apache.kafka.common.errors.InvalidGroupIdException", "group.id", []kmsg.Key{kmsg.JoinGroup}},
		{kerr.FencedInstanceID, "org.apache.kafka.common.errors.FencedInstanceIdException", "", []kmsg.Key{kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat}},
	}
	for _, tt := range tests {
		for _, key := range tt.keys {
			t.Run(tt.err.Message+" "+kmsg.NameForKey(int16(key)), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := newCluster(t, 1)
					defer c.close()
					c.topic.put("c1", 1)
					if key == kmsg.Heartbeat {
						c.start("a")
						wait(time.Second)
						c.check("a")
					}
					h := c.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Err: tt.err, Count: -1})
					defer h.Remove()
					if key != kmsg.Heartbeat {
						c.start("a")
					}
					wait(10 * time.Second)
					a := c.workers["a"]
					select {
					case <-a.member.Failed():
					default:
						t.Fatal("the member did not fail")
					}
					err := a.member.Err()
					if errs.Class(err) != tt.class || !strings.Contains(err.Error(), tt.text) || !errors.Is(err, tt.err) {
						t.Errorf("%s: %v", errs.Class(err), err)
					}
					if len(a.runs()) != 0 {
						t.Errorf("still runs %v", a.runs())
					}
					hits := h.Hits()
					wait(time.Minute)
					if h.Hits() != hits {
						t.Error("it goes on asking")
					}
				})
			})
		}
	}
}

func TestSessionTimeoutOutOfRange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		defer c.close()
		a := c.start("a", func(cfg *Config, _ *worker) {
			cfg.SessionTimeout, cfg.HeartbeatInterval = time.Second, 300*time.Millisecond
		})
		wait(5 * time.Second)
		if err := a.member.Err(); err == nil || !strings.Contains(err.Error(), "group.min.session.timeout.ms") {
			t.Errorf("error %v", err)
		}
	})
}

func TestGroupOfConsumers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1, kfake.SeedTopics(1, "t"))
		defer c.close()
		consumer, err := kgo.NewClient(kgo.SeedBrokers("localhost:9092"), kgo.Dialer(c.net.DialContext),
			kgo.ConsumerGroup(testGroup), kgo.ConsumeTopics("t"))
		if err != nil {
			t.Fatal(err)
		}
		defer consumer.Close()
		wait(10 * time.Second)
		a := c.start("a")
		wait(5 * time.Second)
		err = a.member.Err()
		if errs.Class(err) != "org.apache.kafka.common.errors.InconsistentGroupProtocolException" ||
			!strings.Contains(err.Error(), "choose another group.id") {
			t.Errorf("%s: %v", errs.Class(err), err)
		}
	})
}

// TestMemberThatCannotBeRead has somebody in the group whose metadata are noise.
func TestMemberThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		defer c.close()
		c.topic.put("c1", 4)
		a := c.start("a")
		wait(time.Second)
		other, err := kgo.NewClient(kgo.SeedBrokers("localhost:9092"), kgo.Dialer(c.net.DialContext))
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		join := kmsg.NewPtrJoinGroupRequest()
		join.Group, join.ProtocolType = testGroup, ProtocolType
		join.SessionTimeoutMillis, join.RebalanceTimeoutMillis = 30_000, 30_000
		p := kmsg.NewJoinGroupRequestProtocol()
		p.Name, p.Metadata = "sessioned", []byte("\xffnoise")
		join.Protocols = append(join.Protocols, p)
		for range 2 {
			kresp, err := other.Request(t.Context(), join)
			if err != nil {
				t.Fatal(err)
			}
			resp := kresp.(*kmsg.JoinGroupResponse)
			join.MemberID = resp.MemberID
			if resp.ErrorCode == 0 {
				sync := kmsg.NewPtrSyncGroupRequest()
				sync.Group, sync.MemberID, sync.Generation = testGroup, resp.MemberID, resp.Generation
				kresp, err := other.Request(t.Context(), sync)
				if err != nil {
					t.Fatal(err)
				}
				got, err := DecodeAssignment(kresp.(*kmsg.SyncGroupResponse).MemberAssignment)
				if err != nil || !got.Empty() || got.LeaderURL != "http://a:8083/" {
					t.Errorf("it gets %v, %v", got, err)
				}
			}
		}
		wait(10 * time.Second)
		c.check("a")
		if a.member.Err() != nil {
			t.Error(a.member.Err())
		}
	})
}

// TestLeaderThatTalksNonsense sends a follower an assignment it cannot read.
func TestLeaderThatTalksNonsense(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		defer c.close()
		c.topic.put("c1", 1)
		n := 0
		c.kafka.ControlKey(int16(kmsg.SyncGroup), func(req kmsg.Request) (kmsg.Response, error, bool) {
			if n++; n > 3 {
				return nil, nil, false
			}
			c.kafka.KeepControl()
			resp := req.ResponseKind().(*kmsg.SyncGroupResponse)
			if n == 1 {
				resp.MemberAssignment = []byte("\x00\x02\x00")
			}
			return resp, nil, true
		})
		a := c.start("a")
		wait(20 * time.Second)
		c.check("a")
		if n < 4 || a.member.Err() != nil {
			t.Errorf("%d syncs, %v", n, a.member.Err())
		}
	})
}

func TestNoBrokerYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		defer c.close()
		c.topic.put("c1", 1)
		a, l := c.linked("a")
		l.cut(false)
		wait(10 * time.Minute)
		if v := a.member.View(); v.Stable || a.member.Err() != nil || a.history() != "" {
			t.Errorf("%+v, %v, %s", v, a.member.Err(), a.history())
		}
		l.mend()
		wait(10 * time.Second)
		c.check("a")
	})
}

func TestSettings(t *testing.T) {
	client, err := kgo.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	good := (&cluster{}).config(client, "a")
	if _, err := New(good); err != nil {
		t.Error(err)
	}
	for text, spoil := range map[string]func(*Config){
		"group.id":             func(c *Config) { c.GroupID = "" },
		"session.timeout.ms":   func(c *Config) { c.SessionTimeout = 0 },
		"rebalance.timeout.ms": func(c *Config) { c.RebalanceTimeout = -1 },
		"Heartbeat must be set lower than the session timeout": func(c *Config) { c.HeartbeatInterval = c.SessionTimeout },
		"client": func(c *Config) { c.Client = nil },
	} {
		bad := good
		spoil(&bad)
		if _, err := New(bad); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", text, err)
		}
	}
	long := good
	long.Margin = time.Hour
	if err := long.complete(); err != nil || long.Margin >= long.SessionTimeout {
		t.Errorf("margin %v, %v", long.Margin, err)
	}
}
