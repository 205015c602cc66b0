package javatime

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

var (
	monthNames = [...]string{"January", "February", "March", "April", "May", "June", "July", "August",
		"September", "October", "November", "December"}
	dayNames  = [...]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
	eraNames  = [...]string{"BC", "AD"}
	halfNames = [...]string{"AM", "PM"}
)

// Format returns the text of an instant, in milliseconds since the epoch.
func (f *Format) Format(millis int64) string { return string(f.Append(nil, millis)) }

// Append adds the text of an instant to dst.
func (f *Format) Append(dst []byte, millis int64) []byte {
	c := fieldsOf(millis, f.zone)
	for i := 0; i < len(f.items); i++ {
		it := &f.items[i]
		if it.letter != 0 {
			dst = f.appendField(dst, it, &c)
			continue
		}
		if it.unit < utf8.RuneSelf {
			dst = append(dst, byte(it.unit))
			continue
		}
		r := rune(it.unit)
		if utf16.IsSurrogate(r) && i+1 < len(f.items) && f.items[i+1].letter == 0 {
			i++
			r = utf16.DecodeRune(r, rune(f.items[i].unit))
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

func (f *Format) appendField(dst []byte, it *item, c *fields) []byte {
	n := it.count
	switch it.letter {
	case 'G':
		if c.bce {
			return append(dst, eraNames[0]...)
		}
		return append(dst, eraNames[1]...)
	case 'y':
		return appendYear(dst, c.year, n)
	case 'Y':
		return appendYear(dst, c.weekYear, n)
	case 'M', 'L':
		switch {
		case n >= 4:
			return append(dst, monthNames[c.month]...)
		case n == 3:
			return append(dst, monthNames[c.month][:3]...)
		}
		return appendPadded(dst, c.month+1, n)
	case 'd':
		return appendPadded(dst, c.dayOfMonth, n)
	case 'k':
		if c.hour == 0 {
			return appendPadded(dst, 24, n)
		}
		return appendPadded(dst, c.hour, n)
	case 'H':
		return appendPadded(dst, c.hour, n)
	case 'm':
		return appendPadded(dst, c.minute, n)
	case 's':
		return appendPadded(dst, c.second, n)
	case 'S':
		return appendPadded(dst, c.milli, n)
	case 'E':
		name := dayNames[c.dayOfWeek-1]
		if n < 4 {
			name = name[:3]
		}
		return append(dst, name...)
	case 'D':
		return appendPadded(dst, c.dayOfYear, n)
	case 'F':
		return appendPadded(dst, c.weekInMonth, n)
	case 'w':
		return appendPadded(dst, c.weekOfYear, n)
	case 'W':
		return appendPadded(dst, c.weekOfMonth, n)
	case 'a':
		return append(dst, halfNames[c.hour/12]...)
	case 'h':
		if c.hour%12 == 0 {
			return appendPadded(dst, 12, n)
		}
		return appendPadded(dst, c.hour%12, n)
	case 'K':
		return appendPadded(dst, c.hour%12, n)
	case 'u':
		return appendPadded(dst, (c.dayOfWeek+5)%7+1, n)
	case 'z':
		i := 1
		if n >= 4 {
			i = 0
		}
		if c.daylight {
			i += 2
		}
		return append(dst, f.zone.names[i]...)
	case 'Z':
		minutes := c.offset / 60_000
		if minutes < 0 {
			dst = append(dst, '-')
			minutes = -minutes
		} else {
			dst = append(dst, '+')
		}
		return appendPadded(dst, minutes/60*100+minutes%60, 4)
	default: // X
		return appendISOZone(dst, c.offset, n)
	}
}

func appendISOZone(dst []byte, offset int64, n int) []byte {
	if offset == 0 {
		return append(dst, 'Z')
	}
	minutes := offset / 60_000
	if minutes < 0 {
		dst = append(dst, '-')
		minutes = -minutes
	} else {
		dst = append(dst, '+')
	}
	dst = appendPadded(dst, minutes/60, 2)
	if n == 1 {
		return dst
	}
	if n == 3 {
		dst = append(dst, ':')
	}
	return appendPadded(dst, minutes%60, 2)
}

// appendYear cuts a year written with two letters to two digits.
func appendYear(dst []byte, year int64, n int) []byte {
	if n != 2 {
		return appendPadded(dst, year, n)
	}
	if year < 0 {
		dst = append(dst, '-')
		year = -year
	}
	return appendPadded(dst, year%100, 2)
}

func appendPadded(dst []byte, v int64, width int) []byte {
	if v < 0 {
		dst = append(dst, '-')
		v = -v
	}
	digits := 1
	for n := v; n >= 10; n /= 10 {
		digits++
	}
	for ; digits < width; digits++ {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, v, 10)
}
