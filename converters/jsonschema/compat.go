package jsonschema

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/converters/registry"
)

// compatible is nil where the registered document can read what the own one would write
// (JsonSchema.isBackwardCompatible, strict), else says what is in the way.
func (c *Converter) compatible(ctx context.Context, r registry.Registered, own registry.Document) error {
	update, _, err := c.load(ctx, r.Document)
	if err != nil {
		return err
	}
	original, _, err := c.load(ctx, own)
	if err != nil {
		return err
	}
	return compare(original, update)
}

// incompatible is what keeps one schema from reading what another one wrote.
type incompatible []string

func (i incompatible) Error() string { return strings.Join(i, "; ") }

// compare is nil where update accepts all that original does (SchemaDiff).
func compare(original, update *model) error {
	d := &diff{open: map[*model]bool{}}
	d.schema(original, update)
	if len(d.found) > 0 {
		return d.found
	}
	return nil
}

// diff collects differences that are not compatible; others do not matter.
type diff struct {
	path  []string
	open  map[*model]bool // those under way, for schemas that refer to themselves
	found incompatible
}

func (d *diff) add(format string, args ...any) {
	d.found = append(d.found, "#/"+strings.Join(d.path, "/")+": "+fmt.Sprintf(format, args...))
}

func (d *diff) at(path string, f func()) {
	d.path = append(d.path, path)
	f()
	d.path = d.path[:len(d.path)-1]
}

// try compares aside, and returns what is found.
func (d *diff) try(original, update *model) incompatible {
	before := d.found
	d.found = nil
	d.schema(original, update)
	found := d.found
	d.found = before
	return found
}

func isAny(m *model) bool { return m.sort == ofEmpty || m.sort == ofTrue }

func referred(m *model) *model {
	if m.sort == ofReference && m.target != nil {
		return m.target
	}
	return m
}

func (d *diff) schema(original, update *model) {
	switch {
	case update == nil:
		return
	case original == nil:
		d.add("a schema was added")
		return
	}
	original, update = referred(original), referred(update)
	if d.combination(original, update) {
		return
	}
	if original.sort != update.sort {
		if original.sort == ofFalse || isAny(update) || isBytes(original) && isBytes(update) {
			return
		}
		d.add("the type changed from %s to %s", original.sort.plain(), update.sort.plain())
		return
	}
	if d.open[original] {
		return
	}
	d.open[original] = true
	defer delete(d.open, original)
	switch original.sort {
	case ofString:
		d.strings(original, update)
	case ofNumber:
		d.numbers(original, update)
	case ofConst:
		if !slices.EqualFunc(original.values, update.values, (*node).same) {
			d.add("the constant changed")
		}
	case ofEnum:
		for _, v := range original.values {
			if !slices.ContainsFunc(update.values, v.same) {
				d.add("the value %s is not among those of the enum", v)
			}
		}
	case ofCombined:
		d.combined(original, update)
	case ofNot:
		d.at("not", func() {
			if d.try(update.target, original.target) != nil {
				d.add("what must not match was extended")
			}
		})
	case ofObject:
		d.object(original, update)
	case ofArray:
		d.array(original, update)
	}
}

// plain is the name of a sort in a sentence.
func (s sort) plain() string {
	name := s.className()
	return strings.ToLower(strings.TrimSuffix(name[strings.LastIndexByte(name, '.')+1:], "Schema"))
}

func isBytes(m *model) bool {
	t := m.prop("connect.type")
	return t != nil && t.text == "bytes"
}

// combination compares a combination with a single schema. It is false where that says
// nothing.
func (d *diff) combination(original, update *model) bool {
	switch {
	case original.sort != ofCombined && update.sort == ofCombined:
		if len(update.subs) > 1 && update.criterion == "allOf" {
			return false
		}
		return slices.ContainsFunc(update.subs, func(sub *model) bool { return d.try(original, sub) == nil })
	case original.sort == ofCombined && update.sort != ofCombined:
		if len(original.subs) > 1 && original.criterion != "allOf" {
			return false
		}
		return slices.ContainsFunc(original.subs, func(sub *model) bool { return d.try(sub, update) == nil })
	}
	return false
}

// limit compares sizes that data must not exceed (sign 1) or fall below (sign -1).
func (d *diff) limit(name string, original, update *int, sign int) {
	switch {
	case update == nil:
	case original == nil:
		d.add("%s was added", name)
	case (*update-*original)*sign < 0:
		d.add("%s changed from %d to %d", name, *original, *update)
	}
}

