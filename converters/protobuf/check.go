package protobuf

import (
	"slices"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// check says whether bytes are a message, but for fields that must be there. Java reads
// what is of no consequence later as well.
func check(m *message, b []byte, depth int) error {
	if depth > maxNesting {
		return errTooDeep
	}
	for at := 0; at < len(b); {
		number, wire, n, err := tag(b[at:])
		if err != nil {
			return err
		}
		at += n
		if n, err = skip(b[at:], number, wire, depth); err != nil {
			return err
		}
		if f := m.numbered(number); f != nil && wire == protowire.BytesType {
			content, _, err := chunk(b[at:])
			if err == nil {
				err = f.checkContent(content, depth)
			}
			if err != nil {
				return err
			}
		}
		at += n
	}
	return nil
}

// checkContent checks what has its length before it.
func (f *field) checkContent(b []byte, depth int) error {
	switch {
	case f.kind == messageKind:
		return check(f.message, b, depth+1)
	case f.kind == stringKind && f.utf8 && !utf8.Valid(b):
		return errUTF8
	case f.kind == stringKind, f.kind == bytesKind, !f.repeated:
		return nil
	}
	wire := wireType(f.kind)
	for at := 0; at < len(b); {
		n, err := skip(b[at:], f.def.number, wire, 0)
		if err != nil {
			return err
		}
		at += n
	}
	return nil
}

// numbered is the field with that number, or nil.
func (m *message) numbered(number int32) *field {
	i, ok := slices.BinarySearchFunc(m.sorted, number, func(f *field, n int32) int { return int(f.def.number) - int(n) })
	if !ok {
		return nil
	}
	return m.sorted[i]
}
