package schema

import (
	"encoding/binary"
	"hash/maphash"
	"iter"
	"math/bits"
	"slices"
)

// mapIndexFrom is the size from which a map keeps an index; below it a scan is as
// fast, and the index need not be made.
const mapIndexFrom = 48

// mapSeed makes the places in an index hard to foresee for who writes the keys.
var mapSeed = maphash.MakeSeed()

// Entry is one key and its value.
type Entry struct{ Key, Value Value }

// MapValue is a map that keeps the order in which keys were first put. Keys may be
// of any kind. It is not safe for writing while others read.
type MapValue struct {
	entries []Entry
	// table is nil for small maps, else open-addressed: places in entries, from 1.
	table []int32
}

// NewMap returns an empty map with room for n entries.
func NewMap(n int) *MapValue { return &MapValue{entries: make([]Entry, 0, n)} }

// Reset makes m the map of these entries, whose keys must all differ. The slice is
// kept. It lets a source cut the offsets of many records from one allocation.
func (m *MapValue) Reset(entries []Entry) {
	m.entries, m.table = entries, nil
	if len(entries) >= mapIndexFrom {
		m.reindex()
	}
}

// Len returns the number of entries.
func (m *MapValue) Len() int { return len(m.entries) }

// Entries returns the entries in order. They must not be changed.
func (m *MapValue) Entries() []Entry { return m.entries }

// All iterates over the entries in order.
func (m *MapValue) All() iter.Seq2[Value, Value] {
	return func(yield func(Value, Value) bool) {
		for _, e := range m.entries {
			if !yield(e.Key, e.Value) {
				return
			}
		}
	}
}

func (m *MapValue) find(k Value) int {
	if m.table != nil {
		mask := uint64(len(m.table) - 1)
		for h := hashKey(k) & mask; m.table[h] != 0; h = (h + 1) & mask {
			if i := int(m.table[h]) - 1; m.entries[i].Key.Equal(k) {
				return i
			}
		}
		return -1
	}
	if k.Kind() == KindString {
		name := k.Str()
		for i := range m.entries {
			if e := &m.entries[i].Key; e.length() == len(name) && e.Kind() == KindString && e.Str() == name {
				return i
			}
		}
		return -1
	}
	for i := range m.entries {
		if m.entries[i].Key.Equal(k) {
			return i
		}
	}
	return -1
}

// Get returns the value of a key, and whether the key is there.
func (m *MapValue) Get(k Value) (Value, bool) {
	if i := m.find(k); i >= 0 {
		return m.entries[i].Value, true
	}
	return Value{}, false
}

// GetString returns the value of a string key, and whether the key is there.
func (m *MapValue) GetString(k string) (Value, bool) { return m.Get(OfString(k)) }

// Put sets the value of a key. A key that is there keeps its place.
func (m *MapValue) Put(k, v Value) {
	if i := m.find(k); i >= 0 {
		m.entries[i].Value = v
		return
	}
	m.entries = append(m.entries, Entry{k, v})
	switch {
	case m.table != nil && 2*len(m.entries) <= len(m.table):
		m.place(len(m.entries) - 1)
	case len(m.entries) >= mapIndexFrom:
		m.reindex()
	}
}

// PutString sets the value of a string key.
func (m *MapValue) PutString(k string, v Value) { m.Put(OfString(k), v) }

// Delete removes a key and says whether it was there.
func (m *MapValue) Delete(k Value) bool {
	i := m.find(k)
	if i < 0 {
		return false
	}
	m.entries = append(m.entries[:i], m.entries[i+1:]...)
	m.table = nil
	if len(m.entries) >= mapIndexFrom {
		m.reindex()
	}
	return true
}

func (m *MapValue) reindex() {
	m.table = make([]int32, 4<<bits.Len(uint(len(m.entries))))
	for i := range m.entries {
		m.place(i)
	}
}

func (m *MapValue) place(i int) {
	mask := uint64(len(m.table) - 1)
	h := hashKey(m.entries[i].Key) & mask
	for m.table[h] != 0 {
		h = (h + 1) & mask
	}
	m.table[h] = int32(i + 1)
}

// Clone returns a copy whose entries can be changed; the values are shared.
func (m *MapValue) Clone() *MapValue {
	c := &MapValue{entries: append(make([]Entry, 0, len(m.entries)+1), m.entries...)}
	if len(c.entries) >= mapIndexFrom {
		c.reindex()
	}
	return c
}

// Equal says whether both maps hold the same entries, in whatever order.
func (m *MapValue) Equal(o *MapValue) bool {
	if m == o {
		return true
	}
	if m.Len() != o.Len() {
		return false
	}
	for i := range m.entries {
		v, ok := o.Get(m.entries[i].Key)
		if !ok || !v.Equal(m.entries[i].Value) {
			return false
		}
	}
	return true
}

func hashKey(k Value) uint64 {
	if k.Kind() == KindString {
		return maphash.String(mapSeed, k.Str())
	}
	return maphash.Bytes(mapSeed, appendMapKey(nil, k))
}

// appendMapKey appends bytes that are equal for equal keys.
func appendMapKey(b []byte, k Value) []byte {
	b = append(b, byte(k.Kind()))
	text := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	switch k.Kind() {
	case KindString:
		text(k.Str())
	case KindBytes:
		text(string(k.Bytes()))
	case KindDecimal:
		text(k.Decimal().String())
	case KindArray:
		for _, e := range k.Array() {
			b = appendMapKey(b, e)
		}
		b = append(b, 0xff)
	case KindMap:
		// Order must not count, so the entries are sorted by their own bytes.
		keys := make([]string, 0, k.Map().Len())
		for _, e := range k.Map().Entries() {
			keys = append(keys, string(appendMapKey(appendMapKey(nil, e.Key), e.Value)))
		}
		slices.Sort(keys)
		for _, s := range keys {
			text(s)
		}
		b = append(b, 0xff)
	case KindStruct:
		for i := range k.Struct().Schema().Fields() {
			b = appendMapKey(b, k.Struct().RawAt(i))
		}
		b = append(b, 0xff)
	default:
		b = binary.BigEndian.AppendUint64(b, k.num)
	}
	return b
}
