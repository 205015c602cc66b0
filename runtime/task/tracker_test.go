package task

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/schema"
)

// trackerRun drives a tracker beside a dumb model of what may be committed.
type trackerRun struct {
	*tracker
	entries   []*entry
	collected int
	model     map[string][]*entry
}

func newTrackerRun() *trackerRun {
	r := &trackerRun{model: map[string][]*entry{}}
	r.tracker = newTracker(func(*entry) { r.collected++ })
	return r
}

func (r *trackerRun) add(part *schema.MapValue, at int64) *entry {
	e := &entry{}
	r.open(e, &connect.Record{SourcePartition: part, SourceOffset: offset(at)})
	r.entries = append(r.entries, e)
	key := partitionKey(part)
	r.model[key] = append(r.model[key], e)
	return e
}

// expected is the offset after the longest closed prefix of each partition, for
// partitions that have one, and whether it rests on an acknowledged record.
func (r *trackerRun) expected() map[string]string {
	out := map[string]string{}
	for key, es := range r.model {
		hard, n := false, 0
		for n < len(es) && es[n].state.Load() != entryOpen {
			hard = hard || es[n].state.Load() == entryAcked
			n++
		}
		if n > 0 {
			out[key] = fmt.Sprint(es[n-1].src.SourceOffset.Entries()[0].Value.Int64(), hard)
			r.model[key] = es[n:]
		}
	}
	return out
}

func (r *trackerRun) taken(now time.Time, all bool) map[string]string {
	out := map[string]string{}
	for _, o := range r.take(now, all) {
		out[o.part.key] = fmt.Sprint(o.offset.Entries()[0].Value.Int64(), o.hard)
	}
	return out
}

func TestTracker(t *testing.T) {
	a, b := partitionMap("a"), partitionMap("b")
	now := time.Now()
	tests := []struct {
		name  string
		drive func(*trackerRun)
		want  map[string]string
	}{
		{"nothing", func(*trackerRun) {}, map[string]string{}},
		{"open", func(r *trackerRun) { r.add(a, 1) }, map[string]string{}},
		{"acknowledged", func(r *trackerRun) { r.close(r.add(a, 1), entryAcked) }, map[string]string{partitionKey(a): "1 true"}},
		{"out of order", func(r *trackerRun) {
			one, two, three := r.add(a, 1), r.add(a, 2), r.add(a, 3)
			r.close(three, entryAcked)
			r.close(one, entryAcked)
			_ = two
		}, map[string]string{partitionKey(a): "1 true"}},
		{"a gap closes", func(r *trackerRun) {
			one, two, three := r.add(a, 1), r.add(a, 2), r.add(a, 3)
			r.close(three, entryAcked)
			r.close(one, entryAcked)
			r.sweep(true)
			r.close(two, entryDropped)
		}, map[string]string{partitionKey(a): "3 true"}},
		{"partitions do not wait for each other", func(r *trackerRun) {
			r.add(a, 1)
			r.close(r.add(b, 5), entryAcked)
		}, map[string]string{partitionKey(b): "5 true"}},
		{"dropped alone wait", func(r *trackerRun) {
			r.close(r.add(a, 1), entryDropped)
			r.close(r.add(b, 5), entryAcked)
		}, map[string]string{partitionKey(b): "5 true"}},
		{"equal maps are one partition", func(r *trackerRun) {
			r.add(partitionMap("a"), 1)
			r.close(r.add(partitionMap("a"), 2), entryAcked)
		}, map[string]string{}},
		{"restored", func(r *trackerRun) {
			r.close(r.add(a, 1), entryAcked)
			r.close(r.add(b, 1), entryAcked)
			r.sweep(true)
			taken := r.take(now, true)
			r.close(r.add(a, 2), entryDropped)
			r.sweep(true)
			r.restore(taken)
		}, map[string]string{partitionKey(a): "2 true", partitionKey(b): "1 true"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newTrackerRun()
			test.drive(r)
			r.sweep(true)
			if got := r.taken(now, false); fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestTrackerDropDelay(t *testing.T) {
	r := newTrackerRun()
	p := partitionMap("a")
	r.close(r.add(p, 1), entryDropped)
	r.sweep(true)
	now := time.Now()
	if got := r.taken(now, false); len(got) != 0 {
		t.Errorf("at once: %v", got)
	}
	if got := r.taken(now.Add(dropDelay+time.Second), false); fmt.Sprint(got) != fmt.Sprint(map[string]string{partitionKey(p): "1 false"}) {
		t.Errorf("after the delay: %v", got)
	}
}

// Random runs against the model, with many partitions, so that they are forgotten, too.
func TestTrackerRandom(t *testing.T) {
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 1))
		r := newTrackerRun()
		parts := 1 + rng.IntN(3000)
		closed := 0
		var open []*entry
		for range 5000 {
			switch rng.IntN(10) {
			case 0:
				r.sweep(rng.IntN(2) == 0)
			case 1:
				r.sweep(true)
				want := r.expected()
				got := r.taken(time.Now(), true)
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf("seed %d: got %v, want %v", seed, got, want)
				}
			case 2, 3, 4, 5:
				if len(open) > 0 {
					i := rng.IntN(len(open))
					r.close(open[i], []uint32{entryAcked, entryDropped}[rng.IntN(2)])
					open = slices.Delete(open, i, i+1)
					closed++
				}
			default:
				open = append(open, r.add(partitionMap(fmt.Sprint(rng.IntN(parts))), int64(len(r.entries))))
			}
		}
		for _, e := range open {
			r.close(e, entryAcked)
		}
		r.sweep(true)
		if r.collected != len(r.entries) {
			t.Fatalf("seed %d: %d of %d entries collected", seed, r.collected, len(r.entries))
		}
		r.take(time.Now(), true)
		if len(r.parts) > keepParts+1 || len(r.active) > 0 || len(r.dirty) > 0 {
			t.Fatalf("seed %d: %d partitions kept, %d active, %d dirty", seed, len(r.parts), len(r.active), len(r.dirty))
		}
	}
}

