package schema

import (
	"math"
	"math/big"
	"strings"

	"github.com/moldau-io/moldau/connect/errs"
)

// maxParseDepth bounds the nesting of lists and maps that ParseString follows. Java
// fails with a StackOverflowError at a depth that depends on its thread's stack.
const maxParseDepth = 5000

// ParseString finds the schema and value that a text stands for
// (org.apache.kafka.connect.data.Values.parseString): null, true, false, numbers in
// the narrowest type that holds them, dates, times and timestamps in ISO form, lists
// in brackets and maps in braces; what is none of these is a string. A nil schema
// with found set is Java's (null, null); without found Java returns null itself,
// which it does for the text null. The error is a StackOverflowError.
func ParseString(text string) (s *Schema, v Value, found bool, err error) {
	if text == "" {
		return Of(String), OfString(text), true, nil
	}
	if isWord(text) {
		return Of(String), OfString(text), true, nil
	}
	p := valueParser{tokens: tokens{text: text}}
	r, err := p.parse(false)
	if err != nil {
		return nil, Value{}, false, err
	}
	return r.schema, r.value, r.found, nil
}

// isWord says of most texts that are nothing but strings that they are: a letter
// comes first, and not the first of a literal.
func isWord(text string) bool {
	c := text[0] | 0x20
	return c >= 'a' && c <= 'z' && !strings.HasPrefix(text, "null") && !strings.HasPrefix(text, "true") && !strings.HasPrefix(text, "false")
}

// parsed is a value with its schema; without found it is Java's null.
type parsed struct {
	schema *Schema
	value  Value
	found  bool
}

func found(s *Schema, v Value) (parsed, error) { return parsed{s, v, true}, nil }

type valueParser struct {
	tokens
	depth int
}

// literal accepts a word that is the whole of a top-level text.
func (p *valueParser) literal(embedded bool, word string) bool {
	start := p.mark()
	if p.accept(word) && (embedded || !p.hasNext()) {
		return true
	}
	p.rewind(start)
	return false
}

func (p *valueParser) parse(embedded bool) (parsed, error) {
	switch {
	case !p.hasNext():
		return parsed{}, nil
	case embedded && p.accept(`"`):
		return p.quoted()
	case p.literal(embedded, "null"):
		return parsed{}, nil
	case p.literal(embedded, "true"):
		return found(Of(Boolean), OfBoolean(true))
	case p.literal(embedded, "false"):
		return found(Of(Boolean), OfBoolean(false))
	}
	start := p.mark()
	var r parsed
	var err error
	switch {
	case p.accept("["):
		r, err = p.nested((*valueParser).array)
	case p.accept("{"):
		r, err = p.nested((*valueParser).mapping)
	default:
		return p.plain(embedded)
	}
	if err == nil || errs.Class(err) != errs.ClassData {
		return r, err
	}
	p.rewind(start) // neither a list nor a map, so a string
	return p.plain(embedded)
}

func (p *valueParser) nested(parse func(*valueParser) (parsed, error)) (parsed, error) {
	if p.depth++; p.depth > maxParseDepth {
		return parsed{}, errs.Null("java.lang.StackOverflowError")
	}
	r, err := parse(p)
	p.depth--
	return r, err
}

func (p *valueParser) plain(embedded bool) (parsed, error) {
	token := p.take()
	trimmed := javaTrim(token)
	if trimmed == "" {
		return found(Of(String), OfString(token))
	}
	first, _ := firstRune(trimmed)
	digit := Digit(first) >= 0
	if digit {
		if r, ok := p.temporal(trimmed); ok {
			return r, nil
		}
	}
	if digit || first == '+' || first == '-' {
		if s, v, ok := parseNumber(trimmed); ok {
			return found(s, v)
		}
	}
	if embedded {
		return parsed{}, errs.Data("Failed to parse embedded value")
	}
	return found(Of(String), OfString(p.text))
}

func firstRune(s string) (rune, bool) {
	for _, r := range s {
		return r, true
	}
	return 0, false
}

// temporal tries the token with the four after it, since the colons of a time are
// tokens themselves, and then the token alone.
func (p *valueParser) temporal(token string) (parsed, bool) {
	start := p.mark()
	if rest, ok := p.takeN(4); ok {
		if s, v, ok := parseTemporal(token + rest); ok {
			return parsed{s, v, true}, true
		}
	}
	p.rewind(start)
	if s, v, ok := parseTemporal(token); ok {
		return parsed{s, v, true}, true
	}
	return parsed{}, false
}

func (p *valueParser) quoted() (parsed, error) {
	var b strings.Builder
	for p.hasNext() && !p.accept(`"`) {
		b.WriteString(p.take())
	}
	content := b.String()
	if s, v, ok := parseTemporal(content); ok {
		return found(s, v)
	}
	return found(Of(String), OfString(content))
}

