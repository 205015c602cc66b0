package task

import "sync/atomic"

// arenaRecords is the most records of one arena; larger batches take several.
const arenaRecords = 2048

// arena holds the entries and the bytes of records that were polled together. It is
// used again once all of its records are acknowledged.
type arena struct {
	entries []entry
	left    int // not yet collected
	bytes   []byte
	used    int // bytes of all chunks, to size the next one
	tainted atomic.Bool
}

// arenas are the spare ones of a task.
type arenas struct {
	spare []*arena
	chunk int
}

const (
	minChunk   = 4 << 10
	maxChunk   = 1 << 20
	keepArenas = 32
)

// get returns an arena for n records.
func (a *arenas) get(n int) *arena {
	for i := len(a.spare) - 1; i >= 0; i-- {
		if r := a.spare[i]; cap(r.entries) >= n {
			a.spare = append(a.spare[:i], a.spare[i+1:]...)
			r.entries = r.entries[:n]
			r.left, r.used, r.bytes = n, 0, r.bytes[:0]
			return r
		}
	}
	return &arena{entries: make([]entry, n), left: n}
}

// collected says that one record of the arena is done with.
func (a *arenas) collected(r *arena) {
	if r.left--; r.left > 0 {
		return
	}
	if r.used > 0 {
		a.chunk = min(max(a.chunk, r.used, minChunk), maxChunk)
	}
	// Records that failed may still be looked at by the producer.
	if r.tainted.Load() || len(a.spare) >= keepArenas || cap(r.bytes) > maxChunk {
		return
	}
	a.spare = append(a.spare, r)
}

// space returns room to append to; what was appended is kept with commit.
func (a *arenas) space(r *arena) []byte {
	if cap(r.bytes)-len(r.bytes) < 64 {
		r.bytes = make([]byte, 0, max(a.chunk, minChunk))
	}
	return r.bytes[len(r.bytes):len(r.bytes)]
}

// keep takes what was appended to space's result out of the arena.
func (a *arenas) keep(r *arena, b []byte) []byte {
	r.used += len(b)
	if n := len(r.bytes); len(b) <= cap(r.bytes)-n && (len(b) == 0 || &b[0] == &r.bytes[n : n+1][0]) {
		r.bytes = r.bytes[:n+len(b)]
	}
	return b[:len(b):len(b)]
}

// taint keeps the arena from being used again. The producer's goroutine calls it,
// before it closes the entry.
func (a *arena) taint() { a.tainted.Store(true) }
