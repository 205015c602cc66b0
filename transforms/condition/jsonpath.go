package condition

import (
	"github.com/moldau-io/moldau/connect/schema"
)

// Path is a compiled JSONPath, of the dialect of Jayway JsonPath that users of Connect
// know: $.a.b, $['a'], [0], [-1], [*], ..a and filters [?(…)] with @-paths, literals,
// == != < <= > >= =~ in nin, && || ! and parentheses. A filter after an object applies
// to the object itself. It is safe for concurrent use.
type Path struct {
	text  string
	steps []step
}

// step leads from a value to those within it.
type step interface {
	from(v schema.Value, q *query, found func(schema.Value))
}

// query is one evaluation of a path.
type query struct {
	root schema.Value
	// missing says that a path in a filter led nowhere, or to null.
	missing bool
}

// String returns the path as it was given.
func (p *Path) String() string { return p.text }

// Find returns what the path leads to in a value. missing says that a path within one
// of its filters led nowhere, or to null.
func (p *Path) Find(v schema.Value) (found []schema.Value, missing bool) {
	q := &query{root: v}
	follow(p.steps, v, q, func(v schema.Value) { found = append(found, v) })
	return found, q.missing
}

func follow(steps []step, v schema.Value, q *query, found func(schema.Value)) {
	if len(steps) == 0 {
		found(v)
		return
	}
	steps[0].from(v, q, func(v schema.Value) { follow(steps[1:], v, q, found) })
}

// child is .name.
type child string

func (c child) from(v schema.Value, _ *query, found func(schema.Value)) {
	switch v.Kind() {
	case schema.KindMap:
		if m, ok := v.Map().GetString(string(c)); ok {
			found(m)
		}
	case schema.KindStruct:
		if f := v.Struct().Schema().Field(string(c)); f != nil {
			found(v.Struct().At(f.Index()))
		}
	}
}

// index is [n]; from the end when negative.
type index int

func (i index) from(v schema.Value, _ *query, found func(schema.Value)) {
	if v.Kind() != schema.KindArray {
		return
	}
	list, at := v.Array(), int(i)
	if at < 0 {
		at += len(list)
	}
	if at >= 0 && at < len(list) {
		found(list[at])
	}
}

// all is [*].
type all struct{}

func (all) from(v schema.Value, _ *query, found func(schema.Value)) { each(v, found) }

// each hands on the members of an object or the elements of a list.
func each(v schema.Value, found func(schema.Value)) {
	switch v.Kind() {
	case schema.KindArray:
		for _, e := range v.Array() {
			found(e)
		}
	case schema.KindMap:
		for _, e := range v.Map().Entries() {
			found(e.Value)
		}
	case schema.KindStruct:
		for i := range v.Struct().Schema().Fields() {
			found(v.Struct().At(i))
		}
	}
}

// deep is .. : the value and all within it.
type deep struct{}

func (deep) from(v schema.Value, q *query, found func(schema.Value)) { descend(v, found, 0) }

func descend(v schema.Value, found func(schema.Value), depth int) {
	const deepest = 1000
	if depth > deepest {
		return
	}
	found(v)
	each(v, func(v schema.Value) { descend(v, found, depth+1) })
}

// filter is [?(…)].
type filter struct{ test expression }

func (f filter) from(v schema.Value, q *query, found func(schema.Value)) {
	test := func(v schema.Value) {
		if f.test.holds(v, q) {
			found(v)
		}
	}
	if v.Kind() == schema.KindArray {
		each(v, test)
		return
	}
	test(v)
}
