package cluster

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// link is a worker's network. While it is frozen nothing passes, and what was sent
// arrives when it thaws, as with a machine that is out of reach; a dead link ends all
// connections and makes no more.
type link struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu      sync.Mutex
	frozen  bool
	dead    bool
	changed chan struct{} // closed at the next change
	conns   map[*conn]struct{}
	pumps   sync.WaitGroup
}

var errDead = errors.New("connection refused")

func newLink(dial func(ctx context.Context, network, address string) (net.Conn, error)) *link {
	return &link{dial: dial, changed: make(chan struct{}), conns: map[*conn]struct{}{}}
}

// state returns what the link is, and what is closed when it changes.
func (l *link) state() (frozen, dead bool, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.frozen, l.dead, l.changed
}

func (l *link) freeze(frozen bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frozen = frozen
	close(l.changed)
	l.changed = make(chan struct{})
}

// cut ends all connections for good.
func (l *link) cut() {
	l.mu.Lock()
	l.dead = true
	close(l.changed)
	l.changed = make(chan struct{})
	conns := l.conns
	l.conns = nil
	l.mu.Unlock()
	for c := range conns {
		c.end()
	}
	l.pumps.Wait()
}

// passable waits while the link is frozen.
func (l *link) passable(ctx context.Context) error {
	for {
		frozen, dead, changed := l.state()
		switch {
		case dead:
			return errDead
		case !frozen:
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// DialContext is for clients.
func (l *link) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if err := l.passable(ctx); err != nil {
		return nil, err
	}
	far, err := l.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: far, link: l, in: newBuffer(), out: newBuffer(), gone: make(chan struct{})}
	l.mu.Lock()
	if l.dead {
		l.mu.Unlock()
		return nil, errors.Join(errDead, far.Close())
	}
	l.conns[c] = struct{}{}
	l.pumps.Add(2)
	l.mu.Unlock()
	go func() { defer l.pumps.Done(); c.receive() }()
	go func() { defer l.pumps.Done(); c.send() }()
	return c, nil
}

// buffer is what is on its way, in one direction.
type buffer struct {
	mu    sync.Mutex
	bytes []byte
	err   error
	wake  chan struct{}
}

func newBuffer() *buffer { return &buffer{wake: make(chan struct{}, 1)} }

func (b *buffer) notify() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// add adds bytes, or the error that comes after all bytes.
func (b *buffer) add(p []byte, err error) {
	b.mu.Lock()
	b.bytes = append(b.bytes, p...)
	if b.err == nil {
		b.err = err
	}
	b.mu.Unlock()
	b.notify()
}

// take moves bytes into p; ok is false if there is nothing yet.
func (b *buffer) take(p []byte) (n int, ok bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n = copy(p, b.bytes)
	b.bytes = b.bytes[n:]
	if n > 0 {
		return n, true, nil
	}
	return 0, b.err != nil, b.err
}

// conn is a worker's end of a connection.
type conn struct {
	net.Conn
	link    *link
	in, out *buffer
	gone    chan struct{} // the worker has closed it, or its link was cut
	once    sync.Once

	mu       sync.Mutex
	deadline time.Time
}

// receive takes what the broker sends.
func (c *conn) receive() {
	p := make([]byte, 64<<10)
	for {
		n, err := c.Conn.Read(p)
		c.in.add(p[:n], err)
		if err != nil {
			return
		}
	}
}

// send hands the broker what the worker sent, also after the worker has closed the
// connection.
func (c *conn) send() {
	defer c.hangUp()
	p := make([]byte, 64<<10)
	for {
		frozen, dead, changed := c.link.state()
		if dead {
			return
		}
		if frozen {
			<-changed
			continue
		}
		n, ok, err := c.out.take(p)
		if !ok {
			select {
			case <-c.out.wake:
			case <-changed:
			}
			continue
		}
		if err != nil {
			return
		}
		if _, err := c.Conn.Write(p[:n]); err != nil {
			return
		}
	}
}

func (c *conn) hangUp() {
	_ = c.Conn.Close() // a pipe's end closes without fail
	c.link.mu.Lock()
	delete(c.link.conns, c)
	c.link.mu.Unlock()
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	for {
		frozen, dead, changed := c.link.state()
		c.mu.Lock()
		deadline := c.deadline
		c.mu.Unlock()
		select {
		case <-c.gone:
			return 0, net.ErrClosed
		default:
		}
		if dead {
			return 0, io.ErrUnexpectedEOF
		}
		if !deadline.IsZero() && !time.Now().Before(deadline) {
			return 0, os.ErrDeadlineExceeded
		}
		if !frozen {
			if n, ok, err := c.in.take(p); ok {
				return n, err
			}
		}
		var late <-chan time.Time
		stop := func() bool { return true }
		if !deadline.IsZero() {
			t := time.NewTimer(time.Until(deadline))
			late, stop = t.C, t.Stop
		}
		select {
		case <-c.in.wake:
		case <-changed:
		case <-late:
		case <-c.gone:
		}
		stop()
	}
}

// Write implements net.Conn: what is written is on its way.
func (c *conn) Write(p []byte) (int, error) {
	select {
	case <-c.gone:
		return 0, net.ErrClosed
	default:
	}
	c.out.add(p, nil)
	return len(p), nil
}

// end is what a cut does: the broker sees the end, too.
func (c *conn) end() {
	c.once.Do(func() { close(c.gone) })
	_ = c.Conn.Close() // a pipe's end closes without fail
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.once.Do(func() { close(c.gone) })
	c.out.add(nil, io.EOF)
	return nil
}

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	c.deadline = t
	c.mu.Unlock()
	c.in.notify()
	return nil
}

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetWriteDeadline implements net.Conn; writes do not wait.
func (*conn) SetWriteDeadline(time.Time) error { return nil }
