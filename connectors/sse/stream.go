package sse

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/moldau-io/moldau/connect/errs"
)

// Why a connection ended, where the server did not say.
var (
	errSilence = errors.New("the server sent nothing")
	errEnded   = errors.New("the server ended the stream")
)

// eventOverhead is what an event in the buffer costs beside its data, in bytes.
const eventOverhead = 256

// stream reads the events of one URI over one connection after the other. It is
// owned by the goroutine that runs it.
type stream struct {
	set    *settings
	log    *slog.Logger
	dial   func() http.RoundTripper // a transport for one connection
	cursor cursor

	out   chan item
	bytes *semaphore.Weighted

	connected bool      // once, since the start of the task
	next      time.Time // earliest time of another attempt
}

func newStream(set *settings, log *slog.Logger, at cursor) *stream {
	return &stream{
		set: set, log: log, cursor: at, dial: func() http.RoundTripper { return transport(set) },
		out: make(chan item, set.events), bytes: semaphore.NewWeighted(set.bytes),
	}
}

// run connects and reads until ctx ends, which gives nil, or until there is no use
// in another attempt.
func (s *stream) run(ctx context.Context) error {
	for failures := 0; ; {
		events, err := s.connection(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if fatal(err) || !s.connected && permanent(err) {
			return s.failed(err)
		}
		if events > 0 {
			failures = 0
		}
		failures++
		if s.set.attempts >= 0 && failures > s.set.attempts {
			return errs.Wrap(errs.ClassConnect, err, "Gave up on %s=%s after %d failed attempts (%s=%d)",
				keyURI, s.set.shown, failures, keyMaxAttempts, s.set.attempts).
				WithHint("see whether the server runs; %s=-1 tries for ever", keyMaxAttempts)
		}
		wait := s.backoff(failures, err)
		s.log.Warn("the event stream ended; connecting again", "uri", s.set.shown, "cause", err,
			"events", events, "attempt", failures, "wait", wait)
		if !sleep(ctx, wait) {
			return nil
		}
	}
}

// backoff returns the wait before the next attempt. After a connection that worked
// it is the server's reconnection time, if there is one; else the configured first
// wait, doubled with each failure. Part of it is left to chance, so that the
// clients of a server that failed do not come back all at once.
func (s *stream) backoff(failures int, err error) time.Duration {
	d := s.set.maxWait
	if shift := failures - 1; shift < 30 && s.set.backoff<<shift < d {
		d = s.set.backoff << shift
	}
	d = d/2 + rand.N(d/2+1)
	if s.cursor.retry >= 0 {
		// A stranger's number: an hour is long enough to wait for anything.
		asked := ms(min(s.cursor.retry, time.Hour.Milliseconds()))
		asked += rand.N(asked/8 + 1)
		if failures == 1 {
			d = asked
		}
		d = max(d, asked)
	}
	var answer *answerError
	if errors.As(err, &answer) {
		d = max(d, answer.retryAfter)
	}
	return d
}

func (s *stream) failed(err error) error {
	var done *errs.Error
	if errors.As(err, &done) {
		return done
	}
	return errs.Wrap(errs.ClassConnect, err, "Cannot read the event stream %s=%s", keyURI, s.set.shown).
		WithHint("%s", cure(err))
}

// connection makes one connection and reads it to its end.
func (s *stream) connection(ctx context.Context) (events int, err error) {
	if s.set.every > 0 {
		if !sleep(ctx, time.Until(s.next)) {
			return 0, ctx.Err()
		}
		s.next = time.Now().Add(s.set.every)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	lastID := s.cursor.header()
	body, err := s.open(ctx, lastID)
	if err != nil {
		return 0, cause(ctx, err)
	}
	defer func() {
		if closeErr := body.Close(); closeErr != nil && err == nil {
			err = closeErr
		}
	}()
	s.connected = true
	s.log.Info("reading the event stream", "uri", s.set.shown, "last_event_id", lastID)
	watch := newWatch(body, s.set.silence, func() { cancel(errSilence) })
	defer watch.stop()
	r := newReader(watch, s.set.maxEvent)
	r.onRetry = func(n int64) { s.cursor.retry = n }
	r.onID = s.cursor.skip
	for {
		e, err := r.next()
		switch {
		case errors.Is(err, errTooLarge):
			return events, s.tooLarge()
		case errors.Is(err, io.EOF):
			return events, errEnded
		case err != nil:
			return events, cause(ctx, err)
		}
		events++
		if !s.cursor.take(e) || !s.wanted(e) {
			continue
		}
		if !s.put(ctx, e) {
			return events, ctx.Err()
		}
	}
}

func (s *stream) wanted(e event) bool {
	if len(s.set.types) == 0 {
		return true
	}
	name := e.name
	if name == "" {
		name = defaultName
	}
	return slices.Contains(s.set.types, name)
}

// put hands an event over; it waits while the buffer is full.
func (s *stream) put(ctx context.Context, e event) bool {
	if err := s.bytes.Acquire(ctx, s.weight(e)); err != nil {
		return false
	}
	select {
	case s.out <- item{e, s.cursor.offset()}:
		return true
	case <-ctx.Done():
		return false
	}
}

// taken says that an event has left the buffer.
func (s *stream) taken(e event) { s.bytes.Release(s.weight(e)) }

func (s *stream) weight(e event) int64 {
	return min(int64(len(e.data)+eventOverhead), s.set.bytes)
}

func (s *stream) tooLarge() error {
	after := "the first event"
	if s.cursor.id != "" {
		after = "the event after id " + s.cursor.id
	}
	return errs.Connect("In the event stream %s=%s, %s is larger than %s=%d bytes", keyURI, s.set.shown, after, keyMaxEvent, s.set.maxEvent).
		WithHint("raise %s, and with it the topic's max.message.bytes and producer.override.max.request.size", keyMaxEvent)
}

func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c != nil {
		return c
	}
	return err
}

// watch reads a body and calls late when a read takes longer than the limit. Time
// in which nobody reads does not count.
type watch struct {
	body  io.Reader
	limit time.Duration
	timer *time.Timer
}

func newWatch(body io.Reader, limit time.Duration, late func()) *watch {
	w := &watch{body: body, limit: limit}
	if limit > 0 {
		w.timer = time.AfterFunc(limit, late)
		w.timer.Stop()
	}
	return w
}

func (w *watch) Read(b []byte) (int, error) {
	if w.timer == nil {
		return w.body.Read(b)
	}
	w.timer.Reset(w.limit)
	defer w.timer.Stop()
	return w.body.Read(b)
}

func (w *watch) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
}
