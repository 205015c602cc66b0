package condition

import (
	"cmp"
	"strings"

	"github.com/moldau-io/moldau/connect/javaregex"
	"github.com/moldau-io/moldau/connect/schema"
)

// expression is a condition in a filter.
type expression interface {
	holds(at schema.Value, q *query) bool
}

type or []expression

func (o or) holds(at schema.Value, q *query) bool {
	for _, e := range o {
		if e.holds(at, q) {
			return true
		}
	}
	return false
}

type and []expression

func (a and) holds(at schema.Value, q *query) bool {
	for _, e := range a {
		if !e.holds(at, q) {
			return false
		}
	}
	return true
}

type not struct{ expression }

func (n not) holds(at schema.Value, q *query) bool { return !n.expression.holds(at, q) }

// operand is a side of a comparison: a path, or a literal when it has no steps.
type operand struct {
	isPath  bool
	root    bool // of the whole value, not of the one at hand
	steps   []step
	literal schema.Value
	list    []schema.Value // of in and nin
	regex   *javaregex.Pattern
}

// value returns what an operand stands for, and false for a path that leads nowhere.
func (o *operand) value(at schema.Value, q *query) (schema.Value, bool) {
	if !o.isPath {
		return o.literal, true
	}
	if o.root {
		at = q.root
	}
	var out schema.Value
	any := false
	follow(o.steps, at, q, func(v schema.Value) {
		if !any {
			out, any = v, true
		}
	})
	if !any || out.IsNull() {
		q.missing = true
	}
	return out, any
}

// exists is a path alone.
type exists struct{ operand }

func (e *exists) holds(at schema.Value, q *query) bool {
	_, ok := e.value(at, q)
	return ok
}

// comparison is two operands and what is between them.
type comparison struct {
	left, right operand
	op          string
}

func (c *comparison) holds(at schema.Value, q *query) bool {
	l, lok := c.left.value(at, q)
	switch c.op {
	case "=~":
		if l.Kind() != schema.KindString {
			return false
		}
		// A pattern that takes too long matches nothing.
		ok, err := c.right.regex.Matches(l.Str())
		return ok && err == nil
	case "in", "nin":
		in := false
		for _, v := range c.right.list {
			in = in || lok && equal(l, v)
		}
		return in == (c.op == "in")
	}
	r, rok := c.right.value(at, q)
	if !lok || !rok {
		return c.op == "!=" && lok != rok
	}
	switch c.op {
	case "==":
		return equal(l, r)
	case "!=":
		return !equal(l, r)
	}
	order, ok := compare(l, r)
	if !ok {
		return false
	}
	switch c.op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

func equal(a, b schema.Value) bool {
	if order, ok := compare(a, b); ok {
		return order == 0
	}
	return a.Equal(b)
}

// compare orders two numbers or two strings.
func compare(a, b schema.Value) (order int, ok bool) {
	if a.Kind() == schema.KindString && b.Kind() == schema.KindString {
		return strings.Compare(a.Str(), b.Str()), true
	}
	x, xok := whole(a)
	y, yok := whole(b)
	if xok && yok {
		return cmp.Compare(x, y), true
	}
	f, fok := float(a)
	g, gok := float(b)
	return cmp.Compare(f, g), fok && gok
}

// whole returns integers, and dates as milliseconds.
func whole(v schema.Value) (int64, bool) {
	if v.Kind() == schema.KindDate {
		return v.Date(), true
	}
	return v.Integer()
}

func float(v schema.Value) (float64, bool) {
	switch v.Kind() {
	case schema.KindFloat32:
		return float64(v.Float32()), true
	case schema.KindFloat64:
		return v.Float64(), true
	case schema.KindDecimal:
		return v.Decimal().Float64(), true
	}
	n, ok := whole(v)
	return float64(n), ok
}
