package transforms

import (
	"math"
	"strconv"
	"strings"
	"unicode"

	"github.com/moldau-io/moldau/connect/schema"
)

// parseInteger reads what Java's parseByte, parseShort, parseInt and parseLong read:
// an optional sign and digits of any script, in range.
func parseInteger(s string, bits int) (int64, bool) {
	rest := s
	negative := false
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		negative, rest = rest[0] == '-', rest[1:]
	}
	if rest == "" {
		return 0, false
	}
	limit := uint64(1) << (bits - 1) // the magnitude of the least number
	var n uint64
	for _, r := range rest {
		d, ok := decimalDigit(r)
		if !ok || n > limit/10 {
			return 0, false
		}
		n = n*10 + d
		if n > limit {
			return 0, false
		}
	}
	switch {
	case negative:
		return -int64(n), true
	case n == limit:
		return 0, false
	}
	return int64(n), true
}

func decimalDigit(r rune) (uint64, bool) {
	if r < 0x80 {
		return uint64(r - '0'), r >= '0' && r <= '9'
	}
	if !unicode.Is(unicode.Nd, r) {
		return 0, false
	}
	// The digits of a script are ten in a row from 0 on.
	zero := r
	for zero > 0 && r-zero < 10 && unicode.Is(unicode.Nd, zero-1) {
		zero--
	}
	return uint64(r-zero) % 10, true
}

// parseFloat reads what Java's parseFloat and parseDouble read: spaces around, NaN,
// Infinity, decimal and hexadecimal forms with an optional f or d at the end. What is
// too large is infinite.
func parseFloat(s string, bits int) (float64, bool) {
	s = strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
	body := s
	sign := 1.0
	if body != "" && (body[0] == '-' || body[0] == '+') {
		if body[0] == '-' {
			sign = -1
		}
		body = body[1:]
	}
	switch body {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		return sign * math.Inf(1), true
	}
	hex := len(body) > 1 && body[0] == '0' && body[1]|0x20 == 'x'
	number := body
	if n := len(body); n > 0 && strings.IndexByte("fFdD", body[n-1]) >= 0 {
		number = body[:n-1]
	}
	if hex && !isHexFloat(number) || !hex && !isDecimalFloat(number) {
		return 0, false
	}
	f, err := strconv.ParseFloat(number, bits)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return math.Copysign(f, sign), true
}

func digitsLen(s string, hex bool) int {
	for i := range len(s) {
		c := s[i]
		if !(c >= '0' && c <= '9' || hex && (c|0x20 >= 'a' && c|0x20 <= 'f')) {
			return i
		}
	}
	return len(s)
}

func isDecimalFloat(s string) bool {
	n := digitsLen(s, false)
	digits := n
	s = s[n:]
	if s != "" && s[0] == '.' {
		n = digitsLen(s[1:], false)
		digits += n
		s = s[1+n:]
	}
	return digits > 0 && (s == "" || s[0]|0x20 == 'e' && isExponent(s[1:]))
}

func isHexFloat(s string) bool {
	s = s[2:]
	n := digitsLen(s, true)
	digits := n
	s = s[n:]
	if s != "" && s[0] == '.' {
		n = digitsLen(s[1:], true)
		digits += n
		s = s[1+n:]
	}
	return digits > 0 && s != "" && s[0]|0x20 == 'p' && isExponent(s[1:])
}

func isExponent(s string) bool {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	return s != "" && digitsLen(s, false) == len(s)
}

// toInt64 is Number.longValue: floats lose their fraction and stop at the ends.
func toInt64(v schema.Value) int64 {
	switch v.Kind() {
	case schema.KindFloat32:
		return schema.SaturateInt64(float64(v.Float32()))
	case schema.KindFloat64:
		return schema.SaturateInt64(v.Float64())
	case schema.KindDecimal:
		return v.Decimal().Int64()
	}
	n, _ := v.Integer()
	return n
}

// toInt32 is Number.intValue: floats stop at the ends of int32, others are cut.
func toInt32(v schema.Value) int32 {
	switch v.Kind() {
	case schema.KindFloat32, schema.KindFloat64:
		return int32(max(math.MinInt32, min(math.MaxInt32, toInt64(v))))
	}
	return int32(toInt64(v))
}

// toFloat64 is Number.doubleValue.
func toFloat64(v schema.Value) float64 {
	switch v.Kind() {
	case schema.KindFloat32:
		return float64(v.Float32())
	case schema.KindFloat64:
		return v.Float64()
	case schema.KindDecimal:
		return v.Decimal().Float64()
	}
	n, _ := v.Integer()
	return float64(n)
}

// toFloat32 is Number.floatValue.
func toFloat32(v schema.Value) float32 {
	switch v.Kind() {
	case schema.KindFloat32:
		return v.Float32()
	case schema.KindFloat64:
		return float32(v.Float64())
	case schema.KindDecimal:
		return v.Decimal().Float32()
	}
	n, _ := v.Integer()
	return float32(n)
}
