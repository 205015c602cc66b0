package task

import (
	"encoding/binary"
	"slices"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/internal/broken"
)

// dropDelay is how long an offset that rests on dropped records alone may wait to be
// written; until then it goes along with the offset of a record that was sent.
const dropDelay = time.Minute

// keepParts is how many source partitions are remembered without need.
const keepParts = 1024

// The states of an entry.
const (
	entryOpen    uint32 = iota // on its way, or failed
	entryDropped               // filtered, or skipped because it failed
	entryAcked
)

// entry is one source record on its way to Kafka (SubmittedRecord). Entries are cut
// from an arena, so that a record costs no allocation of its own. It is its Kafka
// record's Context, which leads the producer's promise back to it.
type entry struct {
	rec       kgo.Record
	src       *connect.Record
	next      *entry
	part      *sourcePart
	arena     *arena
	told      *told // of an exactly-once source whose task hears of records
	size      int64 // as counted in flight
	partition int32 // that the record asks for, or connect.NoPartition
	state     atomic.Uint32
}

// Deadline implements context.Context; an entry never ends.
func (*entry) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done implements context.Context.
func (*entry) Done() <-chan struct{} { return nil }

// Err implements context.Context.
func (*entry) Err() error { return nil }

// Value implements context.Context.
func (*entry) Value(any) any { return nil }

// sourcePart is one source partition.
type sourcePart struct {
	partition *schema.MapValue
	key       string
	// head and tail are the records that were submitted and not yet collected.
	head, tail *entry
	listed     bool // in tracker.active
	forgotten  bool // not in tracker.parts any more

	// offset is the latest that may be committed and was not; dirty says that there
	// is one, hard that it rests on a record that was sent, since when dirty began.
	offset *schema.MapValue
	dirty  bool
	hard   bool
	since  time.Time
}

// tracker knows which offsets of which source partitions may be committed: the
// longest prefix of each partition's records that is acknowledged or dropped
// (SubmittedRecords; invariant I2). It belongs to the task's goroutine; only
// entry.state is written by others.
type tracker struct {
	parts  map[string]*sourcePart
	active []*sourcePart // with records that were not collected
	dirty  []*sourcePart // with an offset to commit

	last  *sourcePart
	cache []partSlot // by pointer; a power of two

	// acked counts entries that were closed by the producer, seen what of it was
	// collected.
	acked atomic.Int64
	seen  int64

	// done is called for each record that was collected, in the order of its partition.
	done func(*entry)
}

// partSlot remembers which source partition a map stands for.
type partSlot struct {
	partition *schema.MapValue
	part      *sourcePart
}

const (
	minCache = 16
	maxCache = 4096
)

func newTracker(done func(*entry)) *tracker {
	return &tracker{parts: map[string]*sourcePart{}, done: done}
}

// open adds a record at the end of its source partition.
func (t *tracker) open(e *entry, r *connect.Record) {
	p := t.part(r.SourcePartition)
	e.src, e.part, e.next = r, p, nil
	e.state.Store(entryOpen)
	if p.tail == nil {
		p.head = e
	} else {
		p.tail.next = e
	}
	p.tail = e
	if !p.listed {
		p.listed = true
		t.active = append(t.active, p)
	}
}

// close says what has become of a record. The producer's goroutine calls it, too.
func (t *tracker) close(e *entry, state uint32) {
	e.state.Store(state)
	t.acked.Add(1) // after the state: what is counted can be collected
}

// part finds a source partition, first by pointer, then by value.
func (t *tracker) part(m *schema.MapValue) *sourcePart {
	if t.last != nil && t.last.partition == m {
		return t.last
	}
	if n := len(t.cache); n < minCache || n < maxCache && n < 4*len(t.parts) {
		t.cache = make([]partSlot, max(2*n, minCache))
	}
	hash := uint64(uintptr(unsafe.Pointer(m))) * 0x9e3779b97f4a7c15 >> 40
	slot := &t.cache[hash&uint64(len(t.cache)-1)]
	if slot.part != nil && slot.partition == m && !slot.part.forgotten {
		t.last = slot.part
		return slot.part
	}
	p := t.last
	if p == nil || m == nil || p.partition == nil || !p.partition.Equal(m) {
		key := partitionKey(m)
		if p = t.parts[key]; p == nil {
			p = &sourcePart{partition: m, key: key}
			t.parts[key] = p
		}
	}
	slot.partition, slot.part = m, p
	t.last = p
	return p
}

