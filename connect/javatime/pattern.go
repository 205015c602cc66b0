package javatime

import (
	"math"
	"strconv"
	"time"
	"unicode/utf16"

	"github.com/moldau-io/moldau/connect/errs"
)

// item is one part of a compiled pattern: a literal unit, or a run of one letter.
type item struct {
	letter byte // 0 for a literal
	count  int
	unit   uint16
}

// patternLetters are the letters that SimpleDateFormat knows.
const patternLetters = "GyMdkHmsSEDFwWahKzZYuXL"

// Format is a compiled pattern. It is for one goroutine at a time: a zone name read
// by Parse becomes the format's zone, as in Java.
type Format struct {
	pattern string
	items   []item
	zone    *zone
	// centuryStart is the earliest instant that a two-digit year can mean.
	centuryStart     int64
	centuryStartYear int32
	units            []uint16
}

// Compile reads a SimpleDateFormat pattern. Dates are in UTC. Two-digit years are
// taken to lie within 80 years before and 20 years after now. A wrong pattern gives
// an IllegalArgumentException with Java's text.
func Compile(pattern string, now time.Time) (*Format, error) {
	f := &Format{pattern: pattern, zone: utcZone}
	quoted := false
	var last byte
	count := 0
	flush := func() error {
		if count == 0 {
			return nil
		}
		if last == 'X' && count > 3 {
			return errs.IllegalArgument("invalid ISO 8601 format: length=" + strconv.Itoa(count))
		}
		f.items = append(f.items, item{letter: last, count: count})
		count = 0
		return nil
	}
	units := utf16.Encode([]rune(pattern))
	for i := 0; i < len(units); i++ {
		c := units[i]
		switch {
		case c == '\'':
			if i+1 < len(units) && units[i+1] == '\'' {
				i++
				if err := flush(); err != nil {
					return nil, err
				}
				f.items = append(f.items, item{unit: c})
				continue
			}
			if err := flush(); err != nil {
				return nil, err
			}
			quoted = !quoted
		case quoted || !isLetter(c):
			if err := flush(); err != nil {
				return nil, err
			}
			f.items = append(f.items, item{unit: c})
		default:
			if !known(byte(c)) {
				return nil, errs.IllegalArgument("Illegal pattern character '" + string(rune(c)) + "'")
			}
			if count > 0 && last != byte(c) {
				if err := flush(); err != nil {
					return nil, err
				}
			}
			last = byte(c)
			count++
		}
	}
	if quoted {
		return nil, errs.IllegalArgument("Unterminated quote")
	}
	if err := flush(); err != nil {
		return nil, err
	}
	start := now.UTC().AddDate(-80, 0, 0)
	f.centuryStart = start.UnixMilli()
	f.centuryStartYear = int32(start.Year())
	return f, nil
}

func isLetter(c uint16) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func known(c byte) bool {
	for i := range len(patternLetters) {
		if patternLetters[i] == c {
			return true
		}
	}
	return false
}

// Pattern returns the pattern as it was given (toPattern).
func (f *Format) Pattern() string { return f.pattern }

// maxInt32 and minInt32 bound the ints that Java's fields are.
const (
	maxInt32 = math.MaxInt32
	minInt32 = math.MinInt32
)
