package access

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/moldau-io/moldau/runtime/settings"
)

const (
	// jaasEntry is the entry of the login configuration that the extension uses.
	jaasEntry = "KafkaConnect"
	// fileModule is the login module that comes with the extension.
	fileModule = "org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule"
)

// JAAS are the users that a JAAS login configuration names for Connect's
// BasicAuthSecurityRestExtension: those of one or more property files.
type JAAS struct{ files []map[string]string }

// LoadJAAS reads the login configuration and the property files it names.
func LoadJAAS(file string) (*JAAS, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the JAAS login configuration: %w", err)
	}
	modules, err := parseJAAS(string(text))
	if err != nil {
		return nil, fmt.Errorf("the JAAS login configuration %s: %w", file, err)
	}
	j := &JAAS{}
	for _, m := range modules {
		if m.class != fileModule {
			return nil, fmt.Errorf("the JAAS login configuration %s: the login module %s is not known; there is %s", file, m.class, fileModule)
		}
		name := m.options["file"]
		if strings.TrimSpace(name) == "" {
			return nil, fmt.Errorf("the JAAS login configuration %s: the login module's option file is missing", file)
		}
		users, err := settings.LoadProperties(name)
		if err != nil {
			return nil, fmt.Errorf("reading the users that %s names: %w", file, err)
		}
		if len(users) == 0 {
			return nil, fmt.Errorf("the file of users %s is empty; Apache Connect would let everybody in", name)
		}
		j.files = append(j.files, users)
	}
	return j, nil
}

// Check says whether the password is the user's. As the module's answer to a wrong one
// is to be left out, one that accepts is enough, whatever its control flag.
func (j *JAAS) Check(user, password string) bool {
	found := false
	for _, users := range j.files {
		want, ok := users[user]
		found = equal(want, password) && ok || found
	}
	return found
}

// JAASFile finds java.security.auth.login.config in options of a Java machine, such as
// those in the environment variable KAFKA_OPTS.
func JAASFile(options string) string {
	file := ""
	for _, o := range splitOptions(options) {
		if v, ok := strings.CutPrefix(o, "-Djava.security.auth.login.config="); ok {
			// A second = makes the file the only configuration, which it is here anyway.
			file = strings.TrimPrefix(strings.TrimPrefix(v, "="), "file:")
		}
	}
	return file
}

// splitOptions splits at blanks that are not within quotes.
func splitOptions(s string) []string {
	var out []string
	var b strings.Builder
	quote := rune(0)
	for _, c := range s {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && strings.ContainsRune(" \t\n\r", c):
			if b.Len() > 0 {
				out = append(out, b.String())
				b.Reset()
			}
		default:
			b.WriteRune(c)
		}
	}
	if b.Len() > 0 {
		out = append(out, b.String())
	}
	return out
}

type loginModule struct {
	class   string
	options map[string]string
}

// parseJAAS returns the modules of the entry KafkaConnect:
//
//	KafkaConnect { class flag option="value" …; … };
func parseJAAS(text string) ([]loginModule, error) {
	tokens, err := jaasTokens(text)
	if err != nil {
		return nil, err
	}
	p := &jaasParser{tokens: tokens}
	var found []loginModule
	for !p.done() {
		name, modules, err := p.entry()
		if err != nil {
			return nil, err
		}
		if name == jaasEntry && found == nil {
			found = modules
		}
	}
	if len(found) == 0 {
		return nil, errors.New("there is no entry " + jaasEntry + " with a login module in it")
	}
	return found, nil
}

type jaasParser struct {
	tokens []jaasToken
	pos    int
}

func (p *jaasParser) done() bool { return p.pos == len(p.tokens) }

func (p *jaasParser) is(symbol string) bool {
	return !p.done() && p.tokens[p.pos].symbol && p.tokens[p.pos].text == symbol
}

func (p *jaasParser) expect(symbol, after string) error {
	if !p.is(symbol) {
		return fmt.Errorf("%s is missing after %s", symbol, after)
	}
	p.pos++
	return nil
}

func (p *jaasParser) word(what string) (string, error) {
	if p.done() || p.tokens[p.pos].symbol {
		return "", errors.New(what + " is missing")
	}
	p.pos++
	return p.tokens[p.pos-1].text, nil
}

func (p *jaasParser) entry() (string, []loginModule, error) {
	name, err := p.word("the name of an entry")
	if err != nil {
		return "", nil, err
	}
	if err := p.expect("{", name); err != nil {
		return "", nil, err
	}
	var modules []loginModule
	for !p.is("}") {
		m, err := p.module()
		if err != nil {
			return "", nil, err
		}
		modules = append(modules, m)
	}
	p.pos++
	return name, modules, p.expect(";", "the } of "+name)
}

func (p *jaasParser) module() (loginModule, error) {
	m := loginModule{options: map[string]string{}}
	var err error
	if m.class, err = p.word("a login module's class"); err != nil {
		return m, err
	}
	flag, err := p.word("the control flag of " + m.class)
	if err != nil {
		return m, err
	}
	switch strings.ToLower(flag) {
	case "required", "requisite", "sufficient", "optional":
	default:
		return m, fmt.Errorf("%q is no control flag; there are required, requisite, sufficient and optional", flag)
	}
	for !p.is(";") {
		key, err := p.word("an option or the ; of " + m.class)
		if err != nil {
			return m, err
		}
		if err := p.expect("=", key); err != nil {
			return m, err
		}
		if m.options[key], err = p.word("the value of " + key); err != nil {
			return m, err
		}
	}
	p.pos++
	return m, nil
}

type jaasToken struct {
	text   string
	symbol bool
}

func jaasTokens(s string) ([]jaasToken, error) {
	var out []jaasToken
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c <= ' ':
			i++
		case strings.HasPrefix(s[i:], "//"):
			n := strings.IndexAny(s[i:], "\r\n")
			if n < 0 {
				return out, nil
			}
			i += n
		case strings.HasPrefix(s[i:], "/*"):
			n := strings.Index(s[i+2:], "*/")
			if n < 0 {
				return nil, errors.New("a comment has no end")
			}
			i += n + 4
		case strings.IndexByte("{};=", c) >= 0:
			out = append(out, jaasToken{string(c), true})
			i++
		case c == '"':
			text, n, err := jaasQuoted(s[i+1:])
			if err != nil {
				return nil, err
			}
			out = append(out, jaasToken{text: text})
			i += n + 1
		default:
			n := strings.IndexFunc(s[i:], func(r rune) bool { return r <= ' ' || strings.ContainsRune("{};=\"", r) })
			if n < 0 {
				n = len(s) - i
			}
			out = append(out, jaasToken{text: s[i : i+n]})
			i += n
		}
	}
	return out, nil
}

// jaasQuoted reads up to the closing quote and returns how far it came.
func jaasQuoted(s string) (text string, n int, err error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), i + 1, nil
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(s[i])
		}
	}
	return "", 0, errors.New("a quoted text has no end")
}
