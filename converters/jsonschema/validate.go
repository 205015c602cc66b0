package jsonschema

import (
	"math/big"
	"unicode/utf8"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

const classValidation = "org.everit.json.schema.ValidationException"

// maxExponent bounds the numbers whose multiples are computed.
const maxExponent = 2000

// orgType is the name that errors have for a value's type: that of org.json's classes.
func orgType(n *node) string {
	switch n.kind {
	case null, missing:
		return "Null"
	case boolean:
		return "Boolean"
	case integer:
		if n.isInt() {
			return "Integer"
		}
		if n.num.Unscaled().IsInt64() {
			return "Long"
		}
		return "BigInteger"
	case decimal:
		return "BigDecimal"
	case special:
		return "Double"
	case text:
		return "String"
	case array:
		return "JSONArray"
	}
	return "JSONObject"
}

func compareNumbers(a, b *schema.DecimalValue) int {
	if a.Sign() != b.Sign() || a.Sign() == 0 {
		return a.Sign() - b.Sign()
	}
	// The places before the point tell most, and keep huge exponents from being written out.
	if x, y := magnitude(a), magnitude(b); x != y {
		if (x < y) == (a.Sign() > 0) {
			return -1
		}
		return 1
	}
	x, y := a.Unscaled(), b.Unscaled()
	if d := int64(a.Scale()) - int64(b.Scale()); d > 0 {
		y = scaled(y, d)
	} else if d < 0 {
		x = scaled(x, -d)
	}
	return x.Cmp(y)
}

// magnitude is the number of digits before the point.
func magnitude(d *schema.DecimalValue) int64 {
	return int64(len(new(big.Int).Abs(d.Unscaled()).String())) - int64(d.Scale())
}

func scaled(n *big.Int, places int64) *big.Int {
	return new(big.Int).Mul(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(places), nil))
}

func multipleOf(a, b *schema.DecimalValue) bool {
	if b.Sign() == 0 || a.Sign() == 0 {
		return a.Sign() == 0
	}
	d := int64(a.Scale()) - int64(b.Scale())
	if d > maxExponent || d < -maxExponent {
		return d < 0 // so large a number is as good as whole
	}
	x, y := a.Unscaled(), b.Unscaled()
	if d > 0 {
		y = scaled(y, d)
	} else {
		x = scaled(x, -d)
	}
	return new(big.Int).Rem(x, y).Sign() == 0
}

// check says how a value breaks a schema, or nil. at is the JSON pointer of the value.
func (m *model) check(n *node, at string) error {
	return m.checkAt(n, at, &checking{steps: freeSteps + stepsEach*n.size()})
}

// checking bounds the work that one check may take: schemas may refer to themselves.
type checking struct{ depth, steps int }

// Schemas may be applied this often to a value, and this often more for each part of it.
const (
	freeSteps = 100_000
	stepsEach = 200
)

// size counts the values in a value.
func (n *node) size() int {
	size := 1
	for _, e := range n.list {
		size += e.size()
	}
	for i := range n.members {
		size += n.members[i].value.size()
	}
	return size
}

func broken(at, format string, args ...any) error {
	return errs.New(classValidation, at+": "+format, args...)
}

func wrongType(at, want string, n *node) error {
	return broken(at, "expected type: %s, found: %s", want, orgType(n))
}