// sweep collects what was acknowledged since the last call. Unless asked to do it
// all, it waits until there is about one record for each partition to look at, which
// keeps the cost of a record constant.
func (t *tracker) sweep(all bool) {
	n := t.acked.Load()
	if n == t.seen || !all && n-t.seen < int64(len(t.active)) {
		return
	}
	t.seen = n
	keep := t.active[:0]
	for _, p := range t.active {
		t.collect(p)
		if p.head != nil {
			keep = append(keep, p)
			continue
		}
		p.listed = false
		t.forget(p)
	}
	clear(t.active[len(keep):])
	t.active = keep
}

// collect takes the closed records from the head of a partition.
func (t *tracker) collect(p *sourcePart) {
	for e := p.head; e != nil; e = p.head {
		state := e.state.Load()
		if state == entryOpen {
			if broken.Invariant(2) {
				t.advance(p, p.tail.src.SourceOffset, true)
			}
			return
		}
		t.advance(p, e.src.SourceOffset, state == entryAcked)
		if p.head = e.next; p.head == nil {
			p.tail = nil
		}
		t.done(e)
	}
}

// advance sets the offset that may be committed next.
func (t *tracker) advance(p *sourcePart, offset *schema.MapValue, sent bool) {
	p.offset = offset
	if !p.dirty {
		p.dirty, p.hard, p.since = true, false, time.Now()
		t.dirty = append(t.dirty, p)
	}
	p.hard = p.hard || sent
}

// note advances the offset of a record's partition at once: for transactions, which
// are committed whole or not at all.
func (t *tracker) note(r *connect.Record, sent bool) {
	t.advance(t.part(r.SourcePartition), r.SourceOffset, sent)
}

// forget drops a partition of which nothing is left to be known.
func (t *tracker) forget(p *sourcePart) {
	if p.head != nil || p.dirty || p == t.last || len(t.parts) <= keepParts {
		return
	}
	p.forgotten = true
	delete(t.parts, p.key)
}

// take returns the offsets to commit. Those that rest on dropped records alone are
// left for later unless all are asked for, or they have waited long enough.
func (t *tracker) take(now time.Time, all bool) []commitOffset {
	var out []commitOffset
	keep := t.dirty[:0]
	for _, p := range t.dirty {
		if !p.hard && !all && now.Sub(p.since) < dropDelay {
			keep = append(keep, p)
			continue
		}
		out = append(out, commitOffset{part: p, offset: p.offset, hard: p.hard})
		p.dirty, p.hard, p.offset = false, false, nil
		t.forget(p)
	}
	clear(t.dirty[len(keep):])
	t.dirty = keep
	return out
}

// restore gives back offsets that could not be committed; newer ones win.
func (t *tracker) restore(offsets []commitOffset) {
	for _, o := range offsets {
		p := o.part
		if known := t.parts[p.key]; known == nil {
			t.parts[p.key], p.forgotten = p, false
		} else {
			p = known
		}
		if p.dirty {
			p.hard = p.hard || o.hard
			continue
		}
		p.offset, p.dirty, p.hard, p.since = o.offset, true, o.hard, time.Now()
		t.dirty = append(t.dirty, p)
	}
}

// commitOffset is an offset on its way to the store.
type commitOffset struct {
	part   *sourcePart
	offset *schema.MapValue
	hard   bool
}

func partitionOffsets(offsets []commitOffset) []connect.PartitionOffset {
	out := make([]connect.PartitionOffset, len(offsets))
	for i, o := range offsets {
		out[i] = connect.PartitionOffset{Partition: o.part.partition, Offset: o.offset}
	}
	return out
}

// partitionKey returns a text that is equal for equal source partitions only. Order
// does not count, and neither does the width of integers: stored as JSON they are
// the same.
func partitionKey(m *schema.MapValue) string {
	if m == nil {
		return ""
	}
	return string(appendMapKey(nil, m))
}

func appendMapKey(b []byte, m *schema.MapValue) []byte {
	b = append(b, '{')
	if m.Len() == 1 {
		e := m.Entries()[0]
		return append(appendValueKey(appendValueKey(b, e.Key), e.Value), '}')
	}
	texts := make([]string, 0, m.Len())
	for _, e := range m.Entries() {
		texts = append(texts, string(appendValueKey(appendValueKey(nil, e.Key), e.Value)))
	}
	slices.Sort(texts)
	for _, s := range texts {
		b = append(b, s...)
	}
	return append(b, '}')
}

func appendValueKey(b []byte, v schema.Value) []byte {
	if n, ok := v.Integer(); ok {
		return binary.BigEndian.AppendUint64(append(b, byte(schema.KindInt64)), uint64(n))
	}
	var text string
	switch v.Kind() {
	case schema.KindMap:
		return appendMapKey(append(b, byte(schema.KindMap)), v.Map())
	case schema.KindBytes:
		text = string(v.Bytes())
	default:
		text = v.Text()
	}
	b = binary.AppendUvarint(append(b, byte(v.Kind())), uint64(len(text)))
	return append(b, text...)
}
