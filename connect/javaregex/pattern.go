package javaregex

import (
	"strings"
	"time"

	"github.com/dlclark/regexp2"

	"github.com/moldau-io/moldau/connect/errs"
)

// ClassPatternSyntax is the class of Compile's errors.
const ClassPatternSyntax = "java.util.regex.PatternSyntaxException"

// limit is how long a pattern that can backtrack without end may take for one text.
// The engine keeps time with a goroutine of its own, which ends by itself a second after the last use; only
// such patterns start it.
const limit = time.Second

// Pattern is a compiled regular expression (java.util.regex.Pattern). It is safe for
// concurrent use.
type Pattern struct {
	text   string
	find   *regexp2.Regexp
	whole  *regexp2.Regexp
	groups int
	names  map[string]int
}

// Compile reads a pattern. A wrong one is a PatternSyntaxException with Java's message,
// the place in the pattern included.
func Compile(pattern string) (*Pattern, error) {
	p := newParser(pattern)
	text, err := p.translate()
	if err != nil {
		return nil, err
	}
	compiled := &Pattern{text: pattern, groups: p.groups, names: p.names}
	if compiled.find, err = regexp2.Compile(text, regexp2.None); err == nil {
		compiled.whole, err = regexp2.Compile(`\A(?:`+text+`)\z`, regexp2.None)
	}
	if err != nil {
		return nil, errs.Wrap(ClassPatternSyntax, err, "Unsupported regular expression "+pattern)
	}
	if p.explosive {
		compiled.find.MatchTimeout, compiled.whole.MatchTimeout = limit, limit
	}
	return compiled, nil
}

// String returns the pattern as it was given.
func (p *Pattern) String() string { return p.text }

// Groups returns the number of capturing groups.
func (p *Pattern) Groups() int { return p.groups }

// Matches says whether the whole text matches (Matcher.matches).
func (p *Pattern) Matches(text string) (bool, error) { return p.try(p.whole, text) }

// Find says whether the pattern matches somewhere in the text (Matcher.find).
func (p *Pattern) Find(text string) (bool, error) { return p.try(p.find, text) }

func (p *Pattern) try(re *regexp2.Regexp, text string) (bool, error) {
	ok, err := re.MatchString(text)
	if err != nil {
		return false, p.tooLong(err)
	}
	return ok, nil
}

// explosive says that the pattern has a limit of time.
func (p *Pattern) explosive() bool { return p.find.MatchTimeout == limit }

func (p *Pattern) tooLong(err error) error {
	return errs.Wrap(errs.ClassConnect, err, "Matching the regular expression "+p.text+" took more than "+limit.String()).
		WithHint("avoid quantifiers inside quantified groups, or make them possessive")
}

// ReplaceFirst replaces the first match in the text (Matcher.replaceFirst). In the
// replacement $1 and ${name} stand for groups and \ quotes. Errors are Java's:
// IllegalArgumentException or IndexOutOfBoundsException.
func (p *Pattern) ReplaceFirst(text, replacement string) (string, error) {
	m, err := p.find.FindStringMatch(text)
	if err != nil {
		return "", p.tooLong(err)
	}
	if m == nil {
		return text, nil
	}
	runes := []rune(text)
	var b strings.Builder
	b.WriteString(string(runes[:m.Index]))
	if err := p.expand(&b, m, replacement); err != nil {
		return "", err
	}
	b.WriteString(string(runes[m.Index+m.Length:]))
	return b.String(), nil
}