func TestPartitionKey(t *testing.T) {
	m := func(kv ...schema.Value) *schema.MapValue {
		m := schema.NewMap(len(kv) / 2)
		for i := 0; i < len(kv); i += 2 {
			m.Put(kv[i], kv[i+1])
		}
		return m
	}
	s, i32, i64 := schema.OfString, schema.OfInt32, schema.OfInt64
	same := [][2]*schema.MapValue{
		{m(s("a"), i32(1), s("b"), s("x")), m(s("b"), s("x"), s("a"), i64(1))},
		{m(), m()},
		{m(s("m"), schema.OfMap(m(s("a"), i32(1), s("b"), i32(2)))), m(s("m"), schema.OfMap(m(s("b"), i32(2), s("a"), i32(1))))},
	}
	for _, p := range same {
		if partitionKey(p[0]) != partitionKey(p[1]) {
			t.Errorf("%s and %s have different keys", schema.OfMap(p[0]).Text(), schema.OfMap(p[1]).Text())
		}
	}
	different := []*schema.MapValue{
		nil, m(), m(s("a"), s("1")), m(s("a"), i32(1)), m(s("a"), schema.Null()), m(s("a"), s("")), m(s("a"), schema.OfBytes([]byte("1"))), m(s("a1"), s("")),
		m(s("a"), s("1"), s("b"), s("2")), m(s("a"), s("2"), s("b"), s("1")), m(s("a"), schema.OfBoolean(true)), m(s("a"), schema.OfFloat64(1)),
		m(s("a"), schema.OfBytes([]byte("2"))),
	}
	seen := map[string]*schema.MapValue{}
	for _, p := range different {
		if o, ok := seen[partitionKey(p)]; ok {
			t.Errorf("%s and %s have one key", schema.OfMap(p).Text(), schema.OfMap(o).Text())
		}
		seen[partitionKey(p)] = p
	}
}

// A record costs the tracker no allocation.
func TestTrackerAllocations(t *testing.T) {
	tr := newTracker(func(*entry) {})
	p, o := partitionMap("a"), offset(1)
	es := make([]entry, 1000)
	rec := &connect.Record{SourcePartition: p, SourceOffset: o}
	allocs := testing.AllocsPerRun(100, func() {
		for i := range es {
			tr.open(&es[i], rec)
		}
		for i := range es {
			tr.close(&es[i], entryAcked)
		}
		tr.sweep(false)
		tr.take(time.Time{}, true)
	})
	if allocs > 2 {
		t.Errorf("%v allocations for 1000 records", allocs)
	}
}

func BenchmarkTracker(b *testing.B) {
	for _, parts := range []int{1, 100} {
		b.Run(fmt.Sprintf("%d partitions", parts), func(b *testing.B) {
			tr := newTracker(func(*entry) {})
			recs := make([]connect.Record, 1000)
			for i := range recs {
				recs[i] = connect.Record{SourcePartition: partitionMap(fmt.Sprint(i % parts)), SourceOffset: offset(int64(i))}
				if i >= parts {
					recs[i].SourcePartition = recs[i%parts].SourcePartition
				}
			}
			es := make([]entry, 1000)
			b.ReportAllocs()
			for i := 0; i < b.N; i += len(es) {
				for j := range es {
					tr.open(&es[j], &recs[j])
				}
				for j := range es {
					tr.close(&es[j], entryAcked)
				}
				tr.sweep(false)
				tr.take(time.Time{}, true)
			}
		})
	}
}
