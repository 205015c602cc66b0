package json

import (
	"encoding/binary"
	"math/bits"

	"github.com/moldau-io/moldau/connect/schema"
)

// parser reads texts without a schema in one go, straight into values. It does the
// usual and gives up on the rest: on what is not JSON, and on numbers that do not
// fit; the scanner then does the work, and makes the errors.
//
// Records of a topic are alike, so it guesses each name by what stood in the same
// place in the record before.
type parser struct {
	src   []byte
	arena *schema.Arena
	// values is the stack for the arrays being read.
	values []schema.Value
	root   shape
	shapes int
	// strings reads what is not plain.
	strings *scanner
}

// shape is what the members of an object in one place have been.
type shape struct {
	names []shapeName
	// misses counts names that were not foreseen, and resets how often the shape was
	// learned anew; some places hold maps whose keys are data.
	misses, resets int
	// size is how many members the last object had.
	size int
	// elements is the shape of objects within an array in this place.
	elements *shape
}

type shapeName struct {
	// label is the name with quotes and the colon; head holds its first bytes, as
	// many as mask says, in the order of memory.
	label      string
	head, mask uint64
	name       schema.Value
	child      *shape
}

// Limits of what is remembered.
const (
	maxShapes     = 256
	maxShapeNames = 128
	maxLabel      = 64
	maxMisses     = 32
	maxResets     = 4
	lookAhead     = 4
)

// read returns the value of a text that is an object or an array.
func (p *parser) read(src []byte) (schema.Value, bool) {
	i := skipSpace(src, 0)
	if i >= len(src) || src[i] != '{' && src[i] != '[' || len(src) > maxStringLength {
		return schema.Value{}, false
	}
	p.src = src
	v, next := p.value(i, 0, &p.root)
	p.src = nil
	p.values = p.values[:0]
	if cap(p.values) > maxKept {
		p.values = nil
	}
	return v, next >= 0
}

// value reads the value at i and returns the place behind it, or -1.
func (p *parser) value(i, depth int, sh *shape) (schema.Value, int) {
	src := p.src
	switch c := src[i]; c {
	case '"':
		return p.text(i + 1)
	case '{':
		return p.object(i+1, depth+1, sh)
	case '[':
		return p.array(i+1, depth+1, sh)
	case 't':
		if len(src)-i >= 4 && string(src[i:i+4]) == "true" {
			return schema.OfBoolean(true), i + 4
		}
	case 'f':
		if len(src)-i >= 5 && string(src[i:i+5]) == "false" {
			return schema.OfBoolean(false), i + 5
		}
	case 'n':
		if len(src)-i >= 4 && string(src[i:i+4]) == "null" {
			return schema.Value{}, i + 4
		}
	default:
		if c == '-' || c >= '0' && c <= '9' {
			return p.number(i)
		}
	}
	return schema.Value{}, -1
}

