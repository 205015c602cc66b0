package configdef

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// integer takes any Go integer within a range.
func integer(value any, lo, hi int64) (int64, bool) {
	var n int64
	switch v := value.(type) {
	case int:
		n = int64(v)
	case int8:
		n = int64(v)
	case int16:
		n = int64(v)
	case int32:
		n = int64(v)
	case int64:
		n = v
	default:
		return 0, false
	}
	return n, lo <= n && n <= hi
}

func toFloat(value any) (float64, bool) {
	switch v := value.(type) {
	case float64:
		return v, true
	case float32:
		return float64(v), true
	}
	n, ok := integer(value, math.MinInt64, math.MaxInt64)
	return float64(n), ok
}

// parseInteger reads what Java's Integer.parseInt and its like do: a sign, then
// decimal digits of any script within the Basic Multilingual Plane.
func parseInteger(s string, bits int) (int64, bool) {
	digits := make([]byte, 0, 20)
	for i, r := range s {
		switch {
		case r == '+' || r == '-':
			if i != 0 {
				return 0, false
			}
			digits = append(digits, byte(r))
		case '0' <= r && r <= '9':
			digits = append(digits, byte(r))
		case r >= utf8.RuneSelf && r <= 0xFFFF && unicode.Is(unicode.Nd, r):
			digits = append(digits, '0'+digitValue(r))
		default:
			return 0, false
		}
	}
	n, err := strconv.ParseInt(string(digits), 10, bits)
	return n, err == nil
}

// digitValue counts from the zero of r's script; decimal digits stand in runs of
// ten, so a range of the table starts with a zero.
func digitValue(r rune) byte {
	for _, rng := range unicode.Nd.R16 {
		if rune(rng.Lo) <= r && r <= rune(rng.Hi) {
			return byte((r - rune(rng.Lo)) % 10)
		}
	}
	return 0
}

var (
	decimalDouble = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[fFdD]?$`)
	hexDouble     = regexp.MustCompile(`^[+-]?0[xX]([0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+[fFdD]?$`)
)

// parseDouble reads what Java's Double.parseDouble does.
func parseDouble(s string) (float64, bool) {
	unsigned := strings.TrimLeft(s, "+-")
	if len(s)-len(unsigned) <= 1 {
		sign := 1.0
		if strings.HasPrefix(s, "-") {
			sign = -1
		}
		switch unsigned {
		case "NaN":
			return math.NaN(), true
		case "Infinity":
			return math.Inf(int(sign)), true
		}
	}
	if decimalDouble.MatchString(s) {
		s = strings.TrimRight(s, "fFdD")
	} else if hexDouble.MatchString(s) {
		// After the exponent only the suffix can be one of these letters.
		s = strings.TrimRight(s, "fFdD")
	} else {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	// Java rounds what is too large to infinity; so does ParseFloat, with an error.
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

// doubleText is Java's Double.toString (Float.toString with 32 bits).
func doubleText(f float64, bits int) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case f == 0:
		if math.Signbit(f) {
			return "-0.0"
		}
		return "0.0"
	}
	if abs := math.Abs(f); abs >= 1e-3 && abs < 1e7 {
		text := strconv.FormatFloat(f, 'f', -1, bits)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return text
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, bits), "e")
	if !strings.Contains(mantissa, ".") {
		// Java writes two digits at least, and of those the nearest.
		mantissa, _, _ = strings.Cut(strconv.FormatFloat(f, 'e', 1, bits), "e")
	}
	negative := strings.HasPrefix(exponent, "-")
	exponent = strings.TrimLeft(exponent, "+-0")
	if negative {
		exponent = "-" + exponent
	}
	return mantissa + "E" + exponent
}
