package faultproxy

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// echo is a server that sends back what it gets.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				_, _ = io.Copy(c, c) // ends with the connection
				_ = c.Close()
			})
		}
	})
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
	})
	return l.Addr().String()
}

func proxy(t *testing.T, target string) *Proxy {
	t.Helper()
	p, err := Start(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

type peer struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func dial(t *testing.T, p *Proxy) *peer {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // may have been closed by the test
	return &peer{t, c, bufio.NewReader(c)}
}

func (c *peer) say(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c, line+"\n"); err != nil {
		c.t.Fatal(err)
	}
}

func (c *peer) hear(want string) {
	c.t.Helper()
	if got, err := c.r.ReadString('\n'); err != nil || got != want+"\n" {
		c.t.Fatalf("%q, %v; want %q", got, err, want)
	}
}

// ends reads on and wants the connection to be reset.
func (c *peer) ends() {
	c.t.Helper()
	if b, err := c.r.ReadByte(); !errors.Is(err, syscall.ECONNRESET) {
		c.t.Fatalf("byte %q, error %v; want a reset connection", b, err)
	}
}

// refused wants a new connection to be reset, be it while it is made.
func refused(t *testing.T, p *Proxy) {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err == nil {
		_, err = io.ReadAll(c)
		_ = c.Close() // reset already
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("error %v, want a reset connection", err)
	}
}

func TestPassesOn(t *testing.T) {
	p := proxy(t, echo(t))
	c := dial(t, p)
	c.say("one")
	c.hear("one")
	if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.r.ReadByte(); err != io.EOF {
		t.Errorf("%v, want the end that the target sends after ours", err)
	}
	if n := p.Taken(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestCut(t *testing.T) {
	p := proxy(t, echo(t))
	a, b := dial(t, p), dial(t, p)
	for _, c := range []*peer{a, b} {
		c.say("x")
		c.hear("x")
	}
	if n := p.Cut(); n != 2 {
		t.Errorf("%d connections cut", n)
	}
	a.ends()
	b.ends()
	c := dial(t, p)
	c.say("again")
	c.hear("again")
}

func TestRefuse(t *testing.T) {
	p := proxy(t, echo(t))
	a := dial(t, p)
	a.say("x")
	a.hear("x")
	p.Refuse()
	a.ends()
	refused(t, p)
	p.Heal()
	c := dial(t, p)
	c.say("again")
	c.hear("again")
}

func TestStallHoldsAndHealPassesOn(t *testing.T) {
	p := proxy(t, echo(t))
	c := dial(t, p)
	c.say("before")
	c.hear("before")
	p.Stall()
	c.say("held back")
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.r.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%v, want no byte", err)
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	p.Heal()
	c.hear("held back")
}

func TestDelay(t *testing.T) {
	p := proxy(t, echo(t))
	c := dial(t, p)
	const delay = 30 * time.Millisecond
	p.Delay(delay)
	begin := time.Now()
	c.say("late")
	c.hear("late")
	if took := time.Since(begin); took < 2*delay {
		t.Errorf("there and back in %v, less than twice the delay", took)
	}
	p.Delay(time.Hour)
	c.say("later")
	p.Heal()
	c.hear("later")
}

func TestTargetThatDoesNotAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := proxy(t, l.Addr().String())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	refused(t, p)
}

func TestCloseEndsConnections(t *testing.T) {
	p := proxy(t, echo(t))
	c := dial(t, p)
	c.say("x")
	c.hear("x")
	p.Stall()
	c.say("held back")
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	c.ends()
	if err := p.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}
