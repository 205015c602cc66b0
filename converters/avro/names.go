package avro

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/moldau-io/moldau/connect/errs"
)

// name is a name with its namespace. full is what tells names apart.
type name struct{ simple, space, full string }

// newName splits a name at its last point; without one it is in the space given.
func newName(text, space string) name {
	n := name{simple: text, space: space}
	if i := strings.LastIndexByte(text, '.'); i >= 0 {
		n.simple, n.space = text[i+1:], text[:i]
	}
	n.full = n.simple
	if n.space != "" {
		n.full = n.space + "." + n.simple
	}
	return n
}

// check is the validation of names of schemas that are made, rather than read: letters
// of any script, digits and underscores (NameValidator.UTF_VALIDATOR).
func checkName(s string) error {
	if s == "" {
		return errs.New(classParse, "Empty name")
	}
	first, _ := utf8.DecodeRuneInString(s)
	if !isLetter(first) && first != '_' {
		return errs.New(classParse, "%s", "Illegal initial character: "+s).WithHint("set scrub.invalid.names=true to have names changed")
	}
	for _, r := range s {
		if !isLetter(r) && !isDigit(r) && r != '_' {
			return errs.New(classParse, "%s", "Illegal character in: "+s).WithHint("set scrub.invalid.names=true to have names changed")
		}
	}
	return nil
}

// Java looks at units of UTF-16, of which those beyond the basic plane are no letters.
func isLetter(r rune) bool { return r <= 0xffff && unicode.IsLetter(r) }

func isDigit(r rune) bool { return r <= 0xffff && unicode.Is(unicode.Nd, r) }

// scrub makes a valid name of any: what is no letter or digit is encoded as in a URL,
// with underscores for the signs in that.
func scrub(s string) string {
	if s == "" || isScrubbed(s) {
		return s
	}
	out := []byte(urlEncode(s))
	if isASCIIDigit(out[0]) {
		out = append([]byte{'x'}, out...)
	}
	for i, c := range out {
		if !isWord(c) {
			out[i] = '_'
		}
	}
	return string(out)
}

func isScrubbed(s string) bool {
	for i := range len(s) {
		if !isWord(s[i]) {
			return false
		}
	}
	return !isASCIIDigit(s[0])
}

func isASCIIDigit(c byte) bool { return c >= '0' && c <= '9' }

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || isASCIIDigit(c) || c == '_'
}

// urlEncode is Java's URLEncoder, up to signs that become underscores anyway: Go leaves
// a tilde as it is, and encodes a star.
func urlEncode(s string) string {
	return strings.NewReplacer("~", "%7E", "%2A", "*").Replace(url.QueryEscape(javaUTF8(s)))
}

// splitName splits a Connect schema's name; parts are scrubbed where wanted. Empty parts
// at the end are lost, as in Java's String.split.
func splitName(full string, scrubbed bool) (space, simple string, hasSpace bool) {
	if full == "" {
		return "", "", false
	}
	parts := strings.Split(full, ".")
	for len(parts) > 0 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	if len(parts) == 0 {
		return "", "", false
	}
	if scrubbed {
		for i := range parts {
			parts[i] = scrub(parts[i])
		}
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], "."), parts[last], last > 0
}

// scrubFull is the name with its parts scrubbed.
func scrubFull(full string, scrubbed bool) string {
	if !scrubbed {
		return full
	}
	space, simple, hasSpace := splitName(full, true)
	if !hasSpace {
		return simple
	}
	return space + "." + simple
}
