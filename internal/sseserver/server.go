package sseserver

import (
	"compress/gzip"
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// closePatience is how long Serve waits for its connections to end.
const closePatience = 2 * time.Second

// End is how the server ends a connection on purpose.
type End int

// The ends.
const (
	Stay     End = iota // go on until the feed ends, then stay open
	Close               // end the answer properly
	Reset               // cut the connection
	Truncate            // cut the connection within an event
	Half                // end the answer properly, but within an event
	Hang                // stay open and send nothing more
)

// Fault says how the server treats one connection.
type Fault struct {
	// Status answers with a status other than 200, and Body, instead of the stream.
	Status int
	Body   string
	// RetryAfter is sent with Status, if not empty.
	RetryAfter string
	// After is the number of events before End.
	After int64
	End   End
	// Wire is sent as it is before the events.
	Wire string
	// ContentType takes the place of text/event-stream.
	ContentType string
}

// Options are the settings of a server.
type Options struct {
	// Rate is events a second and connection; 0 is as fast as possible.
	Rate float64
	// Retry is the reconnection time in milliseconds that the server sends; 0 for none.
	Retry int
	// Heartbeat is the time between comments while nothing else is sent; 0 for none.
	Heartbeat time.Duration
	// Gzip compresses for clients that accept it.
	Gzip bool
	// CloseAtEnd ends the answer when the feed ends, instead of staying open.
	CloseAtEnd bool
	// Fault treats connection n, counted from 0; nil is no fault.
	Fault func(n int64, r *http.Request) Fault
}

// Server serves a feed. It is an http.Handler.
type Server struct {
	feed Feed
	opt  Options

	mu       sync.Mutex
	requests []*http.Request
	sent     int64
}

// New returns a server.
func New(feed Feed, opt Options) *Server { return &Server{feed: feed, opt: opt} }

// Requests returns the requests so far.
func (s *Server) Requests() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*http.Request(nil), s.requests...)
}

// Sent returns the number of events sent so far, over all connections.
func (s *Server) Sent() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent
}

// Serve serves on a listener until ctx ends, and returns when all connections are closed.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	var closing sync.WaitGroup
	stopped := make(chan struct{})
	closing.Go(func() {
		select {
		case <-ctx.Done():
		case <-stopped:
		}
		// The streams end with ctx; a client that does not take the end is cut off.
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), closePatience)
		defer cancel()
		if srv.Shutdown(late) != nil {
			// The listener's error is Serve's to return.
			_ = srv.Close()
		}
	})
	err := srv.Serve(l)
	close(stopped)
	closing.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// ServeHTTP streams the feed from the start, or from behind Last-Event-ID.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	number := int64(len(s.requests))
	s.requests = append(s.requests, r.Clone(context.WithoutCancel(r.Context())))
	s.mu.Unlock()
	var fault Fault
	if s.opt.Fault != nil {
		fault = s.opt.Fault(number, r)
	}
	if fault.Status != 0 {
		if fault.RetryAfter != "" {
			w.Header().Set("Retry-After", fault.RetryAfter)
		}
		w.WriteHeader(fault.Status)
		write(w, []byte(fault.Body))
		return
	}
	from, known := int64(0), true
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		if from, known = s.feed.After(id); !known {
			http.Error(w, "unknown Last-Event-ID "+strconv.Quote(id), http.StatusBadRequest)
			return
		}
	}
	kind := "text/event-stream; charset=utf-8"
	if fault.ContentType != "" {
		kind = fault.ContentType
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-cache")
	c := &connection{w: w, r: r}
	if s.opt.Gzip && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		c.gz = gzip.NewWriter(w)
	}
	s.stream(c, fault, from)
}

// write sends b; a client that has gone is noticed by its request's context.
func write(w http.ResponseWriter, b []byte) bool {
	_, err := w.Write(b)
	return err == nil
}

type connection struct {
	w  http.ResponseWriter
	r  *http.Request
	gz *gzip.Writer
}

func (c *connection) send(b []byte, flush bool) bool {
	if c.gz == nil {
		if !write(c.w, b) {
			return false
		}
	} else {
		if _, err := c.gz.Write(b); err != nil {
			return false
		}
		if flush && c.gz.Flush() != nil {
			return false
		}
	}
	if flush {
		return http.NewResponseController(c.w).Flush() == nil
	}
	return true
}

// finish ends the answer properly.
func (c *connection) finish() {
	if c.gz != nil {
		// A client that has gone does not care for the trailer.
		_ = c.gz.Close()
	}
}

func (s *Server) stream(c *connection, fault Fault, from int64) {
	head := ":ok\n\n"
	if s.opt.Retry > 0 {
		head += "retry: " + strconv.Itoa(s.opt.Retry) + "\n\n"
	}
	if !c.send([]byte(head+fault.Wire), true) {
		return
	}
	var (
		buf   []byte
		start = time.Now()
		end   = s.feed.Len()
	)
	for n := from; end < 0 || n < end; n++ {
		sent := n - from
		if fault.End != Stay && sent == fault.After {
			s.fault(c, fault, n)
			return
		}
		if s.opt.Rate > 0 {
			due := start.Add(time.Duration(float64(sent) / s.opt.Rate * float64(time.Second)))
			if !s.wait(c, time.Until(due)) {
				return
			}
		}
		buf = s.feed.At(n).Append(buf[:0])
		// Unpaced, a flush for each event would be most of the work.
		flush := s.opt.Rate > 0 || n+1 == end || sent%64 == 63 || fault.End != Stay && sent+1 == fault.After
		if c.r.Context().Err() != nil || !c.send(buf, flush) {
			return
		}
		s.mu.Lock()
		s.sent++
		s.mu.Unlock()
	}
	switch {
	case fault.End != Stay:
		s.fault(c, fault, end)
	case s.opt.CloseAtEnd:
		c.finish()
	default:
		s.hang(c)
	}
}

func (s *Server) fault(c *connection, fault Fault, n int64) {
	if fault.End == Truncate || fault.End == Half {
		part := []byte("event: message\nid: lost\ndata: {\"cut\":")
		if end := s.feed.Len(); end < 0 || n < end {
			whole := s.feed.At(n).Append(nil)
			part = whole[:len(whole)-2]
		}
		if !c.send(part, true) {
			return
		}
	}
	switch fault.End {
	case Reset, Truncate:
		panic(http.ErrAbortHandler)
	case Close, Half:
		c.finish()
	case Hang:
		<-c.r.Context().Done()
	}
}

// hang keeps a connection open, with comments if there is a heartbeat.
func (s *Server) hang(c *connection) {
	for s.wait(c, time.Hour) {
	}
}

// wait waits, sending comments; it returns false when the client has gone.
func (s *Server) wait(c *connection, d time.Duration) bool {
	for d > 0 {
		step := d
		if s.opt.Heartbeat > 0 {
			step = min(step, s.opt.Heartbeat)
		}
		timer := time.NewTimer(step)
		select {
		case <-c.r.Context().Done():
			timer.Stop()
			return false
		case <-timer.C:
		}
		if d -= step; d > 0 && !c.send([]byte(":\n\n"), true) {
			return false
		}
	}
	return true
}
