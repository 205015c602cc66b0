package ctl

import (
	"context"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/moldau-io/moldau/api/client"
)

const patternHelp = `Names may be globs (orders-*) or regular expressions between slashes (/^orders-\d+$/).`

// matcher says which names an argument means. It is exact for a plain name.
type matcher struct {
	text    string
	pattern func(name string) bool
}

func newMatcher(arg string) (matcher, error) {
	m := matcher{text: arg}
	switch {
	case len(arg) > 2 && strings.HasPrefix(arg, "/") && strings.HasSuffix(arg, "/"):
		re, err := regexp.Compile(arg[1 : len(arg)-1])
		if err != nil {
			return m, usage("%s is not a regular expression: %v", arg, err)
		}
		m.pattern = re.MatchString
	case strings.ContainsAny(arg, "*?["):
		if _, err := path.Match(arg, ""); err != nil {
			return m, usage("%s is not a glob: %v", arg, err)
		}
		m.pattern = func(name string) bool { return globs(arg, name) }
	}
	return m, nil
}

// globs matches as a shell does, but '/' is a character like any other.
func globs(glob, name string) bool {
	const slash = "\x00"
	ok, err := path.Match(strings.ReplaceAll(glob, "/", slash), strings.ReplaceAll(name, "/", slash))
	return err == nil && ok
}

func (m matcher) matches(name string) bool {
	return name == m.text || m.pattern != nil && m.pattern(name)
}

func matchers(args []string) ([]matcher, error) {
	var out []matcher
	for _, arg := range args {
		m, err := newMatcher(arg)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// names finds the connectors that arguments mean. Plain names are taken as they are,
// without asking the server; patterns must match something.
func names(ctx context.Context, c *client.REST, args []string) (found []string, patterns bool, err error) {
	all, err := matchers(args)
	if err != nil {
		return nil, false, err
	}
	var there []string
	for _, m := range all {
		if m.pattern == nil {
			found = append(found, m.text)
			continue
		}
		patterns = true
		if there == nil {
			if there, err = c.Names(ctx); err != nil {
				return nil, true, err
			}
		}
		n := len(found)
		for _, name := range there {
			if m.matches(name) {
				found = append(found, name)
			}
		}
		if len(found) == n {
			return nil, true, fail(ExitNotFound, "no connector matches %s", m.text).next("moldau connector list shows what there is; quote patterns, so that the shell leaves them alone")
		}
	}
	slices.Sort(found)
	return slices.Compact(found), patterns, nil
}
