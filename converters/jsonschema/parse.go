package jsonschema

import (
	"encoding/binary"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// Classes of Jackson's exceptions.
const (
	classParse = "com.fasterxml.jackson.core.JsonParseException"
	classEOF   = "com.fasterxml.jackson.core.io.JsonEOFException"
	classLimit = "com.fasterxml.jackson.core.exc.StreamConstraintsException"
)

// Limits of Jackson's StreamReadConstraints.
const (
	maxDepth  = 1000
	maxNumber = 1000
)

// parser reads one JSON value. It accepts NaN and the infinities, as the
// converter's mapper does.
type parser struct {
	src   []byte
	at    int
	depth int
}

// parse reads the first value of a text and ignores what follows. Texts in UTF-16 and
// UTF-32 are known by their first bytes.
func parse(src []byte) (*node, error) {
	p := parser{src: toUTF8(src)}
	p.space()
	if p.at >= len(p.src) {
		return &node{kind: missing}, nil
	}
	return p.value()
}

func toUTF8(b []byte) []byte {
	if len(b) >= 3 && b[0] == 0xef && b[1] == 0xbb && b[2] == 0xbf {
		return b[3:]
	}
	var order binary.ByteOrder
	switch {
	case len(b) >= 2 && b[0] == 0xfe && b[1] == 0xff:
		order, b = binary.BigEndian, b[2:]
	case len(b) >= 2 && b[0] == 0xff && b[1] == 0xfe:
		order, b = binary.LittleEndian, b[2:]
	case len(b) >= 2 && b[0] == 0 && b[1] != 0:
		order = binary.BigEndian
	case len(b) >= 2 && b[0] != 0 && b[1] == 0 && (len(b) < 4 || b[2] != 0 || b[3] != 0):
		order = binary.LittleEndian
	default:
		return b
	}
	return schema.DecodeUTF16(b, order)
}

func (p *parser) space() {
	for p.at < len(p.src) {
		switch p.src[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

func (p *parser) eof() error {
	return errs.New(classEOF, "Unexpected end-of-input at byte %d", p.at)
}

func (p *parser) unexpected(what string) error {
	if p.at >= len(p.src) {
		return p.eof()
	}
	r, size := utf8.DecodeRune(p.src[p.at:])
	if r == utf8.RuneError && size < 2 {
		return errs.New(classParse, "Invalid UTF-8 start byte 0x%x at byte %d", p.src[p.at], p.at)
	}
	return errs.New(classParse, "Unexpected character ('%c' (code %d)) at byte %d: was expecting %s", r, r, p.at, what)
}

func (p *parser) value() (*node, error) {
	if p.at >= len(p.src) {
		return nil, p.eof()
	}
	switch c := p.src[p.at]; {
	case c == '"':
		s, err := p.str()
		if err != nil {
			return nil, err
		}
		return textNode(s), nil
	case c == '{':
		return p.object()
	case c == '[':
		return p.array()
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	for _, l := range [...]struct {
		word string
		node *node
	}{
		{"null", nullNode}, {"true", &node{kind: boolean, yes: true}}, {"false", &node{kind: boolean}},
		{"NaN", &node{kind: special, float: math.NaN()}},
		{"Infinity", &node{kind: special, float: math.Inf(1)}}, {"INF", &node{kind: special, float: math.Inf(1)}},
		{"+Infinity", &node{kind: special, float: math.Inf(1)}}, {"+INF", &node{kind: special, float: math.Inf(1)}},
	} {
		if p.word(l.word) {
			return l.node, nil
		}
	}
	return nil, p.unexpected("a JSON value")
}

// word takes a word that no letter or digit follows.
func (p *parser) word(w string) bool {
	end := p.at + len(w)
	if end > len(p.src) || string(p.src[p.at:end]) != w {
		return false
	}
	if end < len(p.src) {
		if c := p.src[end]; c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$' {
			return false
		}
	}
	p.at = end
	return true
}

func (p *parser) enter() error {
	if p.depth++; p.depth > maxDepth {
		return errs.New(classLimit, "Document nesting depth (%d) exceeds the maximum allowed (%d, from `StreamReadConstraints.getMaxNestingDepth()`)", p.depth, maxDepth)
	}
	p.at++
	p.space()
	if p.at >= len(p.src) {
		return p.eof()
	}
	return nil
}

// next takes a comma or the closing bracket.
func (p *parser) next(closing byte) (done bool, err error) {
	p.space()
	if p.at >= len(p.src) {
		return false, p.eof()
	}
	switch p.src[p.at] {
	case closing:
		p.at++
		p.depth--
		return true, nil
	case ',':
		p.at++
		p.space()
		return false, nil
	}
	return false, p.unexpected("a comma or the end of the array or object")
}

func (p *parser) array() (*node, error) {
	n := &node{kind: array}
	if err := p.enter(); err != nil {
		return nil, err
	}
	if p.src[p.at] == ']' {
		p.at++
		p.depth--
		return n, nil
	}
	for {
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		n.list = append(n.list, v)
		if done, err := p.next(']'); done || err != nil {
			return n, err
		}
	}
}

func (p *parser) object() (*node, error) {
	n := &node{kind: object}
	if err := p.enter(); err != nil {
		return nil, err
	}
	if p.src[p.at] == '}' {
		p.at++
		p.depth--
		return n, nil
	}
	for {
		if p.at >= len(p.src) || p.src[p.at] != '"' {
			return nil, p.unexpected("a double-quote to start a field name")
		}
		name, err := p.str()
		if err != nil {
			return nil, err
		}
		p.space()
		if p.at >= len(p.src) || p.src[p.at] != ':' {
			return nil, p.unexpected("a colon to separate field name and value")
		}
		p.at++
		p.space()
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		n.put(name, v)
		if done, err := p.next('}'); done || err != nil {
			return n, err
		}
	}
}

func (p *parser) number() (*node, error) {
	start := p.at
	digits := func() (int, error) {
		from := p.at
		for p.at < len(p.src) && p.src[p.at] >= '0' && p.src[p.at] <= '9' {
			p.at++
		}
		if n := p.at - from; n > maxNumber {
			return n, errs.New(classLimit, "Number value length (%d) exceeds the maximum allowed (%d, from `StreamReadConstraints.getMaxNumberLength()`)", n, maxNumber)
		}
		if p.at == from {
			return 0, p.unexpected("a digit")
		}
		return p.at - from, nil
	}
	if p.src[p.at] == '-' {
		p.at++
		if p.word("Infinity") || p.word("INF") {
			return &node{kind: special, float: math.Inf(-1)}, nil
		}
	}
	first := p.at
	if n, err := digits(); err != nil {
		return nil, err
	} else if n > 1 && p.src[first] == '0' {
		return nil, errs.New(classParse, "Invalid numeric value: Leading zeroes not allowed")
	}
	k := integer
	if p.at < len(p.src) && p.src[p.at] == '.' {
		k = decimal
		p.at++
		if _, err := digits(); err != nil {
			return nil, err
		}
	}
	if p.at < len(p.src) && (p.src[p.at] == 'e' || p.src[p.at] == 'E') {
		k = decimal
		p.at++
		if p.at < len(p.src) && (p.src[p.at] == '+' || p.src[p.at] == '-') {
			p.at++
		}
		if _, err := digits(); err != nil {
			return nil, err
		}
	}
	s := string(p.src[start:p.at])
	if k == integer {
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return intNode(i), nil
		}
	}
	d, ok := schema.ParseDecimal(s)
	if !ok {
		return nil, errs.New(classParse, "Malformed numeric value ('%s')", s)
	}
	return &node{kind: k, num: d}, nil
}

// str reads a string from its opening quote on.
func (p *parser) str() (string, error) {
	p.at++
	start := p.at
	for p.at < len(p.src) {
		switch c := p.src[p.at]; {
		case c == '"':
			s := string(p.src[start:p.at])
			p.at++
			return s, nil
		case c == '\\':
			return p.escaped(append(make([]byte, 0, p.at-start+32), p.src[start:p.at]...))
		case c < ' ':
			return "", errs.New(classParse, "Illegal unquoted character ((CTRL-CHAR, code %d)): has to be escaped using backslash to be included in string value", c)
		case c < utf8.RuneSelf:
			p.at++
		default:
			if err := p.rune(); err != nil {
				return "", err
			}
		}
	}
	return "", p.eof()
}

func (p *parser) rune() error {
	r, size := utf8.DecodeRune(p.src[p.at:])
	if r == utf8.RuneError && size < 2 {
		return errs.New(classParse, "Invalid UTF-8 start byte 0x%x", p.src[p.at])
	}
	p.at += size
	return nil
}

func (p *parser) escaped(out []byte) (string, error) {
	for p.at < len(p.src) {
		c := p.src[p.at]
		switch {
		case c == '"':
			p.at++
			return string(out), nil
		case c < ' ':
			return "", errs.New(classParse, "Illegal unquoted character ((CTRL-CHAR, code %d)): has to be escaped using backslash to be included in string value", c)
		case c != '\\':
			from := p.at
			if err := p.rune(); err != nil {
				return "", err
			}
			out = append(out, p.src[from:p.at]...)
			continue
		}
		p.at++
		if p.at >= len(p.src) {
			return "", p.eof()
		}
		c = p.src[p.at]
		p.at++
		switch c {
		case '"', '\\', '/':
			out = append(out, c)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			unit, err := p.unit()
			if err != nil {
				return "", err
			}
			if unit >= 0xd800 && unit < 0xdc00 && p.at+1 < len(p.src) && p.src[p.at] == '\\' && p.src[p.at+1] == 'u' {
				back := p.at
				p.at += 2
				low, err := p.unit()
				if err != nil {
					return "", err
				}
				if low >= 0xdc00 && low < 0xe000 {
					out = utf8.AppendRune(out, 0x10000+(unit-0xd800)<<10+(low-0xdc00))
					continue
				}
				p.at = back
			}
			if unit >= 0xd800 && unit < 0xe000 { // a lone half is kept in the three bytes of its code
				out = append(out, 0xe0|byte(unit>>12), 0x80|byte(unit>>6)&0x3f, 0x80|byte(unit)&0x3f)
				continue
			}
			out = utf8.AppendRune(out, unit)
		default:
			return "", errs.New(classParse, "Unrecognized character escape '%c' (code %d)", c, c)
		}
	}
	return "", p.eof()
}

func (p *parser) unit() (rune, error) {
	if p.at+4 > len(p.src) {
		p.at = len(p.src)
		return 0, p.eof()
	}
	v, err := strconv.ParseUint(string(p.src[p.at:p.at+4]), 16, 32)
	if err != nil {
		return 0, p.unexpected("a hex-digit for character escape sequence")
	}
	p.at += 4
	return rune(v), nil
}
