package json

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/moldau-io/moldau/connect/schema"
)

// toUTF8 finds the encoding of a text as Jackson does, by its byte order mark or
// by where its zeros are, and returns the text in UTF-8. wide says that it was
// UTF-16 or UTF-32.
func toUTF8(b []byte) (text []byte, wide bool, err error) {
	if len(b) >= 4 {
		quad := binary.BigEndian.Uint32(b)
		switch {
		case quad == 0x0000feff:
			text, err = fromUTF32(b[4:], binary.BigEndian)
			return text, true, err
		case quad == 0xfffe0000:
			text, err = fromUTF32(b[4:], binary.LittleEndian)
			return text, true, err
		case quad == 0x0000fffe:
			return nil, false, unsupportedUCS4("2143")
		case quad == 0xfeff0000:
			return nil, false, unsupportedUCS4("3412")
		case quad>>16 == 0xfeff:
			return schema.DecodeUTF16(b[2:], binary.BigEndian), true, nil
		case quad>>16 == 0xfffe:
			return schema.DecodeUTF16(b[2:], binary.LittleEndian), true, nil
		case quad>>8 == 0xefbbbf:
			return b[3:], false, nil
		case quad>>8 == 0:
			text, err = fromUTF32(b, binary.BigEndian)
			return text, true, err
		case quad&0x00ffffff == 0:
			text, err = fromUTF32(b, binary.LittleEndian)
			return text, true, err
		case quad&^0x00ff0000 == 0:
			return nil, false, unsupportedUCS4("3412")
		case quad&^0x0000ff00 == 0:
			return nil, false, unsupportedUCS4("2143")
		}
	}
	switch {
	case b[0] == 0:
		return schema.DecodeUTF16(b, binary.BigEndian), true, nil
	case b[1] == 0:
		return schema.DecodeUTF16(b, binary.LittleEndian), true, nil
	}
	return b, false, nil
}

func unsupportedUCS4(order string) error {
	return failure("java.io.CharConversionException", "Unsupported UCS-4 endianness ("+order+") detected")
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
