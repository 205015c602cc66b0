package json

import (
	"encoding/binary"
	"math/bits"
	"strconv"
)

// Limits of Jackson's StreamReadConstraints.
const (
	maxDepth        = 1000
	maxNumberLength = 1000
	maxStringLength = 20_000_000
	maxNameLength   = 50_000
)

type kind uint8

const (
	kindMissing kind = iota // no value at all: an empty text
	kindNull
	kindFalse
	kindTrue
	kindInt    // num is the value
	kindBigInt // beyond 64 bits
	kindFloat
	kindString
	kindArray
	kindObject
	kindSchema // the schema of an envelope, known by its text
)

// nodeType is Jackson's JsonNodeType of a token, which error texts show.
func (k kind) nodeType() string {
	switch k {
	case kindMissing:
		return "MISSING"
	case kindNull:
		return "NULL"
	case kindFalse, kindTrue:
		return "BOOLEAN"
	case kindInt, kindBigInt, kindFloat:
		return "NUMBER"
	case kindString:
		return "STRING"
	case kindArray:
		return "ARRAY"
	}
	return "OBJECT"
}

// form says how a string's value is had from its bytes.
type form uint8

const (
	formPlain   form = iota // the bytes are the value, and can be written as they are
	formAstral              // the bytes are the value, with characters beyond the basic plane
	formEscaped             // there are escapes, or odd UTF-8
)

// token is one value or one name of a JSON text.
type token struct {
	kind kind
	// form is a string's.
	form form
	// start and end bound the text: of strings without the quotes.
	start, end int32
	// next is the index of the token behind this value.
	next int32
	// size is the number of elements or members.
	size int32
	num  int64
}

