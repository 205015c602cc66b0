package store

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// The JSON of the internal topics is that of Connect's JsonConverter without
// schemas. It is written and read here, rather than with a general package, to have
// its very bytes: the order of fields, numbers as Java prints them, and characters
// escaped as Jackson does.

// maxDepth is Jackson's limit on nesting.
const maxDepth = 1000

const hexDigits = "0123456789ABCDEF"

// appendString appends a JSON string with the escapes that Jackson writes.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			switch {
			case c == '"' || c == '\\':
				b = append(b, '\\', c)
			case c >= 0x20:
				b = append(b, c)
			case c == '\b':
				b = append(b, `\b`...)
			case c == '\t':
				b = append(b, `\t`...)
			case c == '\n':
				b = append(b, `\n`...)
			case c == '\f':
				b = append(b, `\f`...)
			case c == '\r':
				b = append(b, `\r`...)
			default:
				b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		b = utf8.AppendRune(b, r)
		i += n
	}
	return append(b, '"')
}

// appendNullable appends a string, or null.
func appendNullable(b []byte, s string, ok bool) []byte {
	if !ok {
		return append(b, "null"...)
	}
	return appendString(b, s)
}

// appendPrimitive appends a null or primitive value.
func appendPrimitive(b []byte, v schema.Value) ([]byte, error) {
	switch v.Kind() {
	case schema.KindNull:
		return append(b, "null"...), nil
	case schema.KindBoolean:
		return strconv.AppendBool(b, v.Boolean()), nil
	case schema.KindInt8, schema.KindInt16, schema.KindInt32, schema.KindInt64:
		i, _ := v.Integer()
		return strconv.AppendInt(b, i, 10), nil
	case schema.KindFloat32:
		return appendFloat(b, float64(v.Float32()), schema.AppendFloat32(nil, v.Float32())), nil
	case schema.KindFloat64:
		return appendFloat(b, v.Float64(), schema.AppendFloat64(nil, v.Float64())), nil
	case schema.KindString:
		return appendString(b, v.Str()), nil
	case schema.KindBytes:
		return appendString(b, base64.StdEncoding.EncodeToString(v.Bytes())), nil
	}
	return nil, errs.Data("not a primitive value: %s", v.Kind())
}

// appendFloat appends a float's text, in quotes where JSON has no number for it.
func appendFloat(b []byte, f float64, text []byte) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(append(append(b, '"'), text...), '"')
	}
	return append(b, text...)
}

// appendMap appends an object, in the map's order or sorted by key. The map must have
// passed checkOffset.
func appendMap(b []byte, m *schema.MapValue, sorted bool) ([]byte, error) {
	if m == nil {
		return append(b, "null"...), nil
	}
	entries := m.Entries()
	if sorted {
		entries = slices.SortedFunc(slices.Values(entries), func(a, b schema.Entry) int {
			return compareStrings(a.Key.Str(), b.Key.Str())
		})
	}
	b = append(b, '{')
	for i, e := range entries {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, e.Key.Str()), ':')
		var err error
		if b, err = appendPrimitive(b, e.Value); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

