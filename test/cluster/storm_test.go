package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/herder"
	"github.com/moldau-io/moldau/runtime/state"
)

// TestStorms plays random histories of clusters: workers start, late or not, are killed,
// leave, and are cut off for a while; the group's coordinator moves; the leader is lost;
// connectors are made, changed, paused, stopped, resumed, restarted and deleted, many at
// a time. At no time may anything run twice for longer than a session lasts, and after
// a quiet while all of it runs once, in balance, as statuses and configurations say,
// on all workers alike.
//
// MOLDAU_CLUSTER_SEED replays one seed; MOLDAU_CLUSTER_SEEDS is how many there are, and
// MOLDAU_CLUSTER_ROUNDS of how many rounds each.
func TestStorms(t *testing.T) {
	first, seeds, rounds := number(t, "MOLDAU_CLUSTER_SEED", 0), number(t, "MOLDAU_CLUSTER_SEEDS", 4), number(t, "MOLDAU_CLUSTER_ROUNDS", 3)
	if first > 0 {
		seeds = 1
	} else {
		first = 1
	}
	var hours time.Duration
	var longest time.Duration
	var twice string
	for seed := first; seed < first+seeds; seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				defer func() {
					if t.Failed() {
						t.Logf("MOLDAU_CLUSTER_SEED=%d MOLDAU_CLUSTER_ROUNDS=%d plays this again", seed, rounds)
					}
				}()
				began := time.Now()
				s := newStorm(t, uint64(seed))
				defer s.c.close()
				for range rounds {
					s.round()
				}
				hours += time.Since(began)
				if d, text := s.c.ledger.worst(); d > longest {
					longest, twice = d, fmt.Sprintf(" (seed %d: %s)", seed, text)
				}
			})
		})
	}
	t.Logf("%d seeds, %.1f virtual hours; the longest that anything ran twice: %v%s", seeds, hours.Hours(), longest, twice)
}

func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s=%s: %v", name, text, err)
	}
	return n
}

// storm is one history.
type storm struct {
	c     *cluster
	r     *rand.Rand
	delay time.Duration
	// most is the most connectors there may be.
	most    int
	made    int
	version int
	wanted  map[string]*wanted
	busy    sync.WaitGroup // requests and departures under way
	frozen  map[string]time.Time
}

// wanted is what a connector may be like: what the last request that was acknowledged
// made it, or one since whose outcome is not known.
type wanted struct {
	// turn is held by the request under way; a mutex would stop the virtual clock.
	turn     chan struct{}
	versions map[string]bool // "" for none
	targets  map[state.TargetState]bool
	unsure   bool
}

