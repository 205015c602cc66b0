//go:build integration

package integration

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// build makes the binary of this run, once.
var build = sync.OnceValues(func() (string, error) {
	if bin := os.Getenv("MOLDAU_BIN"); bin != "" {
		return bin, nil
	}
	bin := filepath.Join(servers.dir, "moldau")
	cmd := exec.Command("go", "build", "-trimpath", "-o", bin, "../../cmd/moldau")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building moldau: %w\n%s", err, out)
	}
	return bin, nil
})

// binary is the moldau binary: MOLDAU_BIN, else one built for this run.
func binary(t testing.TB) string {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// process is a moldau process under test.
type process struct {
	t   testing.TB
	cmd *exec.Cmd
	log string
	url string
	// done is closed when the process has ended, as err says.
	done chan struct{}
	err  error
}

// start runs moldau with arguments until the end of the test. url is where its REST API
// will be.
func start(t testing.TB, url string, args ...string) *process {
	t.Helper()
	return launch(t, url, exec.Command(binary(t), args...))
}

// launch runs a command that is moldau until the end of the test, which shows the end of
// its log if it failed.
func launch(t testing.TB, url string, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, url: url, log: filepath.Join(t.TempDir(), "moldau.log"), done: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := errors.Join(p.cmd.Start(), log.Close()); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		if err := p.stop(20 * time.Second); err != nil {
			p.kill()
		}
		if t.Failed() {
			t.Logf("the end of the log of moldau %s:\n%s", strings.Join(cmd.Args[1:], " "), p.words())
		}
	})
	return p
}

// words are the end of what the process printed.
func (p *process) words() []byte {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return []byte(err.Error())
	}
	return tail(text, 8000)
}

func tail(b []byte, n int) []byte {
	if len(b) > n {
		return b[len(b)-n:]
	}
	return b
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Errorf("signalling moldau: %v", err)
	}
}

// kill ends the process with SIGKILL and waits for that.
func (p *process) kill() {
	p.t.Helper()
	p.signal(syscall.SIGKILL)
	<-p.done
}

// stop asks the process to end and waits. The error is that of wait.
func (p *process) stop(timeout time.Duration) error {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	return p.wait(timeout)
}

// wait returns when the process has ended, with what it ended with.
func (p *process) wait(timeout time.Duration) error {
	select {
	case <-p.done:
		return p.err
	case <-time.After(timeout):
		return fmt.Errorf("the process still runs after %v", timeout)
	}
}

// ready waits until the worker says that it is healthy.
func (p *process) ready() *process {
	p.t.Helper()
	eventually(p.t, 60*time.Second, func() error {
		select {
		case <-p.done:
			p.t.Fatalf("moldau ended: %v\n%s", p.err, p.words())
		default:
		}
		status, _, err := request(http.MethodGet, p.url+"/health", nil)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("status %d", status)
		}
		return err
	})
	return p
}

// write writes a file of key=value lines into the test's folder and returns its path.
func write(t testing.TB, name string, properties map[string]string) string {
	t.Helper()
	var b strings.Builder
	for k, v := range properties {
		fmt.Fprintf(&b, "%s=%s\n", k, v)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// properties writes a worker.properties for the real broker and returns its path and
// the worker's URL.
func properties(t testing.TB, group string, extra map[string]string) (path, url string) {
	t.Helper()
	url = "http://127.0.0.1:" + strconv.Itoa(freePort(t))
	p := map[string]string{
		"bootstrap.servers": servers.addr("kafka"), "group.id": group, "listeners": url,
		"config.storage.topic": group + "-configs", "offset.storage.topic": group + "-offsets", "status.storage.topic": group + "-status",
		"config.storage.replication.factor": "1", "offset.storage.replication.factor": "1", "status.storage.replication.factor": "1",
		"offset.storage.partitions": "5", "status.storage.partitions": "2",
		"key.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter": "org.apache.kafka.connect.json.JsonConverter",
		"offset.flush.interval.ms": "2000",
	}
	for k, v := range extra {
		p[k] = v
	}
	return write(t, "worker.properties", p), url
}

// dev starts a worker with an embedded broker.
func dev(t testing.TB, settings map[string]string) (p *process, bootstrap string) {
	t.Helper()
	bootstrap = fmt.Sprintf("127.0.0.1:%d", freePort(t))
	rest := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	args := []string{"dev", "--data-dir", t.TempDir(), "--rest", rest, "--kafka", bootstrap}
	for k, v := range settings {
		args = append(args, "--set", k+"="+v)
	}
	return start(t, "http://"+rest, args...).ready(), bootstrap
}
