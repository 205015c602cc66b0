//go:build integration

// Package integration tests the binary with the real things it talks to: Kafka,
// Apache Connect, Elasticsearch and a schema registry, started from test/refstack.
//
// The broker is started once for the package, other servers by the first test that
// wants them; all have ports of their own and are taken down at the end. Tests use
// topics, groups and indices of their own. MOLDAU_BIN names the binary to test; without
// it one is built.
package integration

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/moldau-io/moldau/test/faultproxy"
	"github.com/moldau-io/moldau/test/refstack"
)

// stack is the running reference stack.
type stack struct {
	*refstack.Stack
	dir string
	// proxy stands before a second listener of the broker, which advertises it, so
	// that clients that start at the proxy's address stay behind it.
	proxy *faultproxy.Proxy
}

// servers is the package's stack, set by TestMain.
var servers *stack

// TestMain starts the broker, which every test needs.
func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 2
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "moldau-integration")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if servers, err = newStack(dir); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, servers.Down(context.Background()), servers.proxy.Close()) }()
	begin := time.Now()
	if err := servers.Up(context.Background(), refstack.Kafka); err != nil {
		return 0, err
	}
	fmt.Printf("Kafka answers after %.1f s\n", time.Since(begin).Seconds())
	return m.Run(), nil
}

func newStack(dir string) (*stack, error) {
	s, err := refstack.New(filepath.Join(dir, "stack"))
	if err != nil {
		return nil, err
	}
	behind, err := refstack.FreePort()
	if err != nil {
		return nil, err
	}
	proxy, err := faultproxy.Start("127.0.0.1:" + strconv.Itoa(behind))
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(s.Addr(refstack.Kafka))
	if err != nil {
		return nil, err
	}
	plain, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	s.Set(refstack.Kafka,
		fmt.Sprintf("listeners=PLAINTEXT://%s:%d,CONTROLLER://%s:%d,PROXIED://%s:%d", host, plain, host, plain+1, host, behind),
		fmt.Sprintf("advertised.listeners=PLAINTEXT://%s:%d,PROXIED://%s", host, plain, proxy.Addr()),
		"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT",
	)
	return &stack{s, dir, proxy}, nil
}

// up starts servers that do not run, and says how long that took.
func (s *stack) up(t testing.TB, names ...string) {
	t.Helper()
	begin := time.Now()
	if err := s.Up(context.Background(), names...); err != nil {
		t.Fatal(err)
	}
	t.Logf("%v up after %.1f s", names, time.Since(begin).Seconds())
}

// connect starts Apache Connect with settings, and stops it at the end of the test. One
// that still runs has others.
func (s *stack) connect(t testing.TB, settings ...string) {
	t.Helper()
	down := func() {
		if err := s.Down(context.Background(), refstack.Connect); err != nil {
			t.Fatal(err)
		}
	}
	down()
	t.Cleanup(down)
	s.Set(refstack.Connect, settings...)
	s.up(t, refstack.Connect)
}

// kill ends a server with SIGKILL; up starts it again on its data.
func (s *stack) kill(t testing.TB, name string) {
	t.Helper()
	if err := s.Kill(context.Background(), name); err != nil {
		t.Fatal(err)
	}
}

// freeze stops a server with SIGSTOP until the function it returns is called, or to the
// end of the test.
func (s *stack) freeze(t testing.TB, name string) (thaw func()) {
	t.Helper()
	if err := s.Freeze(context.Background(), name); err != nil {
		t.Fatal(err)
	}
	frozen := true
	thaw = func() {
		if frozen {
			frozen = false
			if err := s.Thaw(context.Background(), name); err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(thaw)
	return thaw
}

func (s *stack) addr(name string) string { return s.Addr(name) }

func (s *stack) url(name string) string { return s.URL(name) }

// faults gives the proxy before the broker, without faults now and after the test. Its
// address is a bootstrap address.
func (s *stack) faults(t testing.TB) *faultproxy.Proxy {
	s.proxy.Heal()
	t.Cleanup(s.proxy.Heal)
	return s.proxy
}

func freePort(t testing.TB) int {
	t.Helper()
	port, err := refstack.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
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