// scanner cuts a JSON text into tokens, in one flat slice: an array is followed by
// its elements, an object by its members, each a name and a value.
type scanner struct {
	src    []byte
	tokens []token
	// wide says that the text came in UTF-16 or UTF-32.
	wide bool
	// open holds the indexes of the arrays and objects not yet closed.
	open []int32
	// skip, where set, is asked at the value of the top level's member "schema"
	// whether the text there is known; it returns the length to skip.
	skip func(rest []byte) (length int)
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special marks the bytes of x that end the quick run through a string: quotes,
// backslashes, control characters and whatever is not ASCII. Only the lowest mark
// is exact.
func special(x uint64) uint64 {
	quote := x ^ ones*'"'
	slash := x ^ ones*'\\'
	return ((x - ones*0x20) | (quote - ones) | (slash - ones) | x) & highs
}

// scan reads the first value of src; what follows it is ignored. An empty text
// gives one missing value.
func (t *scanner) scan(src []byte) error {
	t.src = src
	t.tokens, t.open = t.tokens[:0], t.open[:0]
	i := skipSpace(src, 0)
	if i >= len(src) {
		t.tokens = append(t.tokens, token{kind: kindMissing, next: 1})
		return nil
	}
	depth := 0
	inObject := false

value:
	if i >= len(src) {
		return t.eof(i)
	}
	switch c := src[i]; c {
	case '"':
		end, form, err := t.scanString(i+1, i+1, false)
		if err != nil {
			return err
		}
		t.tokens = append(t.tokens, token{kind: kindString, form: form, start: int32(i + 1), end: int32(end), next: int32(len(t.tokens) + 1)})
		i = end + 1
	case '{', '[':
		if depth++; depth > maxDepth {
			return t.tooDeep(depth)
		}
		t.open = append(t.open, int32(len(t.tokens)))
		k := kindArray
		if inObject = c == '{'; inObject {
			k = kindObject
		}
		t.tokens = append(t.tokens, token{kind: k, start: int32(i)})
		i = skipSpace(src, i+1)
		if i >= len(src) {
			return t.eof(i)
		}
		if inObject {
			if src[i] != '}' {
				goto name
			}
		} else if src[i] != ']' {
			goto value
		}
		i++
		goto closed
	case 't', 'f', 'n':
		end, k, err := t.scanLiteral(i)
		if err != nil {
			return err
		}
		t.tokens = append(t.tokens, token{kind: k, start: int32(i), end: int32(end), next: int32(len(t.tokens) + 1)})
		i = end
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		end, err := t.scanNumber(i)
		if err != nil {
			return err
		}
		i = end
	default:
		return t.notAValue(i)
	}

after:
	if depth == 0 {
		return nil
	}
	t.tokens[t.open[depth-1]].size++
	if i < len(src) && src[i] > ' ' {
		// No space before a comma or a bracket is the rule.
	} else if i = skipSpace(src, i); i >= len(src) {
		return t.eof(i)
	}
	switch c := src[i]; {
	case c == ',':
		i = skipSpace(src, i+1)
		if inObject {
			goto name
		}
		goto value
	case inObject && c == '}', !inObject && c == ']':
		i++
	default:
		return t.notAfterValue(i, inObject)
	}

closed:
	{
		depth--
		at := t.open[depth]
		t.open = t.open[:depth]
		t.tokens[at].end, t.tokens[at].next = int32(i), int32(len(t.tokens))
		inObject = depth > 0 && t.tokens[t.open[depth-1]].kind == kindObject
		goto after
	}

name:
	if i >= len(src) {
		return t.eof(i)
	}
	if src[i] != '"' {
		return t.notAName(i)
	}
	{
		end, form, err := t.scanString(i+1, i+1, true)
		if err != nil {
			return err
		}
		start := i + 1
		t.tokens = append(t.tokens, token{kind: kindString, form: form, start: int32(start), end: int32(end), next: int32(len(t.tokens) + 1)})
		i = end + 1
		if i >= len(src) || src[i] != ':' {
			if i = skipSpace(src, i); i >= len(src) {
				return t.eof(i)
			}
			if src[i] != ':' {
				return t.unexpected(i, "was expecting a colon to separate field name and value")
			}
		}
		i++
		if i < len(src) && src[i] <= ' ' {
			i = skipSpace(src, i)
		}
		if depth == 1 && t.skip != nil && i < len(src) && src[i] == '{' && string(src[start:end]) == "schema" {
			if n := t.skip(src[i:]); n > 0 {
				t.tokens = append(t.tokens, token{kind: kindSchema, start: int32(i), end: int32(i + n), next: int32(len(t.tokens) + 1)})
				i += n
				goto after
			}
		}
	}
	goto value
}

func skipSpace(src []byte, i int) int {
	for i < len(src) && (src[i] == ' ' || src[i] == '\n' || src[i] == '\r' || src[i] == '\t') {
		i++
	}
	return i
}

// scanString returns the place of the closing quote of a string that starts at
// start and is known to be plain up to i.
func (t *scanner) scanString(start, i int, isName bool) (end int, f form, err error) {
	src := t.src
	for {
		for i+8 <= len(src) {
			if m := special(binary.LittleEndian.Uint64(src[i:])); m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
			i += 8
		}
		if i >= len(src) {
			return 0, 0, t.eofIn(isName)
		}
		switch c := src[i]; {
		case c == '"':
			limit := maxStringLength
			if isName {
				limit = maxNameLength
			}
			if i-start > limit {
				if err := t.tooLong(start, i, f, isName, limit); err != nil {
					return 0, 0, err
				}
			}
			return i, f, nil
		case c == '\\':
			f = formEscaped
			if i, err = t.scanEscape(i, isName); err != nil {
				return 0, 0, err
			}
		case c < ' ':
			return 0, 0, t.controlCharacter(i, isName)
		case c >= 0x80:
			n, standard, err := t.scanUTF8(i, isName)
			switch {
			case err != nil:
				return 0, 0, err
			case !standard:
				f = formEscaped
			case n == 4:
				f = max(f, formAstral)
			}
			i += n
		default:
			i++
		}
	}
}

func (t *scanner) scanEscape(i int, isName bool) (int, error) {
	src := t.src
	if i+1 >= len(src) {
		return 0, t.eofInEscape()
	}
	switch src[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2, nil
	case 'u':
		for j := i + 2; j < i+6; j++ {
			if j >= len(src) {
				return 0, t.eofInEscape()
			}
			if hexDigit(src[j]) < 0 {
				return 0, t.unexpected(j, "expected a hex-digit for character escape sequence")
			}
		}
		return i + 6, nil
	}
	return 0, t.badEscape(i + 1)
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// scanUTF8 returns the length of one character of two bytes or more. Jackson
// checks the form of the bytes alone: overlong forms, surrogates and code points
// past the last are let through, and are not standard.
func (t *scanner) scanUTF8(i int, isName bool) (n int, standard bool, err error) {
	src := t.src
	switch c := src[i]; {
	case c&0xe0 == 0xc0:
		n, standard = 2, c >= 0xc2
	case c&0xf0 == 0xe0:
		n, standard = 3, true
	case c&0xf8 == 0xf0:
		n, standard = 4, c <= 0xf4
	default:
		return 0, false, t.invalidStart(i)
	}
	for j := i + 1; j < i+n; j++ {
		if j >= len(src) {
			return 0, false, t.eofIn(isName)
		}
		if src[j]&0xc0 != 0x80 {
			return 0, false, t.invalidMiddle(j)
		}
	}
	switch second := src[i+1]; src[i] {
	case 0xe0:
		standard = second >= 0xa0
	case 0xed:
		standard = second < 0xa0
	case 0xf0:
		standard = second >= 0x90
	case 0xf4:
		standard = second < 0x90
	}
	return n, standard, nil
}

func (t *scanner) scanLiteral(i int) (end int, k kind, err error) {
	word := "null"
	switch k = kindNull; t.src[i] {
	case 't':
		word, k = "true", kindTrue
	case 'f':
		word, k = "false", kindFalse
	}
	rest := t.src[i:]
	if len(rest) < len(word) || string(rest[:len(word)]) != word {
		return 0, 0, t.badToken(i)
	}
	end = i + len(word)
	if end < len(t.src) {
		if !t.wide && t.src[end] >= 0x80 {
			return 0, 0, t.badEnd(end)
		}
		if identifierPart(t.src[end:]) {
			return 0, 0, t.badToken(i)
		}
	}
	return end, k, nil
}

func (t *scanner) scanNumber(i int) (int, error) {
	src, start := t.src, i
	negative := src[i] == '-'
	if negative {
		if i++; i >= len(src) || src[i] < '0' || src[i] > '9' {
			return 0, t.badMinus(i)
		}
	}
	if src[i] == '0' {
		for i+1 < len(src) && src[i] == '0' && src[i+1] >= '0' && src[i+1] <= '9' {
			i++
		}
	}
	digits := i
	var n uint64
	for i < len(src) && src[i] >= '0' && src[i] <= '9' {
		n = n*10 + uint64(src[i]-'0')
		i++
	}
	count := i - digits
	tok := token{kind: kindInt, start: int32(start), next: int32(len(t.tokens) + 1)}
	if i < len(src) && (src[i] == '.' || src[i]|0x20 == 'e') {
		tok.kind = kindFloat
		var err error
		if i, count, err = t.scanFraction(i, count); err != nil {
			return 0, err
		}
	}
	if count > maxNumberLength {
		return 0, t.numberTooLong(count)
	}
	tok.end = int32(i)
	switch {
	case tok.kind == kindFloat:
		if why := unreadable(src[start:i]); why != "" {
			return 0, badNumber(src[start:i], why)
		}
	case count <= 18:
		tok.num = int64(n)
		if negative {
			tok.num = -tok.num
		}
	default:
		v, err := strconv.ParseInt(view(src[start:i]), 10, 64)
		if tok.num = v; err != nil {
			tok.kind = kindBigInt
		}
	}
	if len(t.open) == 0 && i < len(src) && !isSpace(src[i]) {
		return 0, t.unexpected(i, "Expected space separating root-level values")
	}
	t.tokens = append(t.tokens, tok)
	return i, nil
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// scanFraction reads what follows a number's whole part; count is the number of
// digits so far.
func (t *scanner) scanFraction(i, count int) (end, digits int, err error) {
	src := t.src
	if src[i] == '.' {
		from := i + 1
		for i++; i < len(src) && src[i] >= '0' && src[i] <= '9'; i++ {
		}
		if i == from {
			return 0, 0, t.badFraction(i)
		}
		count += i - from
	}
	if i < len(src) && src[i]|0x20 == 'e' {
		if i++; i < len(src) && (src[i] == '-' || src[i] == '+') {
			i++
		}
		from := i
		for i < len(src) && src[i] >= '0' && src[i] <= '9' {
			i++
		}
		if i == from {
			return 0, 0, t.badExponent(i)
		}
		count += i - from
	}
	return i, count, nil
}

// unreadable says why java.math.BigDecimal refuses a number, or nothing if it takes
// it: exponent and scale must fit an int.
func unreadable(text []byte) string {
	fraction, point := 0, false
	for i, c := range text {
		switch {
		case c == '.':
			point = true
		case c|0x20 == 'e':
			if exp := text[i+1:]; len(exp) > 8 {
				return unreadableExponent(exp, fraction)
			}
			return ""
		case point:
			fraction++
		}
	}
	return ""
}

func unreadableExponent(exp []byte, fraction int) string {
	sign := int64(1)
	if exp[0] == '-' {
		sign = -1
	}
	if exp[0] == '-' || exp[0] == '+' {
		exp = exp[1:]
	}
	for len(exp) > 10 && exp[0] == '0' {
		exp = exp[1:]
	}
	if len(exp) > 10 {
		return "Too many nonzero exponent digits."
	}
	n, err := strconv.ParseInt(view(exp), 10, 64)
	if n *= sign; err != nil || n != int64(int32(n)) {
		return "Exponent overflow."
	}
	if scale := int64(fraction) - n; scale != int64(int32(scale)) {
		return "Scale out of range."
	}
	return ""
}
