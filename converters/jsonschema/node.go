package jsonschema

import (
	"strconv"

	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/converters/json"
)

// kind is the type of a JSON value, as Jackson tells them apart.
type kind uint8

const (
	missing kind = iota // no text at all
	null
	boolean
	integer // num with scale 0
	decimal // num
	special // NaN and the infinities: special numbers beyond JSON
	text
	array
	object
)

// nodeType is the name that error texts have for a kind.
func (k kind) nodeType() string {
	switch k {
	case missing:
		return "MISSING"
	case null:
		return "NULL"
	case boolean:
		return "BOOLEAN"
	case integer, decimal, special:
		return "NUMBER"
	case text:
		return "STRING"
	case array:
		return "ARRAY"
	}
	return "OBJECT"
}

// member is one entry of an object.
type member struct {
	name  string
	value *node
}

// node is one JSON value. Objects keep the order of their members; of members of one
// name the last counts, at the first one's place.
type node struct {
	kind    kind
	yes     bool                 // of boolean
	num     *schema.DecimalValue // of integer and decimal
	float   float64              // of special
	text    string
	list    []*node
	members []member
	index   map[string]int
}

var nullNode = &node{kind: null}

func textNode(s string) *node { return &node{kind: text, text: s} }

func intNode(n int64) *node { return &node{kind: integer, num: schema.DecimalFromInt64(n, 0)} }

func (n *node) isNumber() bool {
	return n.kind == integer || n.kind == decimal || n.kind == special
}

// indexFrom is the number of members from which an object keeps an index.
const indexFrom = 12

func (n *node) find(name string) int {
	if n.index != nil {
		if i, ok := n.index[name]; ok {
			return i
		}
		return -1
	}
	for i := range n.members {
		if n.members[i].name == name {
			return i
		}
	}
	return -1
}

// get returns a member's value, or nil.
func (n *node) get(name string) *node {
	if n == nil {
		return nil
	}
	if i := n.find(name); i >= 0 {
		return n.members[i].value
	}
	return nil
}

func (n *node) put(name string, v *node) {
	if i := n.find(name); i >= 0 {
		n.members[i].value = v
		return
	}
	n.members = append(n.members, member{name, v})
	switch {
	case n.index != nil:
		n.index[name] = len(n.members) - 1
	case len(n.members) >= indexFrom:
		n.index = make(map[string]int, 2*len(n.members))
		for i := range n.members {
			n.index[n.members[i].name] = i
		}
	}
}

// append writes the value as Jackson does, strings by str.
func (n *node) append(dst []byte, str func([]byte, string) []byte) []byte {
	switch n.kind {
	case missing, null:
		return append(dst, "null"...)
	case boolean:
		return strconv.AppendBool(dst, n.yes)
	case integer, decimal:
		return append(dst, n.num.String()...)
	case special:
		return appendFloat(dst, n.float)
	case text:
		return str(dst, n.text)
	case array:
		dst = append(dst, '[')
		for i, e := range n.list {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = e.append(dst, str)
		}
		return append(dst, ']')
	}
	dst = append(dst, '{')
	for i := range n.members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(str(dst, n.members[i].name), ':')
		dst = n.members[i].value.append(dst, str)
	}
	return append(dst, '}')
}

// String returns the text that Java's toString of the like gives: strings without
// quotes, all else as JSON.
func (n *node) String() string {
	if n.kind == text {
		return n.text
	}
	return string(n.append(nil, json.AppendString))
}

// equal compares two values. Numbers count by value alone, but within arrays and
// objects by their notation too: 1 is not 1.0 there.
func (n *node) equal(o *node) bool {
	if n.isNumber() && o.isNumber() && n.kind != special && o.kind != special {
		return compareNumbers(n.num, o.num) == 0
	}
	return n.same(o)
}

func (n *node) same(o *node) bool {
	if n.kind != o.kind {
		return false
	}
	switch n.kind {
	case integer, decimal:
		return compareNumbers(n.num, o.num) == 0
	case boolean:
		return n.yes == o.yes
	case special:
		return n.float == o.float
	case text:
		return n.text == o.text
	case array:
		if len(n.list) != len(o.list) {
			return false
		}
		for i := range n.list {
			if !n.list[i].same(o.list[i]) {
				return false
			}
		}
	case object:
		if len(n.members) != len(o.members) {
			return false
		}
		for _, m := range n.members {
			v := o.get(m.name)
			if v == nil || !m.value.same(v) {
				return false
			}
		}
	}
	return true
}
