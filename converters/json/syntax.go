package json

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/moldau-io/moldau/connect/errs"
)

// Jackson's exceptions, as far as a text can provoke them.
const (
	classParse       = "com.fasterxml.jackson.core.JsonParseException"
	classEOF         = "com.fasterxml.jackson.core.io.JsonEOFException"
	classConstraints = "com.fasterxml.jackson.core.exc.StreamConstraintsException"
)

const source = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); "

// location names a place as Jackson does: lines and columns count from 1, columns
// in bytes. Carriage returns end lines too.
func (t *scanner) location(i int) string { return t.locationPast(i, i) }

// locationPast names the column of i in the line of lineOf, for errors found when
// a line's end was already read over.
func (t *scanner) locationPast(lineOf, i int) string {
	line, start := 1, 0
	for at := 0; at < min(lineOf, len(t.src)); at++ {
		switch t.src[at] {
		case '\r':
			if at+1 < lineOf && at+1 < len(t.src) && t.src[at+1] == '\n' {
				at++
			}
		case '\n':
		default:
			continue
		}
		line, start = line+1, at+1
	}
	return fmt.Sprintf("%sline: %d, column: %d]", source, line, i-start+1)
}

// failure makes the error of a text that is not JSON, as Connect reports it: a
// DataException caused by a SerializationException caused by Jackson's own.
func failure(class, message string) error {
	jackson := errs.New(class, "%s", message)
	return errs.Wrap(errs.ClassData, errs.Wrap(errs.ClassSerialization, jackson, "%s", errs.String(jackson)),
		"Converting byte[] to Kafka Connect data failed due to serialization error: ")
}

func (t *scanner) parseError(at int, format string, args ...any) error {
	return failure(classParse, fmt.Sprintf(format, args...)+"\n at "+t.location(at))
}

func charText(c rune) string {
	if c < ' ' || c >= 0x7f && c < 0xa0 {
		return fmt.Sprintf("(CTRL-CHAR, code %d)", c)
	}
	if c > 0xff {
		return fmt.Sprintf("'%c' (code %d / 0x%x)", c, c, c)
	}
	return fmt.Sprintf("'%c' (code %d)", c, c)
}

// unexpected reports a byte that has no place where it is; Jackson shows the byte.
func (t *scanner) unexpected(i int, why string) error {
	return t.parseError(i, "Unexpected character (%s): %s", charText(rune(t.src[i])), why)
}

// charAt decodes the character at i for an error text, as one Java char.
func (t *scanner) charAt(i int) (c rune, n int, err error) {
	b := t.src[i:]
	switch {
	case b[0] < 0x80:
		return rune(b[0]), 1, nil
	case b[0]&0xe0 == 0xc0:
		c, n = rune(b[0]&0x1f), 2
	case b[0]&0xf0 == 0xe0:
		c, n = rune(b[0]&0xf), 3
	case b[0]&0xf8 == 0xf0:
		c, n = rune(b[0]&7), 4
	default:
		return 0, 0, t.invalidStart(i)
	}
	for j := 1; j < n; j++ {
		if j >= len(b) {
			return 0, 0, t.eofWithin("in null")
		}
		if b[j]&0xc0 != 0x80 {
			return 0, 0, t.invalidMiddle(i + j)
		}
		c = c<<6 | rune(b[j]&0x3f)
	}
	return c & 0xffff, n, nil
}

func (t *scanner) notAValue(i int) error {
	switch c := t.src[i]; {
	case c == '+':
		return t.parseError(i+1, "Unexpected character ('+' (code 43)) in numeric value: JSON spec does not allow numbers to have plus signs: enable `JsonReadFeature.ALLOW_LEADING_PLUS_SIGN_FOR_NUMBERS` to allow")
	case c == '}' || c == ']':
		if len(t.open) == 0 {
			name := "Object"
			if c == ']' {
				name = "Array"
			}
			return t.parseError(i, "Unexpected close marker '%c': no open %s to close", c, name)
		}
		if c == '}' || t.tokens[t.open[len(t.open)-1]].kind == kindArray {
			return t.unexpected(i, "expected a value")
		}
	case c == ',':
		return t.unexpected(i, "expected a value")
	case c == '/':
		return t.unexpected(i, "maybe a (non-standard) comment? (not recognized as one since Feature 'ALLOW_COMMENTS' not enabled for parser)")
	case identifierStart(rune(c)):
		return t.badToken(i)
	case c < ' ':
		return t.illegalSpace(i)
	}
	return t.unexpected(i, "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')")
}

