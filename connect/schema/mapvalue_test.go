package schema

import (
	"fmt"
	"testing"
)

// A map must behave the same below and above the size from which it has an index.
func TestMaps(t *testing.T) {
	for _, size := range []int{0, 1, mapIndexFrom - 1, mapIndexFrom, 3 * mapIndexFrom} {
		m, model := NewMap(0), map[string]int64{}
		for i := range size {
			name := fmt.Sprintf("k%d", i)
			m.PutString(name, OfInt64(int64(i)))
			model[name] = int64(i)
		}
		for i := 0; i < size; i += 3 {
			m.PutString(fmt.Sprintf("k%d", i), OfInt64(-1))
			model[fmt.Sprintf("k%d", i)] = -1
		}
		for i := 0; i < size; i += 7 {
			name := fmt.Sprintf("k%d", i)
			if !m.Delete(OfString(name)) || m.Delete(OfString(name)) {
				t.Errorf("size %d: deleting %s", size, name)
			}
			delete(model, name)
		}
		if m.Len() != len(model) {
			t.Errorf("size %d: %d entries, expected %d", size, m.Len(), len(model))
		}
		for name, want := range model {
			if v, ok := m.GetString(name); !ok || v.Int64() != want {
				t.Errorf("size %d: %s = %v, %v", size, name, v.Text(), ok)
			}
		}
		if _, ok := m.GetString("none"); ok {
			t.Errorf("size %d: found what is not there", size)
		}
		c := m.Clone()
		c.PutString("more", Null())
		if _, ok := m.GetString("more"); ok || c.Len() != m.Len()+1 || c.Equal(m) || !m.Equal(m.Clone()) {
			t.Errorf("size %d: a clone is not a map of its own", size)
		}
	}
}

func TestMapsKeepTheOrderOfKeys(t *testing.T) {
	m := NewMap(0)
	for _, k := range []string{"b", "a", "c", "b"} {
		m.PutString(k, OfString(k))
	}
	if got := OfMap(m).Text(); got != "{b=b, a=a, c=c}" {
		t.Error(got)
	}
}

func TestMapsTakeKeysOfAnyKind(t *testing.T) {
	m := NewMap(0)
	for i, k := range samples() {
		m.Put(k, OfInt64(int64(i)))
	}
	// Enough more for an index.
	for i := range 2 * mapIndexFrom {
		m.Put(OfInt32(int32(i)), Null())
	}
	for i, k := range samples() {
		if v, ok := m.Get(k); !ok || v.Int64() != int64(i) {
			t.Errorf("key of kind %s: %v, %v", k.Kind(), v.Text(), ok)
		}
	}
}

func TestArenaMapsDropRepeatedKeys(t *testing.T) {
	for _, distinct := range []int{1, 5, mapIndexFrom, 200} {
		var a Arena
		entries := a.Entries(2 * distinct)
		for i := range entries {
			entries[i] = Entry{OfString(fmt.Sprint("key", i%distinct)), OfInt64(int64(i))}
		}
		m := a.Map(entries)
		if m.Len() != distinct {
			t.Errorf("%d of %d keys left", m.Len(), distinct)
		}
		for i := range distinct {
			if v, ok := m.GetString(fmt.Sprint("key", i)); !ok || v.Int64() != int64(i+distinct) {
				t.Errorf("key %d of %d: %v, %v", i, distinct, v.Text(), ok)
			}
		}
	}
}

func TestArenaParts(t *testing.T) {
	var a Arena
	x, y := a.Values(3), a.Values(2)
	x[2], y[0] = OfInt8(1), OfInt8(2)
	if cap(x) != 3 || cap(y) != 2 || x[2].Int8() != 1 {
		t.Error("parts of an arena overlap")
	}
	if len(a.Values(10*arenaValues)) != 10*arenaValues || len(a.Entries(10*arenaEntries)) != 10*arenaEntries {
		t.Error("large parts are too short")
	}
}

func TestCacheIsBounded(t *testing.T) {
	for _, size := range []int{0, 1, 2, 10, 101} {
		c := NewCache[int, int](size)
		for i := range 1000 {
			c.Put(i, -i)
			if v, ok := c.Get(i); size > 0 && (!ok || v != -i) {
				t.Fatalf("size %d: the last entry is gone", size)
			}
		}
		n := 0
		for i := range 1000 {
			if _, ok := c.Get(i); ok {
				n++
			}
		}
		if n > size+1 || len(c.young)+len(c.old) > size+1 {
			t.Errorf("size %d: %d entries found, %d kept", size, n, len(c.young)+len(c.old))
		}
	}
}

func TestCacheKeepsWhatIsAskedFor(t *testing.T) {
	c := NewCache[int, string](10)
	c.Put(-1, "hot")
	for i := range 1000 {
		c.Put(i, "cold")
		if _, ok := c.Get(-1); !ok {
			t.Fatalf("lost after %d others", i)
		}
	}
}

func BenchmarkMapGet(b *testing.B) {
	for _, size := range []int{10, 30, 100} {
		m := NewMap(size)
		for i := range size {
			m.PutString(fmt.Sprintf("field_%d", i), OfInt64(int64(i)))
		}
		last := fmt.Sprintf("field_%d", size-1)
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := m.GetString(last); !ok {
					b.Fatal("lost")
				}
			}
		})
	}
}
