package settings

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/dlclark/regexp2"
)

// Pattern is a Java regular expression (java.util.regex.Pattern). It is safe for
// concurrent use.
type Pattern struct {
	text    string
	linear  *regexp.Regexp  // what Go's own engine takes
	general *regexp2.Regexp // the rest: look-around, back references
}

// CompilePattern reads a Java regular expression. Intersections and unions of
// character classes and possessive quantifiers are not supported and are errors.
func CompilePattern(text string) (*Pattern, error) {
	if err := checkClasses(text); err != nil {
		return nil, err
	}
	whole := `\A(?:` + text + `)\z`
	if _, err := regexp.Compile(text); err == nil {
		if linear, err := regexp.Compile(whole); err == nil {
			return &Pattern{text: text, linear: linear}, nil
		}
	}
	translated := asciiClasses(text)
	if _, err := regexp2.Compile(translated, regexp2.None); err != nil {
		return nil, err
	}
	general, err := regexp2.Compile(`\A(?:`+translated+`)\z`, regexp2.None)
	if err != nil {
		return nil, err
	}
	return &Pattern{text: text, general: general}, nil
}

// MatchString says whether the pattern matches all of s (Matcher.matches).
func (p *Pattern) MatchString(s string) bool {
	if p.linear != nil {
		return p.linear.MatchString(s)
	}
	// The only error is a timeout, and none is set.
	ok, err := p.general.MatchString(s)
	return ok && err == nil
}

// String returns the pattern as it was given.
func (p *Pattern) String() string { return p.text }

// checkClasses refuses what Java reads within [...] in a way of its own.
func checkClasses(text string) error {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			if strings.HasPrefix(text[i:], `\Q`) {
				end := strings.Index(text[i:], `\E`)
				if end < 0 {
					return nil
				}
				i += end
			}
			i++
		case '[':
			if depth > 0 {
				return fmt.Errorf("unsupported character class within a character class near index %d", i)
			}
			depth++
			// A "]" right behind "[" or "[^" is a member.
			if strings.HasPrefix(text[i+1:], "^]") {
				i += 2
			} else if strings.HasPrefix(text[i+1:], "]") {
				i++
			}
		case ']':
			depth = max(0, depth-1)
		case '&':
			if depth > 0 && strings.HasPrefix(text[i:], "&&") {
				return fmt.Errorf("unsupported intersection of character classes near index %d", i)
			}
		}
	}
	return nil
}

// asciiClasses spells \d, \w and \s out as Java means them; the general engine
// takes them as Unicode's.
func asciiClasses(text string) string {
	var b strings.Builder
	inClass := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c != '\\' || i+1 == len(text) {
			switch c {
			case '[':
				inClass = true
			case ']':
				inClass = false
			}
			b.WriteByte(c)
			continue
		}
		i++
		set := map[byte]string{'d': `0-9`, 'w': `a-zA-Z_0-9`, 's': ` \t\n\x0B\f\r`}[text[i]|0x20]
		lower := text[i] >= 'a'
		switch {
		case set == "" || inClass && !lower:
			b.WriteByte(c)
			b.WriteByte(text[i])
		case inClass:
			b.WriteString(set)
		case lower:
			b.WriteString("[" + set + "]")
		default:
			b.WriteString("[^" + set + "]")
		}
	}
	return b.String()
}
