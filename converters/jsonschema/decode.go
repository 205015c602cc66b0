package jsonschema

import (
	"math"
	"math/big"
	"strconv"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/converters/json"
)

// value reads a JSON value by a schema. A nil node is one that is not there.
func (c *Codec) value(s *schema.Schema, n *node) (schema.Value, error) {
	if n == nil || n.kind == null {
		switch {
		case s.HasDefault():
			return s.Default(), nil
		case n == nil || s.Optional():
			return schema.Null(), nil
		}
		return schema.Null(), errs.Data("Invalid null value for required %s field", s.Type())
	}
	if s.IsLogical() {
		return logical(s, n)
	}
	switch s.Type() {
	case schema.Boolean:
		return schema.OfBoolean(n.kind == boolean && n.yes), nil
	case schema.Int8:
		return schema.OfInt8(int8(n.int32())), nil
	case schema.Int16:
		return schema.OfInt16(int16(n.int32())), nil
	case schema.Int32:
		return schema.OfInt32(n.int32()), nil
	case schema.Int64:
		return schema.OfInt64(n.int64()), nil
	case schema.Float32:
		switch n.kind {
		case integer, decimal:
			return schema.OfFloat32(n.num.Float32()), nil
		}
		return schema.OfFloat32(float32(n.float)), nil
	case schema.Float64:
		switch n.kind {
		case integer, decimal:
			return schema.OfFloat64(n.num.Float64()), nil
		}
		return schema.OfFloat64(n.float), nil
	case schema.String:
		if n.kind != text {
			return schema.Null(), nil
		}
		return schema.OfString(n.text), nil
	case schema.Bytes:
		return bytesOf(n)
	case schema.Array:
		return c.array(s, n)
	case schema.Map:
		return c.mapping(s, n)
	}
	if isUnion(s) {
		return c.union(s, n)
	}
	return c.structure(s, n)
}

// int32 is JsonNode.intValue: the low bits of a whole number, the limits for special
// ones, 0 for what is no number.
func (n *node) int32() int32 {
	if n.kind == special {
		switch {
		case math.IsInf(n.float, 1):
			return math.MaxInt32
		case math.IsInf(n.float, -1):
			return math.MinInt32
		}
		return 0
	}
	return int32(n.int64())
}

// int64 is JsonNode.longValue.
func (n *node) int64() int64 {
	switch n.kind {
	case integer, decimal:
		return n.num.Int64()
	case special:
		switch {
		case math.IsInf(n.float, 1):
			return math.MaxInt64
		case math.IsInf(n.float, -1):
			return math.MinInt64
		}
	}
	return 0
}

// bytesOf reads base64; what is no text is taken as a decimal.
func bytesOf(n *node) (schema.Value, error) {
	switch n.kind {
	case text:
		b, err := json.DecodeBase64(n.text)
		if err != nil {
			return schema.Null(), errs.Wrap(errs.ClassData, err, "Invalid bytes field")
		}
		return schema.OfBytes(b), nil
	case integer, decimal:
		return schema.OfDecimal(n.num), nil
	case special:
		return schema.Null(), errs.New(errs.ClassNumberFormat, "Infinite or NaN")
	}
	return schema.OfDecimal(schema.NewDecimal(new(big.Int), 0)), nil
}

func logical(s *schema.Schema, n *node) (schema.Value, error) {
	wrong := func(name, want string) (schema.Value, error) {
		return schema.Null(), errs.Data("Invalid type for %s, underlying representation should be %s but was %s", name, want, n.kind.nodeType())
	}
	millis := func(v int64, err error) (schema.Value, error) {
		if err != nil {
			return schema.Null(), err
		}
		return schema.OfDate(v), nil
	}
	switch s.Name() {
	case schema.DecimalName:
		switch n.kind {
		case integer, decimal:
			return schema.OfDecimal(n.num), nil
		case special:
			return schema.Null(), errs.New(errs.ClassNumberFormat, "Infinite or NaN")
		case text:
			b, err := json.DecodeBase64(n.text)
			var d *schema.DecimalValue
			if err == nil {
				d, err = schema.DecimalToLogical(s, b)
			}
			if err != nil {
				return schema.Null(), errs.Wrap(errs.ClassData, err, "Invalid bytes for Decimal field")
			}
			return schema.OfDecimal(d), nil
		}
		return wrong("Decimal", "numeric or bytes")
	case schema.DateName:
		if !n.isInt() {
			return wrong("Date", "integer")
		}
		return millis(schema.DateToLogical(s, n.int32()))
	case schema.TimeName:
		if !n.isInt() {
			return wrong("Time", "integer")
		}
		return millis(schema.TimeToLogical(s, n.int32()))
	}
	if n.kind != integer {
		return wrong("Timestamp", "integral")
	}
	return millis(schema.TimestampToLogical(s, n.int64()))
}

