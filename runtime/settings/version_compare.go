package settings

import (
	"cmp"
	"slices"
	"strings"
)

// compareVersions orders versions as Maven 3.9 does (ComparableVersion): parts are
// numbers or qualifiers, alpha < beta < milestone < rc < snapshot < release < sp,
// and unknown qualifiers come after those.
func compareVersions(a, b string) int {
	return parseVersion(a).compare(parseVersion(b))
}

// versionItem is one part of a version.
type versionItem struct {
	kind itemKind
	// text is a number without zeros in front, or a qualifier.
	text string
	list *versionList
}

type itemKind uint8

const (
	itemQualifier itemKind = iota
	itemList               // what follows a hyphen or a change between digits and letters
	itemNumber
)

type versionList struct{ items []versionItem }

// versionParser builds the nested lists of a version.
type versionParser struct {
	text    string
	start   int // of the part being read
	digits  bool
	current *versionList
	lists   []*versionList
}

func parseVersion(version string) *versionList {
	root := &versionList{}
	p := versionParser{text: strings.ToLower(version), current: root, lists: []*versionList{root}}
	for i := 0; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == '.', c == '-':
			p.endPart(i)
			p.start = i + 1
			if c == '-' {
				p.nest()
			}
		case '0' <= c && c <= '9':
			if !p.digits && i > p.start {
				p.nestIfBegun()
				p.current.items = append(p.current.items, qualifierItem(p.text[p.start:i], true))
				p.start = i
				p.nest()
			}
			p.digits = true
		default:
			if p.digits && i > p.start {
				p.endPart(i)
				p.start = i
				p.nest()
			}
			p.digits = false
		}
	}
	if p.start < len(p.text) {
		if !p.digits {
			p.nestIfBegun()
		}
		p.endPart(len(p.text))
	}
	for _, list := range slices.Backward(p.lists) {
		list.normalize()
	}
	return root
}

// endPart adds the part up to end; an empty one is 0.
func (p *versionParser) endPart(end int) {
	item := versionItem{kind: itemNumber, text: "0"}
	switch text := p.text[p.start:end]; {
	case text == "":
	case p.digits:
		item.text = trimZeros(text)
	default:
		item = qualifierItem(text, false)
	}
	p.current.items = append(p.current.items, item)
}

func (p *versionParser) nest() {
	inner := &versionList{}
	p.current.items = append(p.current.items, versionItem{kind: itemList, list: inner})
	p.current = inner
	p.lists = append(p.lists, inner)
}

// nestIfBegun makes ".x" the same as "-x" for a qualifier.
func (p *versionParser) nestIfBegun() {
	if len(p.current.items) > 0 {
		p.nest()
	}
}

func trimZeros(digits string) string {
	if trimmed := strings.TrimLeft(digits, "0"); trimmed != "" {
		return trimmed
	}
	return "0"
}

func qualifierItem(text string, beforeDigit bool) versionItem {
	switch {
	case beforeDigit && text == "a":
		text = "alpha"
	case beforeDigit && text == "b":
		text = "beta"
	case beforeDigit && text == "m":
		text = "milestone"
	case text == "ga", text == "final", text == "release":
		text = ""
	case text == "cr":
		text = "rc"
	}
	return versionItem{kind: itemQualifier, text: text}
}

const releaseRank = "5"

// rank orders qualifiers as text.
func (i versionItem) rank() string {
	switch i.text {
	case "alpha":
		return "0"
	case "beta":
		return "1"
	case "milestone":
		return "2"
	case "rc":
		return "3"
	case "snapshot":
		return "4"
	case "":
		return releaseRank
	case "sp":
		return "6"
	}
	return "7-" + i.text
}

func (i versionItem) isNull() bool {
	switch i.kind {
	case itemNumber:
		return i.text == "0"
	case itemQualifier:
		return i.rank() == releaseRank
	}
	return len(i.list.items) == 0
}

// normalize drops parts at the end that mean nothing.
func (l *versionList) normalize() {
	for i := len(l.items) - 1; i >= 0; i-- {
		if l.items[i].isNull() {
			l.items = slices.Delete(l.items, i, i+1)
		} else if l.items[i].kind != itemList {
			return
		}
	}
}

func (l *versionList) compare(other *versionList) int {
	for i := 0; i < len(l.items) || i < len(other.items); i++ {
		var order int
		switch {
		case i >= len(l.items):
			order = -other.items[i].compareNone()
		case i >= len(other.items):
			order = l.items[i].compareNone()
		default:
			order = l.items[i].compare(other.items[i])
		}
		if order != 0 {
			return order
		}
	}
	return 0
}

// compareNone compares with a part that is not there.
func (i versionItem) compareNone() int {
	switch i.kind {
	case itemNumber:
		if i.text == "0" {
			return 0
		}
		return 1
	case itemList:
		for _, inner := range i.list.items {
			if order := inner.compareNone(); order != 0 {
				return order
			}
		}
		return 0
	}
	return strings.Compare(i.rank(), releaseRank)
}

// compare puts a number above what follows a hyphen, and that above a qualifier.
func (i versionItem) compare(o versionItem) int {
	if i.kind != o.kind {
		return cmp.Compare(i.kind, o.kind)
	}
	switch i.kind {
	case itemNumber:
		return cmp.Or(cmp.Compare(len(i.text), len(o.text)), strings.Compare(i.text, o.text))
	case itemList:
		return i.list.compare(o.list)
	}
	return strings.Compare(i.rank(), o.rank())
}
