package store

import (
	"errors"
	"fmt"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// checkOffset accepts what an offset or a source partition may hold: string keys and
// primitive values (OffsetUtils.validateFormat).
func checkOffset(m *schema.MapValue) error {
	if m == nil {
		return nil
	}
	for k, v := range m.All() {
		if k.Kind() != schema.KindString {
			return errs.Data("Offsets may only use String keys")
		}
		if v.IsNull() {
			continue
		}
		t, ok := v.Kind().SchemaType()
		if !ok {
			return errs.Data("Offsets may only contain primitive types as values, but field %s contains class %s", k.Str(), v.Kind().JavaClass())
		}
		switch v.Kind() {
		case schema.KindArray, schema.KindMap, schema.KindStruct:
			return errs.Data("Offsets may only contain primitive types as values, but field %s contains %s", k.Str(), t)
		}
	}
	return nil
}

// encodeOffsetKey returns the key of a source partition's record:
// ["<connector>",<partition>].
func encodeOffsetKey(connector string, partition *schema.MapValue) ([]byte, error) {
	if err := checkOffset(partition); err != nil {
		return nil, err
	}
	b := append(appendString([]byte{'['}, connector), ',')
	b, err := appendMap(b, partition, false)
	return append(b, ']'), err
}

// encodeOffset returns the value of an offset's record, nil for a nil offset.
func encodeOffset(offset *schema.MapValue) ([]byte, error) {
	if offset == nil {
		return nil, nil
	}
	if err := checkOffset(offset); err != nil {
		return nil, err
	}
	return appendMap(nil, offset, false)
}

// canonical returns a text that source partitions share exactly when they are the
// same: JSON with sorted keys. The partition must have passed checkOffset.
func canonical(partition *schema.MapValue) (string, error) {
	b, err := appendMap(nil, partition, true)
	return string(b), err
}

// decodeOffsetKey reads the key of a record. The partition is nil for null.
func decodeOffsetKey(key []byte) (connector string, partition *schema.MapValue, err error) {
	if key == nil {
		return "", nil, errors.New("the key is null")
	}
	v, err := parseJSON(key)
	if err != nil {
		return "", nil, fmt.Errorf("the key is %w", err)
	}
	if v.Kind() != schema.KindArray {
		return "", nil, fmt.Errorf("the key is not an array but %s", v.Kind())
	}
	parts := v.Array()
	if len(parts) != 2 {
		return "", nil, fmt.Errorf("the key has %d elements, not 2", len(parts))
	}
	if parts[0].Kind() != schema.KindString {
		return "", nil, fmt.Errorf("the key's first element is not a string but %s", parts[0].Kind())
	}
	switch parts[1].Kind() {
	case schema.KindNull:
	case schema.KindMap:
		partition = parts[1].Map()
		if err := checkOffset(partition); err != nil {
			return "", nil, err
		}
	default:
		return "", nil, fmt.Errorf("the key's second element is not an object but %s", parts[1].Kind())
	}
	return parts[0].Str(), partition, nil
}

// decodeOffset reads the value of a record, nil for a tombstone or null.
func decodeOffset(value []byte) (*schema.MapValue, error) {
	v, err := parseNullable(value)
	if err != nil {
		return nil, fmt.Errorf("the value is %w", err)
	}
	switch v.Kind() {
	case schema.KindNull:
		return nil, nil
	case schema.KindMap:
		return v.Map(), checkOffset(v.Map())
	}
	return nil, fmt.Errorf("the value is not an object but %s", v.Kind())
}
