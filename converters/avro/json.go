package avro

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// nodeKind is a kind of JSON, with numbers apart as Jackson has them.
type nodeKind uint8

const (
	jsonNull nodeKind = iota
	jsonBool
	jsonInt    // fits 64 bits
	jsonBig    // a whole number that does not
	jsonFloat  // of 32 bits
	jsonDouble // of 64 bits
	jsonText
	jsonArray
	jsonObject
)

// node is a JSON value that keeps the order of members.
type node struct {
	kind    nodeKind
	yes     bool
	num     int64
	float   float64
	text    string // of strings, and of big numbers
	list    []*node
	members []member
}

type member struct {
	name  string
	value *node
}

func textNode(s string) *node { return &node{kind: jsonText, text: s} }

func intNode(n int64) *node { return &node{kind: jsonInt, num: n} }

// get is the member of that name, or nil.
func (n *node) get(name string) *node {
	if n == nil {
		return nil
	}
	for i := range n.members {
		if n.members[i].name == name {
			return n.members[i].value
		}
	}
	return nil
}

// put sets a member. One that is there keeps its place.
func (n *node) put(name string, v *node) {
	for i := range n.members {
		if n.members[i].name == name {
			n.members[i].value = v
			return
		}
	}
	n.members = append(n.members, member{name, v})
}

func (n *node) isWhole() bool { return n.kind == jsonInt || n.kind == jsonBig }

func (n *node) isNumber() bool { return n.kind >= jsonInt && n.kind <= jsonDouble }

func (n *node) isInt32() bool {
	return n.kind == jsonInt && n.num >= math.MinInt32 && n.num <= math.MaxInt32
}

// asInt64 is Jackson's longValue: zero for what is no number.
func (n *node) asInt64() int64 {
	switch n.kind {
	case jsonInt:
		return n.num
	case jsonFloat, jsonDouble:
		return truncate(n.float, math.MinInt64, math.MaxInt64)
	}
	return 0
}

// asInt32 is Jackson's intValue.
func (n *node) asInt32() int32 {
	if n.kind == jsonFloat || n.kind == jsonDouble {
		return int32(truncate(n.float, math.MinInt32, math.MaxInt32))
	}
	return int32(n.asInt64())
}

// truncate casts a float as Java does.
func truncate(f float64, low, high int64) int64 {
	switch {
	case math.IsNaN(f):
		return 0
	case f <= float64(low):
		return low
	case f >= float64(high):
		return high
	}
	return int64(f)
}

// asFloat is Jackson's doubleValue.
func (n *node) asFloat() float64 {
	switch n.kind {
	case jsonInt:
		return float64(n.num)
	case jsonFloat, jsonDouble:
		return n.float
	case jsonBig:
		f, _ := strconv.ParseFloat(n.text, 64) // infinite where it is too large, as in Java
		return f
	}
	return 0
}

// asBool is Jackson's asBoolean.
func (n *node) asBool() bool {
	switch n.kind {
	case jsonBool:
		return n.yes
	case jsonInt:
		return n.num != 0
	case jsonFloat, jsonDouble:
		return n.float != 0
	case jsonText:
		return strings.TrimSpace(n.text) == "true"
	}
	return false
}

// asText is Jackson's asText.
func (n *node) asText() string {
	switch n.kind {
	case jsonText:
		return n.text
	case jsonArray, jsonObject:
		return ""
	}
	return string(n.append(nil))
}

// String is the JSON text.
func (n *node) String() string {
	if n == nil {
		return "null"
	}
	return string(n.append(nil))
}

func (n *node) append(dst []byte) []byte {
	switch n.kind {
	case jsonNull:
		return append(dst, "null"...)
	case jsonBool:
		return strconv.AppendBool(dst, n.yes)
	case jsonInt:
		return strconv.AppendInt(dst, n.num, 10)
	case jsonBig:
		return append(dst, n.text...)
	case jsonFloat, jsonDouble:
		return n.appendFloat(dst)
	case jsonText:
		return appendText(dst, n.text)
	case jsonArray:
		dst = append(dst, '[')
		for i, e := range n.list {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = e.append(dst)
		}
		return append(dst, ']')
	}
	dst = append(dst, '{')
	for i := range n.members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendText(dst, n.members[i].name), ':')
		dst = n.members[i].value.append(dst)
	}
	return append(dst, '}')
}

func (n *node) appendFloat(dst []byte) []byte {
	special := math.IsNaN(n.float) || math.IsInf(n.float, 0)
	if special {
		dst = append(dst, '"')
	}
	if n.kind == jsonFloat {
		dst = schema.AppendFloat32(dst, float32(n.float))
	} else {
		dst = schema.AppendFloat64(dst, n.float)
	}
	if special {
		dst = append(dst, '"')
	}
	return dst
}

