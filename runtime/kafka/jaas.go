package kafka

import (
	"strings"

	"github.com/moldau-io/moldau/connect/errs"
)

// loginModule is the one entry of sasl.jaas.config.
type loginModule struct {
	class   string
	options map[string]string
}

// parseJAAS reads the value of sasl.jaas.config:
//
//	<class> (required|requisite|sufficient|optional) (<option>=<value>)*;
//
// Errors are those of org.apache.kafka.common.security.JaasConfig and JaasContext;
// they never show an option's value.
func parseJAAS(text string) (loginModule, error) {
	t := jaasTokens{text: []rune(text)}
	var modules []loginModule
	for t.next() {
		m, err := parseModule(&t)
		if err != nil {
			return loginModule{}, err
		}
		modules = append(modules, m)
	}
	switch len(modules) {
	case 0:
		return loginModule{}, errs.IllegalArgument("Login module not specified in JAAS config")
	case 1:
	default:
		return loginModule{}, errs.IllegalArgument("JAAS config property contains %d login modules, should be 1 module", len(modules))
	}
	switch m := modules[0]; m.class {
	case "":
		return loginModule{}, errs.IllegalArgument("Login module not specified in JAAS config")
	case "com.sun.security.auth.module.JndiLoginModule", "com.sun.security.auth.module.LdapLoginModule":
		return loginModule{}, errs.IllegalArgument("%[1]s is not allowed. Update System property 'org.apache.kafka.disallowed.login.modules' to allow %[1]s", m.class)
	}
	return modules[0], nil
}

func parseModule(t *jaasTokens) (loginModule, error) {
	m := loginModule{class: t.word, options: map[string]string{}}
	if !t.next() {
		return m, errs.IllegalArgument("Login module control flag not specified in JAAS config")
	}
	if !t.isWord {
		return m, errs.IllegalArgument("Login module control flag is not available in the JAAS config")
	}
	switch strings.ToUpper(t.word) {
	case "REQUIRED", "REQUISITE", "SUFFICIENT", "OPTIONAL":
	default:
		return m, errs.IllegalArgument("Invalid login module control flag '%s' in JAAS config", t.word)
	}
	for t.next() && !t.is(';') {
		key, named := t.word, t.isWord
		if !named {
			key = "null"
		}
		if !named || !t.next() || !t.is('=') || !t.next() || !t.isWord {
			return m, errs.IllegalArgument("Value not specified for key '%s' in JAAS config", key)
		}
		m.options[key] = t.word
	}
	if !t.is(';') {
		return m, errs.IllegalArgument("JAAS config entry not terminated by semi-colon")
	}
	return m, nil
}

// jaasTokens splits text as java.io.StreamTokenizer does with the settings of
// JaasConfig: words, quoted strings and single characters, with // and /* comments.
type jaasTokens struct {
	text []rune
	pos  int

	word   string
	isWord bool // a word or quoted string, else symbol
	symbol rune
}

func (t *jaasTokens) is(symbol rune) bool { return !t.isWord && t.symbol == symbol }

func (t *jaasTokens) peek(n int) rune {
	if t.pos+n < len(t.text) {
		return t.text[t.pos+n]
	}
	return 0
}

// next moves to the next token and says whether there is one.
func (t *jaasTokens) next() bool {
	t.word, t.isWord, t.symbol = "", false, 0
	for t.pos < len(t.text) {
		switch c := t.text[t.pos]; {
		case c <= ' ':
			t.pos++
		case c == '/' && t.peek(1) == '/':
			for t.pos < len(t.text) && t.text[t.pos] != '\n' && t.text[t.pos] != '\r' {
				t.pos++
			}
		case c == '/' && t.peek(1) == '*':
			t.pos += 2
			for t.pos < len(t.text) && (t.text[t.pos] != '*' || t.peek(1) != '/') {
				t.pos++
			}
			t.pos = min(t.pos+2, len(t.text))
		case c == '"' || c == '\'':
			t.quoted(c)
			return true
		case c == '/': // StreamTokenizer's comment character
			for t.pos < len(t.text) && t.text[t.pos] != '\n' && t.text[t.pos] != '\r' {
				t.pos++
			}
		case c == '-' || c == '.' || c >= '0' && c <= '9':
			t.number()
			return true
		case jaasWord(c):
			start := t.pos
			for t.pos < len(t.text) && jaasWord(t.text[t.pos]) {
				t.pos++
			}
			t.word, t.isWord = string(t.text[start:t.pos]), true
			return true
		default:
			t.pos++
			t.symbol = c
			return true
		}
	}
	return false
}

// number skips a number, which is no string for StreamTokenizer: it must be quoted to be
// a value.
func (t *jaasTokens) number() {
	t.symbol = '0'
	if t.text[t.pos] == '-' {
		t.pos++
		if c := t.peek(0); c != '.' && (c < '0' || c > '9') {
			t.symbol = '-'
			return
		}
	}
	dot := false
	for t.pos < len(t.text) {
		c := t.text[t.pos]
		if c == '.' && !dot {
			dot = true
		} else if c < '0' || c > '9' {
			return
		}
		t.pos++
	}
}

func jaasWord(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0xa0 || c == '.' || c == '-' || c == '_' || c == '$'
}

// quoted reads a string up to its quote or the end of the line, with C's escapes.
func (t *jaasTokens) quoted(quote rune) {
	t.isWord = true
	var b strings.Builder
	t.pos++
	for t.pos < len(t.text) {
		c := t.text[t.pos]
		if c == quote {
			t.pos++
			break
		}
		if c == '\n' || c == '\r' {
			break
		}
		t.pos++
		if c == '\\' && t.pos < len(t.text) {
			c = t.escape()
		}
		b.WriteRune(c)
	}
	t.word = b.String()
}

func (t *jaasTokens) escape() rune {
	c := t.text[t.pos]
	t.pos++
	switch c {
	case 'a':
		return 7
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'v':
		return 0xb
	}
	if c < '0' || c > '7' {
		return c
	}
	first, v := c, c-'0'
	for n := 1; n < 3 && t.pos < len(t.text); n++ {
		d := t.text[t.pos]
		if d < '0' || d > '7' || n == 2 && first > '3' {
			break
		}
		v = v<<3 + d - '0'
		t.pos++
	}
	return v
}
