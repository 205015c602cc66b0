package schema

import "github.com/moldau-io/moldau/connect/errs"

// The functions of this file convert a value of any kind to one type, as
// org.apache.kafka.connect.data.Values does. from is the value's own schema or
// nil; it matters for the logical types alone. Errors are DataExceptions with
// Connect's texts unless said otherwise.

func nullRequired() error {
	return errs.Data("Unable to convert a null value to a schema that requires a value")
}

func cannotConvert(v Value, to string) error {
	return errs.Data("Unable to convert " + v.Text() + " (class " + v.Kind().JavaClass() + ") to " + to)
}

// cannotConvertParsed is the like for a value that was parsed from a string: its
// maps are of another class.
func cannotConvertParsed(v Value, to string) error {
	if v.Kind() == KindMap {
		return errs.Data("Unable to convert " + v.Text() + " (class java.util.LinkedHashMap) to " + to)
	}
	return cannotConvert(v, to)
}

// ConvertToBoolean gives the boolean, that of a string, or whether a number's whole
// part is not 0. Null stays null.
func ConvertToBoolean(from *Schema, v Value) (Value, error) {
	switch v.Kind() {
	case KindNull, KindBoolean:
		return v, nil
	case KindString:
		if p, err := parseText(v); err != nil {
			return Value{}, err
		} else if p.Kind() == KindBoolean {
			return p, nil
		}
	}
	n, err := asLong(from, v, nil)
	return OfBoolean(n != 0), err
}

// parseText returns the value that a string stands for. Where Java's parseString
// returns null, the dereference that follows there fails.
func parseText(v Value) (Value, error) {
	_, p, found, err := ParseString(v.Str())
	if err == nil && !found {
		err = errs.New(errs.ClassNullPointer, "the text null stands for no value")
	}
	return p, err
}

// ConvertToInt8 wraps numbers that are too large. Null stays null.
func ConvertToInt8(from *Schema, v Value) (Value, error) {
	if v.Kind() == KindNull || v.Kind() == KindInt8 {
		return v, nil
	}
	n, err := asLong(from, v, nil)
	return OfInt8(int8(n)), err
}

// ConvertToInt16 wraps numbers that are too large. Null stays null.
func ConvertToInt16(from *Schema, v Value) (Value, error) {
	if v.Kind() == KindNull || v.Kind() == KindInt16 {
		return v, nil
	}
	n, err := asLong(from, v, nil)
	return OfInt16(int16(n)), err
}

// ConvertToInt32 wraps numbers that are too large. Null stays null.
func ConvertToInt32(from *Schema, v Value) (Value, error) {
	if v.Kind() == KindNull || v.Kind() == KindInt32 {
		return v, nil
	}
	n, err := asLong(from, v, nil)
	return OfInt32(int32(n)), err
}

// ConvertToInt64 saturates floats and wraps decimals that are too large. Null stays null.
func ConvertToInt64(from *Schema, v Value) (Value, error) {
	if v.Kind() == KindNull || v.Kind() == KindInt64 {
		return v, nil
	}
	n, err := asLong(from, v, nil)
	return OfInt64(n), err
}

// ConvertToFloat32 goes through a double. Null stays null.
func ConvertToFloat32(from *Schema, v Value) (Value, error) {
	if v.Kind() == KindNull || v.Kind() == KindFloat32 {
		return v, nil
	}
	f, err := asDouble(from, v)
	return OfFloat32(float32(f)), err
}

// ConvertToFloat64 gives a double. Null stays null.
func ConvertToFloat64(from *Schema, v Value) (Value, error) {
	if v.Kind() == KindNull || v.Kind() == KindFloat64 {
		return v, nil
	}
	f, err := asDouble(from, v)
	return OfFloat64(f), err
}

// ConvertToArray takes lists as they are and parses strings.
func ConvertToArray(v Value) (Value, error) {
	return convertToKind(KindArray, "Schema{ARRAY}", v)
}

// ConvertToMap takes maps as they are and parses strings.
func ConvertToMap(v Value) (Value, error) {
	return convertToKind(KindMap, "Schema{MAP}", v)
}

// ConvertToStruct takes structs only.
func ConvertToStruct(v Value) (Value, error) {
	switch v.Kind() {
	case KindNull:
		return Value{}, nullRequired()
	case KindStruct:
		return v, nil
	}
	return Value{}, cannotConvert(v, "Schema{STRUCT}")
}

