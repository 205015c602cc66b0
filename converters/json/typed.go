package json

import (
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// convert reads the token at a place as a value of a schema; a place of -1 is a
// member that is not there.
func (d *Decoder) convert(s *schema.Schema, at int32) (schema.Value, error) {
	if s == nil {
		return d.value(at)
	}
	if at < 0 || d.scan.tokens[at].kind == kindNull {
		switch {
		case d.opts.ReplaceNull && s.HasDefault():
			return s.Default(), nil
		case s.Optional():
			return schema.Value{}, nil
		}
		return schema.Value{}, errs.Data("Invalid null value for required " + s.Type().String() + " field")
	}
	tok := &d.scan.tokens[at]
	if s.HasName() && s.IsLogical() {
		return d.logical(s, tok)
	}
	switch s.Type() {
	case schema.Boolean:
		return schema.OfBoolean(tok.kind == kindTrue), nil
	case schema.Int8:
		return schema.OfInt8(int8(d.int64(tok))), nil
	case schema.Int16:
		return schema.OfInt16(int16(d.int64(tok))), nil
	case schema.Int32:
		return schema.OfInt32(int32(d.int64(tok))), nil
	case schema.Int64:
		return schema.OfInt64(d.int64(tok)), nil
	case schema.Float32:
		switch tok.kind {
		case kindInt:
			return schema.OfFloat32(float32(tok.num)), nil
		case kindBigInt, kindFloat:
			return schema.OfFloat32(d.float32(tok)), nil
		}
		return schema.OfFloat32(0), nil
	case schema.Float64:
		switch tok.kind {
		case kindInt:
			return schema.OfFloat64(float64(tok.num)), nil
		case kindBigInt, kindFloat:
			return schema.OfFloat64(d.float64(tok)), nil
		}
		return schema.OfFloat64(0), nil
	case schema.String:
		if tok.kind == kindString {
			return d.scan.value(tok), nil
		}
		d.odd = true
		return schema.Value{}, nil
	case schema.Bytes:
		if tok.kind != kindString {
			d.odd = true
			return schema.Value{}, nil
		}
		b, err := decodeBase64(d.scan.text(tok))
		if err != nil {
			return schema.Value{}, errs.Wrap(errs.ClassData, err, "Invalid bytes field")
		}
		return schema.OfBytes(b), nil
	case schema.Array:
		return d.array(s, at)
	case schema.Map:
		return d.mapping(s, at)
	default:
		return d.structure(s, at)
	}
}

// array reads the elements of an array, or the values of an object; anything else
// has none.
func (d *Decoder) array(s *schema.Schema, at int32) (schema.Value, error) {
	tok := &d.scan.tokens[at]
	switch tok.kind {
	case kindArray:
		elements := d.arena.Values(int(tok.size))
		i := at + 1
		for n := range elements {
			var err error
			if elements[n], err = d.convert(s.Value(), i); err != nil {
				return schema.Value{}, err
			}
			i = d.scan.tokens[i].next
		}
		return schema.OfArray(elements), nil
	case kindObject:
		var elements []schema.Value
		for _, m := range d.members(at) {
			v, err := d.convert(s.Value(), m.value)
			if err != nil {
				return schema.Value{}, err
			}
			elements = append(elements, v)
		}
		return schema.OfArray(elements), nil
	}
	return schema.OfArray(nil), nil
}

func (d *Decoder) mapping(s *schema.Schema, at int32) (schema.Value, error) {
	tok := &d.scan.tokens[at]
	if s.Key().Type() == schema.String {
		if tok.kind != kindObject {
			return schema.Value{}, errs.Data("Maps with string fields should be encoded as JSON objects, but found " + tok.kind.nodeType())
		}
		if s.Key().IsLogical() {
			d.odd = true
		}
		entries := d.arena.Entries(int(tok.size))
		i := at + 1
		for n := range entries {
			v, err := d.convert(s.Value(), i+1)
			if err != nil {
				return d.repeatingMap(s, at)
			}
			entries[n] = schema.Entry{Key: d.scan.value(&d.scan.tokens[i]), Value: v}
			i = d.scan.tokens[i+1].next
		}
		return schema.OfMap(d.arena.Map(entries)), nil
	}
	if tok.kind != kindArray {
		return schema.Value{}, errs.Data("Maps with non-string fields should be encoded as JSON array of tuples, but found " + tok.kind.nodeType())
	}
	entries := d.arena.Entries(int(tok.size))
	i := at + 1
	for n := range entries {
		pair := &d.scan.tokens[i]
		if pair.kind != kindArray {
			return schema.Value{}, errs.Data("Found invalid map entry instead of array tuple: " + pair.kind.nodeType())
		}
		if pair.size != 2 {
			return schema.Value{}, errs.Data("Found invalid map entry, expected length 2 but found :%d", pair.size)
		}
		k, err := d.convert(s.Key(), i+1)
		if err != nil {
			return schema.Value{}, err
		}
		v, err := d.convert(s.Value(), d.scan.tokens[i+1].next)
		if err != nil {
			return schema.Value{}, err
		}
		entries[n] = schema.Entry{Key: k, Value: v}
		i = pair.next
	}
	return schema.OfMap(d.arena.Map(entries)), nil
}

// repeatingMap reads a map in which a value cannot be read: it may be one that a
// later one of the same name replaces, and then Connect never looks at it.
func (d *Decoder) repeatingMap(s *schema.Schema, at int32) (schema.Value, error) {
	members := d.members(at)
	m := schema.NewMap(len(members))
	for _, member := range members {
		v, err := d.convert(s.Value(), member.value)
		if err != nil {
			return schema.Value{}, err
		}
		m.PutString(member.name, v)
	}
	return schema.OfMap(m), nil
}

// member is a name of an object and the place of its value.
type member struct {
	name  string
	value int32
}

// members returns an object's members as Jackson keeps them: each name once, where
// it first stood, with its last value.
func (d *Decoder) members(at int32) []member {
	tokens := d.scan.tokens
	if tokens[at].kind != kindObject {
		return nil
	}
	out := make([]member, 0, tokens[at].size)
	places := make(map[string]int, tokens[at].size)
	for i := at + 1; i < tokens[at].next; i = tokens[i+1].next {
		name := d.scan.text(&tokens[i])
		if n, ok := places[name]; ok {
			out[n].value = i + 1
			continue
		}
		places[name] = len(out)
		out = append(out, member{name, i + 1})
	}
	return out
}

// get returns the place of an object's member, or -1; of equal names the last
// counts. What is no object has no members.
func (d *Decoder) get(at int32, name string) int32 {
	found := int32(-1)
	if at < 0 || d.scan.tokens[at].kind != kindObject {
		return found
	}
	tokens := d.scan.tokens
	for i := at + 1; i < tokens[at].next; i = tokens[i+1].next {
		if d.scan.text(&tokens[i]) == name {
			found = i + 1
		}
	}
	return found
}

// structure reads an object's members into a struct. Members usually come in the
// order of the schema's fields, which spares looking them up; those without a field
// are ignored. Fields are converted in the schema's order, as their errors are
// Connect's in that order.
func (d *Decoder) structure(s *schema.Schema, at int32) (schema.Value, error) {
	tok := &d.scan.tokens[at]
	if tok.kind != kindObject {
		return schema.Value{}, errs.Data("Structs should be encoded as JSON objects, but found " + tok.kind.nodeType())
	}
	fields := s.Fields()
	base := len(d.slots)
	for range fields {
		d.slots = append(d.slots, -1)
	}
	slots := d.slots[base:]
	tokens := d.scan.tokens
	guess := 0
	for i := at + 1; i < tokens[at].next; i = tokens[i+1].next {
		name := d.scan.text(&tokens[i])
		if guess < len(fields) && fields[guess].Name() == name {
			slots[guess] = i + 1
			guess++
		} else if f := s.Field(name); f != nil {
			slots[f.Index()] = i + 1
			guess = f.Index() + 1
		}
	}
	values := d.arena.Values(len(fields))
	for n := range fields {
		f := &fields[n]
		v, err := d.convert(f.Schema(), d.slots[base+n])
		if err != nil {
			return schema.Value{}, err
		}
		if d.odd {
			if err := schema.ValidateField(f.Name(), f.Schema(), v); err != nil {
				return schema.Value{}, err
			}
		}
		values[n] = v
	}
	d.slots = d.slots[:base]
	return schema.OfStruct(d.arena.Struct(s, values)), nil
}

func (d *Decoder) logical(s *schema.Schema, tok *token) (schema.Value, error) {
	if !s.Type().IsPrimitive() {
		d.odd = true
	}
	switch s.Name() {
	case schema.DecimalName:
		return d.decimalValue(s, tok)
	case schema.DateName:
		if !isInt32(tok) {
			return schema.Value{}, errs.Data("Invalid type for Date, underlying representation should be integer but was " + tok.kind.nodeType())
		}
		millis, err := schema.DateToLogical(s, int32(tok.num))
		return schema.OfDate(millis), err
	case schema.TimeName:
		if !isInt32(tok) {
			return schema.Value{}, errs.Data("Invalid type for Time, underlying representation should be integer but was " + tok.kind.nodeType())
		}
		millis, err := schema.TimeToLogical(s, int32(tok.num))
		return schema.OfDate(millis), err
	default:
		if tok.kind != kindInt && tok.kind != kindBigInt {
			return schema.Value{}, errs.Data("Invalid type for Timestamp, underlying representation should be integral but was " + tok.kind.nodeType())
		}
		return schema.OfDate(d.int64(tok)), nil
	}
}

func isInt32(tok *token) bool { return tok.kind == kindInt && tok.num == int64(int32(tok.num)) }

func (d *Decoder) decimalValue(s *schema.Schema, tok *token) (schema.Value, error) {
	switch tok.kind {
	case kindInt, kindBigInt, kindFloat:
		return schema.OfDecimal(d.decimal(tok)), nil
	case kindString:
		b, err := decodeBase64(d.scan.text(tok))
		if err != nil {
			return schema.Value{}, errs.Wrap(errs.ClassData, err, "Invalid bytes for Decimal field")
		}
		v, err := schema.DecimalToLogical(s, b)
		if err != nil {
			return schema.Value{}, errs.Wrap(errs.ClassData, err, "Invalid bytes for Decimal field")
		}
		return schema.OfDecimal(v), nil
	}
	return schema.Value{}, errs.Data("Invalid type for Decimal, underlying representation should be numeric or bytes but was " + tok.kind.nodeType())
}
