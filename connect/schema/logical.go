package schema

import (
	"strconv"

	"github.com/moldau-io/moldau/connect/errs"
)

// Names of the logical types.
const (
	DecimalName   = "org.apache.kafka.connect.data.Decimal"
	DateName      = "org.apache.kafka.connect.data.Date"
	TimeName      = "org.apache.kafka.connect.data.Time"
	TimestampName = "org.apache.kafka.connect.data.Timestamp"

	// ScaleParam is the parameter that holds a Decimal's scale.
	ScaleParam = "scale"

	// MillisPerDay is the length of a day in the unit of Date, Time and Timestamp values.
	MillisPerDay = 86_400_000
)

// DecimalBuilder starts a Decimal schema: bytes that hold the unscaled value in
// two's complement, with the scale as a parameter.
func DecimalBuilder(scale int) *Builder {
	return NewBuilder(Bytes).Name(DecimalName).Param(ScaleParam, strconv.Itoa(scale)).Version(1)
}

// DateBuilder starts a Date schema: int32 days since the epoch.
func DateBuilder() *Builder { return NewBuilder(Int32).Name(DateName).Version(1) }

// TimeBuilder starts a Time schema: int32 milliseconds since midnight.
func TimeBuilder() *Builder { return NewBuilder(Int32).Name(TimeName).Version(1) }

// TimestampBuilder starts a Timestamp schema: int64 milliseconds since the epoch.
func TimestampBuilder() *Builder { return NewBuilder(Int64).Name(TimestampName).Version(1) }

// IsLogical says whether the schema is one of the four logical types by name.
func (s *Schema) IsLogical() bool {
	if s == nil || !s.hasName {
		return false
	}
	switch s.name {
	case DecimalName, DateName, TimeName, TimestampName:
		return true
	}
	return false
}

// DecimalFromLogical returns the unscaled bytes of a decimal, which must have the
// schema's scale (Decimal.fromLogical).
func DecimalFromLogical(s *Schema, d *DecimalValue) ([]byte, error) {
	scale, err := DecimalScale(s)
	if err != nil {
		return nil, err
	}
	if int(d.scale) != scale {
		return nil, errs.Data("Decimal value has mismatching scale for given Decimal schema. Schema has scale %d, value has scale %d.", scale, d.scale)
	}
	return d.UnscaledBytes(), nil
}

// DecimalToLogical makes a decimal of unscaled bytes (Decimal.toLogical).
func DecimalToLogical(s *Schema, b []byte) (*DecimalValue, error) {
	if len(b) == 0 {
		return nil, errs.New(errs.ClassNumberFormat, "Zero length BigInteger")
	}
	scale, err := DecimalScale(s)
	if err != nil {
		return nil, err
	}
	return DecimalFromBytes(b, int32(scale)), nil
}

// DecimalScale returns the scale parameter of a Decimal schema.
func DecimalScale(s *Schema) (int, error) {
	if s.params == nil {
		return 0, errs.New(errs.ClassNullPointer, "the Decimal schema has no parameters, hence no scale")
	}
	text, ok := s.Param(ScaleParam)
	if !ok {
		return 0, errs.Data("Invalid Decimal schema: scale parameter not found.")
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, errs.Wrap(errs.ClassData, errs.New(errs.ClassNumberFormat, "For input string: \""+text+"\""),
			"Invalid scale parameter found in Decimal schema: ")
	}
	return int(n), nil
}

// DateFromLogical returns the days since the epoch (Date.fromLogical).
func DateFromLogical(s *Schema, millis int64) (int32, error) {
	if s.name != DateName {
		return 0, errs.Data("Requested conversion of Date object but the schema does not match.")
	}
	if millis%MillisPerDay != 0 {
		return 0, errs.Data("Kafka Connect Date type should not have any time fields set to non-zero values.")
	}
	return int32(millis / MillisPerDay), nil
}

// DateToLogical returns the milliseconds of a day (Date.toLogical).
func DateToLogical(s *Schema, days int32) (int64, error) {
	if s.name != DateName {
		return 0, errs.Data("Requested conversion of Date object but the schema does not match.")
	}
	return int64(days) * MillisPerDay, nil
}

// TimeFromLogical returns the milliseconds since midnight (Time.fromLogical).
func TimeFromLogical(s *Schema, millis int64) (int32, error) {
	if s.name != TimeName {
		return 0, errs.Data("Requested conversion of Time object but the schema does not match.")
	}
	if millis < 0 || millis > MillisPerDay {
		return 0, errs.Data("Kafka Connect Time type should not have any date fields set to non-zero values.")
	}
	return int32(millis), nil
}

// TimeToLogical checks the milliseconds since midnight (Time.toLogical).
func TimeToLogical(s *Schema, millis int32) (int64, error) {
	if s.name != TimeName {
		return 0, errs.Data("Requested conversion of Date object but the schema does not match.")
	}
	if millis < 0 || millis > MillisPerDay {
		return 0, errs.Data("Time values must use number of milliseconds greater than 0 and less than 86400000")
	}
	return int64(millis), nil
}

// TimestampFromLogical returns the milliseconds since the epoch (Timestamp.fromLogical).
func TimestampFromLogical(s *Schema, millis int64) (int64, error) {
	if s.name != TimestampName {
		return 0, errs.Data("Requested conversion of Timestamp object but the schema does not match.")
	}
	return millis, nil
}

// TimestampToLogical returns the milliseconds since the epoch (Timestamp.toLogical).
func TimestampToLogical(s *Schema, millis int64) (int64, error) {
	return TimestampFromLogical(s, millis)
}