func convertToKind(kind Kind, to string, v Value) (Value, error) {
	if v.Kind() == KindNull {
		return Value{}, nullRequired()
	}
	if v.Kind() == KindString {
		var err error
		if v, err = parseText(v); err != nil {
			return Value{}, err
		}
		if v.Kind() != kind {
			return Value{}, cannotConvertParsed(v, to)
		}
	}
	if v.Kind() != kind {
		return Value{}, cannotConvert(v, to)
	}
	return v, nil
}

// ConvertToDecimal takes decimals as they are, unscaled bytes with the given scale,
// and the texts of numbers. A string that is no number is a NumberFormatException.
func ConvertToDecimal(v Value, scale int) (Value, error) {
	if v.Kind() == KindNull {
		return Value{}, nullRequired()
	}
	return toDecimal(DecimalBuilder(scale).MustBuild(), v)
}

func toDecimal(to *Schema, v Value) (Value, error) {
	switch {
	case v.Kind() == KindBytes:
		d, err := DecimalToLogical(to, v.Bytes())
		return OfDecimal(d), err
	case v.Kind() == KindDecimal:
		return v, nil
	case v.Kind() == KindString:
		d, ok := ParseDecimal(v.Str())
		if !ok {
			return Value{}, numberFormat(v.Str())
		}
		return OfDecimal(d), nil
	case v.IsNumber():
		f, err := asDouble(nil, v)
		if err != nil {
			return Value{}, err
		}
		d, ok := DecimalFromFloat64(f)
		if !ok {
			return Value{}, numberFormat(Float64Text(f))
		}
		return OfDecimal(d), nil
	}
	return Value{}, cannotConvert(v, to.String())
}

func numberFormat(text string) error {
	return errs.New(errs.ClassNumberFormat, "not a number: "+text)
}

// ConvertToDate gives the day of a timestamp, the day a number counts, or what a
// string stands for.
func ConvertToDate(from *Schema, v Value) (Value, error) { return required3(toDate, from, v) }

// ConvertToTime gives the time of day of a timestamp, or what a string or number
// stands for.
func ConvertToTime(from *Schema, v Value) (Value, error) { return required3(toTime, from, v) }

// ConvertToTimestamp gives the instant that a date, a time of the first day, a
// string or a number stands for.
func ConvertToTimestamp(from *Schema, v Value) (Value, error) {
	return required3(toTimestamp, from, v)
}

func required3(convert func(from *Schema, v Value) (Value, error), from *Schema, v Value) (Value, error) {
	if v.Kind() == KindNull {
		return Value{}, nullRequired()
	}
	if v.Kind() == KindString {
		var err error
		if v, err = parseText(v); err != nil {
			return Value{}, err
		}
		if v.Kind() == KindMap {
			to := "a number"
			if from != nil {
				to = from.String()
			}
			return Value{}, cannotConvertParsed(v, to)
		}
	}
	if v.Kind() == KindDate && from == nil {
		return v, nil
	}
	return convert(from, v)
}

func toDate(from *Schema, v Value) (Value, error) {
	if v.Kind() == KindDate {
		switch from.name {
		case DateName:
			return v, nil
		case TimestampName:
			return OfDate(int64(int32(v.Date()/MillisPerDay)) * MillisPerDay), nil
		}
	}
	n, err := asLong(from, v, nil)
	return OfDate(int64(int32(n)) * MillisPerDay), err
}

func toTime(from *Schema, v Value) (Value, error) {
	n := int64(0)
	if v.Kind() == KindDate && from.name == TimeName {
		return v, nil
	}
	if v.Kind() == KindDate && from.name == TimestampName {
		n = v.Date() - floorDiv(v.Date(), MillisPerDay)*MillisPerDay
	} else {
		var err error
		if n, err = asLong(from, v, nil); err != nil {
			return Value{}, err
		}
	}
	millis, err := TimeToLogical(timeSchema, int32(n))
	return OfDate(millis), err
}

