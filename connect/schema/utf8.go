package schema

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// Strings are UTF-8. Where a Java string may hold half of a surrogate pair, ours
// holds the half in three bytes of its own.

// DecodeUTF8 returns bytes as Java's new String(bytes, UTF_8) does: what is not
// UTF-8 becomes replacement characters, as many as Java makes. The result is a view
// of b where that is UTF-8.
func DecodeUTF8(b []byte) string {
	if utf8.Valid(b) {
		return unsafe.String(unsafe.SliceData(b), len(b))
	}
	out := make([]byte, 0, len(b)+8)
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			n = malformedLength(b[i:])
			out = utf8.AppendRune(out, utf8.RuneError)
		} else {
			out = append(out, b[i:i+n]...)
		}
		i += n
	}
	return string(out)
}

// malformedLength returns how many bytes one replacement character stands for: the
// longest start of a character that is there.
func malformedLength(b []byte) int {
	continues := func(i int) bool { return i < len(b) && b[i]&0xc0 == 0x80 }
	switch c := b[0]; {
	case c >= 0xe0 && c < 0xf0:
		if !continues(1) || c == 0xe0 && b[1] < 0xa0 {
			return 1
		}
		if c == 0xed && b[1] >= 0xa0 {
			// A surrogate: Java takes the three bytes as one, if there are three.
			if continues(2) {
				return 3
			}
			return 2
		}
		return 2
	case c >= 0xf0 && c < 0xf5:
		if !continues(1) || c == 0xf0 && b[1] < 0x90 || c == 0xf4 && b[1] >= 0x90 {
			return 1
		}
		if !continues(2) {
			return 2
		}
		return 3
	}
	return 1
}

// EncodeUTF8 returns the text as Java's getBytes(UTF_8) does: half of a surrogate
// pair becomes a question mark. Bytes that are no UTF-8 become replacement characters.
func EncodeUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	out := make([]byte, 0, len(s)+8)
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r != utf8.RuneError || n > 1:
			out = append(out, s[i:i+n]...)
		case IsSurrogate(s[i:]):
			out, n = append(out, '?'), 3
		default:
			out = utf8.AppendRune(out, utf8.RuneError)
		}
		i += n
	}
	return string(out)
}

// IsSurrogate says whether a text starts with half of a surrogate pair.
func IsSurrogate(s string) bool {
	return len(s) >= 3 && s[0] == 0xed && s[1]&0xe0 == 0xa0 && s[2]&0xc0 == 0x80
}

// DecodeUTF16 returns the text as Java's UTF-16 decoders read it: half a pair with
// what follows it, a byte order mark of the other order, and an odd byte at the end
// each become one replacement character.
func DecodeUTF16(b []byte, order binary.ByteOrder) []byte {
	out := make([]byte, 0, len(b))
	for len(b) >= 2 {
		u := rune(order.Uint16(b))
		b = b[2:]
		switch {
		case u == 0xfffe:
			u = utf8.RuneError
		case u >= 0xd800 && u < 0xdc00 && len(b) >= 2:
			u = utf16.DecodeRune(u, rune(order.Uint16(b)))
			b = b[2:]
		case u >= 0xd800 && u < 0xdc00:
			b, u = nil, utf8.RuneError
		}
		out = utf8.AppendRune(out, u)
	}
	if len(b) > 0 {
		out = utf8.AppendRune(out, utf8.RuneError)
	}
	return out
}
