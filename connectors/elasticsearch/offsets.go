package elasticsearch

import (
	"sort"
	"sync"

	"github.com/moldau-io/moldau/connect"
)

// tracker knows which records are settled: written, or dropped on purpose. It goes
// by the place where a record was read, whatever transforms made of its topic, so
// that routers need no settings of their own. It is safe for concurrent use.
type tracker struct {
	mu         sync.Mutex
	partitions map[connect.TopicPartition]*partition
	entries    int
}

// partition holds the records of one partition from the first that is not settled.
type partition struct {
	pending []pending // by offset
	settled bool      // a record was, at some time
	closed  bool
}

// pending is one offset. A record that was delivered again while it was under way
// is open twice.
type pending struct {
	offset int64
	open   int
}

func newTracker() *tracker { return &tracker{partitions: map[connect.TopicPartition]*partition{}} }

// find returns where an offset is, or belongs.
func (p *partition) find(offset int64) int {
	return sort.Search(len(p.pending), func(i int) bool { return p.pending[i].offset >= offset })
}

// token stands for one delivery of a record until it is settled.
type token struct {
	p      *partition
	offset int64
}

// add notes that a record was received.
func (t *tracker) add(r *connect.Record) token {
	t.mu.Lock()
	defer t.mu.Unlock()
	tp := connect.TopicPartition{Topic: r.Original.Topic, Partition: r.Original.Partition}
	p := t.partitions[tp]
	if p == nil {
		p = &partition{}
		t.partitions[tp] = p
	}
	offset := r.Original.Offset
	// Nearly always the last; not when the runtime has gone back.
	i := len(p.pending)
	if i > 0 && p.pending[i-1].offset >= offset {
		i = p.find(offset)
		if p.pending[i].offset == offset {
			p.pending[i].open++
			return token{p, offset}
		}
	}
	p.pending = append(p.pending, pending{})
	copy(p.pending[i+1:], p.pending[i:])
	p.pending[i] = pending{offset, 1}
	t.entries++
	return token{p, offset}
}

// settle notes that deliveries are done with.
func (t *tracker) settle(tokens ...token) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range tokens {
		t.one(k)
	}
}

func (t *tracker) one(k token) {
	p := k.p
	if p.closed {
		return
	}
	i := p.find(k.offset)
	if i == len(p.pending) || p.pending[i].offset != k.offset {
		return
	}
	p.pending[i].open--
	for len(p.pending) > 0 && p.pending[0].open <= 0 {
		p.pending, p.settled = p.pending[1:], true
		t.entries--
	}
	if len(p.pending) == 0 {
		p.pending = nil
	}
}

// size returns how many records are remembered.
func (t *tracker) size() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.entries
}

// committable returns, of the offsets that would be committed, those that are safe:
// all of a partition whose records are settled, else up to the first that is not.
func (t *tracker) committable(offsets map[connect.TopicPartition]int64) map[connect.TopicPartition]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make(map[connect.TopicPartition]int64, len(offsets))
	for tp, offset := range offsets {
		if p := t.partitions[tp]; p != nil && len(p.pending) > 0 {
			if !p.settled {
				continue // nothing was done yet
			}
			offset = min(offset, p.pending[0].offset)
		}
		out[tp] = offset
	}
	return out
}

// remove forgets partitions.
func (t *tracker) remove(partitions []connect.TopicPartition) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, tp := range partitions {
		if p := t.partitions[tp]; p != nil {
			p.closed = true
			t.entries -= len(p.pending)
			delete(t.partitions, tp)
		}
	}
}