func toTimestamp(from *Schema, v Value) (Value, error) {
	if v.Kind() == KindDate {
		switch from.name {
		case DateName:
			days, err := DateFromLogical(from, v.Date())
			return OfDate(int64(days) * MillisPerDay), err
		case TimeName:
			millis, err := TimeFromLogical(from, v.Date())
			return OfDate(int64(millis)), err
		case TimestampName:
			return v, nil
		}
	}
	n, err := asLong(from, v, nil)
	return OfDate(n), err
}

// ConvertTo converts a value to the type of a schema (Values.convertTo); of arrays
// and maps only the outer kind is looked at.
func ConvertTo(to, from *Schema, v Value) (Value, error) { return convertTo(to, from, v) }

func convertTo(to, from *Schema, v Value) (Value, error) {
	if v.Kind() == KindNull {
		if to.optional {
			return Value{}, nil
		}
		return Value{}, nullRequired()
	}
	switch to.typ {
	case Bytes:
		switch {
		case to.name == DecimalName:
			return toDecimal(to, v)
		case v.Kind() == KindBytes:
			return v, nil
		case v.Kind() == KindDecimal:
			b, err := DecimalFromLogical(to, v.Decimal())
			return OfBytes(b), err
		}
		return Value{}, cannotConvert(v, to.String())
	case String:
		return OfString(ConvertToString(v)), nil
	case Boolean:
		return ConvertToBoolean(from, v)
	case Int8:
		return ConvertToInt8(from, v)
	case Int16:
		return ConvertToInt16(from, v)
	case Int32:
		switch to.name {
		case DateName:
			return ConvertToDate(from, v)
		case TimeName:
			return ConvertToTime(from, v)
		}
		return ConvertToInt32(from, v)
	case Int64:
		if to.name == TimestampName {
			return ConvertToTimestamp(from, v)
		}
		return ConvertToInt64(from, v)
	case Float32:
		return ConvertToFloat32(from, v)
	case Float64:
		return ConvertToFloat64(from, v)
	case Array:
		return convertToKind(KindArray, to.String(), v)
	case Map:
		return convertToKind(KindMap, to.String(), v)
	default:
		if v.Kind() == KindStruct {
			return v, nil
		}
		return Value{}, cannotConvert(v, to.String())
	}
}

// IsNumber says whether v is what Java calls a Number: an integer, a float or a decimal.
func (v Value) IsNumber() bool {
	return v.Kind() >= KindInt8 && v.Kind() <= KindFloat64 || v.Kind() == KindDecimal
}

// asLong returns the number as Java's longValue does, a string's number, or what
// the date types hold.
func asLong(from *Schema, v Value, cause error) (int64, error) {
	switch v.Kind() {
	case KindInt8, KindInt16, KindInt32, KindInt64:
		return int64(v.num), nil
	case KindFloat32:
		return SaturateInt64(float64(v.Float32())), nil
	case KindFloat64:
		return SaturateInt64(v.Float64()), nil
	case KindDecimal:
		return v.Decimal().Int64(), nil
	case KindString:
		d, ok := ParseDecimal(v.Str())
		if ok {
			return d.Int64(), nil
		}
		cause = numberFormat(v.Str())
	}
	if from == nil {
		return 0, withCause(cannotConvert(v, "a number"), cause)
	}
	if v.Kind() == KindDate {
		switch from.name {
		case DateName:
			n, err := DateFromLogical(from, v.Date())
			return int64(n), err
		case TimeName:
			n, err := TimeFromLogical(from, v.Date())
			return int64(n), err
		case TimestampName:
			return v.Date(), nil
		}
	}
	return 0, withCause(cannotConvert(v, from.String()), cause)
}

func withCause(err error, cause error) error {
	if cause == nil {
		return err
	}
	m, _ := errs.Message(err)
	return errs.Wrap(errs.ClassData, cause, "%s", m)
}

func asDouble(from *Schema, v Value) (float64, error) {
	var cause error
	switch v.Kind() {
	case KindInt8, KindInt16, KindInt32, KindInt64:
		return float64(int64(v.num)), nil
	case KindFloat32:
		return float64(v.Float32()), nil
	case KindFloat64:
		return v.Float64(), nil
	case KindDecimal:
		return v.Decimal().Float64(), nil
	case KindString:
		if d, ok := ParseDecimal(v.Str()); ok {
			return d.Float64(), nil
		}
		cause = numberFormat(v.Str())
	}
	n, err := asLong(from, v, cause)
	return float64(n), err
}
