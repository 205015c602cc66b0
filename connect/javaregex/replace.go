package javaregex

import (
	"strconv"
	"strings"

	"github.com/dlclark/regexp2"

	"github.com/moldau-io/moldau/connect/errs"
)

// expand writes a replacement with its references to groups (Matcher.appendReplacement).
func (p *Pattern) expand(b *strings.Builder, m *regexp2.Match, replacement string) error {
	for i := 0; i < len(replacement); {
		switch replacement[i] {
		case '\\':
			i++
			if i == len(replacement) {
				return errs.IllegalArgument("character to be escaped is missing")
			}
			b.WriteByte(replacement[i])
			i++
		case '$':
			group, next, err := p.reference(replacement, i+1)
			if err != nil {
				return err
			}
			if group > p.groups {
				return errs.New(errs.ClassIndexOutOfBounds, "No group "+strconv.Itoa(group))
			}
			b.WriteString(m.GroupByNumber(group).String())
			i = next
		default:
			b.WriteByte(replacement[i])
			i++
		}
	}
	return nil
}

// reference reads what follows a '$' and returns the group's number.
func (p *Pattern) reference(text string, i int) (group, next int, err error) {
	if i == len(text) {
		return 0, 0, errs.IllegalArgument("Illegal group reference: group index is missing")
	}
	if text[i] == '{' {
		i++
		start := i
		for i < len(text) && isAlnum(rune(text[i])) {
			i++
		}
		name := text[start:i]
		switch {
		case name == "":
			return 0, 0, errs.IllegalArgument("named capturing group has 0 length name")
		case i == len(text) || text[i] != '}':
			return 0, 0, errs.IllegalArgument("named capturing group is missing trailing '}'")
		case isDigit(rune(name[0])):
			return 0, 0, errs.IllegalArgument("capturing group name {" + name + "} starts with digit character")
		}
		group, ok := p.names[name]
		if !ok {
			return 0, 0, errs.IllegalArgument("No group with name {" + name + "}")
		}
		return group, i + 1, nil
	}
	if !isDigit(rune(text[i])) {
		return 0, 0, errs.IllegalArgument("Illegal group reference")
	}
	group = int(text[i] - '0')
	i++
	for i < len(text) && isDigit(rune(text[i])) {
		longer := group*10 + int(text[i]-'0')
		if longer > p.groups {
			break
		}
		group = longer
		i++
	}
	return group, i, nil
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

func isAlpha(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

func isAlnum(r rune) bool { return isDigit(r) || isAlpha(r) }