func (d *diff) bound(name string, original, update *schema.DecimalValue, sign int) {
	switch {
	case update == nil:
	case original == nil:
		d.add("%s was added", name)
	case compareNumbers(update, original)*sign < 0:
		d.add("%s changed from %s to %s", name, original, update)
	}
}

func (d *diff) strings(original, update *model) {
	var o, u stringKeywords
	if original.stringKeywords != nil {
		o = *original.stringKeywords
	}
	if update.stringKeywords != nil {
		u = *update.stringKeywords
	}
	d.limit("maxLength", o.maxLength, u.maxLength, 1)
	d.limit("minLength", o.minLength, u.minLength, -1)
	switch {
	case u.pattern == nil:
	case o.pattern == nil:
		d.add("a pattern was added")
	case o.pattern.String() != u.pattern.String():
		d.add("the pattern changed")
	}
}

func (d *diff) numbers(original, update *model) {
	var o, u numberKeywords
	if original.numberKeywords != nil {
		o = *original.numberKeywords
	}
	if update.numberKeywords != nil {
		u = *update.numberKeywords
	}
	d.bound("maximum", o.maximum, u.maximum, 1)
	d.bound("minimum", o.minimum, u.minimum, -1)
	d.bound("exclusiveMaximum", o.below, u.below, 1)
	d.bound("exclusiveMinimum", o.above, u.above, -1)
	switch {
	case u.multiple == nil:
	case o.multiple == nil:
		d.add("multipleOf was added")
	case o.multiple.Scale() == u.multiple.Scale() && compareNumbers(o.multiple, u.multiple) == 0:
	default:
		was, is := whole(o.multiple), whole(u.multiple)
		if was == 0 || is == 0 || is%was == 0 || was%is != 0 {
			d.add("multipleOf changed from %s to %s", o.multiple, u.multiple)
		}
	}
	if u.integer && !o.integer {
		d.add("the type was narrowed to integers")
	}
}

// whole is a number's part before the point, in 32 bits.
func whole(d *schema.DecimalValue) int32 { return int32(d.Int().Int64()) }

// combined compares two combinations.
func (d *diff) combined(original, update *model) {
	one := func(m *model) bool { return len(m.subs) == 1 }
	if original.criterion != update.criterion && update.criterion != "anyOf" && (!one(original) || !one(update)) &&
		(!one(original) || update.criterion != "oneOf") && (!one(update) || original.criterion != "allOf") {
		d.add("the combination changed from %s to %s", original.criterion, update.criterion)
		return
	}
	was, is := distinctModels(original.subs), distinctModels(update.subs)
	switch {
	case len(was) < len(is) && update.criterion == "allOf":
		d.add("allOf was extended")
	case len(was) > len(is) && original.criterion != "allOf":
		d.add("%s was narrowed", original.criterion)
	}
	fits := make([][]bool, len(was))
	for i, o := range was {
		fits[i] = make([]bool, len(is))
		d.at(fmt.Sprintf("%s/%d", original.criterion, i), func() {
			for j, u := range is {
				fits[i][j] = d.try(o, u) == nil
			}
		})
	}
	if largestMatching(fits, len(is)) < min(len(was), len(is)) {
		d.add("the parts of %s changed", original.criterion)
	}
}

func distinctModels(models []*model) []*model {
	var out []*model
	for _, m := range models {
		if !slices.ContainsFunc(out, func(o *model) bool { return reflect.DeepEqual(o, m) }) {
			out = append(out, m)
		}
	}
	return out
}

// largestMatching is the largest number of pairs that fit, each of either side in one.
func largestMatching(fits [][]bool, right int) int {
	partner := make([]int, right)
	for j := range partner {
		partner[j] = -1
	}
	var augment func(i int, seen []bool) bool
	augment = func(i int, seen []bool) bool {
		for j, fit := range fits[i] {
			if !fit || seen[j] {
				continue
			}
			seen[j] = true
			if partner[j] < 0 || augment(partner[j], seen) {
				partner[j] = i
				return true
			}
		}
		return false
	}
	n := 0
	for i := range fits {
		if augment(i, make([]bool, right)) {
			n++
		}
	}
	return n
}
