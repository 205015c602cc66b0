package javatime

import (
	"math"
	"strconv"
	"unicode"
)

// digitOf returns the value of a decimal digit of any script, or -1.
func digitOf(c uint16) int {
	if c < 0x80 {
		if c >= '0' && c <= '9' {
			return int(c - '0')
		}
		return -1
	}
	if !unicode.Is(unicode.Nd, rune(c)) {
		return -1
	}
	// The digits of a script are ten in a row, and rows do not touch within the
	// Basic Multilingual Plane but at multiples of ten.
	for _, r := range unicode.Nd.R16 {
		if c <= r.Hi {
			return int(c-r.Lo) % 10
		}
	}
	return -1
}

// scanNumber reads a number from units[at:] as Java's integer NumberFormat does: an
// optional '-', digits of any script, and an exponent after 'E'. It returns the
// number's intValue and where it ends; ok is false when there is none.
func scanNumber(units []uint16, at int) (value int32, end int, ok bool) {
	if hasPrefix(units, at, "NaN") {
		return 0, at + 3, true
	}
	negative := at < len(units) && units[at] == '-'
	if negative {
		at++
	}
	if at < len(units) && units[at] == '∞' {
		if negative {
			return minInt32, at + 1, true
		}
		return maxInt32, at + 1, true
	}
	start := at
	var n uint64
	wide := false
	for at < len(units) {
		d := digitOf(units[at])
		if d < 0 {
			break
		}
		if n > (math.MaxInt64-9)/10 {
			wide = true
		}
		n = n*10 + uint64(d)
		at++
	}
	if at == start {
		return 0, 0, false
	}
	exponent, end := scanExponent(units, at)
	if exponent != 0 || wide {
		return scaled(units[start:at], negative, exponent), end, true
	}
	v := int64(n)
	if negative {
		v = -v
	}
	return int32(v), end, true
}

// scanExponent reads "E12" or "E-12" from units[at:], and returns 0 where there is none.
func scanExponent(units []uint16, at int) (exponent, end int) {
	if at >= len(units) || units[at] != 'E' {
		return 0, at
	}
	i := at + 1
	negative := i < len(units) && units[i] == '-'
	if negative {
		i++
	}
	start, wide := i, false
	for i < len(units) {
		d := digitOf(units[i])
		if d < 0 {
			break
		}
		if exponent > (math.MaxInt64-9)/10 {
			wide = true
		}
		exponent = exponent*10 + d
		i++
	}
	if i == start || wide {
		return 0, at
	}
	exponent = int(int32(exponent))
	if negative {
		exponent = -exponent
	}
	return exponent, i
}

// scaled returns the intValue of a number that has an exponent, or is long: a whole
// number that fits a long is cut to its low 32 bits; any other is a double, which
// stops at the ends of int.
func scaled(digits []uint16, negative bool, exponent int) int32 {
	text := make([]byte, 0, len(digits)+8)
	for _, c := range digits {
		if d := byte(digitOf(c)); d != 0 || len(text) > 0 {
			text = append(text, '0'+d)
		}
	}
	point := len(text) + exponent
	for len(text) > 0 && text[len(text)-1] == '0' {
		text = text[:len(text)-1]
	}
	if len(text) == 0 {
		return 0
	}
	if len(text) <= point && point <= 19 {
		whole := append([]byte(nil), text...)
		for len(whole) < point {
			whole = append(whole, '0')
		}
		n, err := strconv.ParseUint(string(whole), 10, 64)
		if err == nil && (n <= math.MaxInt64 || negative && n == 1<<63) {
			if negative {
				n = -n
			}
			return int32(n)
		}
	}
	v, err := strconv.ParseFloat("0."+string(text)+"e"+strconv.Itoa(point), 64)
	if err != nil && v == 0 {
		return 0
	}
	if negative {
		v = -v
	}
	return int32(max(minInt32, min(maxInt32, v)))
}

func hasPrefix(units []uint16, at int, text string) bool {
	if len(units)-at < len(text) {
		return false
	}
	for i := range len(text) {
		if units[at+i] != uint16(text[i]) {
			return false
		}
	}
	return true
}