func (m *model) checkAt(n *node, at string, run *checking) error {
	run.depth++
	run.steps--
	defer func() { run.depth-- }()
	if run.depth > maxSchemaDepth || run.steps < 0 {
		return broken(at, "the schemas refer to one another without end")
	}
	switch m.sort {
	case ofFalse:
		return broken(at, "false schema always fails")
	case ofBoolean:
		if n.kind != boolean {
			return wrongType(at, "Boolean", n)
		}
	case ofNull:
		if n.kind != null && n.kind != missing {
			return broken(at, "expected: null, found: %s", orgType(n))
		}
	case ofNumber:
		return m.checkNumber(n, at)
	case ofString:
		return m.checkString(n, at)
	case ofConst:
		if !m.values[0].equal(n) {
			return broken(at, "")
		}
	case ofEnum:
		for _, v := range m.values {
			if v.equal(n) {
				return nil
			}
		}
		return broken(at, "%s is not a valid enum value", n)
	case ofReference:
		return m.target.checkAt(n, at, run)
	case ofNot:
		if m.target.checkAt(n, at, run) == nil {
			return broken(at, "subject must not be valid against schema")
		}
	case ofConditional:
		if m.when == nil {
			return nil
		}
		branch := m.then
		if m.when.checkAt(n, at, run) != nil {
			branch = m.otherwise
		}
		if branch != nil {
			return branch.checkAt(n, at, run)
		}
	case ofCombined:
		return m.checkCombined(n, at, run)
	case ofArray:
		return m.checkArray(n, at, run)
	case ofObject:
		return m.checkObject(n, at, run)
	}
	return nil
}

func (m *model) checkCombined(n *node, at string, run *checking) error {
	matched := 0
	var first error
	for _, sub := range m.subs {
		if err := sub.checkAt(n, at, run); err == nil {
			matched++
		} else if first == nil {
			first = err
		}
	}
	switch {
	case m.criterion == "allOf" && matched < len(m.subs):
		return errs.Wrap(classValidation, first, "%s: only %d subschema matches out of %d", at, matched, len(m.subs))
	case m.criterion == "anyOf" && matched == 0:
		return errs.Wrap(classValidation, first, "%s: no subschema matched out of the total %d subschemas", at, len(m.subs))
	case m.criterion == "oneOf" && matched != 1:
		return broken(at, "%d subschemas matched instead of one", matched)
	}
	return nil
}

func (m *model) checkNumber(n *node, at string) error {
	if n.kind != integer && n.kind != decimal {
		if m.typed {
			return wrongType(at, "Number", n)
		}
		return nil
	}
	k := m.numberKeywords
	if k.integer && n.kind == decimal {
		return wrongType(at, "Integer", n)
	}
	for _, limit := range []struct {
		value *schema.DecimalValue
		ok    func(c int) bool
		text  string
	}{
		{k.minimum, func(c int) bool { return c >= 0 }, "is not greater or equal to"},
		{k.maximum, func(c int) bool { return c <= 0 }, "is not less or equal to"},
		{k.above, func(c int) bool { return c > 0 }, "is not greater than"},
		{k.below, func(c int) bool { return c < 0 }, "is not less than"},
	} {
		if limit.value != nil && !limit.ok(compareNumbers(n.num, limit.value)) {
			return broken(at, "%s %s %s", n, limit.text, limit.value)
		}
	}
	if k.multiple != nil && !multipleOf(n.num, k.multiple) {
		return broken(at, "%s is not a multiple of %s", n, k.multiple)
	}
	return nil
}

func (m *model) checkString(n *node, at string) error {
	if n.kind != text {
		if m.typed {
			return wrongType(at, "String", n)
		}
		return nil
	}
	k := m.stringKeywords
	length := utf8.RuneCountInString(n.text)
	if k.minLength != nil && length < *k.minLength {
		return broken(at, "expected minLength: %d, actual: %d", *k.minLength, length)
	}
	if k.maxLength != nil && length > *k.maxLength {
		return broken(at, "expected maxLength: %d, actual: %d", *k.maxLength, length)
	}
	if k.pattern != nil {
		if found, err := k.pattern.Find(n.text); err != nil {
			return err
		} else if !found {
			return broken(at, "string [%s] does not match pattern %s", n.text, k.pattern)
		}
	}
	if check := formats[k.format]; check.ok != nil && !check.ok(n.text) {
		return broken(at, "[%s] is not a valid %s", n.text, check.what)
	}
	return nil
}