func (t *scanner) illegalSpace(i int) error {
	return t.parseError(i+1, "Illegal character (%s): only regular white space (\\r, \\n, \\t) is allowed between tokens", charText(rune(t.src[i])))
}

// identifierStart says what Java allows at the start of an identifier.
func identifierStart(c rune) bool {
	return unicode.In(c, unicode.L, unicode.Nl, unicode.Sc, unicode.Pc)
}

// identifierChar says what Java allows within an identifier.
func identifierChar(c rune) bool {
	switch {
	case c < 0x80 && (c < 9 || c > 13 && c < 28 || c == 0x7f):
		return true // Java ignores these controls in identifiers
	case c >= 0x80 && c < 0xa0:
		return true
	}
	return identifierStart(c) || unicode.In(c, unicode.Nd, unicode.Mn, unicode.Mc, unicode.Cf)
}

func (t *scanner) notAfterValue(i int, inObject bool) error {
	c := t.src[i]
	if c == '}' || c == ']' {
		at := t.tokens[t.open[len(t.open)-1]]
		want, name := byte(']'), "Array"
		if inObject {
			want, name = '}', "Object"
		}
		return t.parseError(i, "Unexpected close marker '%c': expected '%c' (for %s starting at %s)", c, want, name, t.location(int(at.start)))
	}
	if c < ' ' {
		return t.illegalSpace(i)
	}
	name := "Array"
	if inObject {
		name = "Object"
	}
	return t.unexpected(i, "was expecting comma to separate "+name+" entries")
}

func (t *scanner) notAName(i int) error {
	if t.src[i] < ' ' {
		return t.illegalSpace(i)
	}
	c, _, err := t.charAt(i)
	if err != nil {
		return err
	}
	return t.parseError(i, "Unexpected character (%s): was expecting double-quote to start field name", charText(c))
}

// eof reports a text that ends between tokens.
func (t *scanner) eof(i int) error {
	name, at := "Object", t.tokens[t.open[len(t.open)-1]]
	if at.kind == kindArray {
		name = "Array"
	}
	return failure(classEOF, fmt.Sprintf("Unexpected end-of-input: expected close marker for %s (start marker at %s)\n at %s",
		name, t.location(int(at.start)), t.location(i)))
}

func (t *scanner) eofWithin(what string) error {
	return failure(classEOF, "Unexpected end-of-input "+what+"\n at "+t.location(len(t.src)))
}

func (t *scanner) eofIn(isName bool) error {
	if isName {
		return t.eofWithin("in field name")
	}
	return t.eofWithin("in VALUE_STRING")
}

func (t *scanner) eofInEscape() error { return t.eofWithin("in character escape sequence") }

func (t *scanner) controlCharacter(i int, isName bool) error {
	where := "string value"
	if isName {
		where = "name"
	}
	return t.parseError(i, "Illegal unquoted character (%s): has to be escaped using backslash to be included in %s", charText(rune(t.src[i])), where)
}

func (t *scanner) badEscape(i int) error {
	c, n, err := t.charAt(i)
	if err != nil {
		return err
	}
	return t.parseError(i+n-1, "Unrecognized character escape %s", charText(c))
}

func (t *scanner) invalidStart(i int) error {
	return t.parseError(i+1, "Invalid UTF-8 start byte 0x%x", t.src[i])
}

func (t *scanner) invalidMiddle(i int) error {
	return t.parseError(i+1, "Invalid UTF-8 middle byte 0x%x", t.src[i])
}

// maxErrorToken is how much of a word Jackson shows.
const maxErrorToken = 256

