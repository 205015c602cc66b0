package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

func offset(partition, offset *schema.MapValue) connect.PartitionOffset {
	return connect.PartitionOffset{Partition: partition, Offset: offset}
}

// lookup returns the "position" of each partition's offset, -1 without one.
func lookup(t testing.TB, s OffsetStore, connector string, partitions ...*schema.MapValue) []int64 {
	t.Helper()
	found, err := s.Offsets(context.Background(), connector, partitions)
	if err != nil {
		t.Fatal(err)
	}
	var all []int64
	for _, m := range found {
		if m == nil {
			all = append(all, -1)
			continue
		}
		v, _ := m.GetString("position")
		n, _ := v.Integer()
		all = append(all, n)
	}
	return all
}

func TestOffsetStores(t *testing.T) {
	ctx := context.Background()
	for kind, make := range map[string]func(t *testing.T) OffsetStore{
		"kafka": func(t *testing.T) OffsetStore {
			return NewKafkaOffsets(topicOptions(t, startBroker(t), "offsets", 5, discard()))
		},
		"file": func(t *testing.T) OffsetStore {
			return NewFileOffsets(filepath.Join(t.TempDir(), "offsets"), discard())
		},
		"memory": func(*testing.T) OffsetStore { return NewMemoryOffsets(discard()) },
		"connector": func(t *testing.T) OffsetStore {
			return NewConnectorOffsetStore(NewMemoryOffsets(discard()), NewMemoryOffsets(discard()), discard())
		},
	} {
		t.Run(kind, func(t *testing.T) {
			s := make(t)
			start(t, s)
			f1, f2 := mapOf("filename", "1"), mapOf("filename", "2")
			if got := lookup(t, s, "c", f1, nil); !slices.Equal(got, []int64{-1, -1}) {
				t.Errorf("at first %v", got)
			}
			must(t, s.Set(ctx, "c", []connect.PartitionOffset{offset(f1, mapOf("position", 1)), offset(f2, mapOf("position", 2))}))
			must(t, s.Set(ctx, "d", []connect.PartitionOffset{offset(f1, mapOf("position", 3))}))
			must(t, s.Set(ctx, "c", []connect.PartitionOffset{offset(f1, mapOf("position", 4))}))
			if got := lookup(t, s, "c", f2, f1); !slices.Equal(got, []int64{2, 4}) {
				t.Errorf("c has %v", got)
			}
			all, err := s.All(ctx, "c")
			if err != nil || len(all) != 2 || !all[0].Partition.Equal(f1) || !all[1].Partition.Equal(f2) || !all[0].Offset.Equal(mapOf("position", 4)) {
				t.Errorf("all of c: %v, %v", all, err)
			}
			must(t, s.Set(ctx, "c", []connect.PartitionOffset{offset(f1, nil)}))
			if got := lookup(t, s, "c", f1, f2); !slices.Equal(got, []int64{-1, 2}) {
				t.Errorf("after the removal c has %v", got)
			}
			if all, err := s.All(ctx, "c"); err != nil || len(all) != 1 {
				t.Errorf("all of c: %v, %v", all, err)
			}
			if got := lookup(t, s, "d", f1); got[0] != 3 {
				t.Errorf("d has %v", got)
			}
			// The same partition, written in other words.
			must(t, s.Set(ctx, "w", []connect.PartitionOffset{offset(mapOf("a", int32(1), "b", 2.0, "c", "x"), mapOf("position", 9))}))
			if got := lookup(t, s, "w", mapOf("c", "x", "b", float32(2), "a", 1), mapOf("c", "x", "b", 2, "a", 1)); !slices.Equal(got, []int64{9, -1}) {
				t.Errorf("w has %v", got)
			}
			bad := mapOf("a", schema.OfMap(mapOf()))
			for _, o := range []connect.PartitionOffset{offset(bad, nil), offset(f1, bad)} {
				if err := s.Set(ctx, "c", []connect.PartitionOffset{o}); errs.Class(err) != errs.ClassData {
					t.Errorf("Set of a map within: %v", err)
				}
			}
			if got := lookup(t, s, "c", bad); got[0] != -1 {
				t.Errorf("a map within has %v", got)
			}
			records, err := s.Records("c", []connect.PartitionOffset{offset(f2, mapOf("position", 7)), offset(f1, nil)})
			if err != nil || len(records) != 2 || string(records[0].Key) != `["c",{"filename":"2"}]` || string(records[0].Value) != `{"position":7}` || records[1].Value != nil {
				t.Errorf("records %q, %v", records, err)
			}
		})
	}
}