func compareStrings(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// parseJSON reads one value as Connect's schemaless data: integers as int64, other
// numbers as float64, objects as maps in their order. What follows the value is
// ignored, as Jackson does.
func parseJSON(text []byte) (schema.Value, error) {
	if !utf8.Valid(text) {
		return schema.Value{}, errors.New("not JSON: invalid UTF-8")
	}
	p := jsonParser{text: text}
	v, err := p.value(0)
	if err != nil {
		return schema.Value{}, fmt.Errorf("not JSON: %w", err)
	}
	return v, nil
}

// parseNullable is parseJSON where no bytes at all, a tombstone, are null.
func parseNullable(text []byte) (schema.Value, error) {
	if text == nil {
		return schema.Value{}, nil
	}
	return parseJSON(text)
}

type jsonParser struct {
	text []byte
	pos  int
}

var errJSONEnd = errors.New("unexpected end")

func (p *jsonParser) unexpected() error {
	if p.pos >= len(p.text) {
		return errJSONEnd
	}
	return fmt.Errorf("unexpected character %q at offset %d", p.text[p.pos], p.pos)
}

// next skips white space and returns the next byte without taking it, 0 at the end.
func (p *jsonParser) next() byte {
	for p.pos < len(p.text) {
		switch c := p.text[p.pos]; c {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return c
		}
	}
	return 0
}

func (p *jsonParser) literal(word string, v schema.Value) (schema.Value, error) {
	if len(p.text)-p.pos < len(word) || string(p.text[p.pos:p.pos+len(word)]) != word {
		return schema.Value{}, p.unexpected()
	}
	p.pos += len(word)
	if p.pos < len(p.text) && wordByte(p.text[p.pos]) {
		return schema.Value{}, p.unexpected()
	}
	return v, nil
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c >= utf8.RuneSelf
}

func (p *jsonParser) value(depth int) (schema.Value, error) {
	if depth > maxDepth {
		return schema.Value{}, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	switch c := p.next(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		s, err := p.str()
		return schema.OfString(s), err
	case c == 't':
		return p.literal("true", schema.OfBoolean(true))
	case c == 'f':
		return p.literal("false", schema.OfBoolean(false))
	case c == 'n':
		return p.literal("null", schema.Value{})
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	return schema.Value{}, p.unexpected()
}

func (p *jsonParser) object(depth int) (schema.Value, error) {
	p.pos++
	m := schema.NewMap(4)
	if p.next() == '}' {
		p.pos++
		return schema.OfMap(m), nil
	}
	for {
		if p.next() != '"' {
			return schema.Value{}, p.unexpected()
		}
		k, err := p.str()
		if err != nil {
			return schema.Value{}, err
		}
		if p.next() != ':' {
			return schema.Value{}, p.unexpected()
		}
		p.pos++
		v, err := p.value(depth + 1)
		if err != nil {
			return schema.Value{}, err
		}
		m.PutString(k, v)
		switch p.next() {
		case ',':
			p.pos++
		case '}':
			p.pos++
			return schema.OfMap(m), nil
		default:
			return schema.Value{}, p.unexpected()
		}
	}
}

func (p *jsonParser) array(depth int) (schema.Value, error) {
	p.pos++
	var a []schema.Value
	if p.next() == ']' {
		p.pos++
		return schema.OfArray(a), nil
	}
	for {
		v, err := p.value(depth + 1)
		if err != nil {
			return schema.Value{}, err
		}
		a = append(a, v)
		switch p.next() {
		case ',':
			p.pos++
		case ']':
			p.pos++
			return schema.OfArray(a), nil
		default:
			return schema.Value{}, p.unexpected()
		}
	}
}

func (p *jsonParser) str() (string, error) {
	p.pos++
	start := p.pos
	for p.pos < len(p.text) && p.text[p.pos] >= 0x20 && p.text[p.pos] != '"' && p.text[p.pos] != '\\' {
		p.pos++
	}
	if p.pos < len(p.text) && p.text[p.pos] == '"' {
		s := string(p.text[start:p.pos])
		p.pos++
		return s, nil
	}
	b := append([]byte{}, p.text[start:p.pos]...)
	for p.pos < len(p.text) {
		switch c := p.text[p.pos]; {
		case c == '"':
			p.pos++
			return string(b), nil
		case c < 0x20:
			return "", p.unexpected()
		case c != '\\':
			b = append(b, c)
			p.pos++
			continue
		}
		p.pos++
		if p.pos >= len(p.text) {
			return "", errJSONEnd
		}
		c := p.text[p.pos]
		switch c {
		case '"', '\\', '/':
			b = append(b, c)
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'n':
			b = append(b, '\n')
		case 'r':
			b = append(b, '\r')
		case 't':
			b = append(b, '\t')
		case 'u':
			r, err := p.hex()
			if err != nil {
				return "", err
			}
			if utf16.IsSurrogate(r) {
				r = p.lowSurrogate(r)
			}
			b = utf8.AppendRune(b, r)
			continue
		default:
			return "", p.unexpected()
		}
		p.pos++
	}
	return "", errJSONEnd
}

// hex reads the rest of \uXXXX and leaves pos behind it.
func (p *jsonParser) hex() (rune, error) {
	if len(p.text)-p.pos < 5 {
		return 0, errJSONEnd
	}
	n, err := strconv.ParseUint(string(p.text[p.pos+1:p.pos+5]), 16, 16)
	if err != nil {
		return 0, p.unexpected()
	}
	p.pos += 5
	return rune(n), nil
}

// lowSurrogate joins a pair; a half without the other becomes U+FFFD.
func (p *jsonParser) lowSurrogate(high rune) rune {
	at := p.pos
	if len(p.text)-p.pos >= 6 && p.text[p.pos] == '\\' && p.text[p.pos+1] == 'u' {
		p.pos++
		if low, err := p.hex(); err == nil {
			if r := utf16.DecodeRune(high, low); r != utf8.RuneError {
				return r
			}
		}
	}
	p.pos = at
	return utf8.RuneError
}

func (p *jsonParser) number() (schema.Value, error) {
	start := p.pos
	digits := func() int {
		n := 0
		for p.pos < len(p.text) && p.text[p.pos] >= '0' && p.text[p.pos] <= '9' {
			p.pos++
			n++
		}
		return n
	}
	if p.text[p.pos] == '-' {
		p.pos++
	}
	first := p.pos
	if n := digits(); n == 0 || n > 1 && p.text[first] == '0' {
		return schema.Value{}, p.unexpected()
	}
	whole := true
	if p.pos < len(p.text) && p.text[p.pos] == '.' {
		whole = false
		p.pos++
		if digits() == 0 {
			return schema.Value{}, p.unexpected()
		}
	}
	if p.pos < len(p.text) && (p.text[p.pos] == 'e' || p.text[p.pos] == 'E') {
		whole = false
		p.pos++
		if p.pos < len(p.text) && (p.text[p.pos] == '+' || p.text[p.pos] == '-') {
			p.pos++
		}
		if digits() == 0 {
			return schema.Value{}, p.unexpected()
		}
	}
	if p.pos < len(p.text) && wordByte(p.text[p.pos]) {
		return schema.Value{}, p.unexpected()
	}
	text := string(p.text[start:p.pos])
	if len(text) > maxDepth { // also Jackson's limit on the length of a number
		return schema.Value{}, fmt.Errorf("a number of %d digits", len(text))
	}
	if !whole {
		f, _ := strconv.ParseFloat(text, 64) // out of range is infinite, as in Java
		return schema.OfFloat64(f), nil
	}
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return schema.OfInt64(i), nil
	}
	n, _ := new(big.Int).SetString(text, 10) // only digits are left
	low := new(big.Int).And(n, new(big.Int).SetUint64(math.MaxUint64))
	return schema.OfInt64(int64(low.Uint64())), nil // BigInteger.longValue
}