// array takes the values of an object too, and nothing of what is neither.
func (c *Codec) array(s *schema.Schema, n *node) (schema.Value, error) {
	out := make([]schema.Value, 0, len(n.list)+len(n.members))
	add := func(e *node) error {
		v, err := c.value(s.Value(), e)
		out = append(out, v)
		return err
	}
	for _, e := range n.list {
		if err := add(e); err != nil {
			return schema.Null(), err
		}
	}
	for i := range n.members {
		if err := add(n.members[i].value); err != nil {
			return schema.Null(), err
		}
	}
	return schema.OfArray(out), nil
}

func (c *Codec) mapping(s *schema.Schema, n *node) (schema.Value, error) {
	if plainKeys(s) {
		if n.kind != object {
			return schema.Null(), errs.Data("Maps with string fields should be encoded as JSON objects, but found %s", n.kind.nodeType())
		}
		m := schema.NewMap(len(n.members))
		for i := range n.members {
			v, err := c.value(s.Value(), n.members[i].value)
			if err != nil {
				return schema.Null(), err
			}
			m.PutString(n.members[i].name, v)
		}
		return schema.OfMap(m), nil
	}
	if n.kind != array {
		return schema.Null(), errs.Data("Maps with non-string fields should be encoded as JSON array of objects, but found %s", n.kind.nodeType())
	}
	m := schema.NewMap(len(n.list))
	for _, e := range n.list {
		if e.kind != object {
			return schema.Null(), errs.Data("Found invalid map entry instead of object: %s", e.kind.nodeType())
		}
		if len(e.members) != 2 {
			return schema.Null(), errs.Data("Found invalid map entry, expected length 2 but found :%d", len(e.members))
		}
		k, err := c.value(s.Key(), e.get(keyName))
		if err != nil {
			return schema.Null(), err
		}
		v, err := c.value(s.Value(), e.get(valueName))
		if err != nil {
			return schema.Null(), err
		}
		m.Put(k, v)
	}
	return schema.OfMap(m), nil
}

func (c *Codec) structure(s *schema.Schema, n *node) (schema.Value, error) {
	if n.kind != object {
		return schema.Null(), errs.Data("Structs should be encoded as JSON objects, but found %s", n.kind.nodeType())
	}
	st := schema.NewStructValue(s)
	for i := range s.Fields() {
		f := &s.Fields()[i]
		v, err := c.value(f.Schema(), n.get(f.Name()))
		if err != nil {
			return schema.Null(), err
		}
		if v.IsNull() {
			continue
		}
		if err := st.PutAt(i, v); err != nil {
			return schema.Null(), err
		}
	}
	return schema.OfStruct(st), nil
}

// union takes the first branch whose type fits, or the struct that has most of the
// object's members.
func (c *Codec) union(s *schema.Schema, n *node) (schema.Value, error) {
	prefix := oneOfName + ".field."
	if _, ok := s.Param(sumUnionParam); ok {
		prefix = sumField
	}
	best, most := -1, 0
	for i := range s.Fields() {
		of := s.Fields()[i].Schema()
		if fits(of, n) {
			best = i
			break
		}
		if found := matching(of, n); found > most {
			best, most = i, found
		}
	}
	if best < 0 {
		return schema.Null(), errs.Data("Did not find matching oneof field for data")
	}
	v, err := c.value(s.Fields()[best].Schema(), n)
	if err != nil {
		return schema.Null(), err
	}
	st := schema.NewStructValue(s)
	if err := st.Put(prefix+strconv.Itoa(best), v); err != nil {
		return schema.Null(), err
	}
	return schema.OfStruct(st), nil
}

// fits says whether a value is of a branch's type; structs are matched by members.
func fits(s *schema.Schema, n *node) bool {
	switch t := s.Type(); {
	case t <= schema.Int64:
		return n.kind == integer
	case t <= schema.Float64:
		return n.isNumber()
	case t == schema.Boolean:
		return n.kind == boolean
	case t == schema.String:
		return n.kind == text
	case t == schema.Bytes:
		return n.kind == decimal
	case t == schema.Array:
		return n.kind == array
	case t == schema.Map:
		return n.kind == object || n.kind == array
	}
	return false
}

// matching counts the members that a struct schema knows, at all depths.
func matching(s *schema.Schema, n *node) int {
	if s.Type() != schema.Struct || n.kind != object {
		return 0
	}
	count := 0
	for i := range n.members {
		if f := s.Field(n.members[i].name); f != nil {
			count += 1 + matching(f.Schema(), n.members[i].value)
		}
	}
	return count
}
