package javaregex

import (
	"math"
	"strconv"
	"strings"

	"github.com/moldau-io/moldau/connect/errs"
)

// flag is a match flag of java.util.regex.
type flag uint8

const (
	unixLines    flag = 1 << iota // (?d)
	ignoreCase                    // (?i)
	comments                      // (?x)
	multiline                     // (?m)
	dotAll                        // (?s)
	unicodeCase                   // (?u)
	unicodeClass                  // (?U)
)

const (
	// unbounded is the length of what has no longest match that look-behind could use.
	unbounded = -1
	// endless is the length of a character repeated greedily: look-behind takes it, though
	// Java's documentation does not say so.
	endless = math.MaxInt32
)

// node is a translated part of a pattern.
type node struct {
	text string
	// longest is the length of the longest match in characters, or unbounded.
	longest int
	// choice says that there is more than one way to match within it.
	choice bool
	// repeated stands for text under a quantifier; "" is text itself.
	repeated string
}

// parser translates a pattern in one pass from left to right.
type parser struct {
	pattern string
	temp    []rune // the pattern and two zeros
	length  int
	cursor  int
	flags   flag
	groups  int
	// total is the number of groups in the whole pattern, known in the second pass.
	total     int
	names     map[string]int
	loops     int
	explosive bool
}

// syntaxError leaves the parser; translate catches it.
type syntaxError struct{ err error }

func newParser(pattern string) *parser { return &parser{pattern: pattern, total: -1} }

// translate returns the pattern in the engine's syntax.
func (p *parser) translate() (text string, err error) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case syntaxError:
			err = e.err
		default:
			panic(e)
		}
	}()
	src := unquote([]rune(p.pattern))
	for range 2 {
		p.temp = append(append(make([]rune, 0, len(src)+2), src...), 0, 0)
		p.length, p.cursor, p.flags, p.groups, p.loops, p.names = len(src), 0, 0, 0, 0, map[string]int{}
		n := p.expression(0)
		if p.cursor != p.length {
			if p.peek() == ')' {
				p.fail("Unmatched closing ')'")
			}
			p.fail("Unexpected internal error")
		}
		p.total, text = p.groups, n.text
	}
	p.explosive = p.explosive || p.loops > 4
	return text, nil
}

// fail gives a PatternSyntaxException with Java's message.
func (p *parser) fail(format string, args ...any) {
	at := p.cursor - 1
	var b strings.Builder
	if len(args) == 0 {
		b.WriteString(format)
	} else {
		b.WriteString(strings.Replace(format, "%s", args[0].(string), 1))
	}
	if at >= 0 {
		b.WriteString(" near index " + strconv.Itoa(at))
	}
	b.WriteString("\n" + p.pattern)
	if runes := []rune(p.pattern); at >= 0 && at < len(runes) {
		b.WriteByte('\n')
		for _, r := range runes[:at] {
			if r != '\t' {
				r = ' '
			}
			b.WriteRune(r)
		}
		b.WriteByte('^')
	}
	panic(syntaxError{errs.New(ClassPatternSyntax, b.String())})
}

// unquote turns \Q...\E into escaped characters.
func unquote(src []rune) []rune {
	if !strings.Contains(string(src), `\Q`) {
		return src
	}
	var out []rune
	for i := 0; i < len(src); {
		if src[i] != '\\' || i+1 == len(src) {
			out = append(out, src[i])
			i++
			continue
		}
		if src[i+1] != 'Q' {
			out = append(out, src[i], src[i+1])
			i += 2
			continue
		}
		i += 2
		first := true
		for i < len(src) {
			c := src[i]
			if c == '\\' && i+1 < len(src) && src[i+1] == 'E' {
				i += 2
				break
			}
			switch {
			case c >= 0x80 || isAlpha(c), isDigit(c) && !first:
				out = append(out, c)
			case isDigit(c):
				// So that it does not lengthen a back reference before it.
				out = append(out, '\\', 'x', '3', c)
			default:
				out = append(out, '\\', c)
			}
			first = false
			i++
		}
	}
	return out
}

func (p *parser) has(f flag) bool { return p.flags&f != 0 }

// skipSpace moves past white space and comments under (?x).
func (p *parser) skipSpace() {
	for p.has(comments) {
		switch c := p.temp[p.cursor]; {
		case spaces.has(c) && p.cursor < p.length:
			p.cursor++
		case c == '#':
			for p.cursor < p.length && !p.endsLine(p.temp[p.cursor]) {
				p.cursor++
			}
		default:
			return
		}
	}
}

func (p *parser) endsLine(c rune) bool {
	if p.has(unixLines) {
		return c == '\n'
	}
	return lineEnds.has(c)
}

// peek returns the character at the cursor, 0 at the end.
func (p *parser) peek() rune { p.skipSpace(); return p.temp[p.cursor] }

// read returns the character at the cursor and moves past it.
func (p *parser) read() rune {
	p.skipSpace()
	return p.raw()
}

// raw is read without regard to (?x).
func (p *parser) raw() rune {
	c := p.temp[p.cursor]
	p.cursor++
	if p.cursor > p.length+1 {
		p.cursor = p.length + 1
	}
	return c
}

// next moves past the character at the cursor and returns the one after it.
func (p *parser) next() rune { p.cursor++; return p.peek() }

func (p *parser) atEnd() bool { return p.cursor >= p.length }

// expression reads alternatives up to the end or a closing parenthesis.
func (p *parser) expression(depth int) node {
	if depth > 500 {
		p.fail("Groups are nested too deep")
	}
	n := p.sequence(depth)
	for p.peek() == '|' && !p.atEnd() {
		p.next()
		o := p.sequence(depth)
		n.text += "|" + o.text
		n.choice = true
		if n.longest == unbounded || o.longest == unbounded {
			n.longest = unbounded
		} else {
			n.longest = max(n.longest, o.longest)
		}
	}
	return n
}

