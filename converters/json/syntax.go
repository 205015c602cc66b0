package json

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

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
// in bytes.
func (t *scanner) location(i int) string {
	i = min(i, len(t.src))
	line := 1 + bytes.Count(t.src[:i], []byte{'\n'})
	column := i - bytes.LastIndexByte(t.src[:i], '\n')
	return fmt.Sprintf("%sline: %d, column: %d]", source, line, column)
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

// runeAt decodes the character at i for an error text.
func (t *scanner) runeAt(i int) rune {
	r, n := utf8.DecodeRune(t.src[i:])
	if r == utf8.RuneError && n <= 1 {
		return rune(t.src[i])
	}
	return r
}

func (t *scanner) unexpected(i int, why string) error {
	if c := t.src[i]; c >= 0x80 && (c&0xe0 != 0xc0 && c&0xf0 != 0xe0 && c&0xf8 != 0xf0) {
		return t.invalidStart(i)
	}
	return t.parseError(i, "Unexpected character (%s): %s", charText(t.runeAt(i)), why)
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
		return t.unexpected(i, "expected a value")
	case c == ',':
		return t.unexpected(i, "expected a value")
	case c == '/':
		return t.unexpected(i, "maybe a (non-standard) comment? (not recognized as one since Feature 'ALLOW_COMMENTS' not enabled for parser)")
	case identifierStart(t.src[i:]):
		return t.badToken(i)
	case c < ' ':
		return t.illegalSpace(i)
	}
	return t.unexpected(i, "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')")
}

func (t *scanner) illegalSpace(i int) error {
	return t.parseError(i, "Illegal character (%s): only regular white space (\\r, \\n, \\t) is allowed between tokens", charText(rune(t.src[i])))
}

func identifierStart(rest []byte) bool {
	r, n := utf8.DecodeRune(rest)
	return n > 0 && (r == '_' || r == '$' || unicode.IsLetter(r))
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
	return t.unexpected(i, "was expecting double-quote to start field name")
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
	return t.parseError(i+1, "Illegal unquoted character (%s): has to be escaped using backslash to be included in %s", charText(rune(t.src[i])), where)
}

func (t *scanner) badEscape(i int) error {
	return t.parseError(i, "Unrecognized character escape %s", charText(t.runeAt(i)))
}

func (t *scanner) invalidStart(i int) error {
	return t.parseError(i+1, "Invalid UTF-8 start byte 0x%x", t.src[i])
}

func (t *scanner) invalidMiddle(i int) error {
	return t.parseError(i, "Invalid UTF-8 middle byte 0x%x", t.src[i])
}

// badToken reports a word that is no literal.
func (t *scanner) badToken(i int) error {
	end := i
	for end < len(t.src) && end-i < 256 {
		r, n := utf8.DecodeRune(t.src[end:])
		if !identifierPart(t.src[end:]) && r != '$' {
			break
		}
		end += n
	}
	word := string(t.src[i:end])
	switch word {
	case "NaN", "Infinity", "INF":
		return t.parseError(end, "Non-standard token '%s': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow", word)
	}
	return t.parseError(end, "Unrecognized token '%s': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", word)
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
	return t.unexpectedNumber(t.runeAt(i), i, "expected digit (0-9) to follow minus sign, for valid numeric value")
}

func (t *scanner) unexpectedNumber(c rune, at int, why string) error {
	return t.parseError(at, "Unexpected character (%s) in numeric value: %s", charText(c), why)
}

func (t *scanner) badExponent(i int) error {
	if i >= len(t.src) {
		return t.eofWithin("in null")
	}
	return t.unexpectedNumber(t.runeAt(i), i, "Exponent indicator not followed by a digit")
}

func (t *scanner) badNumber(start, end int) error {
	return t.parseError(end, "Malformed numeric value (%s)", t.src[start:min(end, start+100)])
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
