package schema

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"
)

// AppendFloat64 appends a double as Java 17's Double.toString prints it. That is
// not always the shortest text that reads back as the same number: Java 17 stops
// at a symmetric interval around the value, and prints whole numbers from another
// rule (JDK-4511638). Connect's JSON and text forms depend on it.
func AppendFloat64(dst []byte, f float64) []byte {
	b := math.Float64bits(f)
	exp, frac := int(b>>52)&0x7ff, b&(1<<52-1)
	switch {
	case exp == 0x7ff && frac != 0:
		return append(dst, "NaN"...)
	case exp == 0x7ff && f > 0:
		return append(dst, "Infinity"...)
	case exp == 0x7ff:
		return append(dst, "-Infinity"...)
	}
	if f < 0 || b == 1<<63 {
		dst = append(dst, '-')
		f = -f
	}
	if f == 0 {
		return append(dst, "0.0"...)
	}
	if f < 1e7 && f == math.Trunc(f) {
		return append(strconv.AppendUint(dst, uint64(f), 10), ".0"...)
	}
	if f >= 1e-3 && f < 1e7 {
		// Few decimal places are the rule, and then the digits are those of a whole number.
		if t := f * 1e4; t == math.Trunc(t) && t/1e4 == f {
			return appendScaled(dst, uint64(t))
		}
	}
	if exp != 0 && frac != 0 && f < 1<<52 {
		if out, ok := appendShortest(dst, f, 64); ok {
			return out
		}
	}
	sig := 53
	if exp == 0 {
		sig = bits.Len64(frac)
		frac <<= 53 - sig
		exp = sig - 52
	} else {
		frac |= 1 << 52
	}
	var d floatDigits
	d.generate(exp-1023, frac, sig)
	return d.append(dst)
}

// appendScaled appends n/10000, which is below 1e7 and not whole.
func appendScaled(dst []byte, n uint64) []byte {
	dst = append(strconv.AppendUint(dst, n/10000, 10), '.')
	rest := n % 10000
	for unit := uint64(1000); rest > 0; unit /= 10 {
		dst = append(dst, '0'+byte(rest/unit))
		rest %= unit
	}
	return dst
}

// AppendFloat32 appends a float as Java 17's Float.toString prints it.
func AppendFloat32(dst []byte, f float32) []byte {
	b := math.Float32bits(f)
	exp, frac := int(b>>23)&0xff, b&(1<<23-1)
	switch {
	case exp == 0xff && frac != 0:
		return append(dst, "NaN"...)
	case exp == 0xff && f > 0:
		return append(dst, "Infinity"...)
	case exp == 0xff:
		return append(dst, "-Infinity"...)
	}
	if f < 0 || b == 1<<31 {
		dst = append(dst, '-')
		f = -f
	}
	if f == 0 {
		return append(dst, "0.0"...)
	}
	if f < 1e7 && f == float32(math.Trunc(float64(f))) {
		return append(strconv.AppendUint(dst, uint64(f), 10), ".0"...)
	}
	if exp != 0 && frac != 0 && f < 1<<20 {
		if out, ok := appendShortest(dst, float64(f), 32); ok {
			return out
		}
	}
	sig := 24
	if exp == 0 {
		sig = bits.Len32(frac)
		frac <<= 24 - sig
		exp = sig - 23
	} else {
		frac |= 1 << 23
	}
	var d floatDigits
	d.generate(exp-127, uint64(frac)<<29, sig)
	return d.append(dst)
}

// Float64Text returns AppendFloat64's text.
func Float64Text(f float64) string { return string(AppendFloat64(make([]byte, 0, 26), f)) }

// Float32Text returns AppendFloat32's text.
func Float32Text(f float32) string { return string(AppendFloat32(make([]byte, 0, 16), f)) }

