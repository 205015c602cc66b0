package elasticsearch

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
)

// item is one action of a bulk request.
type item struct {
	record *connect.Record
	token  token
	target *target
	// from and to are where its lines are in the batch.
	from, to int
	written  written
	doc      string // which document it writes, in ordered mode
}

// batch is a bulk request that is being gathered or sent.
type batch struct {
	buf   []byte
	items []item
}

// bulker gathers actions into batches and sends some of them at a time. add, flush
// and wait are for one goroutine; batches end in goroutines of their own.
type bulker struct {
	set    *settings
	log    *slog.Logger
	client *client
	track  *tracker
	errant connect.ErrantRecordReporter // nil for none
	// ordered keeps requests that write the same document from overlapping: updates
	// bear no version that would put them into order.
	ordered bool

	ctx     context.Context // of all requests
	abort   context.CancelFunc
	closing context.Context // no more tries after it ends
	finish  context.CancelFunc
	running sync.WaitGroup

	mu       sync.Mutex
	cur      *batch
	last     int // bytes of the batch before, to size the next
	timer    *time.Timer
	busy     bool // add is going on: a batch that is due is better sent behind it
	due      bool // cur has waited long enough
	inFlight int
	// waiting are full batches that found no free request while others are tried again.
	waiting  []*batch
	retrying int             // requests that have failed and are tried again
	buffered int             // records in cur and under way
	docs     map[string]bool // documents under way, in ordered mode
	changed  chan struct{}   // closed when something has ended
	err      error
}

func newBulker(ctx context.Context, set *settings, log *slog.Logger, c *client, track *tracker, errant connect.ErrantRecordReporter) *bulker {
	b := &bulker{
		set: set, log: log, client: c, track: track, errant: errant, ordered: set.method == methodUpsert,
		docs: map[string]bool{}, changed: make(chan struct{}),
	}
	b.ctx, b.abort = context.WithCancel(context.WithoutCancel(ctx))
	b.closing, b.finish = context.WithCancel(b.ctx)
	return b
}

// failure returns the error that the task is to fail with, if there is one.
func (b *bulker) failure() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

func (b *bulker) notify() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// begin says that records are about to be added, and end that it was all for now.
func (b *bulker) begin() {
	b.mu.Lock()
	b.busy = true
	b.mu.Unlock()
}

func (b *bulker) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.busy = false
	if b.set.linger == 0 {
		b.due = true
	}
	b.sendIfDue()
}

// add appends a record's action to the current batch, and sends the batch when it is
// full. It waits while too much is under way, but not for a destination that fails:
// then batches pile up, and the task pauses. The error is the record's, unless failure
// says otherwise.
func (b *bulker) add(ctx context.Context, t *target, r *connect.Record, k token) (skipped bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.room(ctx, func() bool { return b.buffered < b.set.buffered || b.retrying > 0 }); err != nil {
		return false, err
	}
	if b.cur == nil {
		b.cur = &batch{buf: make([]byte, 0, b.last+b.last/8)}
	}
	from := len(b.cur.buf)
	buf, w, err := b.set.write(b.cur.buf, t, r)
	if err != nil || w.skip {
		b.cur.buf = buf[:from]
		return w.skip, err
	}
	b.cur.buf = buf
	it := item{record: r, token: k, target: t, from: from, to: len(buf), written: w}
	if b.ordered {
		it.doc = t.resource + string(buf[w.from:w.to]) // the id is quoted, so nothing runs together
	}
	b.cur.items = append(b.cur.items, it)
	b.buffered++
	if len(b.cur.items) == 1 && b.set.linger > 0 {
		b.linger()
	}
	if len(b.cur.items) < b.set.batch && (b.set.bulkBytes == 0 || len(buf) < b.set.bulkBytes) {
		return false, nil
	}
	if err := b.room(ctx, func() bool { return b.free() || b.retrying > 0 }); err != nil {
		return false, err
	}
	if b.cur != nil { // else a request that ended has made room for it
		b.waiting, b.cur, b.due = append(b.waiting, b.cur), nil, false
		b.sendWaiting()
	}
	return false, nil
}

// linger starts the time after which the current batch is sent though not full.
func (b *bulker) linger() {
	if b.timer == nil {
		b.timer = time.AfterFunc(b.set.linger, func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.due = b.cur != nil
			b.sendIfDue()
		})
		return
	}
	b.timer.Reset(b.set.linger)
}

// struggling says whether no more records should come for now: all requests are
// taken, and some of them are tried again.
func (b *bulker) struggling() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.retrying > 0 && (b.inFlight >= b.set.inFlight || len(b.waiting) > 0)
}

