package schema

import "github.com/moldau-io/moldau/connect/errs"

// ValidateValue checks a value against a schema as ConnectSchema.validateValue
// does, with its DataException texts.
func ValidateValue(s *Schema, v Value) error { return validate(s, v, "value") }

// ValidateField checks the value of a field.
func ValidateField(field string, s *Schema, v Value) error {
	if fastMatch(s, v) {
		return nil
	}
	return validate(s, v, "field: \""+field+"\"")
}

// fastMatch spares the location text for what is nearly always so.
func fastMatch(s *Schema, v Value) bool {
	return !s.hasName && s.typ < Array && Kind(s.typ) == v.Kind()
}

// expects returns the kind that a schema's values have.
func (s *Schema) expects() Kind {
	if s.hasName {
		switch s.name {
		case DecimalName:
			return KindDecimal
		case DateName, TimeName, TimestampName:
			return KindDate
		}
	}
	return Kind(s.typ)
}

// ValueKind returns the kind that values of this schema have: the logical types'
// own kind, else that of the type.
func (s *Schema) ValueKind() Kind { return s.expects() }

func validate(s *Schema, v Value, location string) error {
	if v.Kind() == KindNull {
		if !s.optional {
			return errs.Data("Invalid value: null used for required " + location + ", schema type: " + s.typ.String())
		}
		return nil
	}
	if s.expects() != v.Kind() {
		msg := "Invalid Java object for schema"
		if s.hasName {
			msg += " \"" + s.name + "\""
		}
		return errs.Data(msg + " with type " + s.typ.String() + ": class " + v.Kind().JavaClass() + " for " + location)
	}
	if s.typ >= Array && Kind(s.typ) != v.Kind() {
		// A logical type's name on an array, map or struct: Java casts the value.
		return errs.New(errs.ClassClassCast, "class "+v.Kind().JavaClass()+" cannot be cast to class "+Kind(s.typ).JavaClass())
	}
	switch v.Kind() {
	case KindStruct:
		st := v.Struct()
		if !st.schema.Equal(s) {
			return errs.Data("Struct schemas do not match.")
		}
		return st.Validate()
	case KindArray:
		elements := v.Array()
		where := "element of array " + location
		if s.value == nil {
			return errs.Data("No schema defined for " + where)
		}
		for i := range elements {
			if fastMatch(s.value, elements[i]) {
				continue
			}
			if err := validate(s.value, elements[i], where); err != nil {
				return err
			}
		}
	case KindMap:
		keyAt, valueAt := "key of map "+location, "value of map "+location
		if s.key == nil {
			return errs.Data("No schema defined for " + keyAt)
		}
		if s.value == nil {
			return errs.Data("No schema defined for " + valueAt)
		}
		for _, e := range v.Map().Entries() {
			if err := validate(s.key, e.Key, keyAt); err != nil {
				return err
			}
			if err := validate(s.value, e.Value, valueAt); err != nil {
				return err
			}
		}
	}
	return nil
}
