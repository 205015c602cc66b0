package settings

import (
	"cmp"
	"slices"
	"strings"
)

// compareVersions orders versions as Maven does (ComparableVersion): parts are
// numbers or qualifiers, alpha < beta < milestone < rc < snapshot < release < sp,
// and unknown qualifiers come after those.
func compareVersions(a, b string) int {
	return parseVersion(a).compare(parseVersion(b))
}

// versionItem is one part of a version.
type versionItem struct {
	kind itemKind
	// text is the number without zeros in front, or the qualifier.
	text string
	// number is the number that follows the qualifier of a mixed part.
	number string
	list   *versionList
}

type itemKind uint8

const (
	itemNumber itemKind = iota
	itemQualifier
	itemMixed // a qualifier with a number: rc1
	itemList  // what follows a hyphen or a change between digits and letters
)

type versionList struct{ items []versionItem }

func parseVersion(version string) *versionList {
	version = strings.ToLower(version)
	root := &versionList{}
	lists := []*versionList{root}
	current := root
	nest := func() {
		inner := &versionList{}
		current.items = append(current.items, versionItem{kind: itemList, list: inner})
		current = inner
		lists = append(lists, inner)
	}
	add := func(text string, mixed, digits bool) {
		current.items = append(current.items, newItem(text, mixed, digits))
	}
	start, digits, mixed := 0, false, false
	for i := 0; i < len(version); i++ {
		c := version[i]
		switch {
		case c == '.':
			if i == start {
				add("0", false, true)
			} else {
				add(version[start:i], mixed, digits)
			}
			mixed = false
			start = i + 1
		case c == '-':
			if i == start {
				add("0", false, true)
			} else {
				if !digits && i+1 < len(version) && isDigit(version[i+1]) {
					mixed = true
					continue
				}
				add(version[start:i], mixed, digits)
			}
			start = i + 1
			if len(current.items) > 0 {
				nest()
			}
			mixed = false
		case isDigit(c):
			if !digits && i > start {
				mixed = true
				if len(current.items) > 0 {
					nest()
				}
			}
			digits = true
		default:
			if digits && i > start {
				add(version[start:i], mixed, true)
				start = i
				nest()
				mixed = false
			}
			digits = false
		}
	}
	if start < len(version) {
		if !digits && len(current.items) > 0 {
			nest()
		}
		add(version[start:], mixed, digits)
	}
	for _, list := range slices.Backward(lists) {
		list.normalize()
	}
	return root
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func newItem(text string, mixed, digits bool) versionItem {
	if mixed {
		text = strings.ReplaceAll(text, "-", "")
		if i := strings.IndexAny(text, "0123456789"); i >= 0 {
			return versionItem{kind: itemMixed, text: qualifier(text[:i], true), number: trimZeros(text[i:])}
		}
	}
	if digits {
		return versionItem{kind: itemNumber, text: trimZeros(text)}
	}
	return versionItem{kind: itemQualifier, text: qualifier(text, false)}
}

func trimZeros(digits string) string {
	if trimmed := strings.TrimLeft(digits, "0"); trimmed != "" {
		return trimmed
	}
	return "0"
}

func qualifier(text string, beforeDigit bool) string {
	if beforeDigit {
		switch text {
		case "a":
			return "alpha"
		case "b":
			return "beta"
		case "m":
			return "milestone"
		}
	}
	if text == "cr" {
		return "rc"
	}
	return text
}

// rank orders qualifiers as text; a release is "5".
func rank(qualifier string) string {
	switch qualifier {
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
	case "", "ga", "final", "release":
		return releaseRank
	case "sp":
		return "6"
	}
	return "7-" + qualifier
}

const releaseRank = "5"

func (i versionItem) isNull() bool {
	switch i.kind {
	case itemNumber:
		return i.text == "0"
	case itemQualifier:
		return i.text == ""
	case itemList:
		return len(i.list.items) == 0
	}
	return false
}

// normalize drops parts that mean nothing: zeros at the end or before a qualifier.
func (l *versionList) normalize() {
	for i := len(l.items) - 1; i >= 0; i-- {
		if !l.items[i].isNull() {
			continue
		}
		if i == len(l.items)-1 || l.items[i+1].startsWithText() {
			l.items = slices.Delete(l.items, i, i+1)
		}
	}
}

func (i versionItem) startsWithText() bool {
	if i.kind == itemList && len(i.list.items) > 0 {
		first := i.list.items[0].kind
		return first == itemMixed || first == itemQualifier
	}
	return i.kind == itemQualifier
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
	return strings.Compare(rank(i.text), releaseRank)
}

func (i versionItem) compare(o versionItem) int {
	if i.kind == o.kind {
		switch i.kind {
		case itemNumber:
			return compareNumbers(i.text, o.text)
		case itemList:
			return i.list.compare(o.list)
		}
		return cmp.Or(strings.Compare(rank(i.text), rank(o.text)), compareNumbers(i.number, o.number))
	}
	if text := func(k itemKind) bool { return k == itemQualifier || k == itemMixed }; text(i.kind) && text(o.kind) {
		mixedLast := 1
		if i.kind == itemQualifier {
			mixedLast = -1
		}
		return cmp.Or(strings.Compare(rank(i.text), rank(o.text)), mixedLast)
	}
	// A number is more than what follows a hyphen, and that more than a qualifier.
	order := [...]int{itemNumber: 2, itemList: 1, itemQualifier: 0, itemMixed: 0}
	return cmp.Compare(order[i.kind], order[o.kind])
}

func compareNumbers(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}
