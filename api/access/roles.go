package access

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path"
	"strings"
)

// Roles says what each user may do, by patterns of connectors' names. A nil *Roles
// allows every user everything.
type Roles struct{ grants []grant }

type grant struct {
	user     string // "*" is every user
	level    Level
	patterns []string
}

// LoadRoles reads a roles file: lines of a user, a role and the connectors it is for,
//
//	alice  admin    *
//	bob    edit     team-a-*  shared
//	*      view     *
//
// with * for every user. A role is view, operate, edit or admin. In a pattern * stands
// for any text, ? for one character and [a-z] for one of a set; a backslash takes the
// next character as it is. # begins a comment.
func LoadRoles(file string) (*Roles, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading moldau.rest.roles.file: %w", err)
	}
	r, err := ParseRoles(text)
	if err != nil {
		return nil, fmt.Errorf("moldau.rest.roles.file=%s, %w", file, err)
	}
	return r, nil
}

// ParseRoles reads the text of a roles file.
func ParseRoles(text []byte) (*Roles, error) {
	r := &Roles{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if len(fields) < 3 {
			return nil, fmt.Errorf("line %d: write a user, a role and the connectors it is for, such as: alice edit team-a-*", n)
		}
		level, ok := parseLevel(fields[1])
		if !ok {
			return nil, fmt.Errorf("line %d: %q is no role; there are view, operate, edit and admin", n, fields[1])
		}
		for _, p := range fields[2:] {
			if _, err := path.Match(slashless(p), ""); err != nil {
				return nil, fmt.Errorf("line %d: %q is no pattern of names: %w", n, p, err)
			}
		}
		r.grants = append(r.grants, grant{fields[0], level, fields[2:]})
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(r.grants) == 0 {
		return nil, fmt.Errorf("there is no role in it, so nobody could do anything; write for instance: * view *")
	}
	return r, nil
}

// slashless hides slashes, which path.Match does not let * stand for.
func slashless(s string) string { return strings.ReplaceAll(s, "/", "\x00") }

func (g grant) covers(user, connector string) bool {
	if g.user != "*" && g.user != user {
		return false
	}
	for _, p := range g.patterns {
		// The pattern was checked when it was read.
		if ok, err := path.Match(slashless(p), slashless(connector)); ok && err == nil {
			return true
		}
	}
	return false
}

// Connector returns what a user may do with a connector.
func (r *Roles) Connector(user, connector string) Level {
	if r == nil {
		return Admin
	}
	best := None
	for _, g := range r.grants {
		if g.level > best && g.covers(user, connector) {
			best = g.level
		}
	}
	return best
}

// Somewhere returns the most that a user may do with any connector.
func (r *Roles) Somewhere(user string) Level {
	if r == nil {
		return Admin
	}
	best := None
	for _, g := range r.grants {
		if g.user == "*" || g.user == user {
			best = max(best, g.level)
		}
	}
	return best
}

// Everywhere returns what a user may do with all connectors, and so with the worker.
func (r *Roles) Everywhere(user string) Level {
	if r == nil {
		return Admin
	}
	best := None
	for _, g := range r.grants {
		for _, p := range g.patterns {
			if p == "*" && (g.user == "*" || g.user == user) {
				best = max(best, g.level)
			}
		}
	}
	return best
}
