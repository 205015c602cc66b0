package condition

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/javaregex"
	"github.com/moldau-io/moldau/connect/schema"
)

// CompilePath reads a JSONPath. What is wrong with it, or not understood, is a
// ConfigException that says where.
func CompilePath(text string) (p *Path, err error) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case pathError:
			p, err = nil, e.err
		default:
			panic(e)
		}
	}()
	s := &scanner{text: text}
	s.space()
	if !s.accept("$") {
		s.fail("it must begin with $")
	}
	p = &Path{text: text, steps: s.steps(0)}
	s.space()
	if s.at < len(text) {
		s.fail("unexpected " + strconv.Quote(text[s.at:]))
	}
	return p, nil
}

type pathError struct{ err error }

type scanner struct {
	text string
	at   int
}

func (s *scanner) fail(what string) {
	panic(pathError{errs.Config("JSONPath " + s.text + " is wrong at character " + strconv.Itoa(utf8.RuneCountInString(s.text[:s.at])+1) + ": " + what)})
}

func (s *scanner) space() {
	for s.at < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.at]) >= 0 {
		s.at++
	}
}

func (s *scanner) accept(token string) bool {
	if strings.HasPrefix(s.text[s.at:], token) {
		s.at += len(token)
		return true
	}
	return false
}

func (s *scanner) expect(token string) {
	s.space()
	if !s.accept(token) {
		s.fail("expected " + token)
	}
}

// maxNesting bounds filters in filters.
const maxNesting = 50

func (s *scanner) steps(depth int) (out []step) {
	if depth > maxNesting {
		s.fail("filters are nested too deep")
	}
	for s.at < len(s.text) {
		switch {
		case s.accept(".."):
			out = append(out, deep{})
			if s.at < len(s.text) && s.text[s.at] == '[' {
				continue
			}
			out = append(out, s.member())
		case s.accept("."):
			if s.at < len(s.text) && s.text[s.at] == '[' {
				continue // $.[?(…)] is common
			}
			out = append(out, s.member())
		case s.accept("["):
			out = append(out, s.bracket(depth))
			s.expect("]")
		default:
			return out
		}
	}
	return out
}

// member reads a name after a dot, or *.
func (s *scanner) member() step {
	if s.accept("*") {
		return all{}
	}
	start := s.at
	for s.at < len(s.text) && strings.IndexByte(" \t\r\n.[]()=!<>&|,'\"", s.text[s.at]) < 0 {
		s.at++
	}
	if s.at == start {
		s.fail("expected a name")
	}
	return child(s.text[start:s.at])
}

func (s *scanner) bracket(depth int) step {
	s.space()
	switch {
	case s.accept("*"):
		return all{}
	case s.accept("?"):
		s.expect("(")
		e := s.or(depth + 1)
		s.expect(")")
		return filter{e}
	case s.at < len(s.text) && (s.text[s.at] == '\'' || s.text[s.at] == '"'):
		return child(s.quoted())
	}
	start := s.at
	for s.at < len(s.text) && (s.text[s.at] == '-' || s.text[s.at] >= '0' && s.text[s.at] <= '9') {
		s.at++
	}
	n, err := strconv.Atoi(s.text[start:s.at])
	if err != nil {
		s.at = start
		s.fail("expected a name in quotes, a number, * or a filter")
	}
	return index(n)
}

func (s *scanner) quoted() string {
	quote := s.text[s.at]
	s.at++
	var b strings.Builder
	for s.at < len(s.text) && s.text[s.at] != quote {
		if s.text[s.at] == '\\' && s.at+1 < len(s.text) {
			s.at++
		}
		b.WriteByte(s.text[s.at])
		s.at++
	}
	if !s.accept(string(quote)) {
		s.fail("the quotes are not closed")
	}
	return b.String()
}

func (s *scanner) or(depth int) expression {
	out := or{s.and(depth)}
	for s.space(); s.accept("||"); s.space() {
		out = append(out, s.and(depth))
	}
	if len(out) == 1 {
		return out[0]
	}
	return out
}

func (s *scanner) and(depth int) expression {
	out := and{s.unary(depth)}
	for s.space(); s.accept("&&"); s.space() {
		out = append(out, s.unary(depth))
	}
	if len(out) == 1 {
		return out[0]
	}
	return out
}

func (s *scanner) unary(depth int) expression {
	if depth > maxNesting {
		s.fail("conditions are nested too deep")
	}
	s.space()
	switch {
	case s.accept("!"):
		return not{s.unary(depth + 1)}
	case s.accept("("):
		e := s.or(depth + 1)
		s.expect(")")
		return e
	}
	left := s.operand(depth)
	s.space()
	for _, op := range []string{"==", "!=", "<=", ">=", "=~", "<", ">", "in", "nin"} {
		if s.accept(op) {
			return s.comparison(left, op, depth)
		}
	}
	if !left.isPath {
		s.fail("expected a comparison")
	}
	return &exists{left}
}

func (s *scanner) comparison(left operand, op string, depth int) expression {
	c := &comparison{left: left, op: op}
	s.space()
	switch op {
	case "=~":
		c.right.regex = s.regex()
	case "in", "nin":
		s.expect("[")
		for s.space(); !s.accept("]"); s.space() {
			if len(c.right.list) > 0 {
				s.expect(",")
				s.space()
			}
			c.right.list = append(c.right.list, s.literal())
		}
	default:
		c.right = s.operand(depth)
	}
	return c
}

func (s *scanner) operand(depth int) operand {
	s.space()
	switch {
	case s.accept("@"):
		return operand{isPath: true, steps: s.steps(depth + 1)}
	case s.accept("$"):
		return operand{isPath: true, root: true, steps: s.steps(depth + 1)}
	}
	return operand{literal: s.literal()}
}

func (s *scanner) literal() schema.Value {
	if s.at < len(s.text) && (s.text[s.at] == '\'' || s.text[s.at] == '"') {
		return schema.OfString(s.quoted())
	}
	start := s.at
	for s.at < len(s.text) && strings.IndexByte(" \t\r\n,()[]=!<>&|", s.text[s.at]) < 0 {
		s.at++
	}
	switch word := s.text[start:s.at]; word {
	case "true", "false":
		return schema.OfBoolean(word == "true")
	case "null":
		return schema.Null()
	default:
		if n, err := strconv.ParseInt(word, 10, 64); err == nil {
			return schema.OfInt64(n)
		}
		f, err := strconv.ParseFloat(word, 64)
		if err != nil {
			s.at = start
			s.fail("expected a path, a number, a text in quotes, true, false or null")
		}
		return schema.OfFloat64(f)
	}
}

// regex reads /pattern/ with flags, in the syntax of Java.
func (s *scanner) regex() *javaregex.Pattern {
	if !s.accept("/") {
		s.fail("expected a regular expression between slashes")
	}
	start := s.at
	for s.at < len(s.text) && s.text[s.at] != '/' {
		if s.text[s.at] == '\\' {
			s.at++
		}
		s.at++
	}
	if s.at >= len(s.text) {
		s.at = len(s.text)
		s.fail("the regular expression is not closed")
	}
	text := strings.ReplaceAll(s.text[start:s.at], `\/`, "/")
	s.at++
	if s.accept("i") {
		text = "(?i)" + text
	}
	p, err := javaregex.Compile(text)
	if err != nil {
		message, _ := errs.Message(err)
		s.fail(message)
	}
	return p
}
