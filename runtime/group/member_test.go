package group

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moldau-io/moldau/runtime/state"
)

func TestOneWorkerJoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		defer c.close()
		c.topic.put("c1", 2)
		a := c.start("a")
		wait(time.Second)
		c.check("a")
		v := a.member.View()
		if !v.Leader || v.Generation != 1 || v.Protocol != Sessioned || v.LeaderURL != "http://a:8083/" ||
			!strings.HasPrefix(v.MemberID, "connect-a:8083-") || v.LeaderID != v.MemberID {
			t.Errorf("view %+v", v)
		}
		if u := a.member.OwnerURL("c1", -1); u != "http://a:8083/" {
			t.Errorf("c1 is at %q", u)
		}
		if u := a.member.OwnerURL("c1", 1); u != "http://a:8083/" {
			t.Errorf("c1-1 is at %q", u)
		}
		if u := a.member.OwnerURL("c1", 2); u != "" {
			t.Errorf("c1-2 is at %q", u)
		}
		wait(time.Hour)
		if h := a.history(); h != "joined 1" {
			t.Errorf("history: %s", h)
		}
		if since := time.Since(a.member.View().LastHeartbeat); since > testHeartbeat {
			t.Errorf("last heartbeat %v ago", since)
		}
	})
}

func TestWorkIsSharedAndHandedBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3)
		defer c.close()
		c.topic.put("c1", 4)
		c.topic.put("c2", 4)
		a := c.start("a")
		wait(time.Second)
		kept := a.runs()
		c.start("b")
		wait(20 * time.Second)
		c.check("a", "b")
		if n := len(a.runs()); n != 5 || len(kept) != 10 {
			t.Errorf("a ran %d, runs %d", len(kept), n)
		}
		if got := c.workers["b"].member.OwnerURL("c1", -1); got != "" {
			t.Errorf("b does not lead and knows an owner: %q", got)
		}
		b := c.workers["b"]
		for _, it := range b.runs() {
			name, n := it, -1
			if i := strings.IndexByte(it, '-'); i > 0 {
				name, n = it[:i], int(it[i+1]-'0')
			}
			if u := a.member.OwnerURL(name, n); u != "http://b:8083/" {
				t.Errorf("%s is at %q", it, u)
			}
		}
		c.start("c")
		wait(20 * time.Second)
		c.check("a", "b", "c")

		c.configure("c3", 5)
		wait(20 * time.Second)
		c.check("a", "b", "c")
		c.configure("c1", -1)
		wait(20 * time.Second)
		c.check("a", "b", "c")
	})
}

func TestCrashedWorkerIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		defer c.close()
		c.topic.put("c1", 6)
		a := c.start("a")
		b := c.start("b")
		wait(30 * time.Second)
		c.check("a", "b")
		survivor, victim := a, b
		if b.member.View().Leader {
			survivor, victim = b, a
		}
		had := len(survivor.runs())
		victim.crash()
		wait(testSession + 2*testHeartbeat)
		if got := survivor.last().Assignment; got.Delay != testMaxDelay || len(survivor.runs()) != had {
			t.Errorf("after the session: %v", got)
		}
		wait(testMaxDelay - 10*time.Second)
		if len(survivor.runs()) != had {
			t.Error("lost work was given out before the delay was over")
		}
		wait(30 * time.Second)
		c.check(survivor.name)
	})
}

func TestCrashedWorkerComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		defer c.close()
		c.topic.put("c1", 6)
		c.start("a")
		c.start("b")
		wait(30 * time.Second)
		survivor := c.leader()
		victim := c.workers["a"]
		if survivor == victim {
			victim = c.workers["b"]
		}
		kept := strings.Join(survivor.runs(), " ")
		victim.crash()
		wait(time.Minute)
		c.start(victim.name)
		wait(testMaxDelay)
		c.check("a", "b")
		if now := strings.Join(survivor.runs(), " "); now != kept {
			t.Errorf("the survivor ran %s, then %s", kept, now)
		}
	})
}

func TestLeaderCrashGivesWorkOutAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		defer c.close()
		c.topic.put("c1", 6)
		c.start("a")
		c.start("b")
		wait(30 * time.Second)
		leader := c.leader()
		other := c.workers["a"]
		if leader == other {
			other = c.workers["b"]
		}
		leader.crash()
		wait(testSession + 3*testHeartbeat)
		c.check(other.name)
		if !other.member.View().Leader {
			t.Error("the other worker does not lead")
		}
	})
}

