package dlq

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/moldau-io/moldau/runtime/kafka"
)

var errCrashed = errors.New("crashed")

// crash ends a replay at one of its points, which lie before and after each write to
// Kafka: nothing has any effect after that.
type crash struct {
	at     int // negative for never
	cancel context.CancelFunc

	mu      sync.Mutex
	points  int
	crashed bool
	conns   []net.Conn
}

func (c *crash) point() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.crashed {
		return errCrashed
	}
	if c.points++; c.points-1 != c.at {
		return nil
	}
	c.crashed = true
	for _, conn := range c.conns {
		_ = conn.Close() // it may be closed already
	}
	c.cancel()
	return errCrashed
}

func (c *crash) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.crashed {
		return nil, errCrashed
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	c.conns = append(c.conns, conn)
	return &crashConn{conn, c}, nil
}

type crashConn struct {
	net.Conn
	c *crash
}

func (c *crashConn) Write(b []byte) (n int, err error) {
	if err := c.c.point(); err != nil {
		return 0, err
	}
	if n, err = c.Conn.Write(b); err != nil {
		return n, err
	}
	return n, c.c.point()
}

// Each write of a replay is a crash point. Wherever it crashes, another one leaves each
// letter written once.
func TestReplayCrashPoints(t *testing.T) {
	points := 1
	for at := -1; at < points; at++ {
		w := newWorld(t)
		w.letters()
		ctx, cancel := context.WithCancel(t.Context())
		c := &crash{at: at, cancel: cancel}
		q := Open(w.queue.props, kafka.Env{Dial: c.dial}, "dlq")
		q.grace = 0
		_, err := q.Replay(ctx, Replay{To: "elsewhere"})
		cancel()
		if at < 0 {
			if err != nil {
				t.Fatal(err)
			}
			points = c.points
			continue
		}
		if _, err := w.queue.Replay(t.Context(), Replay{To: "elsewhere"}); err != nil {
			t.Errorf("crash at point %d: %v", at, err)
		}
		got := strings.Split(w.values("elsewhere"), " k")
		if distinct := slices.Compact(slices.Sorted(slices.Values(got))); len(got) != 3 || len(distinct) != 3 || strings.Count(strings.Join(got, ""), "of a sink without") != 1 {
			t.Errorf("crash at point %d of %d: %q", at, points, got)
		}
	}
	if points < 20 {
		t.Errorf("only %d points", points)
	}
	t.Logf("%d points", points)
}
