package schema

import (
	"math/big"
	"strconv"
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

// ParseDecimal reads what Java's BigDecimal(String) reads.
func ParseDecimal(s string) (*DecimalValue, bool) {
	mantissa, exp := s, int64(0)
	for i := range len(s) {
		if s[i] == 'e' || s[i] == 'E' {
			e, err := strconv.ParseInt(s[i+1:], 10, 32)
			if err != nil {
				return nil, false
			}
			mantissa, exp = s[:i], e
			break
		}
	}
	digits := make([]byte, 0, len(mantissa))
	point, seen := -1, false
	for i := range len(mantissa) {
		switch c := mantissa[i]; {
		case c >= '0' && c <= '9':
			digits, seen = append(digits, c), true
		case c == '.' && point < 0:
			point = len(digits)
		case (c == '+' || c == '-') && i == 0:
		default:
			return nil, false
		}
	}
	if !seen {
		return nil, false
	}
	scale := -exp
	if point >= 0 {
		scale += int64(len(digits) - point)
	}
	if scale != int64(int32(scale)) {
		return nil, false
	}
	n, ok := new(big.Int).SetString(string(digits), 10)
	if !ok {
		return nil, false
	}
	if mantissa[0] == '-' {
		n.Neg(n)
	}
	return &DecimalValue{unscaled: n, scale: int32(scale)}, true
}
