package schema

import (
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// DecimalValue is an unscaled integer and a scale: unscaled × 10^-scale
// (java.math.BigDecimal). It is immutable.
type DecimalValue struct {
	unscaled *big.Int
	scale    int32
}

// NewDecimal returns a decimal. The big.Int is kept and must not be changed.
func NewDecimal(unscaled *big.Int, scale int32) *DecimalValue {
	return &DecimalValue{unscaled: unscaled, scale: scale}
}

// DecimalFromInt64 returns a decimal of a small unscaled value.
func DecimalFromInt64(unscaled int64, scale int32) *DecimalValue {
	return &DecimalValue{unscaled: big.NewInt(unscaled), scale: scale}
}

// DecimalFromBytes returns a decimal of big-endian two's-complement bytes.
func DecimalFromBytes(b []byte, scale int32) *DecimalValue {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return &DecimalValue{unscaled: n, scale: scale}
}

// Unscaled returns the unscaled value. It must not be changed.
func (d *DecimalValue) Unscaled() *big.Int { return d.unscaled }

// Scale returns the scale.
func (d *DecimalValue) Scale() int32 { return d.scale }

// Equal says whether value and scale are equal, as BigDecimal.equals does.
func (d *DecimalValue) Equal(o *DecimalValue) bool {
	return d.scale == o.scale && d.unscaled.Cmp(o.unscaled) == 0
}

// UnscaledBytes returns the unscaled value as the shortest big-endian
// two's-complement bytes (BigInteger.toByteArray).
func (d *DecimalValue) UnscaledBytes() []byte {
	n := d.unscaled
	switch n.Sign() {
	case 0:
		return []byte{0}
	case 1:
		b := n.Bytes()
		if b[0]&0x80 != 0 {
			b = append([]byte{0}, b...)
		}
		return b
	}
	size := n.BitLen()/8 + 1
	b := new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*size))).Bytes()
	for len(b) > 1 && b[0] == 0xff && b[1]&0x80 != 0 {
		b = b[1:]
	}
	return b
}

// String returns BigDecimal.toString: plain where the exponent is small, else
// scientific notation such as 1E+3.
func (d *DecimalValue) String() string {
	digits := d.unscaled.String()
	if d.scale == 0 {
		return digits
	}
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	adjusted := -int64(d.scale) + int64(len(digits)-1)
	if d.scale > 0 && adjusted >= -6 {
		point := len(digits) - int(d.scale)
		if point > 0 {
			return sign + digits[:point] + "." + digits[point:]
		}
		return sign + "0." + zeros(-point) + digits
	}
	text := sign + digits[:1]
	if len(digits) > 1 {
		text += "." + digits[1:]
	}
	if adjusted == 0 {
		return text
	}
	text += "E"
	if adjusted > 0 {
		text += "+"
	}
	return text + strconv.FormatInt(adjusted, 10)
}

func zeros(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = '0'
	}
	return string(b)
}

// ParseDecimal reads what Java's BigDecimal(String) reads: digits of any script,
// one point, and an exponent of at most ten digits.
func ParseDecimal(s string) (*DecimalValue, bool) {
	mantissa, exp := s, int64(0)
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		var ok bool
		if exp, ok = parseExponent(s[i+1:]); !ok {
			return nil, false
		}
		mantissa = s[:i]
	}
	negative := false
	if mantissa != "" && (mantissa[0] == '-' || mantissa[0] == '+') {
		negative, mantissa = mantissa[0] == '-', mantissa[1:]
	}
	scale, small, digits := -exp, int64(0), 0
	point := false
	var long []byte // from 18 digits on
	for _, r := range mantissa {
		d := Digit(r)
		switch {
		case d >= 0:
			digits++
			if long == nil && digits > 18 {
				long = strconv.AppendInt(make([]byte, 0, len(mantissa)+1), small, 10)
			}
			if long != nil {
				long = append(long, '0'+byte(d))
			} else {
				small = small*10 + int64(d)
			}
			if point {
				scale++
			}
		case r == '.' && !point:
			point = true
		default:
			return nil, false
		}
	}
	if digits == 0 || scale != int64(int32(scale)) {
		return nil, false
	}
	if long == nil {
		if negative {
			small = -small
		}
		return DecimalFromInt64(small, int32(scale)), true
	}
	n, ok := new(big.Int).SetString(string(long), 10)
	if !ok {
		return nil, false
	}
	if negative {
		n.Neg(n)
	}
	return &DecimalValue{unscaled: n, scale: int32(scale)}, true
}

