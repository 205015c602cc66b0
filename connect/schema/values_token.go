package schema

import "strings"

// tokens cuts a text into the tokens of Connect's Values: each of : , { } [ ] and "
// that no backslash precedes stands alone, what lies between is one token.
type tokens struct {
	text     string
	pos      int
	next     string
	pending  bool // next holds a token that was looked at but not taken
	previous string
}

// javaTrim removes what Java's String.trim does: everything up to the blank.
func javaTrim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
}

func (t *tokens) mark() int {
	if t.pending {
		return t.pos - len(t.next)
	}
	return t.pos
}

func (t *tokens) rewind(to int) {
	t.pos, t.pending, t.previous = to, false, ""
}

func (t *tokens) hasNext() bool { return t.pending || t.pos < len(t.text) }

func (t *tokens) take() string {
	if t.pending {
		t.previous, t.pending = t.next, false
	} else {
		t.previous = t.scan()
	}
	return t.previous
}

// takeN returns the text of the next n tokens, or false where there are fewer.
func (t *tokens) takeN(n int) (string, bool) {
	start := t.mark()
	for range n {
		if !t.hasNext() {
			t.rewind(start)
			return "", false
		}
		t.take()
	}
	return t.text[start:t.pos], true
}

func (t *tokens) scan() string {
	escaped := false
	start := t.pos
	for t.pos < len(t.text) {
		switch t.text[t.pos] {
		case '\\':
			escaped = !escaped
		case ':', ',', '{', '}', '[', ']', '"':
			if !escaped {
				if start == t.pos {
					t.pos++
				}
				return t.text[start:t.pos]
			}
			escaped = false
		default:
			escaped = false
		}
		t.pos++
	}
	return t.text[start:t.pos]
}

// accept takes the next token that is not blank if it is the expected one.
func (t *tokens) accept(expected string) bool {
	if !t.pending {
		if !t.hasNext() {
			return false
		}
		t.next, t.pending = t.scan(), true
	}
	trimmed := javaTrim(t.next)
	for trimmed == "" && t.pos < len(t.text) {
		t.next = t.scan()
		trimmed = javaTrim(t.next)
	}
	if trimmed != expected {
		return false
	}
	t.pending = false
	return true
}
