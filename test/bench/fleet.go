package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// fleet is a cluster of three workers with many connectors of one task each.
type fleet struct {
	created time.Duration // first request → all tasks run, on one worker
	memory  int64         // of that worker then
	healed  time.Duration // SIGKILL of one of three → all tasks run on the others
}

// fleetPatience bounds each step.
const fleetPatience = 20 * time.Minute

// fleets measures a cluster of each kind once: the times are long enough.
func (b *bench) fleets(ctx context.Context) (err error) {
	addr, stop, err := b.startBroker(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	contestants := []contestant{moldauWorker(b.bin, addr)}
	if b.stack != nil {
		contestants = append(contestants, apacheWorker(addr))
	}
	var results [2]fleet
	for i, c := range contestants {
		b.say("%d connectors: %s", b.connectors, c.name)
		if results[i], err = b.fleet(ctx, c); err != nil {
			return err
		}
		b.say("%s: ran after %v with %s, healed after %v", c.name, results[i].created, mebibytes(results[i].memory), results[i].healed)
	}
	t := &table{head: []string{"cluster", "Moldau", "Apache Connect", "Moldau : Apache"}}
	for _, row := range []struct {
		name  string
		get   func(fleet) float64
		print func(float64) string
	}{
		{"first request → all tasks run, on one worker", func(f fleet) float64 { return f.created.Seconds() }, inSeconds},
		{"memory (RSS) of that worker", func(f fleet) float64 { return float64(f.memory) }, func(f float64) string { return mebibytes(int64(f)) }},
		{"SIGKILL of one of three workers → all tasks run", func(f fleet) float64 { return f.healed.Seconds() }, inSeconds},
	} {
		ours, theirs := row.get(results[0]), row.get(results[1])
		cells := []string{row.name, row.print(ours), "", ""}
		if b.stack != nil {
			cells[2], cells[3] = row.print(theirs), ratio(ours, theirs)
		}
		t.add(cells...)
	}
	return b.print(fmt.Sprintf("### %d connectors of one task each", b.connectors), t)
}

func inSeconds(f float64) string { return seconds(time.Duration(f * float64(time.Second))) }

func (b *bench) fleet(ctx context.Context, c contestant) (f fleet, err error) {
	group := "bench-fleet-" + c.name[:1]
	files := filepath.Join(b.dir, group+"-files")
	if err := os.MkdirAll(files, 0o700); err != nil {
		return f, err
	}
	var workers []*worker
	defer func() {
		for _, w := range workers {
			err = errors.Join(err, w.stop())
		}
	}()
	start := func() error {
		w, err := launch(ctx, c, group, filepath.Join(b.dir, fmt.Sprintf("%s-%d", group, len(workers))))
		if err == nil {
			workers = append(workers, w)
		}
		return err
	}
	if err := start(); err != nil {
		return f, err
	}
	begin := time.Now()
	if err := b.createFleet(ctx, workers[0], files); err != nil {
		return f, err
	}
	if err := b.settled(ctx, workers[:1], nil); err != nil {
		return f, err
	}
	f.created = time.Since(begin)
	mem, err := memoryOf(workers[0].cmd.Process.Pid)
	if err != nil {
		return f, err
	}
	f.memory = mem.now
	for range 2 {
		if err := start(); err != nil {
			return f, err
		}
	}
	if err := b.settled(ctx, workers, nil); err != nil {
		return f, err
	}
	dead := workers[2]
	workers = workers[:2]
	begin = time.Now()
	if err := dead.cmd.Process.Kill(); err != nil {
		return f, err
	}
	<-dead.done
	if err := b.settled(ctx, workers, dead); err != nil {
		return f, err
	}
	f.healed = time.Since(begin)
	return f, nil
}

// createFleet creates the connectors, eight at a time.
func (b *bench) createFleet(ctx context.Context, w *worker, files string) error {
	g, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range 8 {
		g.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= b.connectors {
					return nil
				}
				file := filepath.Join(files, fmt.Sprintf("%d.txt", i))
				if err := os.WriteFile(file, []byte("line\n"), 0o600); err != nil {
					return err
				}
				body := map[string]any{"name": fmt.Sprintf("fleet-%d", i), "config": map[string]string{
					"connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
					"tasks.max":       "1", "file": file, "topic": "fleet",
				}}
				if err := w.order(ctx, http.MethodPost, "/connectors", body); err != nil {
					return err
				}
			}
		})
	}
	return g.Wait()
}

// settled waits until each task runs, on one of the workers and not on the dead one, and
// no worker is without its share.
func (b *bench) settled(ctx context.Context, workers []*worker, dead *worker) error {
	return until(ctx, fleetPatience, 500*time.Millisecond, func() (bool, error) {
		for _, w := range workers {
			if err := w.alive(); err != nil {
				return false, err
			}
		}
		status, answer, err := workers[0].request(ctx, http.MethodGet, "/connectors?expand=status", nil)
		if err != nil || status != http.StatusOK {
			return false, nil // busy with a rebalance; asked again
		}
		var all map[string]struct {
			Status struct {
				Tasks []struct {
					State    string `json:"state"`
					WorkerID string `json:"worker_id"`
				} `json:"tasks"`
			} `json:"status"`
		}
		if err := json.Unmarshal([]byte(answer), &all); err != nil {
			return false, fmt.Errorf("read the status of all connectors: %w", err)
		}
		running, share := 0, map[string]int{}
		for _, c := range all {
			for _, t := range c.Status.Tasks {
				if t.State == "RUNNING" && (dead == nil || "http://"+t.WorkerID != dead.url) {
					running++
					share[t.WorkerID]++
				}
			}
		}
		if running != b.connectors || len(share) != len(workers) {
			return false, nil
		}
		for _, n := range share {
			if n < b.connectors/len(workers)/2 {
				return false, nil
			}
		}
		return true, nil
	})
}