func parseExponent(s string) (int64, bool) {
	negative := false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		negative, s = s[0] == '-', s[1:]
	}
	if s == "" {
		return 0, false
	}
	var exp int64
	left := utf16Len(s)
	significant := 0
	for _, r := range s {
		d := Digit(r)
		if d < 0 {
			return 0, false
		}
		if significant > 0 || d != 0 || left <= 10 {
			if significant++; significant > 10 {
				return 0, false
			}
		}
		left--
		exp = exp*10 + int64(d)
	}
	if negative {
		exp = -exp
	}
	return exp, exp == int64(int32(exp))
}

// Digit returns the value of a decimal digit of any script in the basic plane, as
// Java's Character.digit(char, 10) does, or -1.
func Digit(r rune) int {
	if r < utf8.RuneSelf {
		if r >= '0' && r <= '9' {
			return int(r - '0')
		}
		return -1
	}
	if r > 0xffff {
		return -1
	}
	for _, block := range unicode.Nd.R16 {
		if r <= rune(block.Hi) {
			if r < rune(block.Lo) {
				return -1
			}
			return int(r-rune(block.Lo)) % 10
		}
	}
	return -1
}

// utf16Len returns the length that Java's String.length gives.
func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}

// DecimalFromFloat64 returns BigDecimal.valueOf(double): the decimal of the
// double's text. It says false for NaN and the infinities.
func DecimalFromFloat64(f float64) (*DecimalValue, bool) {
	var buf [32]byte
	return ParseDecimal(string(AppendFloat64(buf[:0], f)))
}

// Sign returns -1, 0 or 1.
func (d *DecimalValue) Sign() int { return d.unscaled.Sign() }

// Float64 returns the nearest double, infinite beyond its range (BigDecimal.doubleValue).
func (d *DecimalValue) Float64() float64 {
	if d.Sign() == 0 {
		return 0
	}
	f, _ := strconv.ParseFloat(d.String(), 64) // a range error comes with the infinity that Java gives
	return f
}

// Float32 returns the nearest float, infinite beyond its range (BigDecimal.floatValue).
func (d *DecimalValue) Float32() float32 {
	if d.Sign() == 0 {
		return 0
	}
	f, _ := strconv.ParseFloat(d.String(), 32) // as above
	return float32(f)
}

// Int64 returns the low 64 bits of the whole part (BigDecimal.longValue).
func (d *DecimalValue) Int64() int64 {
	if d.scale == 0 && d.unscaled.IsInt64() {
		return d.unscaled.Int64()
	}
	if d.Sign() == 0 || d.scale <= -64 {
		return 0
	}
	n := d.Int()
	if n == nil {
		return 0
	}
	low := int64(new(big.Int).And(n, new(big.Int).SetUint64(1<<64-1)).Uint64())
	return low
}

// Int returns the whole part, or nil where the decimal is below one in size.
func (d *DecimalValue) Int() *big.Int {
	switch {
	case d.scale == 0:
		return d.unscaled
	case d.scale < 0:
		return new(big.Int).Mul(d.unscaled, pow10(-int64(d.scale)))
	case int64(d.scale) > int64(d.unscaled.BitLen()):
		return nil // fewer digits than decimal places
	}
	return new(big.Int).Quo(d.unscaled, pow10(int64(d.scale)))
}

// IsWhole says whether there is nothing behind the point but zeros.
func (d *DecimalValue) IsWhole() bool {
	if d.scale <= 0 || d.Sign() == 0 {
		return true
	}
	if int64(d.scale) > int64(d.unscaled.BitLen()) {
		return false
	}
	return new(big.Int).Rem(d.unscaled, pow10(int64(d.scale))).Sign() == 0
}

func pow10(n int64) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(n), nil) }
