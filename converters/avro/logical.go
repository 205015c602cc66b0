package avro

import (
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// fromLogical returns what a value of a logical type is written as; others are returned
// as they are.
func fromLogical(s *schema.Schema, v schema.Value) (schema.Value, error) {
	if s == nil || !s.IsLogical() || v.IsNull() {
		return v, nil
	}
	if s.Name() == schema.DecimalName {
		if v.Kind() != schema.KindDecimal {
			return v, errs.Data("Invalid type for Decimal, expected BigDecimal but was class %s", v.Kind().JavaClass())
		}
		b, err := schema.DecimalFromLogical(s, v.Decimal())
		return schema.OfBytes(b), err
	}
	if v.Kind() != schema.KindDate {
		return v, errs.Data("Invalid type for %s, expected Date but was class %s", shortName(s), v.Kind().JavaClass())
	}
	switch s.Name() {
	case schema.DateName:
		n, err := schema.DateFromLogical(s, v.Date())
		return schema.OfInt32(n), err
	case schema.TimeName:
		n, err := schema.TimeFromLogical(s, v.Date())
		return schema.OfInt32(n), err
	}
	n, err := schema.TimestampFromLogical(s, v.Date())
	return schema.OfInt64(n), err
}

// toLogical makes a value of a logical type of what was read.
func toLogical(s *schema.Schema, v schema.Value) (schema.Value, error) {
	if !s.IsLogical() || v.IsNull() {
		return v, nil
	}
	wrong := func(under string) error {
		return errs.Data("Invalid type for %s, underlying representation should be %s but was class %s", shortName(s), under, readClass(v))
	}
	switch s.Name() {
	case schema.DecimalName:
		if v.Kind() != schema.KindBytes {
			return v, wrong("bytes")
		}
		d, err := schema.DecimalToLogical(s, v.Bytes())
		return schema.OfDecimal(d), err
	case schema.TimestampName:
		if v.Kind() != schema.KindInt64 {
			return v, wrong("int64")
		}
		n, err := schema.TimestampToLogical(s, v.Int64())
		return schema.OfDate(n), err
	}
	if v.Kind() != schema.KindInt32 {
		return v, wrong("int32")
	}
	to := schema.DateToLogical
	if s.Name() == schema.TimeName {
		to = schema.TimeToLogical
	}
	n, err := to(s, v.Int32())
	return schema.OfDate(n), err
}

// shortName is the name of a logical type without its package.
func shortName(s *schema.Schema) string {
	const pkg = len("org.apache.kafka.connect.data.")
	return s.Name()[pkg:]
}

// readClass is the class of the object that Java has for a value that was read.
func readClass(v schema.Value) string {
	if v.Kind() == schema.KindBytes {
		return classBuffer
	}
	return v.Kind().JavaClass()
}
