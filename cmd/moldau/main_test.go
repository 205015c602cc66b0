package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// mainEnv makes this test binary moldau.
const mainEnv = "MOLDAU_TEST_MAIN"

// TestMain runs the tests, or moldau.
func TestMain(m *testing.M) {
	if os.Getenv(mainEnv) == "" {
		os.Exit(m.Run())
	}
	main()
}

// process is moldau in a process of its own.
type process struct {
	cmd  *exec.Cmd
	out  buffer
	done chan struct{} // closed when it has ended
}

// buffer collects what is printed.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// start runs moldau with arguments, until the end of the test at the latest.
func start(t testing.TB, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(os.Args[0], args...), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), mainEnv+"=1")
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		// How it ended is in ProcessState.
		_ = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		// What has ended cannot be killed, which is as good.
		_ = p.cmd.Process.Kill()
		<-p.done
	})
	return p
}

// code waits for the end and returns the exit status.
func (p *process) code(t testing.TB, patience time.Duration) int {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Fatalf("moldau %q still runs after %v:\n%s", p.cmd.Args[1:], patience, p.out.String())
	}
	return p.cmd.ProcessState.ExitCode()
}

// interrupt sends what Ctrl-C sends.
func (p *process) interrupt(t testing.TB) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
}

// eventually waits until check returns nil.
func (p *process) eventually(t testing.TB, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-p.done:
			err = errors.Join(err, fmt.Errorf("moldau has ended with status %d", p.cmd.ProcessState.ExitCode()))
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
			continue
		}
		t.Fatalf("%v\n%s", err, p.out.String())
	}
}
