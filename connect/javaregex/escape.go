package javaregex

import (
	"strconv"
	"unicode"
)

// escape reads a backslash and what follows it, outside of a class.
func (p *parser) escape() node {
	p.cursor++
	if c := p.temp[p.cursor]; c == 'p' || c == 'P' {
		p.cursor++
		return p.set(p.family(c == 'P'))
	}
	switch c := p.raw(); c {
	case '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return p.backReference(int(c - '0'))
	case 'k':
		if p.read() != '<' {
			p.fail(`\k is not followed by '<' for named capturing group`)
		}
		name := p.groupName(p.read())
		group, ok := p.names[name]
		if !ok {
			p.fail("named capturing group <%s> does not exist", name)
		}
		return p.reference(group)
	case 'A', 'G', 'z':
		return node{text: `\` + string(c)}
	case 'Z':
		return p.dollar(false)
	case 'b':
		if p.temp[p.cursor] == '{' && p.temp[p.cursor+1] == 'g' {
			p.fail(`Grapheme boundaries (\b{g}) are not supported`)
		}
		return node{text: p.boundary(false)}
	case 'B':
		return node{text: p.boundary(true)}
	case 'R':
		const ends = `\r\n|[\n-\r\u0085\u2028\u2029])`
		return node{text: "(?:" + ends, repeated: "(?>" + ends, longest: 2, choice: true}
	case 'X':
		p.fail(`Extended grapheme clusters (\X) are not supported`)
	default:
		p.cursor--
	}
	if s, ok := p.predefined(p.temp[p.cursor]); ok {
		p.cursor++
		return p.set(s)
	}
	return p.set(p.single(p.character(false)))
}

// predefined returns the class of an escaped letter.
func (p *parser) predefined(c rune) (set, bool) {
	wide := p.has(unicodeClass)
	var s set
	switch c {
	case 'd', 'D':
		s = digits
		if wide {
			s = table(unicode.Nd)
		}
	case 'w', 'W':
		s = wordChars
		if wide {
			s = unicodeWord()
		}
	case 's', 'S':
		s = spaces
		if wide {
			s = table(unicode.White_Space)
		}
	case 'h', 'H':
		s = horizontal
	case 'v', 'V':
		s = vertical
	default:
		return nil, false
	}
	if c < 'a' {
		s = s.negate()
	}
	return s, true
}

// boundary is a place between a word character and another; words are of letters,
// digits and marks of all scripts in Java 17.
func (p *parser) boundary(not bool) string {
	const word = `[\p{L}\p{Nd}\p{Mn}_]`
	if not {
		return "(?:(?<=" + word + ")(?=" + word + ")|(?<!" + word + ")(?!" + word + "))"
	}
	return "(?:(?<=" + word + ")(?!" + word + ")|(?<!" + word + ")(?=" + word + "))"
}

// backReference reads the further digits of a reference, as long as there are that many groups so far.
func (p *parser) backReference(group int) node {
	for {
		c := p.peek()
		if !isDigit(c) {
			break
		}
		longer := group*10 + int(c-'0')
		if longer > p.groups {
			break
		}
		group = longer
		p.read()
	}
	return p.reference(group)
}

func (p *parser) reference(group int) node {
	if p.total >= 0 && group > p.total {
		// A group that is nowhere never matches.
		return node{text: "(?:(?!))", longest: unbounded}
	}
	text := `(?:\` + strconv.Itoa(group) + ")"
	if p.has(ignoreCase) {
		text = `(?i:\` + strconv.Itoa(group) + ")"
	}
	return node{text: text, longest: unbounded, choice: true}
}

// character reads the character that an escape stands for. The cursor is after the backslash.
func (p *parser) character(rangeEnd bool) rune {
	switch c := p.raw(); c {
	case '0':
		return p.octal()
	case 'a':
		return 7
	case 'c':
		if p.atEnd() {
			p.fail("Illegal control escape sequence")
		}
		return p.read() ^ 64
	case 'e':
		return 27
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'u':
		return p.utf16Escape()
	case 'v':
		if rangeEnd {
			return 11
		}
	case 'x':
		return p.hexadecimal()
	case 'N':
		p.fail(`Characters by name (\N{...}) are not supported`)
	default:
		if !isAlnum(c) {
			if c == 0 && p.cursor > p.length {
				p.cursor = p.length + 1
				p.fail("Unexpected internal error")
			}
			return c
		}
	}
	p.fail("Illegal/unsupported escape sequence")
	return 0
}

func (p *parser) octal() rune {
	octalAt := func() (rune, bool) {
		c := p.temp[p.cursor]
		return c - '0', c >= '0' && c <= '7'
	}
	n, ok := octalAt()
	if !ok {
		p.cursor++
		p.fail("Illegal octal escape sequence")
	}
	p.cursor++
	for digits := 1; digits < 3; digits++ {
		d, ok := octalAt()
		if !ok || digits == 2 && n > 31 {
			break
		}
		n = n*8 + d
		p.cursor++
	}
	return n
}

func (p *parser) hexadecimal() rune {
	if p.temp[p.cursor] == '{' {
		p.cursor++
		n, any := rune(0), false
		for hexDigit(p.temp[p.cursor]) >= 0 {
			n, any = n<<4|hexDigit(p.temp[p.cursor]), true
			p.cursor++
			if n > maxRune {
				p.fail("Hexadecimal codepoint is too big")
			}
		}
		if !any || p.temp[p.cursor] != '}' {
			p.cursor++
			p.fail("Unclosed hexadecimal escape sequence")
		}
		p.cursor++
		return n
	}
	return p.hexDigits(2, "Illegal hexadecimal escape sequence")
}

func (p *parser) hexDigits(count int, message string) rune {
	n := rune(0)
	for range count {
		d := hexDigit(p.raw())
		if d < 0 {
			p.fail(message)
		}
		n = n<<4 | d
	}
	return n
}

// utf16Escape reads the digits of \u, and a low surrogate that follows a high one.
func (p *parser) utf16Escape() rune {
	const message = "Illegal Unicode escape sequence"
	n := p.hexDigits(4, message)
	if n >= 0xd800 && n < 0xdc00 && p.temp[p.cursor] == '\\' && p.temp[p.cursor+1] == 'u' {
		at := p.cursor
		p.cursor += 2
		if low := p.hexDigits(4, message); low >= 0xdc00 && low < 0xe000 {
			return (n-0xd800)<<10 + (low - 0xdc00) + 0x10000
		}
		p.cursor = at
	}
	return n
}

func hexDigit(c rune) rune {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return -1
}
