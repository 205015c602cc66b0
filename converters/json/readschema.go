package json

import (
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

var schemaTypes = map[string]schema.Type{
	"boolean": schema.Boolean, "int8": schema.Int8, "int16": schema.Int16, "int32": schema.Int32, "int64": schema.Int64,
	"float": schema.Float32, "double": schema.Float64, "bytes": schema.Bytes, "string": schema.String,
}

// readSchema reads the schema of an envelope, or one within it.
func (d *Decoder) readSchema(at int32) (*schema.Schema, error) {
	tokens := d.scan.tokens
	if tokens[at].kind == kindNull {
		return nil, nil
	}
	name, ok := d.stringMember(at, "type")
	if !ok {
		return nil, errs.Data("Schema must contain 'type' field")
	}
	b, err := d.schemaOf(name, at)
	if err != nil {
		return nil, err
	}
	if i := d.get(at, "optional"); i >= 0 && tokens[i].kind == kindTrue {
		b.Optional()
	}
	if name, ok := d.stringMember(at, "name"); ok {
		b.Name(name)
	}
	if i := d.get(at, "version"); i >= 0 && (tokens[i].kind == kindInt || tokens[i].kind == kindBigInt) {
		b.Version(int32(d.int64(&tokens[i])))
	}
	if doc, ok := d.stringMember(at, "doc"); ok {
		b.Doc(doc)
	}
	if i := d.get(at, "parameters"); i >= 0 {
		for _, m := range d.members(i) {
			if tokens[m.value].kind != kindString {
				return nil, errs.Data("Schema parameters must have string values.")
			}
			b.Param(string([]byte(m.name)), d.copied(m.value))
		}
	}
	if i := d.get(at, "default"); i >= 0 {
		if err := d.readDefault(b, i); err != nil {
			return nil, err
		}
	}
	return b.Build()
}

func (d *Decoder) schemaOf(name string, at int32) (*schema.Builder, error) {
	switch name {
	case "array":
		i := d.get(at, "items")
		if i < 0 || d.scan.tokens[i].kind == kindNull {
			return nil, errs.Data("Array schema did not specify the element type")
		}
		element, err := d.readSchema(i)
		if err != nil {
			return nil, err
		}
		b := schema.NewArray(element)
		return b, b.Err()
	case "map":
		k := d.get(at, "keys")
		if k < 0 {
			return nil, errs.Data("Map schema did not specify the key type")
		}
		v := d.get(at, "values")
		if v < 0 {
			return nil, errs.Data("Map schema did not specify the value type")
		}
		key, err := d.readSchema(k)
		if err != nil {
			return nil, err
		}
		value, err := d.readSchema(v)
		if err != nil {
			return nil, err
		}
		b := schema.NewMapOf(key, value)
		return b, b.Err()
	case "struct":
		return d.structSchema(at)
	}
	t, ok := schemaTypes[name]
	if !ok {
		return nil, errs.Data("Unknown schema type: " + name)
	}
	return schema.NewBuilder(t), nil
}

func (d *Decoder) structSchema(at int32) (*schema.Builder, error) {
	tokens := d.scan.tokens
	fields := d.get(at, "fields")
	if fields < 0 || tokens[fields].kind != kindArray {
		return nil, errs.Data("Struct schema's \"fields\" argument is not an array.")
	}
	b := schema.NewStruct()
	for i := fields + 1; i < tokens[fields].next; i = tokens[i].next {
		name, ok := d.stringMember(i, "field")
		if !ok {
			return nil, errs.Data("Struct schema's field name not specified properly")
		}
		s, err := d.readSchema(i)
		if err != nil {
			return nil, err
		}
		if err := b.Field(name, s).Err(); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// readDefault sets a default. That of a struct can never be set: the schema that
// Connect checks it against is not yet the one that the value has.
func (d *Decoder) readDefault(b *schema.Builder, at int32) error {
	odd := d.odd
	v, err := d.convert(b.Ref(), at)
	d.odd = odd
	if err != nil {
		return err
	}
	if v.Kind() == schema.KindStruct {
		return errs.Wrap(errs.ClassSchemaBuilder, errs.Data("Struct schemas do not match."), "Invalid default value")
	}
	return b.Default(d.own(v)).Err()
}

// own copies what is a view of the text, for a schema outlives its record.
func (d *Decoder) own(v schema.Value) schema.Value {
	switch v.Kind() {
	case schema.KindString:
		return schema.OfString(string([]byte(v.Str())))
	case schema.KindArray:
		out := make([]schema.Value, len(v.Array()))
		for i, e := range v.Array() {
			out[i] = d.own(e)
		}
		return schema.OfArray(out)
	case schema.KindMap:
		m := schema.NewMap(v.Map().Len())
		for _, e := range v.Map().Entries() {
			m.Put(d.own(e.Key), d.own(e.Value))
		}
		return schema.OfMap(m)
	case schema.KindStruct:
		s := v.Struct()
		out := make([]schema.Value, len(s.Schema().Fields()))
		for i := range out {
			out[i] = d.own(s.RawAt(i))
		}
		return schema.OfStruct(schema.StructOf(s.Schema(), out))
	}
	return v
}

// stringMember returns a copy of a member that is a string.
func (d *Decoder) stringMember(at int32, name string) (string, bool) {
	i := d.get(at, name)
	if i < 0 || d.scan.tokens[i].kind != kindString {
		return "", false
	}
	return d.copied(i), true
}

func (d *Decoder) copied(at int32) string {
	return string([]byte(d.scan.text(&d.scan.tokens[at])))
}