// TestOffsetsOfApache reads what Apache's worker wrote, and writes to the same keys.
func TestOffsetsOfApache(t *testing.T) {
	ctx := context.Background()
	b := startBroker(t)
	o := topicOptions(t, b, "offsets", 5, discard())
	o.ReadCommitted = true
	s := NewKafkaOffsets(o)
	start(t, s)
	if s.Topic() != "offsets" {
		t.Errorf("topic %s", s.Topic())
	}
	produce(t, b, "offsets", samples(t, "offsets")...)
	p := mapOf("filename", "/data/in.txt")
	if got := lookup(t, s, "isrc", p); got[0] != 14 {
		t.Errorf("isrc has %v", got)
	}
	must(t, s.Set(ctx, "isrc", []connect.PartitionOffset{offset(p, mapOf("position", 20))}))
	last := dump(t, b, "offsets")
	if got := last[len(last)-1]; got != `["isrc",{"filename":"/data/in.txt"}]={"position":20}` {
		t.Errorf("wrote %s", got)
	}
	// Java finds an offset by the bytes of its key: fields stay in the order they had.
	produce(t, b, "offsets", sample{key: `["j",{"z":1,"a":2}]`, value: `{"position":1}`})
	q := mapOf("a", 2, "z", 1)
	if got := lookup(t, s, "j", q); got[0] != 1 {
		t.Errorf("j has %v", got)
	}
	must(t, s.Set(ctx, "j", []connect.PartitionOffset{offset(q, mapOf("position", 2))}))
	if got := dump(t, b, "offsets"); !slices.Contains(got, `["j",{"z":1,"a":2}]={"position":2}`) || slices.Contains(got, `["j",{"a":2,"z":1}]={"position":2}`) {
		t.Errorf("wrote %q", got)
	}
}

// TestOffsetSpellings has one partition under two keys: the newest counts, and writes
// reach both.
func TestOffsetSpellings(t *testing.T) {
	table := newOffsetTable(discard(), false)
	one, other := []byte(`["c",{"a":1,"b":2}]`), []byte(`["c",{"b":2,"a":1}]`)
	p := []*schema.MapValue{mapOf("a", 1, "b", 2)}
	table.read(one, []byte(`{"position":1}`), 100)
	table.read(other, []byte(`{"position":2}`), 300)
	table.read(one, []byte(`{"position":3}`), 200) // read later, written earlier
	if got := table.offsets("c", p)[0]; !got.Equal(mapOf("position", 2)) {
		t.Errorf("got %v", got)
	}
	records, err := table.records("c", []connect.PartitionOffset{offset(p[0], nil)})
	if err != nil || len(records) != 2 {
		t.Fatalf("%q, %v", records, err)
	}
	if len(table.all("c")) != 1 {
		t.Error("one partition counts twice")
	}
	for _, r := range records {
		table.read(r.Key, r.Value, 400)
	}
	if got := table.offsets("c", p)[0]; got != nil || len(table.connectors) != 0 {
		t.Errorf("left %v", got)
	}
}

func TestSkippedOffsets(t *testing.T) {
	var text logText
	b := startBroker(t)
	s := NewKafkaOffsets(topicOptions(t, b, "offsets", 1, text.logger()))
	start(t, s)
	produce(t, b, "offsets", sample{key: `["c",{"f":1}]`, value: `{"position":1}`}, sample{key: `{}`, value: `{}`}, sample{key: `["c",{"f":1}]`, value: `[]`})
	if got := lookup(t, s, "c", mapOf("f", 1)); got[0] != 1 {
		t.Errorf("c has %v", got)
	}
	for _, want := range []string{`topic=offsets partition=0 offset=1 reason="the key is not an array but map"`, `topic=offsets partition=0 offset=2 reason="the value is not an object but array"`} {
		if strings.Count(text.String(), want) != 1 {
			t.Errorf("%s\nhas no %s", text.String(), want)
		}
	}
}

