package javaregex

import "strings"

// group reads what follows an opening parenthesis. It reports false for flags that
// apply to the rest of the enclosing group and match nothing.
func (p *parser) group(depth int) (n node, ok bool) {
	saved := p.flags
	open, capturing := "(?:", false
	ch := p.next()
	if ch != '?' {
		open, capturing = "(", true
		p.groups++
	} else {
		p.cursor++
		switch ch = p.raw(); ch {
		case ':':
		case '=', '!', '>':
			open = "(?" + string(ch)
		case '<':
			switch c := p.read(); c {
			case '=', '!':
				open = "(?<" + string(c)
			default:
				name := p.groupName(c)
				if _, ok := p.names[name]; ok {
					p.fail("Named capturing group <%s> is already defined", name)
				}
				open, capturing = "(", true
				p.groups++
				p.names[name] = p.groups
			}
		case '$', '@':
			p.fail("Unknown group type")
		default:
			p.cursor--
			p.inlineFlags()
			switch p.read() {
			case ')':
				return node{}, false
			case ':':
			default:
				p.fail("Unknown inline modifier")
			}
		}
	}
	n = p.expression(depth + 1)
	behind := strings.HasPrefix(open, "(?<")
	if behind && n.longest == unbounded {
		p.fail("Look-behind group does not have an obvious maximum length")
	}
	if p.read() != ')' {
		p.fail("Unclosed group")
	}
	p.flags = saved
	n.text = open + n.text + ")"
	switch {
	case behind, open == "(?=", open == "(?!":
		n.longest, n.choice = 0, false
		n.text = "(?:" + n.text + ")"
	case open == "(?>":
		n.choice = false
	case capturing:
	}
	return n, true
}

// groupName reads the name of a group whose first letter is c.
func (p *parser) groupName(c rune) string {
	if !isAlpha(c) {
		p.fail("capturing group name does not start with a Latin letter")
	}
	var b strings.Builder
	for ; isAlnum(c); c = p.read() {
		b.WriteRune(c)
	}
	if c != '>' {
		p.fail("named capturing group is missing trailing '>'")
	}
	return b.String()
}

// inlineFlags reads flags such as "im-s".
func (p *parser) inlineFlags() {
	on := true
	for {
		var f flag
		switch p.peek() {
		case 'i':
			f = ignoreCase
		case 'm':
			f = multiline
		case 's':
			f = dotAll
		case 'd':
			f = unixLines
		case 'u':
			f = unicodeCase
		case 'x':
			f = comments
		case 'U':
			f = unicodeClass | unicodeCase
		case 'c':
			p.fail("Canonical equivalence is not supported")
		case '-':
			if !on {
				return
			}
			on = false
		default:
			return
		}
		if on {
			p.flags |= f
		} else {
			p.flags &^= f
		}
		p.next()
	}
}
