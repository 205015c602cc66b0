package javaregex

import "strings"

// class reads a character class after its opening bracket. Without consume it reads
// the right side of an intersection, up to the bracket that closes the class around it.
func (p *parser) class(consume bool, depth int) set {
	if depth > 200 {
		p.fail("Character classes are nested too deep")
	}
	var all set
	seen, negated := false, false
	c := p.peek()
	if consume && c == '^' && p.temp[p.cursor-1] == '[' {
		c = p.next()
		negated = true
	}
	for ; ; c = p.peek() {
		switch {
		case c == '[':
			p.cursor++
			all = all.union(p.class(true, depth+1))
		case c == '&' && p.temp[p.cursor+1] == '&':
			p.cursor += 2
			right, given := p.rightSide(depth)
			switch {
			case !seen && !given:
				p.fail("Bad class syntax")
			case !seen:
				all = right
			case given:
				all = all.intersect(right)
			}
		case c == 0 && p.atEnd():
			p.fail("Unclosed character class")
		case c == ']' && seen:
			if consume {
				p.cursor++
			}
			if negated {
				return all.negate()
			}
			return all
		default:
			all = all.union(p.classRange())
		}
		seen = true
	}
}

// rightSide reads what stands right of && in a class. Of several parts the last that
// has no brackets of its own counts, as in Java.
func (p *parser) rightSide(depth int) (right set, given bool) {
	for c := p.peek(); c != ']' && c != '&'; c = p.peek() {
		switch {
		case c == 0 && p.atEnd():
			p.fail("Unclosed character class")
		case c == '[':
			p.cursor++
			right = right.union(p.class(true, depth+1))
		default:
			right = p.class(false, depth+1)
		}
		given = true
	}
	return right, given
}

// classRange reads a character, an escape or a range.
func (p *parser) classRange() set {
	var first rune
	if p.peek() == '\\' {
		p.cursor++
		switch c := p.temp[p.cursor]; c {
		case 'p', 'P':
			p.cursor++
			return p.family(c == 'P')
		default:
			isRange := p.temp[p.cursor+1] == '-'
			if s, ok := p.predefined(c); ok && !(c == 'v' && isRange) {
				p.cursor++
				return s
			}
			p.refuse(c)
			first = p.character(isRange)
		}
	} else {
		first = p.raw()
	}
	if p.peek() != '-' {
		return p.single(first)
	}
	switch p.temp[p.cursor+1] {
	case '[', ']':
		return p.single(first)
	}
	p.next()
	last := p.peek()
	if last == '\\' {
		p.cursor++
		c := p.temp[p.cursor]
		if _, ok := p.predefined(c); ok && c != 'v' {
			p.cursor++
			p.fail("Illegal character range")
		}
		p.refuse(c)
		last = p.character(true)
	} else {
		p.raw()
	}
	if last < first {
		p.fail("Illegal character range")
	}
	s := setOf(span{first, last})
	if p.has(ignoreCase) {
		return s.fold(p.has(unicodeCase))
	}
	return s
}

// refuse fails for escapes that mean nothing within a class.
func (p *parser) refuse(c rune) {
	if strings.ContainsRune("123456789ABGPRXZbkpz", c) {
		p.cursor++
		p.fail("Illegal/unsupported escape sequence")
	}
}

// family reads a property after \p or \P.
func (p *parser) family(complement bool) set {
	var name string
	if p.peek() != '{' {
		name = string(p.raw())
	} else {
		p.cursor++
		start := p.cursor
		for p.cursor < p.length && p.temp[p.cursor] != '}' {
			p.cursor++
		}
		if p.cursor >= p.length {
			p.cursor = p.length + 1
			p.fail("Unclosed character family")
		}
		name = string(p.temp[start:p.cursor])
		p.cursor++
		if name == "" {
			p.fail("Empty character family")
		}
	}
	s, ok := p.property(name)
	if !ok {
		if key, value, pair := strings.Cut(name, "="); pair {
			p.fail("Unknown Unicode property {name=<%s>}", strings.ToLower(key)+">, value=<"+value)
		}
		p.fail("Unknown character property name {%s}", name)
	}
	if complement {
		return s.negate()
	}
	return s
}

func (p *parser) property(name string) (set, bool) {
	fold := p.has(ignoreCase)
	if key, value, ok := strings.Cut(name, "="); ok {
		switch strings.ToLower(key) {
		case "sc", "script":
			return script(value)
		case "blk", "block":
			return block(value)
		case "gc", "general_category":
			return category(value, fold)
		}
		return nil, false
	}
	switch {
	case strings.HasPrefix(name, "In"):
		return block(name[2:])
	case strings.HasPrefix(name, "Is"):
		if s, ok := binary(name[2:], fold); ok {
			return s, true
		}
		if s, ok := category(name[2:], fold); ok {
			return s, true
		}
		return script(name[2:])
	}
	if p.has(unicodeClass) {
		if s, ok := posixUnicode(name, fold); ok {
			return s, true
		}
	}
	return category(name, fold)
}
