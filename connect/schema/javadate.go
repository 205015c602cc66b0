package schema

import (
	"strconv"
	"time"
)

// Dates as java.util.GregorianCalendar has them: the Julian calendar up to 4
// October 1582, the Gregorian from the next day, 15 October. All texts are in UTC,
// whatever the zone of the machine.

// gregorianStart is the first day of the Gregorian calendar, in days since the epoch.
const gregorianStart = -141427

// gregorianYear is the year of the change.
const gregorianYear = 1582

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

// gregorianDays returns the days since the epoch of the first of a month in the
// Gregorian calendar, without limits of its year; months count from 1 to 12.
func gregorianDays(year, month int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	return 365*year + floorDiv(year, 4) - floorDiv(year, 100) + floorDiv(year, 400) + (153*(month-3)+2)/5 - 719468
}

func julianDays(year, month int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	return 365*year + floorDiv(year, 4) + (153*(month-3)+2)/5 - 719470
}

// DateMillis returns the milliseconds since the epoch of midnight at the start of
// a day. Months count from 1. Like a lenient GregorianCalendar it takes months and
// days out of range and carries them over. Year 0 is 1 BC.
func DateMillis(year, month, day int64) int64 {
	carry := floorDiv(month-1, 12)
	y, m := year+carry, month-12*carry
	days := julianDays(y, m) + day - 1
	if year >= gregorianYear {
		if gregorian := gregorianDays(y, m) + day - 1; gregorian >= gregorianStart {
			days = gregorian
		}
	}
	return days * MillisPerDay
}

// CivilDate returns the date of an instant. Year 0 is 1 BC; months count from 1.
func CivilDate(millis int64) (year int64, month, day int) {
	days := floorDiv(millis, MillisPerDay)
	var z, yearOfEra, dayOfYear int64
	if days >= gregorianStart {
		z = days + 719468
		era := floorDiv(z, 146097)
		dayOfEra := z - era*146097
		yearOfEra = (dayOfEra - dayOfEra/1460 + dayOfEra/36524 - dayOfEra/146096) / 365
		dayOfYear = dayOfEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
		year = yearOfEra + era*400
	} else {
		z = days + 719470
		era := floorDiv(z, 1461)
		dayOfEra := z - era*1461
		yearOfEra = (dayOfEra - dayOfEra/1460) / 365
		dayOfYear = dayOfEra - 365*yearOfEra
		year = yearOfEra + era*4
	}
	mp := (5*dayOfYear + 2) / 153
	day = int(dayOfYear - (153*mp+2)/5 + 1)
	month = int(mp + 3)
	if month > 12 {
		month -= 12
		year++
	}
	return year, month, day
}

func timeOfDay(millis int64) (h, m, s, ms int) {
	t := int(millis - floorDiv(millis, MillisPerDay)*MillisPerDay)
	return t / 3_600_000, t / 60_000 % 60, t / 1000 % 60, t % 1000
}

func appendPadded(dst []byte, n, width int) []byte {
	var buf [20]byte
	text := strconv.AppendInt(buf[:0], int64(n), 10)
	for i := len(text); i < width; i++ {
		dst = append(dst, '0')
	}
	return append(dst, text...)
}

// AppendJavaDate appends java.util.Date.toString: "Fri Jan 02 00:00:00 UTC 1970".
func AppendJavaDate(dst []byte, millis int64) []byte {
	year, month, day := CivilDate(millis)
	h, m, s, _ := timeOfDay(millis)
	weekday := (floorDiv(millis, MillisPerDay)%7 + 11) % 7 // 1 January 1970 was a Thursday
	dst = append(append(dst, time.Weekday(weekday).String()[:3]...), ' ')
	dst = append(append(dst, time.Month(month).String()[:3]...), ' ')
	dst = append(appendPadded(dst, day, 2), ' ')
	dst = append(appendClock(dst, h, m, s), " UTC "...)
	return strconv.AppendInt(dst, yearOfEra(year), 10)
}

// yearOfEra drops the era as Java's texts do: 0, which is 1 BC, is 1 again.
func yearOfEra(year int64) int64 {
	if year <= 0 {
		return 1 - year
	}
	return year
}

func appendClock(dst []byte, h, m, s int) []byte {
	dst = append(appendPadded(dst, h, 2), ':')
	dst = append(appendPadded(dst, m, 2), ':')
	return appendPadded(dst, s, 2)
}

// AppendISODate appends "yyyy-MM-dd".
func AppendISODate(dst []byte, millis int64) []byte {
	year, month, day := CivilDate(millis)
	dst = append(appendPadded(dst, int(yearOfEra(year)), 4), '-')
	dst = append(appendPadded(dst, month, 2), '-')
	return appendPadded(dst, day, 2)
}

// AppendISOTime appends "HH:mm:ss.SSS'Z'".
func AppendISOTime(dst []byte, millis int64) []byte {
	h, m, s, ms := timeOfDay(millis)
	dst = append(appendClock(dst, h, m, s), '.')
	return append(appendPadded(dst, ms, 3), 'Z')
}

// AppendISOTimestamp appends "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'".
func AppendISOTimestamp(dst []byte, millis int64) []byte {
	return AppendISOTime(append(AppendISODate(dst, millis), 'T'), millis)
}
