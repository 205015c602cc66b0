package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/moldau-io/moldau/test/refstack"
)

// contestant is a kind of worker: Moldau's or Apache's.
type contestant struct {
	name string
	// command makes the process, of a worker with a group and a REST port of its own.
	command func(ctx context.Context, group, dir string, port int) (*exec.Cmd, error)
}

// impatient is the setting that has the work of a dead worker given out at once, not
// after five minutes.
const impatient = "scheduled.rebalance.max.delay.ms=0"

// moldauWorker runs the binary as a worker of a cluster, with the settings that
// test/refstack gives to Apache's.
func moldauWorker(bin, broker string) contestant {
	return contestant{"Moldau", func(ctx context.Context, group, dir string, port int) (*exec.Cmd, error) {
		settings := filepath.Join(dir, "worker.properties")
		text := fmt.Sprintf(`bootstrap.servers=%s
group.id=%[2]s
config.storage.topic=%[2]s-configs
offset.storage.topic=%[2]s-offsets
status.storage.topic=%[2]s-status
config.storage.replication.factor=1
offset.storage.replication.factor=1
status.storage.replication.factor=1
offset.storage.partitions=5
status.storage.partitions=2
key.converter=org.apache.kafka.connect.json.JsonConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
listeners=http://127.0.0.1:%d
offset.flush.interval.ms=2000
%s
`, broker, group, port, impatient)
		return exec.CommandContext(ctx, bin, "worker", settings), os.WriteFile(settings, []byte(text), 0o600)
	}}
}

// apacheWorker runs Apache's on the same broker.
func apacheWorker(broker string) contestant {
	return contestant{"Apache Connect", func(ctx context.Context, group, dir string, port int) (*exec.Cmd, error) {
		script, err := refstack.Script("kafka/run-connect")
		if err != nil {
			return nil, err
		}
		_, kafkaPort, _ := strings.Cut(broker, ":")
		cmd := exec.CommandContext(ctx, script, impatient)
		cmd.Env = append(os.Environ(), "KAFKA_PORT="+kafkaPort, fmt.Sprintf("CONNECT_PORT=%d", port),
			"CONNECT_GROUP="+group, "CONNECT_DATA="+dir)
		return cmd, nil
	}}
}

// worker is a worker's process.
type worker struct {
	contestant
	cmd *exec.Cmd
	url string
	log string
	// took is the time from the start of the process until it says that it is healthy,
	// which both kinds do once they have read their topics and joined the group (KIP-1017).
	took time.Duration
	done chan struct{}
	err  error
}

// launch starts a worker and waits until it is healthy.
func launch(ctx context.Context, c contestant, group, dir string) (*worker, error) {
	dir = filepath.Join(dir, group)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	port, err := refstack.FreePort()
	if err != nil {
		return nil, err
	}
	cmd, err := c.command(ctx, group, dir, port)
	if err != nil {
		return nil, err
	}
	w := &worker{contestant: c, cmd: cmd, url: fmt.Sprintf("http://127.0.0.1:%d", port), log: filepath.Join(dir, "log"), done: make(chan struct{})}
	log, err := os.Create(w.log)
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = log, log
	begin := time.Now()
	if err := errors.Join(cmd.Start(), log.Close()); err != nil {
		return nil, err
	}
	go func() {
		w.err = cmd.Wait()
		close(w.done)
	}()
	err = until(ctx, 3*time.Minute, 5*time.Millisecond, func() (bool, error) {
		if err := w.alive(); err != nil {
			return false, err
		}
		status, _, err := w.request(ctx, http.MethodGet, "/health", nil)
		return err == nil && status == http.StatusOK, nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", c.name, err), w.stop())
	}
	w.took = time.Since(begin)
	return w, nil
}

// alive is an error with the end of the log if the process has ended.
func (w *worker) alive() error {
	select {
	case <-w.done:
		text, err := os.ReadFile(w.log)
		return fmt.Errorf("%s ended: %w; its log ends with\n%s", w.name, errors.Join(w.err, err), text[max(0, len(text)-4000):])
	default:
		return nil
	}
}

// stop ends the process: with SIGTERM, and if that takes long, with SIGKILL.
func (w *worker) stop() error {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if err := w.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		select {
		case <-w.done:
			return nil
		case <-time.After(10 * time.Second):
		}
	}
	return fmt.Errorf("%s does not end", w.name)
}

func (w *worker) request(ctx context.Context, method, path string, body any) (int, string, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return 0, "", err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, w.url+path, bytes.NewReader(text))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(answer), errors.Join(err, resp.Body.Close())
}

// order sends a request that changes something, again while the group rebalances.
func (w *worker) order(ctx context.Context, method, path string, body any) error {
	return until(ctx, time.Minute, 100*time.Millisecond, func() (bool, error) {
		status, answer, err := w.request(ctx, method, path, body)
		if err != nil {
			return false, errors.Join(err, w.alive())
		}
		if status == http.StatusConflict {
			return false, nil
		}
		if status >= 300 {
			return false, fmt.Errorf("%s: %s %s: status %d: %s", w.name, method, path, status, answer)
		}
		return true, nil
	})
}

// failed is an error if a task of the connector has failed.
func (w *worker) failed(ctx context.Context, connector string) error {
	status, answer, err := w.request(ctx, http.MethodGet, "/connectors/"+connector+"/status", nil)
	if err != nil {
		return errors.Join(err, w.alive())
	}
	if status == http.StatusOK && strings.Contains(answer, `"FAILED"`) {
		return fmt.Errorf("%s: connector %s failed: %s", w.name, connector, answer)
	}
	return nil
}

// until asks again and again whether something is done.
func until(ctx context.Context, timeout, pause time.Duration, ask func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		if done, err := ask(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