// plainEnd returns the place of the first byte from i on that is special.
func plainEnd(src []byte, i int) int {
	for i+8 <= len(src) {
		if m := special(binary.LittleEndian.Uint64(src[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
		i += 8
	}
	for i < len(src) {
		if c := src[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x80 {
			return i
		}
		i++
	}
	return i
}

func (p *parser) text(i int) (schema.Value, int) {
	end := plainEnd(p.src, i)
	if end < len(p.src) && p.src[end] == '"' {
		return schema.OfPlainString(view(p.src[i:end])), end + 1
	}
	p.strings.src = p.src
	end, form, err := p.strings.scanString(i, end, false)
	if err != nil {
		return schema.Value{}, -1
	}
	raw := p.src[i:end]
	switch form {
	case formPlain:
		return schema.OfPlainString(view(raw)), end + 1
	case formAstral:
		return schema.OfString(view(raw)), end + 1
	}
	return schema.OfString(view(unescape(make([]byte, 0, len(raw)), raw))), end + 1
}

func (p *parser) number(i int) (schema.Value, int) {
	src, start := p.src, i
	negative := src[i] == '-'
	if negative {
		i++
	}
	from := i
	var n uint64
	for i < len(src) {
		c := src[i] - '0'
		if c > 9 {
			break
		}
		n = n*10 + uint64(c)
		i++
	}
	if digits := i - from; digits == 0 || digits > 18 {
		return schema.Value{}, -1
	}
	if i < len(src) && (src[i] == '.' || src[i]|0x20 == 'e') {
		return p.fraction(start, i, n, negative)
	}
	v := int64(n)
	if negative {
		v = -v
	}
	return schema.OfInt64(v), i
}

// exactPowers are the powers of ten that a double holds exactly.
var exactPowers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// fraction reads the rest of a number that is not whole: exactly where digits and
// exponent are few, else not at all.
func (p *parser) fraction(start, i int, n uint64, negative bool) (schema.Value, int) {
	src := p.src
	exp := 0
	if src[i] == '.' {
		from := i + 1
		for i++; i < len(src); i++ {
			c := src[i] - '0'
			if c > 9 {
				break
			}
			n = n*10 + uint64(c)
		}
		exp = from - i
		if exp == 0 || i-start > 18 {
			return schema.Value{}, -1
		}
	}
	if i < len(src) && src[i]|0x20 == 'e' || n >= 1<<53 {
		return schema.Value{}, -1
	}
	if exp < -22 {
		return schema.Value{}, -1
	}
	f := float64(n) / exactPowers[-exp]
	if negative && n != 0 {
		f = -f
	}
	return schema.OfFloat64(f), i
}

func (p *parser) array(i, depth int, sh *shape) (schema.Value, int) {
	src := p.src
	if depth > maxDepth {
		return schema.Value{}, -1
	}
	if i = skipSpace(src, i); i >= len(src) {
		return schema.Value{}, -1
	}
	if src[i] == ']' {
		return schema.OfArray(nil), i + 1
	}
	child := p.elementsOf(sh)
	base := len(p.values)
	for {
		v, next := p.value(i, depth, child)
		if next < 0 || next >= len(src) {
			return schema.Value{}, -1
		}
		p.values = append(p.values, v)
		if i = next; src[i] <= ' ' {
			if i = skipSpace(src, i); i >= len(src) {
				return schema.Value{}, -1
			}
		}
		switch src[i] {
		case ',':
			if i = skipSpace(src, i+1); i >= len(src) {
				return schema.Value{}, -1
			}
		case ']':
			out := p.arena.Values(len(p.values) - base)
			copy(out, p.values[base:])
			p.values = p.values[:base]
			return schema.OfArray(out), i + 1
		default:
			return schema.Value{}, -1
		}
	}
}

func (p *parser) object(i, depth int, sh *shape) (schema.Value, int) {
	src := p.src
	if depth > maxDepth {
		return schema.Value{}, -1
	}
	if i < len(src) && src[i] <= ' ' {
		i = skipSpace(src, i)
	}
	if i >= len(src) {
		return schema.Value{}, -1
	}
	if src[i] == '}' {
		return schema.OfMap(p.arena.Map(nil)), i + 1
	}
	// The members go where they are to stay; there are likely as many as last time.
	var out []schema.Entry
	if sh != nil {
		out = p.arena.Entries(sh.size)
	}
	n, at, foreseen := 0, 0, true
	for {
		var name schema.Value
		k := sh.guess(src[i:], at)
		if k >= 0 {
			name = sh.names[k].name
			i += len(sh.names[k].label)
			at = k + 1
		} else {
			var next int
			if name, next = p.name(i); next < 0 {
				return schema.Value{}, -1
			}
			if p.learn(sh, at, src[i:next], name) {
				k = at
				at++
			} else {
				foreseen = false
			}
			i = next
		}
		if i < len(src) && src[i] <= ' ' {
			i = skipSpace(src, i)
		}
		if i >= len(src) {
			return schema.Value{}, -1
		}
		var v schema.Value
		next := -1
		if src[i] == '"' {
			if end := plainEnd(src, i+1); end < len(src) && src[end] == '"' {
				v, next = schema.OfPlainString(view(src[i+1:end])), end+1
			} else {
				v, next = p.text(i + 1)
			}
		} else {
			var child *shape
			if k >= 0 && src[i] >= '[' {
				child = p.childOf(&sh.names[k], src[i])
			}
			v, next = p.value(i, depth, child)
		}
		if next < 0 || next >= len(src) {
			return schema.Value{}, -1
		}
		if n < len(out) {
			out[n] = schema.Entry{Key: name, Value: v}
		} else {
			out = append(out, schema.Entry{Key: name, Value: v})
		}
		n++
		if i = next; src[i] <= ' ' {
			if i = skipSpace(src, i); i >= len(src) {
				return schema.Value{}, -1
			}
		}
		switch src[i] {
		case ',':
			if i++; i < len(src) && src[i] <= ' ' {
				i = skipSpace(src, i)
			}
			if i >= len(src) {
				return schema.Value{}, -1
			}
		case '}':
			if sh != nil {
				sh.size = n
			}
			if foreseen {
				return schema.OfMap(p.arena.DistinctMap(out[:n:n])), i + 1
			}
			return schema.OfMap(p.arena.Map(out[:n:n])), i + 1
		default:
			return schema.Value{}, -1
		}
	}
}

// childOf returns the shape of the objects that come under a name, and makes it for
// the first of them; c is what the value starts with.
func (p *parser) childOf(name *shapeName, c byte) *shape {
	if name.child == nil && (c == '{' || c == '[') {
		name.child = p.newShape()
	}
	return name.child
}

// guess returns the place in a shape, from at on, of the label at the start of a
// text, or -1.
func (sh *shape) guess(rest []byte, at int) int {
	if sh == nil {
		return -1
	}
	if len(rest) < 8 {
		return -1 // the last few bytes are read the other way
	}
	head := binary.LittleEndian.Uint64(rest)
	end := min(len(sh.names), at+lookAhead)
	for k := at; k < end; k++ {
		s := &sh.names[k]
		if head&s.mask != s.head {
			continue
		}
		if n := len(s.label); n <= 8 || len(rest) >= n && string(rest[8:n]) == s.label[8:] {
			return k
		}
	}
	return -1
}

// name reads a name and the colon behind it.
func (p *parser) name(i int) (schema.Value, int) {
	src := p.src
	if src[i] != '"' {
		return schema.Value{}, -1
	}
	v, next := p.text(i + 1)
	if next < 0 || next-i > maxNameLength {
		return schema.Value{}, -1
	}
	if next < len(src) && src[next] <= ' ' {
		next = skipSpace(src, next)
	}
	if next >= len(src) || src[next] != ':' {
		return schema.Value{}, -1
	}
	return v, next + 1
}

// learn adds a name to the end of a shape. It says whether the shape's names are
// still all that the object has had, and so differ.
func (p *parser) learn(sh *shape, at int, label []byte, name schema.Value) bool {
	if sh == nil {
		return false
	}
	if at < len(sh.names) {
		if sh.misses++; sh.misses > maxMisses && sh.resets < maxResets {
			sh.resets++
			sh.misses, sh.names = 0, nil
		}
		return false
	}
	if at > len(sh.names) || !name.IsPlain() || len(label) > maxLabel || len(label) != len(name.Str())+3 ||
		len(sh.names) >= maxShapeNames || sh.resets >= maxResets {
		return false
	}
	for i := range sh.names {
		if sh.names[i].name.Str() == name.Str() {
			return false
		}
	}
	text := string(label)
	var head [8]byte
	copy(head[:], text)
	mask := ^uint64(0)
	if len(text) < 8 {
		mask >>= 64 - 8*len(text)
	}
	sh.names = append(sh.names, shapeName{
		label: text, head: binary.LittleEndian.Uint64(head[:]), mask: mask,
		name: schema.OfPlainString(text[1 : len(text)-2]),
	})
	return true
}

func (p *parser) newShape() *shape {
	if p.shapes >= maxShapes {
		return nil
	}
	p.shapes++
	return &shape{}
}

func (p *parser) elementsOf(sh *shape) *shape {
	if sh == nil {
		return nil
	}
	if sh.elements == nil {
		sh.elements = p.newShape()
	}
	return sh.elements
}
