package kafka

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"
)

// dialer connects to brokers.
type dialer struct {
	// dial is net.Dialer's DialContext unless a test has its own.
	dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// timeout bounds connecting and, with TLS, the handshake.
	timeout time.Duration
	tls     *tls.Config // nil for plain text
	// sendBuffer and receiveBuffer are sizes in bytes, or -1 for the system's.
	sendBuffer, receiveBuffer int
}

// Dial is for kgo.Dialer.
func (d *dialer) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	conn, err := d.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		if err := d.setBuffers(tcp); err != nil {
			return nil, closing(conn, err)
		}
	}
	if d.tls == nil {
		return conn, nil
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, closing(conn, err)
	}
	secure := tls.Client(conn, forHost(d.tls, host))
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, closing(conn, fmt.Errorf("TLS handshake with %s: %w", addr, err))
	}
	return secure, nil
}

func (d *dialer) setBuffers(c *net.TCPConn) error {
	if d.sendBuffer >= 0 {
		if err := c.SetWriteBuffer(d.sendBuffer); err != nil {
			return err
		}
	}
	if d.receiveBuffer >= 0 {
		return c.SetReadBuffer(d.receiveBuffer)
	}
	return nil
}

// closing ends a connection that cannot be used and returns why.
func closing(c net.Conn, why error) error {
	_ = c.Close() // why it is closed matters more than how that went
	return why
}
