package schema

import (
	"strings"

	"github.com/moldau-io/moldau/connect/errs"
)

// Project reads a value written with the schema source as if it had been written
// with target (org.apache.kafka.connect.data.SchemaProjector): numbers are widened,
// struct fields the target lacks are dropped, those the source lacks take the
// target's default or null. Errors are SchemaProjectorExceptions.
func Project(source *Schema, v Value, target *Schema) (Value, error) {
	if err := projectable(source, target); err != nil {
		return Value{}, err
	}
	if source.optional && !target.optional {
		if !target.HasDefault() {
			return Value{}, errs.New(errs.ClassSchemaProjector, "Writer schema is optional, however, target schema does not provide a default value.")
		}
		if v.IsNull() {
			return target.def, nil
		}
	}
	if v.IsNull() {
		return v, nil
	}
	switch target.typ {
	case Struct:
		return projectStruct(source, v.Struct(), target)
	case Array:
		out := make([]Value, 0, len(v.Array()))
		for _, e := range v.Array() {
			p, err := Project(source.value, e, target.value)
			if err != nil {
				return Value{}, err
			}
			out = append(out, p)
		}
		return OfArray(out), nil
	case Map:
		out := NewMap(v.Map().Len())
		for _, e := range v.Map().Entries() {
			k, err := Project(source.key, e.Key, target.key)
			if err != nil {
				return Value{}, err
			}
			p, err := Project(source.value, e.Value, target.value)
			if err != nil {
				return Value{}, err
			}
			out.Put(k, p)
		}
		return OfMap(out), nil
	}
	return projectNumber(v, target.typ), nil
}

func projectable(source, target *Schema) error {
	switch {
	case source.typ != target.typ && (!source.typ.IsNumber() || !target.typ.IsNumber() || source.typ > target.typ):
		return errs.New(errs.ClassSchemaProjector, "Schema type mismatch. source type: %s and target type: %s", source.typ, target.typ)
	case source.name != target.name || source.hasName != target.hasName:
		return errs.New(errs.ClassSchemaProjector, "Schema name mismatch. source name: %s and target name: %s", orNull(source.name, source.hasName), orNull(target.name, target.hasName))
	case !equalParams(source.params, target.params):
		return errs.New(errs.ClassSchemaProjector, "Schema parameters not equal. source parameters: %s and target parameters: %s", paramsText(source.params), paramsText(target.params))
	}
	return nil
}

func orNull(s string, there bool) string {
	if !there {
		return "null"
	}
	return s
}

func paramsText(ps []Param) string {
	if ps == nil {
		return "null"
	}
	parts := make([]string, len(ps))
	for i, p := range ps {
		parts[i] = p.Name + "=" + p.Value
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func projectStruct(source *Schema, from *StructValue, target *Schema) (Value, error) {
	to := NewStructValue(target)
	for i := range target.fields {
		f := &target.fields[i]
		s := source.Field(f.name)
		switch {
		case s != nil:
			v, err := from.Get(f.name)
			if err != nil {
				return Value{}, err
			}
			if v, err = Project(s.schema, v, f.schema); err != nil {
				if errs.Class(err) == errs.ClassSchemaProjector {
					err = errs.Wrap(errs.ClassSchemaProjector, err, "Error projecting %s", f.name)
				}
				return Value{}, err
			}
			if err := to.PutAt(i, v); err != nil {
				return Value{}, err
			}
		case f.schema.optional:
		case f.schema.HasDefault():
			if err := to.PutAt(i, f.schema.def); err != nil {
				return Value{}, err
			}
		default:
			return Value{}, errs.New(errs.ClassSchemaProjector, "Required field `%s` is missing from source schema: %s", f.name, source)
		}
	}
	return OfStruct(to), nil
}

// projectNumber widens an integer or a float; other values are left alone.
func projectNumber(v Value, t Type) Value {
	if v.Kind() < KindInt8 || v.Kind() > KindFloat64 || Kind(t) == v.Kind() {
		return v
	}
	switch t {
	case Int16:
		return OfInt16(int16(v.num))
	case Int32:
		return OfInt32(int32(v.num))
	case Int64:
		return OfInt64(int64(v.num))
	case Float32:
		return OfFloat32(float32(int64(v.num)))
	case Float64:
		if v.Kind() == KindFloat32 {
			return OfFloat64(float64(v.Float32()))
		}
		return OfFloat64(float64(int64(v.num)))
	}
	return v
}
