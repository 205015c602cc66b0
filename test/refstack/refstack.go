// Package refstack starts and stops real servers for tests and benchmarks: Kafka,
// Apache Kafka Connect, Elasticsearch and a schema registry, from published jars.
//
// The work is done by the script "stack" in this folder, which can be used by hand,
// too. What talks to the servers is not here.
package refstack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// The servers.
const (
	Kafka         = "kafka"
	Connect       = "connect"
	Elasticsearch = "elasticsearch"
	Registry      = "registry"
)

// RegistryPath comes before the paths of the schema registry's API.
const RegistryPath = "/apis/ccompat/v7"

// Stack is a set of servers with ports and a folder of its own.
type Stack struct {
	dir    string
	script string
	ports  map[string]int

	mu       sync.Mutex
	settings map[string]string
}

// New chooses free ports. Data and logs go into dir. Nothing is started.
func New(dir string) (*Stack, error) {
	script, err := find()
	if err != nil {
		return nil, err
	}
	s := &Stack{dir: dir, script: script, ports: map[string]int{}, settings: map[string]string{}}
	for _, name := range []string{"KAFKA_PORT", "CONNECT_PORT", "ES_PORT", "SR_PORT", "SR_AUX_PORT"} {
		if s.ports[name], err = FreePort(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Script is the path of a script in this package's folder, such as kafka/run-connect.
func Script(name string) (string, error) {
	stack, err := find()
	return filepath.Join(filepath.Dir(stack), filepath.FromSlash(name)), err
}

// find returns the script's path: this package's folder, seen from any folder of the module.
func find() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		script := filepath.Join(dir, "test", "refstack", "stack")
		if _, err := os.Stat(script); err == nil {
			return script, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("refstack: test/refstack/stack is not in this folder or one above it; run this in the module's tree")
		}
		dir = parent
	}
}

// Set gives settings for the next start of a server, blank between them: key=value for
// Kafka and Connect, -Ekey=value for Elasticsearch.
func (s *Stack) Set(name string, settings ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := map[string]string{Kafka: "KAFKA_SETTINGS", Connect: "CONNECT_SETTINGS", Elasticsearch: "ES_SETTINGS"}[name]
	s.settings[key] = strings.Join(settings, " ")
}

// Up starts servers that do not run and waits until each answers. The error has the
// end of the log of a server that does not start.
func (s *Stack) Up(ctx context.Context, names ...string) error {
	_, err := s.run(ctx, append([]string{"up"}, names...)...)
	return err
}

// Down stops servers in order, all of them by default, frozen ones too.
func (s *Stack) Down(ctx context.Context, names ...string) error {
	_, err := s.run(ctx, append([]string{"down"}, names...)...)
	return err
}

// Kill ends a server with SIGKILL and returns when it is gone. Up starts it again on
// its data.
func (s *Stack) Kill(ctx context.Context, name string) error {
	_, err := s.run(ctx, "kill", name)
	return err
}

// Freeze stops a server with SIGSTOP: its port accepts connections, nothing answers.
func (s *Stack) Freeze(ctx context.Context, name string) error {
	_, err := s.run(ctx, "freeze", name)
	return err
}

// Thaw lets a frozen server go on.
func (s *Stack) Thaw(ctx context.Context, name string) error {
	_, err := s.run(ctx, "thaw", name)
	return err
}

// Jars is the folder of Kafka's and Connect's jars, filled if need be.
func (s *Stack) Jars(ctx context.Context) (string, error) {
	words, err := s.run(ctx, "jars")
	return strings.TrimSpace(words), err
}

// PID is the process id of a server that runs.
func (s *Stack) PID(ctx context.Context, name string) (int, error) {
	out, err := s.run(ctx, "pid", name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(out))
}

// Addr is a server's host and port.
func (s *Stack) Addr(name string) string {
	key := map[string]string{Kafka: "KAFKA_PORT", Connect: "CONNECT_PORT", Elasticsearch: "ES_PORT", Registry: "SR_PORT"}[name]
	return "127.0.0.1:" + strconv.Itoa(s.ports[key])
}

// URL is the base of a server's HTTP API, without a slash at its end.
func (s *Stack) URL(name string) string {
	if name == Registry {
		return "http://" + s.Addr(name) + RegistryPath
	}
	return "http://" + s.Addr(name)
}

// Log is the path of what a server printed.
func (s *Stack) Log(name string) string { return filepath.Join(s.dir, name+".log") }

// run calls the script and returns its words; they are in the error, too.
func (s *Stack) run(ctx context.Context, args ...string) (words string, err error) {
	cmd := exec.CommandContext(ctx, s.script, args...)
	cmd.Env = append(os.Environ(), "REFSTACK_RUN="+s.dir)
	for name, port := range s.ports {
		cmd.Env = append(cmd.Env, name+"="+strconv.Itoa(port))
	}
	s.mu.Lock()
	for _, key := range slices.Sorted(maps.Keys(s.settings)) {
		cmd.Env = append(cmd.Env, key+"="+s.settings[key])
	}
	s.mu.Unlock()
	// Output goes to a file: servers that outlive the script would hold a pipe open.
	out, err := os.CreateTemp("", "refstack")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, out.Close(), os.Remove(out.Name())) }()
	cmd.Stdout, cmd.Stderr = out, out
	runErr := cmd.Run()
	text, err := os.ReadFile(out.Name())
	if err != nil {
		return "", err
	}
	if runErr != nil {
		return "", fmt.Errorf("stack %s: %w\n%s", strings.Join(args, " "), runErr, text)
	}
	return string(text), nil
}

// Ports are chosen below those that systems give to outgoing connections: a server
// that is killed must find its port free again, and a client that tries a port of that
// range again and again can end up connected to itself.
const firstPort, lastPort = 15000, 32000

// FreePort returns a port of 127.0.0.1 that is free, as is the next one (Kafka's
// controller takes it).
func FreePort() (int, error) {
	for range 1000 {
		port := firstPort + 2*rand.IntN((lastPort-firstPort)/2)
		if free(port) && free(port+1) {
			return port, nil
		}
	}
	return 0, errors.New("refstack: no two free ports in a row")
}

func free(port int) bool {
	l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
	return err == nil && l.Close() == nil
}
