package group

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestChaos plays random histories of a group: workers start, crash, leave, are
// cut off and come back, the coordinator moves, connectors come and go. At no
// time does anything run twice, and after a quiet while all of it runs.
func TestChaos(t *testing.T) {
	seeds := uint64(12)
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { chaos(t, seed) })
		})
	}
}

func chaos(t *testing.T, seed uint64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 2))
	c := newCluster(t, 3)
	defer c.close()
	maxDelay := []time.Duration{0, 20 * time.Second, testMaxDelay}[r.IntN(3)]
	protocol := []Protocol{Sessioned, Sessioned, Compatible, Eager}[r.IntN(4)]
	handOver := r.IntN(2) == 0
	links := map[string]*link{}
	started := 0
	start := func() string {
		started++
		name := fmt.Sprintf("w%d", started)
		// A worker must be able to stop within the margin it has.
		slow := time.Duration(r.IntN(3)) * time.Second
		_, links[name] = c.linked(name, func(cfg *Config, w *worker) {
			cfg.MaxDelay, cfg.Protocol, cfg.HandOver = maxDelay, protocol, handOver
			w.stopTime = slow
		})
		return "start " + name
	}
	var history []string
	since := time.Now()
	note := func(s string) {
		history = append(history, fmt.Sprintf("%v %s", time.Since(since).Round(time.Second), s))
	}
	note(fmt.Sprintf("delay %v, %v, hand-over %t", maxDelay, protocol, handOver))
	for range 1 + r.IntN(4) {
		note(start())
	}
	alive := func() []string {
		var names []string
		for name := range c.workers {
			names = append(names, name)
		}
		slices.Sort(names)
		return names
	}
	cut := map[string]bool{}
	// watch lets time pass and looks for work that runs twice.
	watch := func(d time.Duration) {
		for end := time.Now().Add(d); time.Now().Before(end); {
			wait(250 * time.Millisecond)
			owner := map[string]string{}
			for _, name := range alive() {
				for _, it := range c.workers[name].runs() {
					if other, ok := owner[it]; ok {
						note(fmt.Sprintf("%s runs on %s and %s", it, other, name))
						t.Fatalf("history:\n%s\n%s: %s\n%s: %s", strings.Join(history, "\n"),
							other, c.workers[other].history(), name, c.workers[name].history())
					}
					owner[it] = name
				}
			}
		}
	}
	for range 12 {
		for range 1 + r.IntN(5) {
			names := alive()
			name := names[r.IntN(len(names))]
			w := c.workers[name]
			switch r.IntN(10) {
			case 0, 1:
				if len(names) < 6 {
					note(start())
				}
			case 2:
				if len(names) > 1 {
					note("crash " + name)
					links[name].cut(true)
					w.crash()
					delete(c.workers, name)
					delete(cut, name)
				}
			case 3:
				if len(names) > 1 && !cut[name] {
					note("leave " + name)
					w.leave()
					delete(c.workers, name)
				}
			case 4:
				note("cut " + name)
				cut[name] = true
				links[name].cut(true)
			case 5:
				if cut[name] {
					note("mend " + name)
					links[name].mend()
					delete(cut, name)
				}
			case 6:
				note("the coordinator moves")
				c.kafka.RehashCoordinators()
			case 7, 8:
				connector, tasks := fmt.Sprintf("c%d", r.IntN(6)), r.IntN(7)-1
				note(fmt.Sprintf("configure %s with %d tasks", connector, tasks))
				c.configure(connector, tasks)
			case 9:
				note("request " + name)
				w.member.RequestRejoin("chaos")
			}
			watch(time.Duration(r.IntN(20)) * time.Second)
		}
		for name := range cut {
			links[name].mend()
		}
		clear(cut)
		note("quiet")
		watch(2*maxDelay + 5*time.Minute)
		c.check(alive()...)
		if t.Failed() {
			for _, name := range alive() {
				note(name + ": " + c.workers[name].history() + fmt.Sprintf("; %+v", c.workers[name].member.View()))
			}
			t.Fatalf("history:\n%s", strings.Join(history, "\n"))
		}
	}
}
