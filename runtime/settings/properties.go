package settings

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/moldau-io/moldau/connect/errs"
)

// ReadProperties reads a Java properties file as java.util.Properties.load reads
// it from a stream: each byte is a character of ISO 8859-1, and \uXXXX stands for
// any other. Connect reads its worker and connector files so. The last of equal
// keys counts.
func ReadProperties(r io.Reader) (map[string]string, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("cannot read properties: %w", err)
	}
	chars := make([]uint16, len(b))
	for i, c := range b {
		chars[i] = uint16(c)
	}
	return parseProperties(chars)
}

// ReadPropertiesUTF8 is ReadProperties for text in UTF-8, which is how Kafka's
// FileConfigProvider reads. Malformed text is an error.
func ReadPropertiesUTF8(r io.Reader) (map[string]string, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("cannot read properties: %w", err)
	}
	if !utf8.Valid(b) {
		return nil, fmt.Errorf("cannot read properties: line %d is not UTF-8", malformedLine(b))
	}
	return parseProperties(utf16.Encode(bytes.Runes(b)))
}

// LoadProperties reads a worker or connector properties file (Utils.loadProps).
func LoadProperties(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open the properties file: %w; check its path", err)
	}
	props, err := ReadProperties(f)
	if cerr := f.Close(); err == nil && cerr != nil {
		err = cerr
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return props, nil
}

func malformedLine(b []byte) int {
	line := 1
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 {
			break
		}
		if r == '\n' {
			line++
		}
		b = b[size:]
	}
	return line
}

func parseProperties(chars []uint16) (map[string]string, error) {
	props := make(map[string]string)
	lines := lineReader{rest: chars, number: 1}
	for {
		number := lines.number
		line, ok := lines.next()
		if !ok {
			return props, nil
		}
		keyEnd, valueStart := splitProperty(line)
		key, err := unescape(line[:keyEnd])
		if err != nil {
			return nil, err.WithHint("near line %d", number)
		}
		value, err := unescape(line[valueStart:])
		if err != nil {
			return nil, err.WithHint("near line %d: the value of %s", number, key)
		}
		props[key] = value
	}
}

// lineReader gives logical lines: comments and blank lines are gone, and a line
// that ends with an odd number of backslashes goes on in the next one.
type lineReader struct {
	rest   []uint16
	number int
	line   []uint16
}

func (l *lineReader) next() ([]uint16, bool) {
	l.line = l.line[:0]
	skipBlank, continued, backslash := true, false, false
	for len(l.rest) > 0 {
		c := l.take()
		if skipBlank {
			if isBlank(c) || !continued && isEOL(c) {
				continue
			}
			skipBlank, continued = false, false
		}
		if len(l.line) == 0 && (c == '#' || c == '!') {
			for len(l.rest) > 0 && !isEOL(l.take()) {
			}
			skipBlank = true
			continue
		}
		if !isEOL(c) {
			l.line = append(l.line, c)
			backslash = c == '\\' && !backslash
			continue
		}
		switch {
		case len(l.line) == 0:
			skipBlank = true
		case backslash && len(l.rest) > 0:
			l.line = l.line[:len(l.line)-1]
			skipBlank, continued, backslash = true, true, false
			if c == '\r' && l.rest[0] == '\n' {
				l.take()
			}
		default:
			return l.end(backslash), true
		}
	}
	return l.end(backslash), len(l.line) > 0
}

// end drops the backslash of a continuation that does not come.
func (l *lineReader) end(backslash bool) []uint16 {
	if backslash {
		return l.line[:len(l.line)-1]
	}
	return l.line
}

func (l *lineReader) take() uint16 {
	c := l.rest[0]
	l.rest = l.rest[1:]
	if c == '\n' {
		l.number++
	}
	return c
}

func isEOL(c uint16) bool { return c == '\n' || c == '\r' }

func isBlank(c uint16) bool { return c == ' ' || c == '\t' || c == '\f' }

// splitProperty finds where the key ends and where the value begins: at the first
// unescaped "=", ":" or blank, with blanks around.
func splitProperty(line []uint16) (keyEnd, valueStart int) {
	separator, backslash := false, false
	for keyEnd < len(line) {
		c := line[keyEnd]
		if !backslash && (c == '=' || c == ':' || isBlank(c)) {
			break
		}
		backslash = c == '\\' && !backslash
		keyEnd++
	}
	for valueStart = keyEnd; valueStart < len(line); valueStart++ {
		c := line[valueStart]
		if isBlank(c) {
			continue
		}
		if separator || c != '=' && c != ':' {
			break
		}
		separator = true
	}
	return keyEnd, valueStart
}

// unescape resolves backslashes. One before any other character than t, n, r, f
// and u is dropped.
func unescape(chars []uint16) (string, *errs.Error) {
	out := make([]uint16, 0, len(chars))
	for i := 0; i < len(chars); i++ {
		c := chars[i]
		if c != '\\' || i+1 == len(chars) {
			out = append(out, c)
			continue
		}
		i++
		switch c = chars[i]; c {
		case 't':
			c = '\t'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 'f':
			c = '\f'
		case 'u':
			unit, ok := hexUnit(chars[i+1:])
			if !ok {
				return "", errs.New(errs.ClassIllegalArgument, `Malformed \uxxxx encoding.`)
			}
			c = unit
			i += 4
		}
		out = append(out, c)
	}
	return string(utf16.Decode(out)), nil
}

func hexUnit(chars []uint16) (uint16, bool) {
	if len(chars) < 4 {
		return 0, false
	}
	var unit uint16
	for _, c := range chars[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		unit = unit<<4 | c
	}
	return unit, true
}
