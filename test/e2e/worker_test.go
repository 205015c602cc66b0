package e2e

import (
	"bufio"
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
	"syscall"
	"testing"
	"time"

	"github.com/moldau-io/moldau/internal/node"
)

// worker is a worker with its embedded broker in a process of its own.
type worker struct {
	cmd *exec.Cmd
	// ready gets the addresses once the worker serves.
	ready chan address
	// done is closed when the process has ended, as err says.
	done chan struct{}
	err  error
}

// start starts a worker on a data directory, with its log appended to dir/worker.log.
// It does not wait until it is ready.
func start(t testing.TB, dir string, set ...string) *worker {
	t.Helper()
	config, err := json.Marshal(node.Dev{DataDir: dir, REST: "127.0.0.1:0", Kafka: "127.0.0.1:0", Set: set})
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.OpenFile(filepath.Join(dir, "worker.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	w := &worker{cmd: exec.Command(os.Args[0]), ready: make(chan address, 1), done: make(chan struct{})}
	w.cmd.Env = append(os.Environ(), workerEnv+"="+string(config))
	w.cmd.Stderr = log
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.cmd.Start(), log.Close()); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(w.done)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			var a address
			if json.Unmarshal(lines.Bytes(), &a) == nil && a.REST != "" {
				w.ready <- a
			}
		}
		w.err = errors.Join(lines.Err(), w.cmd.Wait())
	}()
	t.Cleanup(w.kill)
	return w
}

// address waits until the worker is ready.
func (w *worker) address(t testing.TB) address {
	t.Helper()
	select {
	case a := <-w.ready:
		return a
	case <-w.done:
		t.Fatalf("the worker has ended: %v", w.err)
	case <-time.After(30 * time.Second):
		t.Fatal("the worker is not ready after 30 s")
	}
	return address{}
}

// kill ends the worker with SIGKILL, if it still runs, and waits for that.
func (w *worker) kill() {
	// What has ended cannot be killed, which is as good.
	_ = w.cmd.Process.Kill()
	<-w.done
}

// stop ends the worker in order.
func (w *worker) stop(t testing.TB) {
	t.Helper()
	if err := w.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-w.done:
		if w.err != nil {
			t.Errorf("the worker ended with %v", w.err)
		}
	case <-time.After(20 * time.Second):
		t.Error("the worker still runs 20 s after SIGTERM")
	}
}

// checkLog looks for crashes and races in a data directory's log, and shows its end if
// the test has failed.
func checkLog(t testing.TB, dir string) {
	text, err := os.ReadFile(filepath.Join(dir, "worker.log"))
	if err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"WARNING: DATA RACE", "\npanic: ", "\nfatal error: "} {
		if i := bytes.Index(text, []byte(bad)); i >= 0 {
			t.Errorf("in the worker's log:\n%s", text[i:min(len(text), i+6000)])
		}
	}
	if !t.Failed() {
		return
	}
	t.Logf("the end of the worker's log:\n%s", text[max(0, len(text)-6000):])
}

// request sends a body, none if it is "", and returns the answer.
func request(t testing.TB, method, url, body string) (status int, answer string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// create makes a connector.
func create(t testing.TB, rest, name string, config map[string]string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"name": name, "config": config})
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := request(t, http.MethodPost, rest+"connectors", string(body)); status != http.StatusCreated {
		t.Fatalf("creating %s: %d %s", name, status, answer)
	}
}

// eventually waits until check returns nil, and fails with its last error.
func eventually(t testing.TB, timeout time.Duration, check func() error) {
	t.Helper()
	deadline := time.Now().Add(timeout)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(fmt.Errorf("not within %v: %w", timeout, err))
		}
		<-time.After(20 * time.Millisecond)
	}
}