func newStorm(t *testing.T, seed uint64) *storm {
	t.Helper()
	s := &storm{r: rand.New(rand.NewPCG(seed, 5)), wanted: map[string]*wanted{}, frozen: map[string]time.Time{}}
	s.delay = pick(s.r, 0, 20*time.Second, 5*time.Minute)
	s.most = pick(s.r, 3, 20, 20, 60, 200)
	extra := map[string]string{
		"scheduled.rebalance.max.delay.ms": fmt.Sprint(s.delay.Milliseconds()),
		"connect.protocol":                 pick(s.r, "sessioned", "sessioned", "sessioned", "compatible", "eager"),
		"exactly.once.source.support":      pick(s.r, "disabled", "disabled", "enabled"),
	}
	s.c = newCluster(t, extra)
	s.c.note("seed %d: %v, up to %d connectors", seed, extra, s.most)
	for range 1 + s.r.IntN(5) {
		s.c.note("start %s", s.c.start(0))
	}
	return s
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// round is some events, and then a quiet while.
func (s *storm) round() {
	for range 2 + s.r.IntN(8) {
		s.event()
		time.Sleep(time.Duration(s.r.IntN(30000)) * time.Millisecond)
	}
	s.busy.Wait()
	for name, until := range s.frozen {
		time.Sleep(time.Until(until))
		delete(s.frozen, name)
	}
	s.c.note("quiet")
	wait(2 * time.Minute)
	for _, name := range s.c.names() {
		if n := s.c.node(name); n.over() && !n.herder.Ready() {
			// It did not reach Kafka when it started, said so and ended: it is started anew.
			s.c.note("%s ended: %v; %s starts instead", name, n.err, s.c.start(0))
			s.c.kill(name)
		}
	}
	wait(2*s.delay + 10*time.Minute)
	s.restartUnfenced()
	s.c.check()
	s.compare()
	wait(2 * time.Hour)
	s.c.check()
}

// restartUnfenced restarts, as an operator does, tasks that write exactly once and failed
// to start because there was no leader to fence the older ones, as Apache's do, too.
func (s *storm) restartUnfenced() {
	if s.c.props["exactly.once.source.support"] != "enabled" {
		return
	}
	restarted := false
	n := s.c.node(s.c.names()[0])
	for _, name := range n.herder.Connectors() {
		unfenced := slices.ContainsFunc(n.statuses.Tasks(name), func(t state.TaskStatus) bool {
			return t.State == state.Failed && !strings.Contains(t.Trace, toldToFail)
		})
		if !unfenced {
			continue
		}
		err := s.c.request(context.Background(), n, func(ctx context.Context, h *herder.Herder) error {
			_, err := h.Restart(ctx, state.RestartRequest{Connector: name, OnlyFailed: true, IncludeTasks: true})
			return err
		})
		s.c.note("restart of the failed tasks of %s: %v", name, err)
		restarted = true
	}
	if restarted {
		wait(time.Minute)
	}
}

func (s *storm) event() {
	names := s.c.names()
	name := pick(s.r, names...)
	kind := s.r.IntN(14)
	switch {
	case kind < 3 && len(names) < 7:
		late := pick(s.r, 0, 0, time.Duration(s.r.IntN(60))*time.Second)
		s.c.note("start %s, late by %v", s.c.start(late), late)
	case kind == 3 && len(names) > 1:
		s.c.note("kill %s", name)
		s.c.kill(name)
		delete(s.frozen, name)
	case kind == 4 && len(names) > 1:
		if n := s.c.leader(); n != nil {
			s.c.note("kill the leader, %s", n.name)
			s.c.kill(n.name)
			delete(s.frozen, n.name)
		}
	case kind == 5 && len(names) > 1 && s.frozen[name].IsZero():
		s.c.note("%s leaves", name)
		ended := s.c.leave(name)
		s.busy.Go(func() { s.c.note("%s has left: %v", name, ended()) })
	case kind == 6 || kind == 7:
		d := time.Duration(1+s.r.IntN(120)) * time.Second
		s.freeze(name, d)
	case kind == 8:
		s.c.note("the coordinator moves")
		s.c.kafka.RehashCoordinators()
	case kind == 9:
		d := time.Duration(1+s.r.IntN(120)) * time.Second
		if n := s.c.leader(); n != nil {
			s.freeze(n.name, d)
		}
	default:
		for range pick(s.r, 1, 3, 10, s.most/2+1) {
			s.request()
		}
	}
}

func (s *storm) freeze(name string, d time.Duration) {
	if !s.frozen[name].IsZero() {
		return
	}
	s.c.note("%s is cut off for %v", name, d)
	n := s.c.node(name)
	n.link.freeze(true)
	s.frozen[name] = time.Now().Add(d)
	time.AfterFunc(d, func() { n.link.freeze(false) })
}

// request makes a random request of a random connector, by a client of its own.
func (s *storm) request() {
	var name string
	if s.made < s.most && (s.made == 0 || s.r.IntN(3) == 0) {
		s.made++
		name = fmt.Sprintf("c%d", s.made)
		s.wanted[name] = &wanted{turn: make(chan struct{}, 1), versions: map[string]bool{"": true}, targets: map[state.TargetState]bool{"": true}}
	} else {
		name = fmt.Sprintf("c%d", 1+s.r.IntN(s.made))
	}
	w := s.wanted[name]
	via := s.r.IntN(1 << 20)
	task := state.TaskID{Connector: name, Task: s.r.IntN(3)}
	restart := state.RestartRequest{Connector: name, OnlyFailed: s.r.IntN(2) == 0, IncludeTasks: s.r.IntN(2) == 0}
	s.version++
	version := fmt.Sprint(s.version)
	config := sourceConfig(s.r.IntN(4), "name", name, "v", version)
	switch s.r.IntN(10) {
	case 0:
		config["connector.class"], config["topics"] = sinkClass, dataTopic
	case 1:
		config[failKey] = "0"
	case 2:
		config[slowKey] = fmt.Sprint(1 + s.r.IntN(3))
	case 3, 4:
		config[rateKey] = fmt.Sprint(5 + s.r.IntN(60))
	}
	var what string
	var do func(ctx context.Context, h *herder.Herder) error
	var to string
	var target state.TargetState
	target, to = "-", "-"
	switch s.r.IntN(12) {
	default:
		what, to = "put", version
		do = func(ctx context.Context, h *herder.Herder) error {
			_, _, err := h.PutConnector(ctx, name, config, "", true)
			return err
		}
	case 0, 1:
		what, to, target = "delete", "", ""
		do = func(ctx context.Context, h *herder.Herder) error { return h.DeleteConnector(ctx, name) }
	case 2:
		what, target = "pause", state.TargetPaused
		do = func(ctx context.Context, h *herder.Herder) error { return h.Pause(ctx, name) }
	case 3, 4:
		what, target = "resume", state.TargetStarted
		do = func(ctx context.Context, h *herder.Herder) error { return h.Resume(ctx, name) }
	case 5:
		what, target = "stop", state.TargetStopped
		do = func(ctx context.Context, h *herder.Herder) error { return h.Stop(ctx, name) }
	case 6:
		what = "restart"
		do = func(ctx context.Context, h *herder.Herder) error {
			_, err := h.Restart(ctx, restart)
			return err
		}
	case 7:
		what = "restart task"
		do = func(ctx context.Context, h *herder.Herder) error { return h.RestartTask(ctx, task) }
	case 8:
		what = "restart connector"
		do = func(ctx context.Context, h *herder.Herder) error { return h.RestartConnector(ctx, name) }
	}
	names := s.c.names()
	n := s.c.node(names[via%len(names)])
	s.busy.Go(func() {
		w.turn <- struct{}{}
		defer func() { <-w.turn }()
		err := s.c.request(context.Background(), n, do)
		s.c.note("%s %s %s via %s: %v", what, name, version, n.name, err)
		w.outcome(to, target, err)
	})
}

// outcome notes what a request has made of a connector; "-" is what it leaves alone.
func (w *wanted) outcome(version string, target state.TargetState, err error) {
	if refused(err) {
		return
	}
	if err != nil {
		w.unsure = true
	}
	if version != "-" {
		if !w.unsure {
			clear(w.versions)
		}
		w.versions[version] = true
	}
	if target != "-" {
		if !w.unsure {
			clear(w.targets)
		}
		w.targets[target] = true
	} else if version != "-" && w.targets[""] {
		w.targets[state.TargetStarted] = true
		if !w.unsure {
			delete(w.targets, "")
		}
	}
}

// refused says whether a request was turned down without anything being done.
func refused(err error) bool {
	var forward *herder.ForwardError
	var labelled *errs.Error
	return errors.Is(err, herder.ErrRebalanceNeeded) || errors.As(err, &forward) ||
		errors.As(err, &labelled) && (labelled.Class == errs.ClassNotFound || labelled.Class == errs.ClassBadRequest)
}

// compare looks whether what was acknowledged is what there is.
func (s *storm) compare() {
	n := s.c.node(s.c.names()[0])
	snapshot := n.configs.Snapshot()
	for name, w := range s.wanted {
		config, ok := snapshot.RawConnectorConfig(name)
		target, _ := snapshot.TargetState(name)
		version := ""
		if ok {
			version = config.Map()["v"]
		} else {
			// A worker that has not read of the end of a connector takes a new target state,
			// which the next one of that name finds.
			target = ""
			w.targets[""] = true
		}
		if !w.versions[version] || !w.targets[target] {
			s.c.t.Errorf("%s is version %q and %q, wanted one of %v and %v", name, version, target, w.versions, w.targets)
		}
		w.versions, w.unsure = map[string]bool{version: true}, false
		if ok {
			w.targets = map[state.TargetState]bool{target: true}
		}
	}
	for _, name := range snapshot.Connectors() {
		if s.wanted[name] == nil {
			s.c.t.Errorf("nobody has made %s", name)
		}
	}
	if s.c.t.Failed() {
		s.c.t.Fatalf("history:\n%s", strings.Join(s.c.history, "\n"))
	}
}
