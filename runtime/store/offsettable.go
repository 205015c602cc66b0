package store

import (
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/schema"
)

// offsetTable is what the records of an offsets topic or file add up to. It is safe
// for concurrent use.
//
// One source partition can have records under several keys: workers and clients may
// order its fields differently, and Java finds an offset by the bytes of its key. The
// newest record then holds the offset, and writes go to all of the keys, so that
// whoever reads finds it.
type offsetTable struct {
	logger *slog.Logger
	// values says whether to keep the bytes of offsets, for dump.
	values bool

	mu         sync.Mutex
	connectors map[string]map[string]*offsetEntry // by connector, then canonical partition
	seq        int64
}

type offsetEntry struct {
	partition *schema.MapValue
	variants  []offsetVariant
}

// offsetVariant is the offset under one spelling of the key.
type offsetVariant struct {
	key       string
	offset    *schema.MapValue
	value     []byte
	timestamp int64
	seq       int64
}

func newOffsetTable(logger *slog.Logger, values bool) *offsetTable {
	return &offsetTable{logger: logger, values: values, connectors: map[string]map[string]*offsetEntry{}}
}

// read applies a record; one that says nothing is skipped with a line in the log, to
// which where adds the place.
func (t *offsetTable) read(key, value []byte, timestamp int64, where ...any) {
	connector, partition, err := decodeOffsetKey(key)
	var offset *schema.MapValue
	if err == nil {
		offset, err = decodeOffset(value)
	}
	if err != nil {
		t.logger.Warn("Skipping a record of source offsets", append(where, "reason", err)...)
		return
	}
	id, err := canonical(partition)
	if err != nil {
		t.logger.Warn("Skipping a record of source offsets", append(where, "reason", err)...)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seq++
	e := t.connectors[connector][id]
	if offset == nil {
		t.remove(connector, id, e, string(key))
		return
	}
	if e == nil {
		if t.connectors[connector] == nil {
			t.connectors[connector] = map[string]*offsetEntry{}
		}
		e = &offsetEntry{partition: partition}
		t.connectors[connector][id] = e
	}
	v := offsetVariant{key: string(key), offset: offset, timestamp: timestamp, seq: t.seq}
	if t.values {
		v.value = slices.Clone(value)
	}
	if i := e.find(v.key); i >= 0 {
		e.variants[i] = v
	} else {
		e.variants = append(e.variants, v)
	}
}

func (t *offsetTable) remove(connector, id string, e *offsetEntry, key string) {
	if e == nil {
		return
	}
	e.variants = slices.DeleteFunc(e.variants, func(v offsetVariant) bool { return v.key == key })
	if len(e.variants) == 0 {
		delete(t.connectors[connector], id)
		if len(t.connectors[connector]) == 0 {
			delete(t.connectors, connector)
		}
	}
}

func (e *offsetEntry) find(key string) int {
	return slices.IndexFunc(e.variants, func(v offsetVariant) bool { return v.key == key })
}

// newest is the variant written last, by the clock of the writers.
func (e *offsetEntry) newest() offsetVariant {
	return slices.MaxFunc(e.variants, func(a, b offsetVariant) int {
		if a.timestamp != b.timestamp {
			return int(min(max(a.timestamp-b.timestamp, -1), 1))
		}
		return int(a.seq - b.seq)
	})
}

// offsets looks source partitions up. One that cannot be a partition has no offset, as
// in Java, and an error in the log.
func (t *offsetTable) offsets(connector string, partitions []*schema.MapValue) []*schema.MapValue {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := make([]*schema.MapValue, len(partitions))
	for i, p := range partitions {
		err := checkOffset(p)
		var id string
		if err == nil {
			id, err = canonical(p)
		}
		if err != nil {
			t.logger.Error("CRITICAL: Failed to serialize partition key when getting offsets. No value for this data will be returned, which may break the task or cause it to skip some data.", "connector", connector, "error", err)
			continue
		}
		if e := t.connectors[connector][id]; e != nil {
			found[i] = e.newest().offset
		}
	}
	return found
}

// all returns the partitions of a connector that have an offset.
func (t *offsetTable) all(connector string) []connect.PartitionOffset {
	t.mu.Lock()
	defer t.mu.Unlock()
	entries := t.connectors[connector]
	all := make([]connect.PartitionOffset, 0, len(entries))
	for _, id := range slices.Sorted(maps.Keys(entries)) {
		e := entries[id]
		if e.partition != nil {
			all = append(all, connect.PartitionOffset{Partition: e.partition, Offset: e.newest().offset})
		}
	}
	return all
}

// records returns the records that write offsets: one for each key there is of a
// partition, or one for a new partition.
func (t *offsetTable) records(connector string, offsets []connect.PartitionOffset) ([]OffsetRecord, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	records := make([]OffsetRecord, 0, len(offsets))
	for _, o := range offsets {
		key, err := encodeOffsetKey(connector, o.Partition)
		if err != nil {
			return nil, err
		}
		value, err := encodeOffset(o.Offset)
		if err != nil {
			return nil, err
		}
		id, err := canonical(o.Partition)
		if err != nil {
			return nil, err
		}
		if e := t.connectors[connector][id]; e != nil {
			for _, v := range e.variants {
				records = append(records, OffsetRecord{[]byte(v.key), value})
			}
			continue
		}
		records = append(records, OffsetRecord{key, value})
	}
	return records, nil
}

// dump returns all keys and values, sorted by key.
func (t *offsetTable) dump() []OffsetRecord {
	t.mu.Lock()
	defer t.mu.Unlock()
	var records []OffsetRecord
	for _, entries := range t.connectors {
		for _, e := range entries {
			for _, v := range e.variants {
				records = append(records, OffsetRecord{[]byte(v.key), v.value})
			}
		}
	}
	slices.SortFunc(records, func(a, b OffsetRecord) int { return slices.Compare(a.Key, b.Key) })
	return records
}
