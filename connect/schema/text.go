package schema

import (
	"encoding/base64"
	"hash/fnv"
	"strconv"
)

// Text returns what Java's String.valueOf gives for the value: {a=1} for maps,
// Struct{a=1} for structs without their null fields, and dates as java.util.Date
// prints them, in UTC. Bytes give [B@ and a number, which in Java is the array's
// identity and here a hash of its content.
func (v Value) Text() string {
	if v.Kind() == KindString {
		return v.Str()
	}
	return string(v.AppendText(nil))
}

// AppendText appends Text.
func (v Value) AppendText(dst []byte) []byte {
	switch v.Kind() {
	case KindNull:
		return append(dst, "null"...)
	case KindInt8, KindInt16, KindInt32, KindInt64:
		return strconv.AppendInt(dst, int64(v.num), 10)
	case KindFloat32:
		return AppendFloat32(dst, v.Float32())
	case KindFloat64:
		return AppendFloat64(dst, v.Float64())
	case KindBoolean:
		return strconv.AppendBool(dst, v.num != 0)
	case KindString:
		return append(dst, v.Str()...)
	case KindBytes:
		h := fnv.New32a()
		h.Write(v.Bytes())
		return strconv.AppendUint(append(dst, "[B@"...), uint64(h.Sum32()), 16)
	case KindArray:
		dst = append(dst, '[')
		for i, e := range v.Array() {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = e.AppendText(dst)
		}
		return append(dst, ']')
	case KindMap:
		dst = append(dst, '{')
		for i, e := range v.Map().Entries() {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = e.Value.AppendText(append(e.Key.AppendText(dst), '='))
		}
		return append(dst, '}')
	case KindStruct:
		return v.Struct().AppendText(dst)
	case KindDecimal:
		return append(dst, v.Decimal().String()...)
	default:
		return AppendJavaDate(dst, v.Date())
	}
}

// AppendText appends Struct.toString: the fields that are not null, without defaults.
func (s *StructValue) AppendText(dst []byte) []byte {
	dst = append(dst, "Struct{"...)
	first := true
	for i := range s.values {
		if s.values[i].IsNull() {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(append(dst, s.schema.fields[i].name...), '=')
		dst = s.values[i].AppendText(dst)
	}
	return append(dst, '}')
}

// ConvertToString returns Connect's own text form (Values.convertToString), which
// resembles JSON: strings inside lists, maps and structs are quoted, bytes are
// base64, structs show defaults for nulls, and a date takes the shortest of three
// ISO forms that its milliseconds allow. Null gives "null".
func ConvertToString(v Value) string {
	if v.Kind() == KindString {
		return v.Str()
	}
	return string(AppendConverted(nil, v))
}

// AppendConverted appends ConvertToString's text.
func AppendConverted(dst []byte, v Value) []byte { return appendConverted(dst, v, false) }

func appendConverted(dst []byte, v Value, embedded bool) []byte {
	switch v.Kind() {
	case KindString:
		if embedded {
			return appendQuoted(dst, v.Str())
		}
		return append(dst, v.Str()...)
	case KindBytes:
		if embedded {
			dst = append(dst, '"')
		}
		dst = base64.StdEncoding.AppendEncode(dst, v.Bytes())
		if embedded {
			dst = append(dst, '"')
		}
		return dst
	case KindArray:
		dst = append(dst, '[')
		for i, e := range v.Array() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendConverted(dst, e, true)
		}
		return append(dst, ']')
	case KindMap:
		dst = append(dst, '{')
		for i, e := range v.Map().Entries() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendConverted(dst, e.Key, true), ':')
			dst = appendConverted(dst, e.Value, true)
		}
		return append(dst, '}')
	case KindStruct:
		s := v.Struct()
		dst = append(dst, '{')
		for i := range s.values {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendQuoted(dst, s.schema.fields[i].name), ':')
			dst = appendConverted(dst, s.At(i), true)
		}
		return append(dst, '}')
	case KindDate:
		return AppendDate(dst, v.Date())
	}
	return v.AppendText(dst)
}

func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		if c := s[i]; c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}

// AppendDate appends the ISO form that Values.dateFormatFor picks: the time of day
// for instants within the first day of the epoch or before it, the date at an
// exact midnight, else both.
func AppendDate(dst []byte, millis int64) []byte {
	switch {
	case millis < MillisPerDay:
		return AppendISOTime(dst, millis)
	case millis%MillisPerDay == 0:
		return AppendISODate(dst, millis)
	}
	return AppendISOTimestamp(dst, millis)
}
