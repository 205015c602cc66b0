//go:build integration

// Package integration tests the binary with the real things it talks to: Kafka,
// Apache Connect, Elasticsearch and a schema registry, started from test/refstack.
//
// The stack is started once for the package, on ports of its own, and taken down at
// the end. Tests use topics, groups and indices of their own.
package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// stack is the running reference stack.
type stack struct {
	dir  string
	env  []string
	port map[string]int
}

// servers is the package's stack, set by TestMain.
var servers *stack

// newStack chooses free ports.
func newStack(dir string) (*stack, error) {
	s := &stack{dir: dir, port: map[string]int{}}
	s.env = append(os.Environ(), "REFSTACK_RUN="+dir)
	for _, v := range []struct{ name, env string }{
		{"kafka", "KAFKA_PORT"}, {"connect", "CONNECT_PORT"}, {"elasticsearch", "ES_PORT"}, {"registry", "SR_PORT"}, {"aux", "SR_AUX_PORT"},
	} {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		s.port[v.name] = port
		s.env = append(s.env, v.env+"="+strconv.Itoa(port))
	}
	return s, nil
}

// freePort returns a port that is free, and the next one too (Kafka's controller).
func freePort() (int, error) {
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		port := l.Addr().(*net.TCPAddr).Port
		next, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port+1))
		if closeErr := l.Close(); closeErr != nil {
			return 0, closeErr
		}
		if err == nil {
			return port, next.Close()
		}
	}
	return 0, fmt.Errorf("no two free ports in a row")
}

// run calls the stack script; its words are in the error.
func (s *stack) run(env []string, args ...string) error {
	cmd := exec.Command(filepath.Join("..", "refstack", "stack"), args...)
	cmd.Env = append(s.env, env...)
	// Output goes to a file: servers that outlive the script would hold a pipe open.
	out, err := os.CreateTemp(s.dir, "stack")
	if err != nil {
		return err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		text, readErr := os.ReadFile(out.Name())
		return fmt.Errorf("stack %s: %w %v\n%s", strings.Join(args, " "), err, readErr, text)
	}
	return nil
}

func (s *stack) up(t testing.TB, names ...string) {
	t.Helper()
	if err := s.run(nil, append([]string{"up"}, names...)...); err != nil {
		t.Fatal(err)
	}
}

func (s *stack) kill(t testing.TB, name string) {
	t.Helper()
	if err := s.run(nil, "kill", name); err != nil {
		t.Fatal(err)
	}
}

func (s *stack) addr(name string) string { return "127.0.0.1:" + strconv.Itoa(s.port[name]) }

func (s *stack) url(name string) string { return "http://" + s.addr(name) }

// TestMain starts the broker, which every test needs; others are started by tests.
func TestMain(m *testing.M) {
	os.Exit(mainCode(m))
}

func mainCode(m *testing.M) int {
	dir, err := os.MkdirTemp("", "moldau-integration")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	defer os.RemoveAll(dir)
	if servers, err = newStack(dir); err == nil {
		err = servers.run(nil, "up", "kafka")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	code := m.Run()
	if err := servers.run(nil, "down"); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return code
}

// unique returns a name that no other test or run uses.
func unique(t testing.TB, prefix string) string {
	return fmt.Sprintf("%s-%s-%x", prefix, strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name())), time.Now().UnixNano()&0xffffffff)
}

// client returns a client of the real broker that is closed at the end of the test.
func client(t testing.TB, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(servers.addr("kafka"))}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
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
			t.Fatalf("not within %v: %v", timeout, err)
		}
		<-time.After(100 * time.Millisecond)
	}
}

// process is a moldau process under test.
type process struct {
	t    testing.TB
	cmd  *exec.Cmd
	log  string
	url  string
	done chan error
}

