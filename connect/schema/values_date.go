package schema

import (
	"math"
	"strconv"
	"strings"
)

// Lengths, in Java's chars, of the texts that may be a date, a time or a timestamp.
const (
	isoDateLength      = len("yyyy-MM-dd")
	isoTimeLength      = len("HH:mm:ss.SSSZ")
	isoTimestampLength = len("yyyy-MM-ddTHH:mm:ss.SSSZ")
)

// parseTemporal reads a text in one of the three ISO forms as Values does: the
// length picks the form, and fields are read as a lenient SimpleDateFormat does.
func parseTemporal(token string) (*Schema, Value, bool) {
	token = strings.ReplaceAll(token, `\:`, ":")
	switch utf16Len(token) {
	case isoTimeLength:
		if ms, ok := parseLenient(token, "H:m:s.SZ"); ok {
			return timeSchema, OfDate(ms), true
		}
	case isoTimestampLength:
		if ms, ok := parseLenient(token, "y-M-dTH:m:s.SZ"); ok {
			return timestampSchema, OfDate(ms), true
		}
	case isoDateLength:
		if ms, ok := parseLenient(token, "y-M-d"); ok {
			return dateSchema, OfDate(ms), true
		}
	}
	return nil, Value{}, false
}

// Never written after package initialisation.
var (
	dateSchema      = DateBuilder().MustBuild()
	timeSchema      = TimeBuilder().MustBuild()
	timestampSchema = TimestampBuilder().MustBuild()
)

// parseLenient reads numbers where the layout has one of y M d H m s S, and the
// layout's own character elsewhere. Numbers may lie out of range and carry over;
// what follows the layout is ignored.
func parseLenient(text, layout string) (int64, bool) {
	year, month, day, millis := int64(1970), int64(1), int64(1), int64(0)
	for i := range len(layout) {
		c := layout[i]
		weight := int64(0)
		switch c {
		case 'H':
			weight = 3_600_000
		case 'm':
			weight = 60_000
		case 's':
			weight = 1000
		case 'S':
			weight = 1
		case 'y', 'M', 'd':
		default:
			if text == "" || text[0] != c {
				return 0, false
			}
			text = text[1:]
			continue
		}
		n, rest, ok := leadingInt(strings.TrimLeft(text, " \t"))
		if !ok {
			return 0, false
		}
		text = rest
		switch c {
		case 'y':
			year = int64(n)
		case 'M':
			month = int64(n-1) + 1 // Java's month counts from 0 in an int
		case 'd':
			day = int64(n)
		default:
			millis += int64(n) * weight
		}
	}
	return DateMillis(year, month, day) + millis, true
}

// leadingInt reads the number at the start of a text as Java's integer
// NumberFormat does: a minus sign, digits of any script, and an exponent.
func leadingInt(text string) (n int32, rest string, ok bool) {
	negative := strings.HasPrefix(text, "-")
	digits, exponent, rest := scanNumber(strings.TrimPrefix(text, "-"))
	if digits == "" {
		return 0, text, false
	}
	// The value is an exact long where it is whole and fits, else a double.
	v := new(strings.Builder)
	if negative {
		v.WriteByte('-')
	}
	v.WriteString(digits)
	d, _ := ParseDecimal(v.String()) // digits alone always parse
	d = NewDecimal(d.unscaled, int32(-exponent))
	if exponent < 400 && d.IsWhole() {
		if whole := d.Int(); whole != nil && whole.IsInt64() {
			return int32(whole.Int64()), rest, true
		}
	}
	return saturateInt32(d.Float64()), rest, true
}

// scanNumber returns the digits in ASCII and the exponent, if any.
func scanNumber(text string) (digits string, exponent int, rest string) {
	var b strings.Builder
	end := len(text)
	for i, r := range text {
		d := Digit(r)
		if d < 0 {
			end = i
			break
		}
		b.WriteByte('0' + byte(d))
	}
	rest = text[end:]
	if b.Len() == 0 || !strings.HasPrefix(rest, "E") {
		return b.String(), 0, rest
	}
	after := rest[1:]
	negative := strings.HasPrefix(after, "-")
	e, nested, tail := scanNumber(strings.TrimPrefix(after, "-"))
	if n, err := strconv.Atoi(e); err == nil && nested == 0 && n < 1<<30 {
		if negative {
			n = -n
		}
		return b.String(), n, tail
	}
	return b.String(), 0, rest
}

func saturateInt32(f float64) int32 {
	switch {
	case f != f:
		return 0
	case f >= math.MaxInt32:
		return math.MaxInt32
	case f <= math.MinInt32:
		return math.MinInt32
	}
	return int32(f)
}

// SaturateInt64 is Java's cast of a double to long: NaN gives 0, what is out of
// range the nearest limit.
func SaturateInt64(f float64) int64 {
	switch {
	case f != f:
		return 0
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return int64(f)
}