func TestLeavingInOrder(t *testing.T) {
	for _, handOver := range []bool{false, true} {
		name := "as Apache"
		if handOver {
			name = "with hand-over"
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, 1)
				defer c.close()
				c.topic.put("c1", 6)
				set := func(cfg *Config, _ *worker) { cfg.HandOver = handOver }
				c.start("a", set)
				c.start("b", set)
				wait(30 * time.Second)
				stays := c.leader()
				goes := c.workers["a"]
				if stays == goes {
					goes = c.workers["b"]
				}
				goes.leave()
				wait(2 * testHeartbeat)
				if handOver {
					c.check(stays.name)
					return
				}
				if d := stays.last().Assignment.Delay; d != testMaxDelay {
					t.Errorf("delay %v", d)
				}
				wait(testMaxDelay + testHeartbeat)
				c.check(stays.name)
			})
		})
	}
}

func TestLastWorkerHandsOverToNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		defer c.close()
		c.topic.put("c1", 2)
		a := c.start("a", func(cfg *Config, _ *worker) { cfg.HandOver = true })
		wait(time.Second)
		began := time.Now()
		a.leave()
		if took := time.Since(began); took > time.Second {
			t.Errorf("leaving took %v", took)
		}
		c.start("b")
		wait(5 * time.Second)
		c.check("b")
	})
}

func TestLeadersChangeInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		defer c.close()
		c.topic.put("c1", 6)
		for _, n := range []string{"a", "b", "c"} {
			c.start(n, func(cfg *Config, _ *worker) { cfg.HandOver = true })
		}
		wait(time.Minute)
		c.check("a", "b", "c")
		for range 3 {
			l := c.leader()
			name := l.name
			l.leave()
			delete(c.workers, name)
			wait(30 * time.Second)
			c.start(name, func(cfg *Config, _ *worker) { cfg.HandOver = true })
			wait(time.Minute)
			c.check("a", "b", "c")
			if c.leader().name == name {
				t.Errorf("%s left and leads again", name)
			}
		}
	})
}

func TestProtocols(t *testing.T) {
	for _, tt := range []struct{ a, b, want Protocol }{
		{Sessioned, Sessioned, Sessioned}, {Sessioned, Compatible, Compatible}, {Compatible, Eager, Eager}, {Eager, Sessioned, Eager},
	} {
		t.Run(tt.a.String()+" and "+tt.b.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, 1)
				defer c.close()
				c.topic.put("c1", 3)
				a := c.start("a", func(cfg *Config, _ *worker) { cfg.Protocol = tt.a })
				wait(time.Second)
				b := c.start("b", func(cfg *Config, _ *worker) { cfg.Protocol = tt.b })
				wait(20 * time.Second)
				c.check("a", "b")
				for _, w := range []*worker{a, b} {
					if v := w.member.View(); v.Protocol != tt.want || w.last().Protocol != int(tt.want) {
						t.Errorf("%s uses %v", w.name, v.Protocol)
					}
				}
				if tt.want != Eager {
					return
				}
				// All work stops before each join, and the next round is the other's.
				before := len(a.joined)
				c.configure("c2", 1)
				wait(20 * time.Second)
				c.check("a", "b")
				if !strings.Contains(a.history(), "revoked") || len(a.joined) == before {
					t.Errorf("history: %s", a.history())
				}
				// When the eager worker is gone, the group turns cooperative.
				if tt.a != Eager {
					b.leave()
					delete(c.workers, "b")
					wait(time.Minute)
					a.member.RequestRejoin("test")
					wait(10 * time.Second)
					c.check("a")
					if v := a.member.View(); v.Protocol != tt.a {
						t.Errorf("alone, a uses %v", v.Protocol)
					}
				}
			})
		})
	}
}

func TestSlowStopHoldsTheNextJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		defer c.close()
		c.topic.put("c1", 4)
		a := c.start("a", func(_ *Config, w *worker) { w.stopTime = 30 * time.Second })
		wait(time.Second)
		b := c.start("b")
		wait(20 * time.Second)
		// a still stops; its heartbeats go on, and b has nothing yet.
		if len(b.runs()) != 0 || len(a.runs()) != 5 {
			t.Errorf("a runs %v, b runs %v", a.runs(), b.runs())
		}
		if v := a.member.View(); v.Lost || v.Stable {
			t.Errorf("a: %+v", v)
		}
		wait(30 * time.Second)
		c.check("a", "b")
	})
}

func TestRequestsDuringARoundComeAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		defer c.close()
		a := c.start("a", func(_ *Config, w *worker) { w.passive = true })
		wait(time.Second)
		for range 5 {
			a.member.RequestRejoin("one of many")
		}
		wait(time.Second)
		// Five requests at once are one round, or two if the first was already sent.
		if n := len(a.joined); n < 2 || n > 3 {
			t.Errorf("%d rounds: %s", n, a.history())
		}
		if a.last().Generation != a.member.View().Generation || !a.member.View().Stable {
			t.Errorf("view %+v", a.member.View())
		}
	})
}

func TestMemberJoinsByItselfWhenTheHerderIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		defer c.close()
		c.topic.put("c1", 4)
		a := c.start("a", func(_ *Config, w *worker) { w.passive = true })
		wait(time.Second)
		b := c.start("b", func(_ *Config, w *worker) { w.passive = true })
		wait(10 * time.Second)
		if !a.last().Assignment.Revokes() && len(a.joined) < 2 {
			t.Fatalf("nothing was revoked: %v", a.last())
		}
		wait(2 * testSession)
		if got := b.last().Assignment; len(got.Tasks) != 2 {
			t.Errorf("b has %v", got)
		}
	})
}

func TestLeaveAndComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		defer c.close()
		c.topic.put("c1", 4)
		c.start("a")
		c.start("b")
		wait(30 * time.Second)
		stays := c.leader()
		goes := c.workers["a"]
		if stays == goes {
			goes = c.workers["b"]
		}
		ran := strings.Join(goes.runs(), " ")
		goes.member.Leave(t.Context(), "taking too long to read the log")
		wait(2 * time.Second)
		if v := goes.member.View(); v.Stable || v.MemberID != "" || goes.member.OwnerURL("c1", -1) != "" {
			t.Errorf("view %+v", v)
		}
		if len(goes.runs()) == 0 {
			t.Error("work stopped at once")
		}
		// I6: work does not go on past the session.
		wait(testSession - testHeartbeat)
		if len(goes.runs()) != 0 {
			t.Errorf("still runs %v", goes.runs())
		}
		joins := len(goes.joined)
		wait(time.Minute)
		if len(goes.joined) != joins {
			t.Error("it came back by itself")
		}
		goes.member.RequestRejoin("caught up")
		wait(20 * time.Second)
		// Others waited for it, so it has what it had.
		c.check("a", "b")
		if now := strings.Join(goes.runs(), " "); now != ran {
			t.Errorf("ran %s, now %s", ran, now)
		}
	})
}

func TestStartTwiceAndStopUnstarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		defer c.close()
		a := c.start("a")
		if err := a.member.Start(t.Context(), a); err == nil {
			t.Error("started twice")
		}
		m, err := New(c.config(a.client, "x"))
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if v := m.View(); v.Generation != -1 || v.Stable || m.Err() != nil {
			t.Errorf("view %+v", v)
		}
	})
}

func TestLeaderCatchesUpOrSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		defer c.close()
		c.topic.put("c1", 2)
		a := c.start("a")
		wait(time.Second)
		// b has read further than a, the leader.
		c.topic.put("c2", 2)
		b := c.start("b")
		wait(20 * time.Second)
		c.check("a", "b")
		if a.last().Assignment.Offset != 2 {
			t.Errorf("offset %d", a.last().Assignment.Offset)
		}

		// Now the leader cannot read.
		l := c.leader()
		other := a
		if l == a {
			other = b
		}
		l.mu.Lock()
		l.passive = true
		l.refresh = func(ctx context.Context) (*state.ConfigSnapshot, error) { <-ctx.Done(); return nil, ctx.Err() }
		l.mu.Unlock()
		c.topic.put("c3", 2)
		other.mu.Lock()
		other.snapshot = c.topic.read()
		other.passive = true
		other.mu.Unlock()
		other.member.RequestRejoin("c3")
		wait(3*time.Second + testHeartbeat + time.Second)
		got := other.last().Assignment
		if got.Error != state.AssignmentConfigMismatch || got.Offset != 3 || len(got.Connectors)+len(got.Tasks) != 3 {
			t.Errorf("assignment %v", got)
		}
		if v := other.member.View(); v.Stable {
			t.Error("stable with a failed assignment")
		}
		// The herders follow up; the members would by themselves.
		l.mu.Lock()
		l.refresh, l.passive = nil, false
		l.snapshot = c.topic.read()
		l.mu.Unlock()
		other.mu.Lock()
		other.passive = false
		other.mu.Unlock()
		wait(time.Minute)
		c.check("a", "b")
	})
}
