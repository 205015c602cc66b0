package javaregex

import (
	"slices"
	"strings"
	"unicode"
)

// span is a range of code points, ends included.
type span struct{ lo, hi rune }

// set is a set of code points: spans in order that neither overlap nor touch.
type set []span

const maxRune = unicode.MaxRune

func setOf(spans ...span) set { return normal(spans) }

func single(r rune) set { return set{{r, r}} }

func runes(text string) set {
	var s []span
	for _, r := range text {
		s = append(s, span{r, r})
	}
	return normal(s)
}

// normal sorts and joins spans.
func normal(s []span) set {
	slices.SortFunc(s, func(a, b span) int { return int(a.lo) - int(b.lo) })
	var out set
	for _, x := range s {
		if n := len(out); n > 0 && x.lo <= out[n-1].hi+1 {
			out[n-1].hi = max(out[n-1].hi, x.hi)
			continue
		}
		out = append(out, x)
	}
	return out
}

func (s set) union(o set) set { return normal(append(slices.Clone(s), o...)) }

func (s set) negate() set {
	var out set
	next := rune(0)
	for _, x := range s {
		if x.lo > next {
			out = append(out, span{next, x.lo - 1})
		}
		next = x.hi + 1
	}
	if next <= maxRune {
		out = append(out, span{next, maxRune})
	}
	return out
}

func (s set) intersect(o set) set {
	var out set
	for i, j := 0, 0; i < len(s) && j < len(o); {
		lo, hi := max(s[i].lo, o[j].lo), min(s[i].hi, o[j].hi)
		if lo <= hi {
			out = append(out, span{lo, hi})
		}
		if s[i].hi < o[j].hi {
			i++
		} else {
			j++
		}
	}
	return out
}

// fold adds the other cases of the letters: of ASCII alone, or of all scripts.
func (s set) fold(everywhere bool) set {
	more := slices.Clone([]span(s))
	if !everywhere {
		for r := 'a'; r <= 'z'; r++ {
			if s.has(r) != s.has(r-32) {
				more = append(more, span{r, r}, span{r - 32, r - 32})
			}
		}
		return normal(more)
	}
	for _, x := range s {
		if x.hi-x.lo > 0x20000 {
			continue // nearly everything is there already
		}
		for r := x.lo; r <= x.hi; r++ {
			for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
				more = append(more, span{f, f})
			}
		}
	}
	return normal(more)
}

func (s set) has(r rune) bool {
	for _, x := range s {
		if r <= x.hi {
			return r >= x.lo
		}
	}
	return false
}

// table returns the set of Unicode tables.
func table(tables ...*unicode.RangeTable) set {
	var out []span
	add := func(lo, hi, stride rune) {
		if stride == 1 {
			out = append(out, span{lo, hi})
			return
		}
		for r := lo; r <= hi; r += stride {
			out = append(out, span{r, r})
		}
	}
	for _, t := range tables {
		for _, r := range t.R16 {
			add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
		for _, r := range t.R32 {
			add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
	}
	return normal(out)
}

// emit writes the set for the engine.
func (s set) emit(b *strings.Builder) {
	switch {
	case len(s) == 0:
		b.WriteString("(?:(?!))")
		return
	case len(s) == 1 && s[0].lo == s[0].hi:
		emitRune(b, s[0].lo)
		return
	case len(s) == 1 && s[0].lo == 0 && s[0].hi == maxRune:
		b.WriteString(`[\s\S]`)
		return
	}
	b.WriteByte('[')
	if s[0].lo == 0 && s[len(s)-1].hi == maxRune {
		b.WriteByte('^')
		s = s.negate()
	}
	for _, x := range s {
		// Strings hold no lone surrogates, and neither may the pattern.
		lo, hi := x.lo, x.hi
		if lo >= 0xd800 && lo <= 0xdfff {
			lo = 0xe000
		}
		if hi >= 0xd800 && hi <= 0xdfff {
			hi = 0xd7ff
		}
		if lo > hi {
			continue
		}
		emitRune(b, lo)
		if lo != hi {
			b.WriteByte('-')
			emitRune(b, hi)
		}
	}
	b.WriteByte(']')
}

// emitRune writes one code point as a literal, within classes and without.
func emitRune(b *strings.Builder, r rune) {
	if r >= 0xd800 && r <= 0xdfff {
		b.WriteString("(?:(?!))")
		return
	}
	if r < 0x80 && !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_') {
		const hex = "0123456789abcdef"
		b.WriteString(`\x`)
		b.WriteByte(hex[r>>4])
		b.WriteByte(hex[r&15])
		return
	}
	b.WriteRune(r)
}
