package json

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
	"unsafe"

	"github.com/moldau-io/moldau/connect/schema"
)

const hexDigits = "0123456789ABCDEF"

// AppendString appends a string in quotes as Jackson's UTF-8 generator writes it:
// control characters are escaped, and so are characters beyond the basic plane, as
// two surrogates. Bytes that are no UTF-8 become the replacement character.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	b := unsafe.Slice(unsafe.StringData(s), len(s))
	for i := 0; i < len(b); {
		if i+8 <= len(b) {
			m := special(binary.LittleEndian.Uint64(b[i:]))
			if m == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(m) >> 3
		}
		c := b[i]
		switch {
		case c >= 0x80:
			r, n := utf8.DecodeRune(b[i:])
			if n > 1 && r <= 0xffff {
				i += n
				continue
			}
			dst = append(dst, b[from:i]...)
			if n == 1 {
				dst, n = appendOdd(dst, b[i:])
			} else {
				r -= 0x10000
				dst = appendEscape(appendEscape(dst, 0xd800|uint16(r>>10)), 0xdc00|uint16(r&0x3ff))
			}
			i += n
			from = i
		case c < ' ' || c == '"' || c == '\\':
			dst = append(dst, b[from:i]...)
			switch c {
			case '"', '\\':
				dst = append(dst, '\\', c)
			case '\b':
				dst = append(dst, `\b`...)
			case '\t':
				dst = append(dst, `\t`...)
			case '\n':
				dst = append(dst, `\n`...)
			case '\f':
				dst = append(dst, `\f`...)
			case '\r':
				dst = append(dst, `\r`...)
			default:
				dst = appendEscape(dst, uint16(c))
			}
			i++
			from = i
		default:
			i++
		}
	}
	return append(append(dst, b[from:]...), '"')
}

// appendValue appends a string value in quotes.
func appendValue(dst []byte, v schema.Value) []byte {
	if !v.IsPlain() {
		return AppendString(dst, v.Str())
	}
	return append(append(append(dst, '"'), v.Str()...), '"')
}

// appendOdd writes a lone surrogate, which strings hold in a three-byte form, or
// the replacement for one byte that is no UTF-8.
func appendOdd(dst, b []byte) ([]byte, int) {
	if len(b) >= 3 && b[0] == 0xed && b[1]&0xe0 == 0xa0 && b[2]&0xc0 == 0x80 {
		return appendEscape(dst, 0xd000|uint16(b[1]&0x3f)<<6|uint16(b[2]&0x3f)), 3
	}
	return utf8.AppendRune(dst, utf8.RuneError), 1
}

func appendEscape(dst []byte, u uint16) []byte {
	return append(dst, '\\', 'u', hexDigits[u>>12], hexDigits[u>>8&15], hexDigits[u>>4&15], hexDigits[u&15])
}