func (p *parser) sequence(depth int) node {
	var b strings.Builder
	out := node{}
	add := func(n node) {
		b.WriteString(n.text)
		out.choice = out.choice || n.choice
		if out.longest == unbounded || n.longest == unbounded {
			out.longest = unbounded
		} else {
			out.longest += n.longest
		}
		out.longest = min(out.longest, endless)
	}
	for {
		c := p.peek()
		if c == 0 && p.atEnd() {
			break
		}
		switch c {
		case '|', ')':
			out.text = b.String()
			return out
		case '(':
			if n, ok := p.group(depth); ok {
				add(p.closure(n))
			}
			continue
		case '[':
			p.cursor++
			add(p.closure(p.set(p.class(true, 0))))
			continue
		case '^':
			p.next()
			add(p.closure(p.caret()))
			continue
		case '$':
			p.next()
			add(p.closure(p.dollar(p.has(multiline))))
			continue
		case '.':
			p.next()
			add(p.closure(p.dot()))
			continue
		case '?', '*', '+':
			p.next()
			p.fail("Dangling meta character '%s'", string(c))
		case '{':
			add(p.closure(node{text: "(?:)"}))
			continue
		case '\\':
			add(p.closure(p.escape()))
			continue
		}
		p.raw()
		add(p.closure(p.set(p.single(c))))
	}
	out.text = b.String()
	return out
}

func (p *parser) set(s set) node {
	var b strings.Builder
	s.emit(&b)
	return node{text: b.String(), longest: 1}
}

// single is one character, with its other cases where they match too.
func (p *parser) single(c rune) set {
	s := single(c)
	if p.has(ignoreCase) {
		return s.fold(p.has(unicodeCase))
	}
	return s
}

func (p *parser) dot() node {
	switch {
	case p.has(dotAll):
		return node{text: `[\s\S]`, longest: 1}
	case p.has(unixLines):
		return node{text: `[^\n]`, longest: 1}
	}
	return p.set(lineEnds.negate())
}

func (p *parser) caret() node {
	switch {
	case !p.has(multiline):
		return node{text: `\A`}
	case p.has(unixLines):
		return node{text: `(?:(?<![^\n])(?!\z))`}
	}
	// Not between \r and \n, and not at the end.
	return node{text: `(?:(?:\A|(?<=[\n\u0085\u2028\u2029])|(?<=\r)(?!\n))(?!\z))`}
}

func (p *parser) dollar(everyLine bool) node {
	switch {
	case everyLine && p.has(unixLines):
		return node{text: `(?![^\n])`}
	case everyLine:
		return node{text: `(?:\z|(?=[\r\u0085\u2028\u2029])|(?<!\r)(?=\n))`}
	case p.has(unixLines):
		return node{text: `(?=\n?\z)`}
	}
	return node{text: `(?:\z|(?=\r\n\z|[\r\u0085\u2028\u2029]\z)|(?<!\r)(?=\n\z))`}
}

// closure reads a quantifier after what it applies to.
func (p *parser) closure(n node) node {
	least, most, sign := 0, unbounded, ""
	switch c := p.peek(); {
	case c == '?':
		most, sign = 1, "?"
	case c == '*':
		sign = "*"
	case c == '+':
		least, sign = 1, "+"
	case c == '{':
		if !isDigit(p.temp[p.cursor+1]) {
			p.cursor += 2
			p.fail("Illegal repetition")
		}
		least, most = p.counts()
		sign = "{" + strconv.Itoa(least) + ","
		if most != unbounded {
			sign += strconv.Itoa(most)
		}
		sign += "}"
	default:
		return n
	}
	mode := p.next()
	if c := mode; c == '?' || c == '+' {
		p.next()
	}
	variable := most != least
	if most == unbounded || most > 20 && variable {
		p.loops++
		if n.choice && n.longest != 0 && mode != '+' {
			p.explosive = true
		}
	}
	out := node{choice: n.choice || variable}
	switch {
	case n.longest == 0 || most == 0:
	case n.longest == 1 && most == unbounded && mode != '?' && mode != '+':
		out.longest = endless
	case n.longest == unbounded || most == unbounded || most > endless/n.longest:
		out.longest = unbounded
	default:
		out.longest = n.longest * most
	}
	switch mode {
	case '?':
		out.text = atom(n) + sign + "?"
	case '+':
		out.text, out.choice = "(?>"+atom(n)+sign+")", false
	default:
		out.text = atom(n) + sign
	}
	return out
}

// atom makes sure that a quantifier applies to the whole of a node.
func atom(n node) string {
	if n.repeated != "" {
		return n.repeated
	}
	if n.longest == 1 && (len(n.text) == 1 || n.text[0] == '[') {
		return n.text
	}
	return "(?:" + n.text + ")"
}

// counts reads {n}, {n,} or {n,m}, and leaves the cursor at the closing brace.
func (p *parser) counts() (least, most int) {
	p.cursor++
	number := func() int {
		n := 0
		for ; isDigit(p.temp[p.cursor]); p.cursor++ {
			if n = n*10 + int(p.temp[p.cursor]-'0'); n > 1<<31-1 {
				p.fail("Illegal repetition range")
			}
		}
		return n
	}
	least = number()
	most = least
	if p.peek() == ',' {
		p.next()
		most = unbounded
		if isDigit(p.peek()) {
			most = number()
		}
	}
	if p.peek() != '}' {
		p.cursor++
		p.fail("Unclosed counted closure")
	}
	if most != unbounded && most < least {
		p.cursor++
		p.fail("Illegal repetition range")
	}
	return least, most
}