func TestFileOffsets(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	path := filepath.Join(dir, "offsets")
	b, err := os.ReadFile("testdata/offsets3null.ser")
	must(t, err)
	must(t, os.WriteFile(path, b, 0o640))
	var text logText
	s := NewFileOffsets(path, text.logger())
	start(t, s)
	if got := lookup(t, s, "c1", mapOf("filename", "f1")); got[0] != 1 {
		t.Errorf("c1 has %v", got)
	}
	if n := strings.Count(text.String(), "Skipping"); n != 1 {
		t.Errorf("logged %s", text.String())
	}
	must(t, s.Set(ctx, "c1", []connect.PartitionOffset{offset(mapOf("filename", "f1"), mapOf("position", 11)), offset(mapOf("filename", "new"), mapOf("position", 12))}))
	again := NewFileOffsets(path, discard())
	start(t, again)
	if got := lookup(t, again, "c1", mapOf("filename", "f1"), mapOf("filename", "new")); !slices.Equal(got, []int64{11, 12}) {
		t.Errorf("c1 has %v", got)
	}
	records, err := decodeJavaMap(readFile(t, path))
	if err != nil || len(records) != 5 { // three, the new one, and the one with a null key
		t.Errorf("%d records, %v", len(records), err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.tmp")); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
	// Truncated by a crash of its writer: begin anew, as Java does, and say so.
	must(t, os.WriteFile(path, b[:100], 0o600))
	cut := NewFileOffsets(path, text.logger())
	start(t, cut)
	if got := lookup(t, cut, "c1", mapOf("filename", "f1")); got[0] != -1 || !strings.Contains(text.String(), "ends too soon") {
		t.Errorf("c1 has %v", got)
	}
	for name, want := range map[string]string{
		filepath.Join(dir, "no", "file"): "Invalid value " + filepath.Join(dir, "no", "file") + " for configuration offset.storage.file.filename: its directory does not exist",
		dir:                              "Cannot read the offsets of source connectors from " + dir,
		"testdata/list.ser":              "Expected HashMap but found class java.util.ArrayList",
	} {
		if err := NewFileOffsets(name, discard()).Start(ctx); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return b
}

// failing is a store whose writes fail while err is set.
type failing struct {
	OffsetStore
	err  error
	sets [][]connect.PartitionOffset
}

func (f *failing) Set(ctx context.Context, connector string, offsets []connect.PartitionOffset) error {
	f.sets = append(f.sets, offsets)
	if f.err != nil {
		return f.err
	}
	return f.OffsetStore.Set(ctx, connector, offsets)
}

// TestConnectorOffsets follows KIP-618 and KAFKA-15018.
func TestConnectorOffsets(t *testing.T) {
	ctx := context.Background()
	own, worker := &failing{OffsetStore: NewMemoryOffsets(discard())}, &failing{OffsetStore: NewMemoryOffsets(discard())}
	s := NewConnectorOffsetStore(own, worker, discard())
	must(t, s.Start(ctx))
	a, b := mapOf("p", "a"), mapOf("p", "b")
	must(t, worker.Set(ctx, "c", []connect.PartitionOffset{offset(a, mapOf("position", 1)), offset(b, mapOf("position", 2))}))
	must(t, s.Set(ctx, "c", []connect.PartitionOffset{offset(a, mapOf("position", 3))}))
	if got := lookup(t, s, "c", a, b); !slices.Equal(got, []int64{3, 2}) {
		t.Errorf("c has %v", got)
	}
	if all, err := s.All(ctx, "c"); err != nil || len(all) != 2 {
		t.Errorf("all: %v, %v", all, err)
	}
	must(t, s.Settle(ctx))
	if got := lookup(t, worker, "c", a); got[0] != 3 {
		t.Errorf("the worker's store has %v", got)
	}
	// What is removed goes from the worker's store first, or nothing is done.
	worker.err = errors.New("broken")
	if err := s.Set(ctx, "c", []connect.PartitionOffset{offset(a, nil), offset(b, mapOf("position", 5))}); err == nil {
		t.Error("the removal was not written to the worker's store, and that is no error")
	}
	if got := lookup(t, s, "c", a, b); !slices.Equal(got, []int64{3, 2}) {
		t.Errorf("c has %v", got)
	}
	// What is set need not reach it.
	must(t, s.Set(ctx, "c", []connect.PartitionOffset{offset(b, mapOf("position", 6))}))
	must(t, s.Settle(ctx))
	worker.err = nil
	must(t, s.Set(ctx, "c", []connect.PartitionOffset{offset(a, nil)}))
	if got := lookup(t, s, "c", a, b); !slices.Equal(got, []int64{-1, 6}) {
		t.Errorf("c has %v", got)
	}
	own.err = errors.New("broken")
	before := len(worker.sets)
	if err := s.Set(ctx, "c", []connect.PartitionOffset{offset(a, mapOf("position", 7))}); err == nil {
		t.Error("a failure of the own store is no error")
	}
	must(t, s.Stop(ctx))
	if len(worker.sets) != before {
		t.Error("an offset that the own store refused was copied")
	}
}
