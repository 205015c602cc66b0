//go:build integration

package integration

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cluster is workers of one group, and pipelines that run on them: a source of a file's
// lines into a topic of two partitions, and a sink of two tasks from there into a file.
type cluster struct {
	t         *testing.T
	group     string
	settings  map[string]string
	pipelines []*pipeline
}

type pipeline struct {
	name, in, out string
	lines         int
}

// add starts a worker of the group.
func (c *cluster) add() *process {
	c.t.Helper()
	path, url := properties(c.t, c.group, c.settings)
	return start(c.t, url, "worker", path).ready()
}

// pipeline creates one through a worker, whoever leads.
func (c *cluster) pipeline(url string) {
	c.t.Helper()
	dir := c.t.TempDir()
	p := &pipeline{name: unique(c.t, fmt.Sprintf("p%d", len(c.pipelines))), in: filepath.Join(dir, "in"), out: filepath.Join(dir, "out")}
	topic := newTopic(c.t, 2)
	if err := os.WriteFile(p.in, nil, 0o600); err != nil {
		c.t.Fatal(err)
	}
	text := "org.apache.kafka.connect.storage.StringConverter"
	create(c.t, url, p.name+"-source", map[string]string{"connector.class": "FileStreamSource", "file": p.in, "topic": topic, "key.converter": text, "value.converter": text})
	create(c.t, url, p.name+"-sink", map[string]string{"connector.class": "FileStreamSink", "tasks.max": "2", "topics": topic, "file": p.out, "key.converter": text, "value.converter": text})
	c.pipelines = append(c.pipelines, p)
}

// feed adds lines to every source's file.
func (c *cluster) feed(n int) {
	c.t.Helper()
	for _, p := range c.pipelines {
		f, err := os.OpenFile(p.in, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			c.t.Fatal(err)
		}
		for range n {
			if _, err := fmt.Fprintf(f, "line %d\n", p.lines); err != nil {
				c.t.Fatal(err)
			}
			p.lines++
		}
		if err := f.Close(); err != nil {
			c.t.Fatal(err)
		}
	}
}

// arrived waits until every line fed so far is in the sinks' files.
func (c *cluster) arrived() {
	c.t.Helper()
	for _, p := range c.pipelines {
		eventually(c.t, 60*time.Second, func() error {
			text, err := os.ReadFile(p.out)
			if err != nil {
				return err
			}
			there := map[string]bool{}
			for line := range strings.Lines(string(text)) {
				there[strings.TrimSuffix(line, "\n")] = true
			}
			for i := range p.lines {
				if !there[fmt.Sprintf("line %d", i)] {
					return fmt.Errorf("%s: line %d of %d has not arrived", p.name, i, p.lines)
				}
			}
			return nil
		})
	}
}

// settled waits until the statuses that each worker shows say that all tasks run on
// these workers alone, as many on each as on the others or one more, and until the
// workers themselves run what the statuses say.
func (c *cluster) settled(timeout time.Duration, workers ...*process) {
	c.t.Helper()
	eventually(c.t, timeout, func() error {
		owners, err := c.owners(workers[0].url)
		if err != nil {
			return err
		}
		for _, w := range workers[1:] {
			other, err := c.owners(w.url)
			if err != nil {
				return err
			}
			if fmt.Sprint(other) != fmt.Sprint(owners) {
				return fmt.Errorf("%s says %v, %s says %v", workers[0].url, owners, w.url, other)
			}
		}
		least, most, total := 1<<30, 0, 0
		for _, w := range workers {
			id := strings.TrimPrefix(w.url, "http://")
			var stats struct{ Tasks map[string]struct{} }
			if err := get(w.url+"/moldau/v1/stats", &stats); err != nil {
				return err
			}
			var runs []string
			for task := range stats.Tasks {
				runs = append(runs, task)
			}
			slices.Sort(runs)
			if fmt.Sprint(runs) != fmt.Sprint(owners[id]) {
				return fmt.Errorf("%s runs %v, the statuses say %v", id, runs, owners[id])
			}
			least, most, total = min(least, len(runs)), max(most, len(runs)), total+len(runs)
		}
		if want := 3 * len(c.pipelines); total != want || most-least > 1 {
			return fmt.Errorf("%d of %d tasks run, between %d and %d on a worker", total, want, least, most)
		}
		return nil
	})
}

// owners are the running tasks by worker, as a worker's statuses say.
func (c *cluster) owners(url string) (map[string][]string, error) {
	owners := map[string][]string{}
	for _, p := range c.pipelines {
		for _, name := range []string{p.name + "-source", p.name + "-sink"} {
			var s struct {
				Connector struct{ State string }
				Tasks     []struct {
					ID       int
					State    string
					WorkerID string `json:"worker_id"`
				}
			}
			if err := get(url+"/connectors/"+name+"/status", &s); err != nil {
				return nil, err
			}
			if s.Connector.State != "RUNNING" {
				return nil, fmt.Errorf("%s is %s", name, s.Connector.State)
			}
			for _, task := range s.Tasks {
				if task.State != "RUNNING" {
					return nil, fmt.Errorf("task %d of %s is %s", task.ID, name, task.State)
				}
				owners[task.WorkerID] = append(owners[task.WorkerID], fmt.Sprintf("%s-%d", name, task.ID))
			}
		}
	}
	for _, tasks := range owners {
		slices.Sort(tasks)
	}
	return owners, nil
}

// Workers share the work, take over that of one that leaves at once and that of one
// that dies after the delay, and one that was frozen for longer than its session runs
// nothing twice when it comes back. Nothing is lost.
func TestCluster(t *testing.T) {
	c := &cluster{t: t, group: unique(t, "g"), settings: map[string]string{
		"session.timeout.ms": "6000", "heartbeat.interval.ms": "1500", "rebalance.timeout.ms": "10000", "scheduled.rebalance.max.delay.ms": "10000", "offset.flush.interval.ms": "500",
	}}
	a, b := c.add(), c.add()
	for i := range 4 {
		c.pipeline([]*process{a, b}[i%2].url)
	}
	d := c.add()
	c.pipeline(d.url)
	c.settled(60*time.Second, a, b, d)
	c.feed(100)
	c.arrived()

	began := time.Now()
	if err := d.stop(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	c.settled(30*time.Second, a, b)
	t.Logf("the work of a worker that left was taken over in %.1f s", time.Since(began).Seconds())
	c.feed(100)
	c.arrived()

	began = time.Now()
	b.kill()
	c.settled(60*time.Second, a)
	t.Logf("the work of a worker that died was taken over in %.1f s", time.Since(began).Seconds())
	c.feed(100)
	c.arrived()

	e := c.add()
	c.settled(60*time.Second, a, e)
	a.signal(syscall.SIGSTOP) // the leader
	c.feed(100)
	c.settled(60*time.Second, e)
	a.signal(syscall.SIGCONT)
	c.settled(60*time.Second, a, e)
	c.feed(100)
	c.arrived()
	for _, p := range c.pipelines {
		for _, name := range []string{p.name + "-source", p.name + "-sink"} {
			if status, answer, err := request(http.MethodDelete, e.url+"/connectors/"+name, nil); err != nil || status != http.StatusNoContent {
				t.Errorf("deleting %s: status %d, %v: %s", name, status, err, answer)
			}
		}
	}
}
