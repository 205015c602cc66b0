package text

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/ianaindex"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// charset is a Java character set: what it cannot write becomes a replacement, and
// so does what it cannot read.
type charset interface {
	decode(b []byte) string
	appendTo(dst []byte, s string) []byte
}

// standard returns the set of one of Java's names for the sets that every Java has,
// in any case, or nil.
func standard(name string) charset {
	switch strings.ToLower(name) {
	case "utf-8", "utf8", "unicode-1-1-utf-8":
		return utf8Set{}
	case "us-ascii", "ansi_x3.4-1968", "cp367", "csascii", "iso-ir-6", "ascii", "iso_646.irv:1983", "ansi_x3.4-1986",
		"ascii7", "default", "iso_646.irv:1991", "iso646-us", "ibm367", "646", "us":
		return byteSet{0x7f}
	case "iso-8859-1", "819", "iso8859-1", "l1", "iso_8859-1:1987", "iso_8859-1", "8859_1", "iso-ir-100", "latin1", "cp819",
		"iso8859_1", "ibm819", "iso_8859_1", "ibm-819", "csisolatin1":
		return byteSet{0xff}
	case "utf-16", "utf_16", "unicode", "utf16", "unicodebig":
		return utf16Set{order: binary.BigEndian, marked: true}
	case "utf-16le", "unicodelittleunmarked", "utf_16le", "x-utf-16le":
		return utf16Set{order: binary.LittleEndian}
	case "utf-16be", "x-utf-16be", "utf_16be", "iso-10646-ucs-2", "unicodebigunmarked":
		return utf16Set{order: binary.BigEndian}
	case "x-utf-16le-bom", "unicodelittle":
		return utf16Set{order: binary.LittleEndian, marked: true}
	case "utf-32", "utf_32", "utf32":
		return utf32Set{order: binary.BigEndian}
	case "utf-32le", "x-utf-32le", "utf_32le":
		return utf32Set{order: binary.LittleEndian}
	case "utf-32be", "x-utf-32be", "utf_32be":
		return utf32Set{order: binary.BigEndian}
	}
	return nil
}

// find returns the character set of a Java name. Sets beyond Java's standard ones
// are known by their IANA names and aliases. Errors are those of Kafka's string
// serializers.
func find(name string) (charset, error) {
	if cs := standard(name); cs != nil {
		return cs, nil
	}
	cause := "java.nio.charset.UnsupportedCharsetException"
	if !legalName(name) {
		cause = "java.nio.charset.IllegalCharsetNameException"
	} else if e, err := ianaindex.IANA.Encoding(name); err == nil && e != nil {
		return foreign{e}, nil
	}
	return nil, errs.Wrap(errs.ClassSerialization, errs.New(cause, "%s", name), "Unsupported encoding %s", name)
}

func legalName(name string) bool {
	for i, c := range name {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case i > 0 && strings.ContainsRune("-+:_.", c):
		default:
			return false
		}
	}
	return name != ""
}

type utf8Set struct{}

func (utf8Set) decode(b []byte) string { return schema.DecodeUTF8(b) }

func (utf8Set) appendTo(dst []byte, s string) []byte { return append(dst, schema.EncodeUTF8(s)...) }

// byteSet is US-ASCII or ISO-8859-1: bytes up to max are the code points.
type byteSet struct{ max rune }

func (c byteSet) decode(b []byte) string {
	out := make([]byte, 0, len(b)+len(b)/4)
	for _, x := range b {
		r := rune(x)
		if r > c.max {
			r = utf8.RuneError
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}

func (c byteSet) appendTo(dst []byte, s string) []byte {
	for _, r := range schema.EncodeUTF8(s) {
		if r > c.max {
			r = '?'
		}
		dst = append(dst, byte(r))
	}
	return dst
}

type appendOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// utf16Set is one of the UTF-16 forms: marked says that a byte order mark is
// written, and decides the order on reading.
type utf16Set struct {
	order  appendOrder
	marked bool
}

func (c utf16Set) decode(b []byte) string {
	order := binary.ByteOrder(c.order)
	if c.marked && len(b) >= 2 {
		switch binary.BigEndian.Uint16(b) {
		case 0xfeff:
			order, b = binary.BigEndian, b[2:]
		case 0xfffe:
			order, b = binary.LittleEndian, b[2:]
		}
	}
	return string(schema.DecodeUTF16(b, order))
}

func (c utf16Set) appendTo(dst []byte, s string) []byte {
	if c.marked && s != "" {
		dst = c.order.AppendUint16(dst, 0xfeff)
	}
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 && schema.IsSurrogate(s) {
			n = 3 // written as the replacement character
		}
		for _, u := range utf16.AppendRune(nil, r) {
			dst = c.order.AppendUint16(dst, u)
		}
		s = s[n:]
	}
	return dst
}

// utf32Set is one of the UTF-32 forms; none writes a byte order mark, all read one.
type utf32Set struct{ order appendOrder }

func (c utf32Set) decode(b []byte) string {
	order := binary.ByteOrder(c.order)
	if len(b) >= 4 {
		switch binary.BigEndian.Uint32(b) {
		case 0xfeff:
			order, b = binary.BigEndian, b[4:]
		case 0xfffe0000:
			order, b = binary.LittleEndian, b[4:]
		}
	}
	out := make([]byte, 0, len(b))
	for ; len(b) >= 4; b = b[4:] {
		out = utf8.AppendRune(out, rune(order.Uint32(b)))
	}
	if len(b) > 0 {
		out = utf8.AppendRune(out, utf8.RuneError)
	}
	return string(out)
}

func (c utf32Set) appendTo(dst []byte, s string) []byte {
	for _, r := range schema.EncodeUTF8(s) {
		dst = c.order.AppendUint32(dst, uint32(r))
	}
	return dst
}

// foreign is a character set that Go's text library knows.
type foreign struct{ e encoding.Encoding }

func (c foreign) decode(b []byte) string {
	out, err := c.e.NewDecoder().Bytes(b)
	if err != nil {
		return string(utf8.RuneError) // these decoders replace what they cannot read, and do not fail
	}
	return string(out)
}

func (c foreign) appendTo(dst []byte, s string) []byte {
	enc := c.e.NewEncoder()
	for _, r := range schema.EncodeUTF8(s) {
		b, err := enc.Bytes(utf8.AppendRune(nil, r))
		if err != nil {
			b = []byte{'?'}
		}
		dst = append(dst, b...)
	}
	return dst
}
