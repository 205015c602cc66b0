// Package faultproxy is a TCP proxy that does to connections what networks and dying
// servers do: it delays bytes, holds them back, resets connections and refuses new ones.
//
// It knows nothing of what the bytes mean. A Kafka client asks the broker for addresses
// and then goes there, so a broker behind a proxy must advertise the proxy's address.
package faultproxy

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Proxy passes connections on to a target. All methods can be called at any time by
// any goroutine.
type Proxy struct {
	target   string
	listener net.Listener
	wg       sync.WaitGroup

	mu      sync.Mutex
	changed *sync.Cond // fault changed, or closed
	fault   fault
	pairs   map[*pair]struct{}
	taken   int
	closed  bool
}

// fault is what is done to connections at present.
type fault struct {
	delay  time.Duration
	stall  bool
	refuse bool
}

// pair is a client's connection and the one to the target.
type pair struct{ client, server *net.TCPConn }

// Start listens on a free port of 127.0.0.1 and passes connections on to target, a host
// and port that need not answer yet.
func Start(target string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("faultproxy: %w", err)
	}
	p := &Proxy{target: target, listener: l, pairs: map[*pair]struct{}{}}
	p.changed = sync.NewCond(&p.mu)
	p.wg.Go(p.accept)
	return p, nil
}

// Addr is the host and port that clients connect to.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Delay holds data back for d in each direction, from now on; 0 ends it. Pieces of up to
// 64 KiB wait one after the other, so it limits the rate, too.
func (p *Proxy) Delay(d time.Duration) { p.set(func(f *fault) { f.delay = d }) }

// Stall lets nothing through any more, and keeps all connections open, as a network
// does that drops packets. New connections are accepted and get no answer.
func (p *Proxy) Stall() { p.set(func(f *fault) { f.stall = true }) }

// Refuse resets every connection, new ones at once, as a host does whose server died.
func (p *Proxy) Refuse() {
	p.set(func(f *fault) { f.refuse = true })
	p.Cut()
}

// Heal ends all faults. What was held back is passed on.
func (p *Proxy) Heal() { p.set(func(f *fault) { *f = fault{} }) }

// Cut resets the connections that are open now and returns how many.
func (p *Proxy) Cut() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.pairs {
		c.reset()
	}
	return len(p.pairs)
}

// Taken is how many connections were accepted so far, refused ones not counted.
func (p *Proxy) Taken() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken
}

// Close ends the proxy and every connection, and waits for its goroutines.
func (p *Proxy) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	p.changed.Broadcast()
	for c := range p.pairs {
		c.reset()
	}
	p.mu.Unlock()
	err := p.listener.Close()
	p.wg.Wait()
	return err
}

func (p *Proxy) set(change func(*fault)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.fault)
	p.changed.Broadcast()
}

func (p *Proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue // too many open files, say; the client sees a connection that is never served
		}
		client := conn.(*net.TCPConn)
		p.wg.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client *net.TCPConn) {
	c := &pair{client: client}
	if !p.add(c) {
		reset(client)
		return
	}
	defer p.remove(c)
	conn, err := net.DialTimeout("tcp", p.target, 10*time.Second)
	if err != nil || !p.connected(c, conn.(*net.TCPConn)) {
		reset(client)
		return
	}
	var both sync.WaitGroup
	both.Go(func() { p.pass(c.server, c.client) })
	both.Go(func() { p.pass(c.client, c.server) })
	both.Wait()
}

// add says whether the connection may be served.
func (p *Proxy) add(c *pair) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.fault.refuse {
		return false
	}
	p.taken++
	p.pairs[c] = struct{}{}
	return true
}

func (p *Proxy) connected(c *pair, server *net.TCPConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.server = server
	if p.closed || p.fault.refuse {
		reset(server)
		return false
	}
	return true
}

func (p *Proxy) remove(c *pair) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.reset()
	delete(p.pairs, c)
}

// pass copies one direction until it ends. A clean end of one direction is passed on;
// anything else ends both.
func (p *Proxy) pass(to, from *net.TCPConn) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if !p.hold() {
			return
		}
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				reset(from)
				return
			}
		}
		if err == io.EOF {
			if to.CloseWrite() != nil {
				reset(from)
			}
			return
		}
		if err != nil {
			reset(to)
			return
		}
	}
}

// hold waits as the fault says, and reports whether to go on.
func (p *Proxy) hold() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	var wake *time.Timer
	begin := time.Now()
	for !p.closed {
		rest := p.fault.delay - time.Since(begin)
		if !p.fault.stall && rest <= 0 {
			return true
		}
		if !p.fault.stall && wake == nil {
			wake = time.AfterFunc(rest, p.changed.Broadcast)
			defer wake.Stop()
		} else if !p.fault.stall {
			wake.Reset(rest)
		}
		p.changed.Wait()
	}
	return false
}

func (c *pair) reset() {
	reset(c.client)
	if c.server != nil {
		reset(c.server)
	}
}

// reset closes a connection with RST rather than FIN where it is still open.
func reset(c *net.TCPConn) {
	_ = c.SetLinger(0) // fails on a closed connection, which is what is wanted
	_ = c.Close()
}