// badToken reports a word that is no literal.
func (t *scanner) badToken(i int) error {
	for _, word := range []string{"NaN", "Infinity"} {
		if strings.HasPrefix(view(t.src[i:]), word) && !t.identifierAt(i+len(word)) {
			return t.parseError(i+len(word), "Non-standard token '%s': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow", word)
		}
	}
	word := []rune{rune(t.src[i])}
	at := i + 1
	for at < len(t.src) {
		c, n, err := t.charAt(at)
		if err != nil {
			return err
		}
		if !identifierChar(c) {
			// The place of the error is behind the character that ended the word.
			return failure(classParse, t.unrecognized(string(word))+"\n at "+t.locationPast(i, at+n))
		}
		word = append(word, c)
		at += n
		if len(word) >= maxErrorToken {
			return failure(classParse, t.unrecognized(string(word)+"...")+"\n at "+t.locationPast(i, at))
		}
	}
	return failure(classParse, t.unrecognized(string(word))+"\n at "+t.locationPast(i, at))
}

// badEnd reports what is not ASCII right behind a literal. Jackson means to decode
// it, and takes the first byte for the second too.
func (t *scanner) badEnd(i int) error {
	if c := t.src[i]; c&0xc0 == 0x80 || c >= 0xf8 {
		return t.parseError(i, "Invalid UTF-8 start byte 0x%x", c)
	}
	return t.invalidMiddle(i)
}

func (t *scanner) identifierAt(i int) bool {
	return i < len(t.src) && identifierPart(t.src[i:])
}

func (t *scanner) unrecognized(word string) string {
	return "Unrecognized token '" + word + "': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
}

func (t *scanner) badMinus(i int) error {
	if i >= len(t.src) {
		return t.eofWithin("in null")
	}
	for _, word := range []string{"Infinity", "INF"} {
		if strings.HasPrefix(string(t.src[i:min(len(t.src), i+len(word))]), word) {
			return t.parseError(i+len(word), "Non-standard token '-%s': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow", word)
		}
	}
	return t.unexpectedNumber(i, "expected digit (0-9) to follow minus sign, for valid numeric value")
}

func (t *scanner) unexpectedNumber(i int, why string) error {
	return t.parseError(i, "Unexpected character (%s) in numeric value: %s", charText(rune(t.src[i])), why)
}

// badFraction reports a point with no digit behind it.
func (t *scanner) badFraction(i int) error {
	return t.unexpectedNumber(min(i, len(t.src)-1), "Decimal point not followed by a digit")
}

func (t *scanner) badExponent(i int) error {
	if i >= len(t.src) {
		return t.eofWithin("in null")
	}
	return t.unexpectedNumber(i, "Exponent indicator not followed by a digit")
}

// badNumber reports a number that java.math.BigDecimal refuses.
func badNumber(text []byte, why string) error {
	return failure(errs.ClassNumberFormat, fmt.Sprintf("Value \"%s\" can not be deserialized as `java.math.BigDecimal`, reason:  %s", text, why))
}

func (t *scanner) tooDeep(depth int) error {
	return failure(classConstraints, fmt.Sprintf("Document nesting depth (%d) exceeds the maximum allowed (%d, from `StreamReadConstraints.getMaxNestingDepth()`)", depth, maxDepth))
}

func (t *scanner) numberTooLong(n int) error {
	return failure(classConstraints, fmt.Sprintf("Number value length (%d) exceeds the maximum allowed (%d, from `StreamReadConstraints.getMaxNumberLength()`)", n, maxNumberLength))
}

// tooLong checks the length of a string in chars, which are fewer than its bytes
// where it is not plain ASCII.
func (t *scanner) tooLong(start, end int, f form, isName bool, limit int) error {
	chars := 0
	text := t.text(&token{form: f, start: int32(start), end: int32(end)})
	for _, r := range text {
		chars++
		if r > 0xffff {
			chars++
		}
	}
	if chars <= limit {
		return nil
	}
	what, getter := "String value", "getMaxStringLength"
	if isName {
		what, getter = "Name", "getMaxNameLength"
	}
	return failure(classConstraints, fmt.Sprintf("%s length (%d) exceeds the maximum allowed (%d, from `StreamReadConstraints.%s()`)", what, chars, limit, getter))
}
