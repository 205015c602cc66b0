package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	// headerTimeout bounds how long a client may take to send its request's head,
	// bodyTimeout its body, and answerTimeout all until it has read the answer.
	headerTimeout = 10 * time.Second
	bodyTimeout   = time.Minute
	answerTimeout = 3 * time.Minute
	idleTimeout   = 2 * time.Minute
	// maxHeader is the longest request line that is served, in bytes (Jetty's); a head
	// may be twice as long.
	maxHeader = 8 << 10
)

// Server listens for REST requests. It is used once.
type Server struct {
	socks   []sock
	servers []*http.Server
	wg      sync.WaitGroup
	log     *slog.Logger
	// drain is closed when the server begins to stop.
	drain     chan struct{}
	drainOnce sync.Once
	// header is headerTimeout; tests have a shorter one.
	header time.Duration
}

// sock is an open listener; one for admin requests alone has another handler.
type sock struct {
	net.Listener
	admin bool
}

// NewServer returns a server that listens nowhere yet.
func NewServer(logger *slog.Logger) *Server {
	return &Server{log: logger, drain: make(chan struct{}), header: headerTimeout}
}

// Draining is closed when the server begins to stop: what waits for something to
// happen should answer then.
func (s *Server) Draining() <-chan struct{} { return s.drain }

// Listen opens a listener such as "http://0.0.0.0:8083" or "https://:8443"; name is
// the setting that asked for it, for errors. Serving begins with Serve.
func (s *Server) Listen(name, listener string, config *tls.Config, admin bool) (net.Addr, error) {
	u, err := url.Parse(listener)
	if err != nil {
		return nil, fmt.Errorf("%s=%s is not a URL such as http://0.0.0.0:8083: %w", name, listener, err)
	}
	scheme := strings.ToLower(u.Scheme)
	if scheme != "http" && scheme != "https" {
		return nil, fmt.Errorf("%s=%s must begin with http:// or https://", name, listener)
	}
	port := u.Port()
	if port == "" {
		return nil, fmt.Errorf("%s=%s names no port; write for instance %s://%s:8083", name, listener, scheme, u.Hostname())
	}
	l, err := net.Listen("tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s=%s: %w; stop what uses the port, or choose another", name, listener, err)
	}
	if scheme == "https" {
		if config == nil {
			return nil, errors.Join(fmt.Errorf("%s=%s asks for TLS but there is no certificate: set ssl.keystore.location and ssl.keystore.password (or listeners.https.ssl.*)", name, listener), l.Close())
		}
		l = tls.NewListener(l, config)
	}
	s.socks = append(s.socks, sock{l, admin})
	return l.Addr(), nil
}

// Serve begins to answer on all listeners.
func (s *Server) Serve(public, admin http.Handler) {
	for _, l := range s.socks {
		handler := public
		if l.admin {
			handler = admin
		}
		s.servers = append(s.servers, &http.Server{
			Handler: handler, ReadHeaderTimeout: s.header, WriteTimeout: answerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: 2 * maxHeader,
			ErrorLog: log.New(logWriter{s.log}, "", 0),
		})
	}
	for i, srv := range s.servers {
		s.wg.Go(func() {
			if err := srv.Serve(s.socks[i]); !errors.Is(err, http.ErrServerClosed) {
				s.log.Error("a listener stopped", "address", s.socks[i].Addr(), "err", err)
			}
		})
	}
}

// Shutdown stops listening, lets requests under way end until ctx does, and closes. It
// may be called again.
func (s *Server) Shutdown(ctx context.Context) error {
	s.drainOnce.Do(func() { close(s.drain) })
	var failed error
	for _, srv := range s.servers {
		if err := srv.Shutdown(ctx); err != nil {
			failed = errors.Join(failed, err, srv.Close())
		}
	}
	for _, l := range s.socks {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			failed = errors.Join(failed, err)
		}
	}
	s.wg.Wait()
	return failed
}

type logWriter struct{ log *slog.Logger }

func (w logWriter) Write(p []byte) (int, error) {
	w.log.Debug("http server", "message", strings.TrimSpace(string(p)))
	return len(p), nil
}