func (p *valueParser) array() (parsed, error) {
	var elements []Value
	var common merger
	for p.hasNext() {
		if p.accept("]") {
			b := NewBuilder(Array)
			if common.schema != nil {
				b.s.value = common.schema
				for i := range elements {
					var err error
					if elements[i], err = convertTo(common.schema, nil, elements[i]); err != nil {
						return parsed{}, err
					}
				}
			}
			return found(b.s, OfArray(elements))
		}
		if p.accept(",") {
			return parsed{}, errs.Data("Unable to parse an empty array element: " + p.text)
		}
		element, err := p.parse(true)
		if err != nil {
			return parsed{}, err
		}
		common.merge(element)
		elements = append(elements, element.value)
		here := p.mark()
		if p.accept("]") {
			p.rewind(here)
		} else if !p.accept(",") {
			return parsed{}, errs.Data("Array elements missing ',' delimiter")
		}
	}
	if p.previous == "," {
		return parsed{}, errs.Data("Array is missing element after ',': " + p.text)
	}
	return parsed{}, errs.Data("Array is missing terminating ']': " + p.text)
}

func (p *valueParser) mapping() (parsed, error) {
	m := NewMap(0)
	var keys, values merger
	for p.hasNext() {
		if p.accept("}") {
			return alignMap(m, keys.schema, values.schema)
		}
		if p.accept(",") {
			return parsed{}, errs.Data("Unable to parse a map entry with no key or value: " + p.text)
		}
		key, err := p.parse(true)
		if err != nil {
			return parsed{}, err
		}
		if key.value.IsNull() {
			return parsed{}, errs.Data("Map entry may not have a null key: " + p.text)
		}
		if !p.accept(":") {
			return parsed{}, errs.Data("Map entry is missing ':' at %d in %s", p.pos, p.text)
		}
		value, err := p.parse(true)
		if err != nil {
			return parsed{}, err
		}
		m.Put(key.value, value.value)
		p.accept(",")
		keys.merge(key)
		values.merge(value)
	}
	if p.previous == "," {
		return parsed{}, errs.Data("Map is missing element after ',': " + p.text)
	}
	return parsed{}, errs.Data("Map is missing terminating '}': " + p.text)
}

// alignMap widens keys and values to their common schemas, where there are any.
func alignMap(m *MapValue, key, value *Schema) (parsed, error) {
	b := NewBuilder(Map)
	b.s.key = key
	if key == nil {
		return found(b.s, OfMap(m))
	}
	b.s.value = value
	aligned := NewMap(m.Len())
	for _, e := range m.Entries() {
		k, err := convertTo(key, nil, e.Key)
		if err != nil {
			return parsed{}, err
		}
		v := e.Value
		if value != nil {
			if v, err = convertTo(value, nil, v); err != nil {
				return parsed{}, err
			}
		}
		aligned.Put(k, v)
	}
	return found(b.s, OfMap(aligned))
}

// parseNumber picks the narrowest type: an integer type where the number is whole
// and fits, else float32, float64 or Decimal, whichever does not overflow.
func parseNumber(token string) (*Schema, Value, bool) {
	d, ok := ParseDecimal(token)
	if !ok {
		return nil, Value{}, false
	}
	if n, ok := exactInteger(d); ok {
		switch {
		case n == int64(int8(n)):
			return Of(Int8), OfInt8(int8(n)), true
		case n == int64(int16(n)):
			return Of(Int16), OfInt16(int16(n)), true
		case n == int64(int32(n)):
			return Of(Int32), OfInt32(int32(n)), true
		}
		return Of(Int64), OfInt64(n), true
	}
	if d.scale != 0 {
		if f := d.Float32(); !math.IsInf(float64(f), 0) {
			return Of(Float32), OfFloat32(f), true
		}
		if f := d.Float64(); !math.IsInf(f, 0) {
			return Of(Float64), OfFloat64(f), true
		}
	}
	return DecimalBuilder(int(d.scale)).MustBuild(), OfDecimal(d), true
}

var biggerThanLong = new(big.Int).Exp(big.NewInt(10), big.NewInt(19), nil)

func exactInteger(d *DecimalValue) (int64, bool) {
	if d.Sign() == 0 {
		return 0, true
	}
	// 1e19 is the limit, and an unscaled value is not 0, so a smaller scale is past it.
	if d.scale < -19 || !d.IsWhole() {
		return 0, false
	}
	n := d.Int()
	if n == nil || n.CmpAbs(biggerThanLong) > 0 || !n.IsInt64() {
		return 0, false
	}
	return n.Int64(), true
}