// appendText writes a string as Jackson writes it to text: only what must be is escaped.
func appendText(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= ' ':
			dst = append(dst, c)
		default:
			if at := strings.IndexByte("\b\t\n\f\r", c); at >= 0 {
				dst = append(dst, '\\', "btnfr"[at])
				continue
			}
			dst = append(dst, fmt.Sprintf("\\u%04X", c)...)
		}
	}
	return append(dst, '"')
}

// equal compares as Jackson's nodes do: objects are unordered, and numbers of different
// kinds differ.
func (n *node) equal(o *node) bool {
	if n == nil || o == nil {
		return n == o
	}
	if n.kind != o.kind || n.yes != o.yes || n.num != o.num || n.text != o.text || len(n.list) != len(o.list) || len(n.members) != len(o.members) {
		return false
	}
	if math.Float64bits(n.float) != math.Float64bits(o.float) {
		return false
	}
	for i := range n.list {
		if !n.list[i].equal(o.list[i]) {
			return false
		}
	}
	for i := range n.members {
		if m := o.get(n.members[i].name); m == nil || !n.members[i].value.equal(m) {
			return false
		}
	}
	return true
}

// maxNesting is that of Jackson's StreamReadConstraints.
const maxNesting = 1000

// parseJSON reads a text as Jackson does for Avro, which allows comments. Text that is
// no JSON and has no space, as a registry gives for a schema that is a name, is an error.
func parseJSON(text string) (*node, error) {
	src := withoutComments(text)
	d := json.NewDecoder(strings.NewReader(src))
	d.UseNumber()
	n, err := readNode(d, 0)
	if err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, errs.New(classParse, "com.fasterxml.jackson.core.io.JsonEOFException: Unexpected end-of-input")
		}
		return nil, errs.New(classParse, "%v", err)
	}
	if rest := strings.TrimSpace(src[d.InputOffset():]); rest != "" {
		return nil, errs.New(classParse, "dangling content after end of schema: %.100s", rest)
	}
	return n, nil
}

func readNode(d *json.Decoder, depth int) (*node, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("the schema is nested more than %d deep", maxNesting)
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch v := t.(type) {
	case nil:
		return &node{}, nil
	case bool:
		return &node{kind: jsonBool, yes: v}, nil
	case string:
		return textNode(v), nil
	case json.Number:
		return numberNode(string(v)), nil
	case json.Delim:
		if v == '[' {
			return readArray(d, depth)
		}
		return readObject(d, depth)
	}
	return nil, fmt.Errorf("unexpected token %v", t)
}

func readArray(d *json.Decoder, depth int) (*node, error) {
	n := &node{kind: jsonArray}
	for d.More() {
		e, err := readNode(d, depth+1)
		if err != nil {
			return nil, err
		}
		n.list = append(n.list, e)
	}
	_, err := d.Token()
	return n, err
}

func readObject(d *json.Decoder, depth int) (*node, error) {
	n := &node{kind: jsonObject}
	seen := map[string]int{} // for objects of many members
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, ok := t.(string)
		if !ok {
			return nil, fmt.Errorf("expected the name of a member, not %v", t)
		}
		v, err := readNode(d, depth+1)
		if err != nil {
			return nil, err
		}
		if i, ok := seen[name]; ok {
			n.members[i].value = v
			continue
		}
		seen[name] = len(n.members)
		n.members = append(n.members, member{name, v})
	}
	_, err := d.Token()
	return n, err
}

func numberNode(s string) *node {
	if !strings.ContainsAny(s, ".eE") {
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return intNode(i)
		}
		return &node{kind: jsonBig, text: s}
	}
	f, _ := strconv.ParseFloat(s, 64) // infinite where it is too large, as in Java
	return &node{kind: jsonDouble, float: f}
}

// withoutComments puts blanks in the place of comments.
func withoutComments(s string) string {
	if !strings.Contains(s, "/*") && !strings.Contains(s, "//") {
		return s
	}
	out := []byte(s)
	inText := false
	for i := 0; i < len(out); i++ {
		switch {
		case inText && out[i] == '\\':
			i++
		case out[i] == '"':
			inText = !inText
		case inText || out[i] != '/' || i+1 == len(out):
		case out[i+1] == '/':
			for ; i < len(out) && out[i] != '\n'; i++ {
				out[i] = ' '
			}
		case out[i+1] == '*':
			end := bytes.Index(out[i+2:], []byte("*/"))
			if end < 0 {
				return s
			}
			for stop := i + end + 4; i < stop; i++ {
				out[i] = ' '
			}
			i--
		}
	}
	return string(out)
}