// appendShortest appends the shortest text that reads back, laid out in Java's
// manner, where Java's rule is known to give the same digits. It says false where
// the two may differ.
func appendShortest(dst []byte, f float64, size int) ([]byte, bool) {
	var buf [32]byte
	text := strconv.AppendFloat(buf[:0], f, 'e', -1, size)
	e := len(text) - 1
	for text[e] != 'e' {
		e--
	}
	if e < 3 {
		return dst, false // Java forces a second digit out of its loop
	}
	exp := 0
	for _, c := range text[e+2:] {
		exp = exp*10 + int(c-'0')
	}
	if text[e+1] == '-' {
		exp = -exp
	}
	var d floatDigits
	d.digits[0] = text[0]
	d.n = 1 + copy(d.digits[1:], text[2:e])
	d.exp = exp + 1
	return d.append(dst), true
}

// floatDigits are decimal digits d1 d2 … dn with the value 0.d1d2…dn × 10^exp.
type floatDigits struct {
	digits [24]byte
	n      int
	exp    int
}

// append lays the digits out as Java does: plain from 10^-3 up to 10^7, else with
// an exponent, and always at least one digit on each side of the point.
func (d *floatDigits) append(dst []byte) []byte {
	digits := d.digits[:d.n]
	switch {
	case d.exp > 0 && d.exp < 8:
		if d.n <= d.exp {
			dst = append(dst, digits...)
			for i := d.n; i < d.exp; i++ {
				dst = append(dst, '0')
			}
			return append(dst, ".0"...)
		}
		dst = append(append(dst, digits[:d.exp]...), '.')
		return append(dst, digits[d.exp:]...)
	case d.exp <= 0 && d.exp > -3:
		dst = append(dst, "0."...)
		for i := d.exp; i < 0; i++ {
			dst = append(dst, '0')
		}
		return append(dst, digits...)
	}
	dst = append(dst, digits[0], '.')
	if d.n > 1 {
		dst = append(dst, digits[1:]...)
	} else {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(append(dst, 'E'), int64(d.exp-1), 10)
}

// roundUp adds one to the last digit. A carry out of the first digit leaves the
// zeros behind it in place, as Java does.
func (d *floatDigits) roundUp() {
	i := d.n - 1
	for d.digits[i] == '9' && i > 0 {
		d.digits[i] = '0'
		i--
	}
	if d.digits[i] == '9' {
		d.digits[i] = '1'
		d.exp++
		return
	}
	d.digits[i]++
}

// fiveBits[i] is the length in bits of 5^i.
var fiveBits = [27]int{0, 3, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28, 31, 33, 35, 38, 40, 42, 45, 47, 49, 52, 54, 56, 59, 61}

func bitsOfFive(i int) int {
	if i < len(fiveBits) {
		return fiveBits[i]
	}
	return 3 * i
}

func pow5(i int) uint64 {
	p := uint64(1)
	for ; i > 0; i-- {
		p *= 5
	}
	return p
}

// generate finds the digits of frac × 2^(exp-52), where frac has its highest set
// bit at 52 and sig bits of it count.
func (d *floatDigits) generate(exp int, frac uint64, sig int) {
	tail := bits.TrailingZeros64(frac)
	n := 53 - tail
	tiny := max(0, n-exp-1)
	if tiny == 0 && exp <= 62 {
		d.whole(exp, frac, sig, n)
		return
	}

	// value = B/S × 10^dec; half the gap to the next float is M/S × 10^dec. B, S and M
	// are kept as powers of two and five until it is known how wide they are.
	dec := estimateExponent(exp, frac)
	b5, s5 := max(0, -dec), max(0, dec)
	b2, s2 := b5+tiny+exp, s5+tiny
	m2 := b2 - sig
	frac >>= tail
	b2 -= n - 1
	common := min(b2, s2)
	b2, s2, m2 = b2-common, s2-common, m2-common
	if n == 1 {
		m2-- // below a power of two the gap is half as wide; Java uses that for both sides
	}
	if m2 < 0 {
		b2, s2, m2 = b2-m2, s2-m2, 0
	}
	bBits, sBits := n+b2+bitsOfFive(b5), s2+1+bitsOfFive(s5+1)
	d.n = 0
	switch {
	case bBits < 32 && sBits < 32:
		p := int32(pow5(b5))
		smallDigits(d, dec, int32(frac)*p<<b2, int32(pow5(s5))<<s2, p<<m2)
	case bBits < 64 && sBits < 64:
		p := int64(pow5(b5))
		smallDigits(d, dec, int64(frac)*p<<b2, int64(pow5(s5))<<s2, p<<m2)
	default:
		d.bigDigits(dec, scaled(frac, b5, b2), scaled(1, s5, s2), scaled(1, b5, m2))
	}
}

// estimateExponent returns the decimal exponent of the first digit, or one more.
func estimateExponent(exp int, frac uint64) int {
	m := math.Float64frombits(1023<<52 | frac&(1<<52-1))
	// The conversions keep the compiler from fusing multiplication and addition.
	d := float64((m-1.5)*0.289529654) + 0.176091259 + float64(float64(exp)*0.301029995663981)
	return int(math.Floor(d))
}

// whole prints a whole number below 2^63 with the digits that the float's
// precision justifies.
func (d *floatDigits) whole(exp int, frac uint64, sig, n int) {
	drop := 0
	if exp > sig {
		// Digits below the weight of the last bit say nothing: 2^p has that many.
		if p := exp - sig - 1; p > 1 {
			drop = int(float64(p) * math.Log10(2))
		}
	}
	var v uint64
	if exp >= 52 {
		v = frac << (exp - 52)
	} else {
		v = frac >> (52 - exp)
	}
	d.exp = 0
	if drop > 0 {
		p := pow5(drop) << drop
		rest := v % p
		v /= p
		d.exp = drop
		if rest >= p>>1 {
			v++
		}
	}
	for v%10 == 0 {
		v /= 10
		d.exp++
	}
	d.n = len(strconv.AppendUint(d.digits[:0], v, 10))
	d.exp += d.n
}

// smallDigits generates digits with machine integers of Java's widths; overflow of
// m is part of the behaviour.
func smallDigits[T int32 | int64](d *floatDigits, dec int, b, s, m T) {
	tens := s * 10
	q := b / s
	b = 10 * (b % s)
	m *= 10
	low, high := b < m, b+m > tens
	if q == 0 && !high {
		dec--
	} else {
		d.push(byte(q))
	}
	if dec < -3 || dec >= 8 {
		low, high = false, false
	}
	for !low && !high {
		q = b / s
		b = 10 * (b % s)
		m *= 10
		if m > 0 {
			low, high = b < m, b+m > tens
		} else {
			low, high = true, true
		}
		d.push(byte(q))
	}
	d.finish(dec, low, high, cmpInt(b<<1-tens))
}

func cmpInt[T int32 | int64](v T) int {
	switch {
	case v < 0:
		return -1
	case v > 0:
		return 1
	}
	return 0
}

func scaled(v uint64, five, two int) *big.Int {
	n := new(big.Int).SetUint64(v)
	if five > 0 {
		n.Mul(n, new(big.Int).Exp(big.NewInt(5), big.NewInt(int64(five)), nil))
	}
	return n.Lsh(n, uint(two))
}

// bigDigits does the same for numbers of any width. Unlike smallDigits it counts a
// tie at the upper end as within reach.
func (d *floatDigits) bigDigits(dec int, b, s, m *big.Int) {
	ten, q, sum := big.NewInt(10), new(big.Int), new(big.Int)
	tens := new(big.Int).Mul(s, ten)
	step := func() (digit byte, low, high bool) {
		q.QuoRem(b, s, b)
		b.Mul(b, ten)
		m.Mul(m, ten)
		return byte(q.Uint64()), b.Cmp(m) < 0, tens.Cmp(sum.Add(b, m)) <= 0
	}
	digit, low, high := step()
	if digit == 0 && !high {
		dec--
	} else {
		d.push(digit)
	}
	if dec < -3 || dec >= 8 {
		low, high = false, false
	}
	for !low && !high {
		digit, low, high = step()
		d.push(digit)
	}
	d.finish(dec, low, high, b.Lsh(b, 1).Cmp(tens))
}

func (d *floatDigits) push(digit byte) {
	d.digits[d.n] = '0' + digit
	d.n++
}

// finish rounds the last digit: rest says on which side of one half the rest lies.
func (d *floatDigits) finish(dec int, low, high bool, rest int) {
	d.exp = dec + 1
	if high && (!low || rest > 0 || rest == 0 && d.digits[d.n-1]&1 != 0) {
		d.roundUp()
	}
}