// binary is the moldau binary: MOLDAU_BIN, else one built for this run.
func binary(t testing.TB) string {
	t.Helper()
	if bin := os.Getenv("MOLDAU_BIN"); bin != "" {
		return bin
	}
	bin := filepath.Join(servers.dir, "moldau")
	if _, err := os.Stat(bin); err == nil {
		return bin
	}
	build := exec.Command("go", "build", "-o", bin, "../../cmd/moldau")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building moldau: %v\n%s", err, out)
	}
	return bin
}

// start runs moldau with arguments until the end of the test.
func start(t testing.TB, url string, args ...string) *process {
	t.Helper()
	p := &process{t: t, url: url, log: filepath.Join(t.TempDir(), "moldau.log"), done: make(chan error, 1)}
	log, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	p.cmd = exec.Command(binary(t), args...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		err := p.cmd.Wait()
		if closeErr := log.Close(); err == nil {
			err = closeErr
		}
		p.done <- err
	}()
	t.Cleanup(func() {
		p.signal(syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(20 * time.Second):
			p.signal(syscall.SIGKILL)
			<-p.done
		}
		if t.Failed() {
			text, err := os.ReadFile(p.log)
			t.Logf("the process's log (%v):\n%s", err, tail(text, 8000))
		}
	})
	return p
}

func tail(b []byte, n int) []byte {
	if len(b) > n {
		return b[len(b)-n:]
	}
	return b
}

func (p *process) signal(s syscall.Signal) {
	if err := p.cmd.Process.Signal(s); err != nil && err != os.ErrProcessDone {
		p.t.Logf("signalling moldau: %v", err)
	}
}

// wait returns when the process has ended.
func (p *process) wait(timeout time.Duration) error {
	select {
	case err := <-p.done:
		p.done <- err
		return err
	case <-time.After(timeout):
		return fmt.Errorf("the process still runs after %v", timeout)
	}
}

// ready waits for the REST API.
func (p *process) ready() *process {
	p.t.Helper()
	eventually(p.t, 60*time.Second, func() error {
		select {
		case err := <-p.done:
			p.done <- err
			text, readErr := os.ReadFile(p.log)
			p.t.Fatalf("moldau ended: %v %v\n%s", err, readErr, tail(text, 8000))
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

// request sends JSON and returns the answer.
func request(method, url string, body any) (status int, answer []byte, err error) {
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		r = bytes.NewReader(b)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, r)
	if err != nil {
		return 0, nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// create makes a connector through REST.
func create(t testing.TB, url, name string, config map[string]string) {
	t.Helper()
	status, answer, err := request(http.MethodPost, url+"/connectors", map[string]any{"name": name, "config": config})
	if err != nil || status != http.StatusCreated {
		t.Fatalf("creating %s: status %d, %v: %s", name, status, err, answer)
	}
}

// running waits until a connector and that many tasks run.
func running(t testing.TB, url, name string, tasks int) {
	t.Helper()
	eventually(t, 60*time.Second, func() error {
		status, answer, err := request(http.MethodGet, url+"/connectors/"+name+"/status", nil)
		if err != nil || status != http.StatusOK {
			return fmt.Errorf("status %d, %v: %s", status, err, answer)
		}
		var s struct {
			Connector struct{ State string }
			Tasks     []struct{ State, Trace string }
		}
		if err := json.Unmarshal(answer, &s); err != nil {
			return err
		}
		if s.Connector.State != "RUNNING" || len(s.Tasks) != tasks {
			return fmt.Errorf("%s", answer)
		}
		for _, task := range s.Tasks {
			if task.State != "RUNNING" {
				return fmt.Errorf("%s", answer)
			}
		}
		return nil
	})
}

// properties writes a worker.properties for the real broker and returns its path and
// the worker's URL.
func properties(t testing.TB, group string, extra map[string]string) (path, url string) {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	url = "http://127.0.0.1:" + strconv.Itoa(port)
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
	var b strings.Builder
	for k, v := range p {
		fmt.Fprintf(&b, "%s=%s\n", k, v)
	}
	path = filepath.Join(t.TempDir(), "worker.properties")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, url
}
