package protobuf

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/moldau-io/moldau/connect/errs"
)

// classInvalid is what Java throws for bytes that are no message.
const classInvalid = "com.google.protobuf.InvalidProtocolBufferException"

// maxNesting is the depth to which Java reads messages in messages.
const maxNesting = 100

// Errors of bytes, with Java's texts.
var (
	errTruncated = malformed("While parsing a protocol message, the input ended unexpectedly in the middle of a field.  This could mean either that the input has been truncated or that an embedded message misreported its own length.")
	errVarint    = malformed("CodedInputStream encountered a malformed varint.")
	errNegative  = malformed("CodedInputStream encountered an embedded string or message which claimed to have negative size.")
	errTag       = malformed("Protocol message contained an invalid tag (zero).")
	errEndGroup  = malformed("Protocol message end-group tag did not match expected tag.")
	errTooDeep   = malformed("Protocol message had too many levels of nesting.  May be malicious.  Use setRecursionLimit() to increase the recursion depth limit.")
	errUTF8      = malformed("Protocol message had invalid UTF-8.")
	errWire      = errs.New(classInvalid+"$InvalidWireTypeException", "Protocol message tag had invalid wire type.")
)

func malformed(text string) error { return errs.New(classInvalid, "%s", text) }

// tag reads a field's number and wire type.
func tag(b []byte) (number int32, wire protowire.Type, n int, err error) {
	u, n, err := varint(b)
	if err != nil {
		return 0, 0, 0, err
	}
	number, wire = int32(uint32(u)>>3), protowire.Type(u&7) // #nosec G115 -- as Java narrows
	switch {
	case number == 0:
		return 0, 0, 0, errTag
	case wire > protowire.Fixed32Type:
		return 0, 0, 0, errWire
	case wire == protowire.EndGroupType:
		return 0, 0, 0, errEndGroup
	}
	return number, wire, n, nil
}

// varint reads a number of up to ten bytes. Bits beyond 64 are dropped, as in Java.
func varint(b []byte) (uint64, int, error) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1, nil
	}
	var u uint64
	for i := range min(len(b), 10) {
		u |= uint64(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			return u, i + 1, nil
		}
	}
	if len(b) >= 10 {
		return 0, 0, errVarint
	}
	return 0, 0, errTruncated
}

// chunk reads bytes with their length before them.
func chunk(b []byte) (content []byte, n int, err error) {
	u, n, err := varint(b)
	if err != nil {
		return nil, 0, err
	}
	length := int32(uint32(u)) // #nosec G115 -- as Java narrows
	switch {
	case length < 0:
		return nil, 0, errNegative
	case int(length) > len(b)-n:
		return nil, 0, errTruncated
	}
	return b[n : n+int(length) : n+int(length)], n + int(length), nil
}

// skip passes over a field that means nothing to the reader.
func skip(b []byte, number int32, wire protowire.Type, depth int) (int, error) {
	switch wire {
	case protowire.VarintType:
		_, n, err := varint(b)
		return n, err
	case protowire.Fixed64Type:
		return fixed(b, 8)
	case protowire.Fixed32Type:
		return fixed(b, 4)
	case protowire.BytesType:
		_, n, err := chunk(b)
		return n, err
	}
	if depth >= maxNesting {
		return 0, errTooDeep
	}
	at := 0
	for {
		u, n, err := varint(b[at:])
		if err != nil {
			return 0, err
		}
		inner, w := int32(uint32(u)>>3), protowire.Type(u&7) // #nosec G115 -- as Java narrows
		at += n
		switch {
		case inner == 0:
			return 0, errTag
		case w > protowire.Fixed32Type:
			return 0, errWire
		case w == protowire.EndGroupType && inner == number:
			return at, nil
		case w == protowire.EndGroupType:
			return 0, errEndGroup
		}
		if n, err = skip(b[at:], inner, w, depth+1); err != nil {
			return 0, err
		}
		at += n
	}
}

func fixed(b []byte, n int) (int, error) {
	if len(b) < n {
		return 0, errTruncated
	}
	return n, nil
}
