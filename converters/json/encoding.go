package json

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// toUTF8 finds the encoding of a text as Jackson does, by its byte order mark or
// by where its zeros are, and returns the text in UTF-8.
func toUTF8(b []byte) ([]byte, error) {
	if len(b) >= 4 {
		quad := binary.BigEndian.Uint32(b)
		switch {
		case quad == 0x0000feff:
			return fromUTF32(b[4:], binary.BigEndian)
		case quad == 0xfffe0000:
			return fromUTF32(b[4:], binary.LittleEndian)
		case quad == 0x0000fffe:
			return nil, unsupportedUCS4("2143")
		case quad == 0xfeff0000:
			return nil, unsupportedUCS4("3412")
		case quad>>16 == 0xfeff:
			return fromUTF16(b[2:], binary.BigEndian), nil
		case quad>>16 == 0xfffe:
			return fromUTF16(b[2:], binary.LittleEndian), nil
		case quad>>8 == 0xefbbbf:
			return b[3:], nil
		case quad>>8 == 0:
			return fromUTF32(b, binary.BigEndian)
		case quad&0x00ffffff == 0:
			return fromUTF32(b, binary.LittleEndian)
		case quad&^0x00ff0000 == 0:
			return nil, unsupportedUCS4("3412")
		case quad&^0x0000ff00 == 0:
			return nil, unsupportedUCS4("2143")
		}
	}
	switch {
	case b[0] == 0:
		return fromUTF16(b, binary.BigEndian), nil
	case b[1] == 0:
		return fromUTF16(b, binary.LittleEndian), nil
	}
	return b, nil
}

func unsupportedUCS4(order string) error {
	return failure("java.io.CharConversionException", "Unsupported UCS-4 endianness ("+order+") detected")
}

// fromUTF16 replaces what is malformed, as Java's decoder does.
func fromUTF16(b []byte, order binary.ByteOrder) []byte {
	units := make([]uint16, 0, len(b)/2)
	for i := 0; i+1 < len(b); i += 2 {
		units = append(units, order.Uint16(b[i:]))
	}
	out := make([]byte, 0, len(b))
	for _, r := range utf16.Decode(units) {
		out = utf8.AppendRune(out, r)
	}
	if len(b)%2 != 0 {
		out = utf8.AppendRune(out, utf8.RuneError)
	}
	return out
}

func fromUTF32(b []byte, order binary.ByteOrder) ([]byte, error) {
	if len(b)%4 != 0 {
		return nil, failure("java.io.CharConversionException", "Unexpected EOF in the middle of a 4-byte UTF-32 char")
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i += 4 {
		c := order.Uint32(b[i:])
		switch {
		case c > utf8.MaxRune:
			return nil, failure("java.io.CharConversionException", "Invalid UTF-32 character")
		case c < 0x10000:
			out = appendChar(out, uint16(c))
		default:
			out = utf8.AppendRune(out, rune(c))
		}
	}
	return out, nil
}
