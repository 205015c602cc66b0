package kafka

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxRequestBytes is Kafka's default of socket.request.max.bytes.
const maxRequestBytes = 100 << 20

// brokerListener counts connections, so that they can be ended, and looks at the
// start of each request, since the broker itself trusts its clients.
type brokerListener struct {
	net.Listener
	addr net.Addr
	tls  *tls.Config

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
}

func (l *brokerListener) Addr() net.Addr { return l.addr }

func (l *brokerListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if l.tls != nil {
		c = tls.Server(c, l.tls)
	}
	bc := &brokerConn{Conn: c, listener: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, errors.Join(net.ErrClosed, c.Close())
	}
	l.conns[bc] = struct{}{}
	return bc, nil
}

func (l *brokerListener) closeConns() {
	l.mu.Lock()
	l.closed = true
	conns := make([]net.Conn, 0, len(l.conns))
	for c := range l.conns {
		conns = append(conns, c)
	}
	l.mu.Unlock()
	for _, c := range conns {
		_ = c.Close() // the other side may have closed it before
	}
}

// brokerConn ends a connection whose bytes are not Kafka requests: a web browser, a
// port scan, or a frame so large that it would take the process's memory.
type brokerConn struct {
	net.Conn
	listener *brokerListener

	head []byte // of the frame that is being read, up to 8 bytes
	left int    // of the frame after the head
}

func (c *brokerConn) Close() error {
	c.listener.mu.Lock()
	delete(c.listener.conns, c)
	c.listener.mu.Unlock()
	return c.Conn.Close()
}

func (c *brokerConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if bad := c.check(p[:n]); bad != nil {
		return 0, errors.Join(bad, c.Close())
	}
	return n, err
}

func (c *brokerConn) check(p []byte) error {
	for len(p) > 0 {
		if c.left > 0 {
			n := min(c.left, len(p))
			c.left -= n
			p = p[n:]
			continue
		}
		n := min(8-len(c.head), len(p))
		c.head = append(c.head, p[:n]...)
		p = p[n:]
		if len(c.head) >= 4 {
			if size := binary.BigEndian.Uint32(c.head); size < 8 || size > maxRequestBytes {
				return fmt.Errorf("a request of %d bytes is not one of Kafka's", size)
			}
		}
		if len(c.head) == 8 {
			if key := int16(binary.BigEndian.Uint16(c.head[4:])); kmsg.RequestForKey(key) == nil {
				return fmt.Errorf("a request of kind %d is not one of Kafka's", key)
			}
			c.left = int(binary.BigEndian.Uint32(c.head)) - 4
			c.head = c.head[:0]
		}
	}
	return nil
}

// memoryNet is a network inside the process. Its connections block on channels
// alone, so that time stands still for them under testing/synctest.
type memoryNet struct {
	mu        sync.Mutex
	listeners map[string]*memoryListener
}

func newMemoryNet() *memoryNet { return &memoryNet{listeners: map[string]*memoryListener{}} }

func (m *memoryNet) listen() (net.Listener, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	addr := "memory:" + strconv.Itoa(9092+len(m.listeners))
	l := &memoryListener{addr: hostPort(addr), conns: make(chan net.Conn), done: make(chan struct{})}
	m.listeners[addr] = l
	return l, nil
}

func (m *memoryNet) dial(ctx context.Context, addr string) (net.Conn, error) {
	m.mu.Lock()
	l := m.listeners[addr]
	m.mu.Unlock()
	refused := &net.OpError{Op: "dial", Net: "memory", Addr: hostPort(addr), Err: errors.New("connection refused")}
	if l == nil {
		return nil, refused
	}
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.done:
		return nil, refused
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type memoryListener struct {
	addr  hostPort
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *memoryListener) Addr() net.Addr { return l.addr }
