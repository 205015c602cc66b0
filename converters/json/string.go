package json

import (
	"unicode/utf8"
	"unsafe"

	"github.com/moldau-io/moldau/connect/schema"
)

// view returns the bytes as a string without copying.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// text returns the value of a string token: a view where that is possible.
func (t *scanner) text(tok *token) string {
	raw := t.src[tok.start:tok.end]
	if tok.form != formEscaped {
		return view(raw)
	}
	return view(unescape(make([]byte, 0, len(raw)), raw))
}

// value returns the value of a string token.
func (t *scanner) value(tok *token) schema.Value {
	if tok.form == formPlain {
		return schema.OfPlainString(view(t.src[tok.start:tok.end]))
	}
	return schema.OfString(t.text(tok))
}

// unescape resolves escapes and gives odd UTF-8 the form that Java's chars have.
// A surrogate without its other half keeps its three-byte form, as Java keeps the
// lone char.
func unescape(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		if end := plainEnd(raw, i); end > i {
			dst = append(dst, raw[i:end]...)
			if i = end; i == len(raw) {
				break
			}
		}
		if r, n := utf8.DecodeRune(raw[i:]); n > 1 && r != utf8.RuneError {
			dst = append(dst, raw[i:i+n]...)
			i += n
			continue
		}
		switch c := raw[i]; {
		case c == '\\':
			switch raw[i+1] {
			case 'b':
				dst = append(dst, '\b')
			case 'f':
				dst = append(dst, '\f')
			case 'n':
				dst = append(dst, '\n')
			case 'r':
				dst = append(dst, '\r')
			case 't':
				dst = append(dst, '\t')
			case 'u':
				u := uint16(0)
				for _, h := range raw[i+2 : i+6] {
					u = u<<4 | uint16(hexDigit(h))
				}
				dst = appendChar(dst, u)
				i += 6
				continue
			default:
				dst = append(dst, raw[i+1])
			}
			i += 2
		case c < 0x80:
			dst = append(dst, c)
			i++
		case c&0xe0 == 0xc0:
			dst = appendChar(dst, uint16(c&0x1f)<<6|uint16(raw[i+1]&0x3f))
			i += 2
		case c&0xf0 == 0xe0:
			dst = appendChar(dst, uint16(c&0xf)<<12|uint16(raw[i+1]&0x3f)<<6|uint16(raw[i+2]&0x3f))
			i += 3
		default:
			cp := uint32(c&7)<<18 | uint32(raw[i+1]&0x3f)<<12 | uint32(raw[i+2]&0x3f)<<6 | uint32(raw[i+3]&0x3f)
			// Jackson splits without a check, so what is out of range gives other chars.
			cp -= 0x10000
			dst = appendChar(dst, uint16(0xd800|cp>>10))
			dst = appendChar(dst, uint16(0xdc00|cp&0x3ff))
			i += 4
		}
	}
	return dst
}

// appendChar appends one UTF-16 code unit, joining it with a high surrogate before it.
func appendChar(dst []byte, u uint16) []byte {
	if u < 0x80 {
		return append(dst, byte(u))
	}
	if u >= 0xdc00 && u < 0xe000 {
		if n := len(dst); n >= 3 && dst[n-3] == 0xed && dst[n-2]&0xf0 == 0xa0 {
			high := uint32(dst[n-2]&0xf)<<6 | uint32(dst[n-1]&0x3f)
			return utf8.AppendRune(dst[:n-3], rune(0x10000+high<<10|uint32(u&0x3ff)))
		}
	}
	if u < 0x800 {
		return append(dst, 0xc0|byte(u>>6), 0x80|byte(u&0x3f))
	}
	return append(dst, 0xe0|byte(u>>12), 0x80|byte(u>>6&0x3f), 0x80|byte(u&0x3f))
}

// identifierPart says whether a text starts with what Java allows inside an
// identifier, which may not follow a literal directly.
func identifierPart(rest []byte) bool {
	if c := rest[0]; c < utf8.RuneSelf {
		return c >= '0' && c != ']' && c != '}' && identifierChar(rune(c))
	}
	r, n := utf8.DecodeRune(rest)
	return r == utf8.RuneError && n <= 1 || identifierChar(r&0xffff) // Jackson looks at one char
}
