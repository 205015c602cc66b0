package schema

// Arena hands out the parts of values from larger blocks, so that a converter that
// makes many small values allocates seldom. What it hands out is the caller's for
// good; a block lives as long as anything in it. The zero Arena is ready for use,
// by one goroutine.
type Arena struct {
	values  []Value
	entries []Entry
	maps    []MapValue
	structs []StructValue
}

// Sizes of blocks: small enough that a value kept for long holds on to little.
const (
	arenaValues  = 256
	arenaEntries = 128
	arenaMaps    = 64
)

// Values returns a slice of n nulls.
func (a *Arena) Values(n int) []Value {
	if n > len(a.values) {
		if n > arenaValues/4 {
			return make([]Value, n)
		}
		a.values = make([]Value, arenaValues)
	}
	out := a.values[:n:n]
	a.values = a.values[n:]
	return out
}

// Entries returns a slice of n empty entries.
func (a *Arena) Entries(n int) []Entry {
	if n > len(a.entries) {
		if n > arenaEntries/4 {
			return make([]Entry, n)
		}
		a.entries = make([]Entry, arenaEntries)
	}
	out := a.entries[:n:n]
	a.entries = a.entries[n:]
	return out
}

// Map returns a map of entries, the slice of which is kept. Of entries with equal
// keys the last value counts.
func (a *Arena) Map(entries []Entry) *MapValue { return a.DistinctMap(dedupe(entries)) }

// DistinctMap returns a map of entries whose keys are known to differ. The slice is kept.
func (a *Arena) DistinctMap(entries []Entry) *MapValue {
	if len(a.maps) == 0 {
		a.maps = make([]MapValue, arenaMaps)
	}
	m := &a.maps[0]
	a.maps = a.maps[1:]
	m.Reset(entries)
	return m
}

// Struct returns a struct with the given values by index, unchecked. The slice is kept.
func (a *Arena) Struct(s *Schema, values []Value) *StructValue {
	if len(a.structs) == 0 {
		a.structs = make([]StructValue, arenaMaps)
	}
	v := &a.structs[0]
	a.structs = a.structs[1:]
	v.schema, v.values = s, values
	return v
}

// dedupe drops entries whose key comes again, giving the first place the last
// value. It works in place and costs little where all keys differ.
func dedupe(entries []Entry) []Entry {
	if len(entries) >= mapIndexFrom {
		m := NewMap(0)
		m.entries = entries[:0]
		for _, e := range entries {
			m.Put(e.Key, e.Value)
		}
		clear(entries[len(m.entries):])
		return m.entries
	}
	var seen [4]uint64 // a coarse filter, so that most keys need no comparison
	n := 0
next:
	for i := range entries {
		h := keyMark(entries[i].Key)
		if bit := uint64(1) << (h & 63); seen[h>>6&3]&bit != 0 {
			for j := range entries[:n] {
				if entries[j].Key.Equal(entries[i].Key) {
					entries[j].Value = entries[i].Value
					continue next
				}
			}
		} else {
			seen[h>>6&3] |= bit
		}
		if n != i {
			entries[n] = entries[i]
		}
		n++
	}
	clear(entries[n:])
	return entries[:n]
}

// keyMark returns a number that is equal for equal keys.
func keyMark(k Value) uint {
	if k.Kind() != KindString {
		return uint(k.Kind()) // such maps are small
	}
	s := k.Str()
	if s == "" {
		return 0
	}
	return uint(len(s))*31 + uint(s[0])*7 + uint(s[len(s)-1])*13 + uint(s[len(s)/2])*3
}