// retries counts requests that are tried again.
func (b *bulker) retries(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.retrying += n
	b.notify()
}

// next is the batch to send next, or nil.
func (b *bulker) next() *batch {
	if len(b.waiting) > 0 {
		return b.waiting[0]
	}
	return b.cur
}

// free says whether the next batch may be sent now.
func (b *bulker) free() bool {
	if b.inFlight >= b.set.inFlight {
		return false
	}
	if next := b.next(); b.ordered && next != nil {
		for i := range next.items {
			if b.docs[next.items[i].doc] {
				return false
			}
		}
	}
	return true
}

func (b *bulker) sendIfDue() {
	b.sendWaiting()
	if b.due && !b.busy && len(b.waiting) == 0 && b.free() {
		b.send()
	}
}

// sendWaiting sends what waits, as far as requests are free.
func (b *bulker) sendWaiting() {
	for len(b.waiting) > 0 && b.err == nil && b.closing.Err() == nil && b.free() {
		b.send()
	}
}

// send sends the next batch.
func (b *bulker) send() {
	out := b.next()
	if out == b.cur {
		b.due = false
	}
	if out == nil || len(out.items) == 0 || b.err != nil || b.closing.Err() != nil {
		return
	}
	if out == b.cur {
		b.cur = nil
	} else {
		b.waiting = slices.Delete(b.waiting, 0, 1)
	}
	b.last = len(out.buf)
	if b.timer != nil && b.cur == nil {
		b.timer.Stop()
	}
	b.inFlight++
	b.mark(out, true)
	b.running.Go(func() {
		err := b.deliver(out.buf, out.items)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.inFlight--
		b.buffered -= len(out.items)
		b.mark(out, false)
		if err != nil && b.err == nil && b.closing.Err() == nil {
			b.err = err
		}
		b.notify()
		b.sendIfDue()
	})
}

// mark notes which documents are under way, in ordered mode.
func (b *bulker) mark(out *batch, under bool) {
	if !b.ordered {
		return
	}
	for i := range out.items {
		if under {
			b.docs[out.items[i].doc] = true
		} else {
			delete(b.docs, out.items[i].doc)
		}
	}
}

// room waits until ready says so, at most flush.timeout.ms. The lock is held, but
// not while it waits.
func (b *bulker) room(ctx context.Context, ready func() bool) error {
	if b.err == nil && ready() {
		return nil
	}
	timer := time.NewTimer(b.set.flushTimeout)
	defer timer.Stop()
	for b.err == nil && !ready() {
		if next := b.next(); b.inFlight == 0 && next != nil && len(next.items) > 0 {
			b.send() // nothing else would make room
			continue
		}
		changed := b.changed
		b.mu.Unlock()
		var err error
		select {
		case <-changed:
		case <-ctx.Done():
			err = ctx.Err()
		case <-timer.C:
			err = errs.Connect("Could not make space in the internal buffer fast enough. Consider increasing %s or %s.", keyFlushTimeout, keyBuffered).
				WithHint("%s=%d, %s=%d; Elasticsearch takes longer than that to write it", keyFlushTimeout, b.set.flushTimeout.Milliseconds(), keyBuffered, b.set.buffered)
		}
		b.mu.Lock()
		if err != nil {
			return err
		}
	}
	return b.err
}

// flush sends the current batch as soon as there is a free request.
func (b *bulker) flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.due = b.cur != nil
	b.sendIfDue()
}

// wait waits until all that was added is settled, or ctx ends, or something fails.
func (b *bulker) wait(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.err == nil && b.buffered > 0 {
		changed := b.changed
		b.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		b.mu.Lock()
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return b.err
}

// stop lets the requests that are under way come to an end, without further tries,
// and waits for their goroutines. What was not sent is forgotten.
func (b *bulker) stop(ctx context.Context) error {
	b.mu.Lock()
	b.finish()
	if b.timer != nil {
		b.timer.Stop()
	}
	if b.cur != nil {
		b.buffered -= len(b.cur.items)
		b.cur = nil
	}
	for _, out := range b.waiting {
		b.buffered -= len(out.items)
	}
	b.waiting = nil
	failed := b.err != nil
	b.mu.Unlock()
	ended := make(chan struct{})
	var err error
	if failed {
		b.abort()
	}
	go func() {
		b.running.Wait()
		close(ended)
	}()
	timer := time.NewTimer(b.set.flushTimeout)
	defer timer.Stop()
	select {
	case <-ended:
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = errs.Connect("Failed to process outstanding requests in time while closing the ElasticsearchClient.").
			WithHint("%s=%d", keyFlushTimeout, b.set.flushTimeout.Milliseconds())
	}
	b.abort()
	<-ended
	return err
}
