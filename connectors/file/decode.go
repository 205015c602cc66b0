package file

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"
	"unsafe"
)

const highBits = 0x8080808080808080

// ascii says whether b has no byte above 0x7f.
func ascii(b []byte) bool {
	for len(b) >= 32 {
		if (binary.LittleEndian.Uint64(b)|binary.LittleEndian.Uint64(b[8:])|
			binary.LittleEndian.Uint64(b[16:])|binary.LittleEndian.Uint64(b[24:]))&highBits != 0 {
			return false
		}
		b = b[32:]
	}
	for len(b) >= 8 {
		if binary.LittleEndian.Uint64(b)&highBits != 0 {
			return false
		}
		b = b[8:]
	}
	var or byte
	for _, c := range b {
		or |= c
	}
	return or < utf8.RuneSelf
}

// decode returns a line as Java reads it, and its length in UTF-16 units, which is
// what Connect's positions count. Bytes that are not UTF-8 become U+FFFD. The
// string is a view of b where b is UTF-8, so b must not change any more.
func decode(b []byte) (string, int64) {
	if len(b) == 0 {
		return "", 0
	}
	if ascii(b) {
		return unsafe.String(&b[0], len(b)), int64(len(b))
	}
	if utf8.Valid(b) {
		return unsafe.String(&b[0], len(b)), unitsOfValid(b)
	}
	var out strings.Builder
	out.Grow(len(b) + 8)
	var units int64
	for len(b) > 0 {
		size, n, valid := step(b)
		if valid {
			out.Write(b[:size])
		} else {
			out.WriteRune(utf8.RuneError)
		}
		units += n
		b = b[size:]
	}
	return out.String(), units
}

// unitsOfValid counts the UTF-16 units of valid UTF-8: one for each byte that starts
// a character, and one more for each that starts one of four bytes.
func unitsOfValid(b []byte) int64 {
	var n int64
	for _, c := range b {
		if c&0xc0 != 0x80 {
			n++
		}
		if c >= 0xf0 {
			n++
		}
	}
	return n
}

// step returns the bytes and the UTF-16 units of the first character of b, as Java's
// decoder takes them: what is malformed counts as one unit, over the number of
// bytes that Java replaces by one U+FFFD.
func step(b []byte) (size int, units int64, valid bool) {
	if b[0] < utf8.RuneSelf {
		return 1, 1, true
	}
	if r, n := utf8.DecodeRune(b); n > 1 {
		if r > 0xffff {
			return n, 2, true
		}
		return n, 1, true
	}
	return malformedLength(b), 1, false
}

// malformedLength returns how many bytes sun.nio.cs.UTF_8 replaces at once.
func malformedLength(b []byte) int {
	continues := func(i int) bool { return i < len(b) && b[i]&0xc0 == 0x80 }
	switch c := b[0]; {
	case c >= 0xe0 && c <= 0xef:
		if !continues(1) || c == 0xe0 && b[1] < 0xa0 {
			return 1
		}
		if !continues(2) {
			return 2
		}
		return 3 // a surrogate
	case c >= 0xf0 && c <= 0xf4:
		if !continues(1) || c == 0xf0 && b[1] < 0x90 || c == 0xf4 && b[1] > 0x8f {
			return 1
		}
		if !continues(2) {
			return 2
		}
		return 3
	}
	return 1
}
