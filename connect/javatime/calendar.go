package javatime

// Calendar fields, numbered as in java.util.Calendar.
const (
	fieldEra = iota
	fieldYear
	fieldMonth
	fieldWeekOfYear
	fieldWeekOfMonth
	fieldDayOfMonth
	fieldDayOfYear
	fieldDayOfWeek
	fieldDayOfWeekInMonth
	fieldAMPM
	fieldHour
	fieldHourOfDay
	fieldMinute
	fieldSecond
	fieldMilli
	fieldZoneOffset
	fieldDSTOffset
	fieldCount
)

const (
	millisPerDay = 86_400_000
	// epochDate is 1 January 1970 as a fixed date: days since 31 December of the
	// Gregorian year 0.
	epochDate = 719_163
	// cutoverDate is 15 October 1582, the first day of the Gregorian calendar.
	cutoverDate = 577_736
	cutoverYear = 1582

	sunday = 1
	bce    = 0
)

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

func floorMod(a, b int64) int64 { return a - floorDiv(a, b)*b }

// monthDays returns the days from 1 January to day of month (1 to 12), 1 for 1 January.
func monthDays(month, day int64, leap bool) int64 {
	n := (367*month-362)/12 + day
	if month > 2 {
		n -= 2
		if leap {
			n++
		}
	}
	return n
}

func gregorianLeap(y int64) bool {
	return floorMod(y, 4) == 0 && (floorMod(y, 100) != 0 || floorMod(y, 400) == 0)
}

func julianLeap(y int64) bool { return floorMod(y, 4) == 0 }

func gregorianDate(y, month, day int64) int64 {
	p := y - 1
	return 365*p + floorDiv(p, 4) - floorDiv(p, 100) + floorDiv(p, 400) + monthDays(month, day, gregorianLeap(y))
}

func julianDate(y, month, day int64) int64 {
	p := y - 1
	return -2 + 365*p + floorDiv(p, 4) + monthDays(month, day, julianLeap(y))
}

// fixedDate returns a day of either calendar as a fixed date.
func fixedDate(gregorian bool, y, month, day int64) int64 {
	if gregorian {
		return gregorianDate(y, month, day)
	}
	return julianDate(y, month, day)
}

func gregorianYear(date int64) int64 {
	d := date - 1
	n400 := floorDiv(d, 146_097)
	d = floorMod(d, 146_097)
	n100 := d / 36_524
	d %= 36_524
	n4 := d / 1461
	d %= 1461
	n1 := d / 365
	y := 400*n400 + 100*n100 + 4*n4 + n1
	if n100 != 4 && n1 != 4 {
		y++
	}
	return y
}

func julianYear(date int64) int64 { return floorDiv(4*(date+1)+1464, 1461) }

// dayOnOrBefore returns the last day of that week day (1 is Sunday) up to date. A
// week day out of range counts on, as in Java.
func dayOnOrBefore(date, dayOfWeek int64) int64 { return date - floorMod(date-(dayOfWeek-1), 7) }

// weekNumber counts the weeks, which start on Sunday and of which the first may be
// as short as one day, from day1 on.
func weekNumber(day1, date int64) int64 {
	first := dayOnOrBefore(day1+6, sunday)
	if first > day1 {
		first -= 7
	}
	return floorDiv(date-first, 7) + 1
}

// inFirstWeek says whether a date before 1 January lies in that day's week.
func inFirstWeek(date, jan1 int64) bool {
	after := dayOnOrBefore(jan1+6, sunday)
	return after > jan1 && date >= after-7
}

// fields are what an instant is in a zone.
type fields struct {
	bce         bool
	year        int64 // of the era, from 1
	month       int64 // from 0
	dayOfMonth  int64
	dayOfYear   int64
	dayOfWeek   int64 // 1 is Sunday
	weekInMonth int64 // DAY_OF_WEEK_IN_MONTH
	weekOfMonth int64
	weekOfYear  int64
	weekYear    int64
	hour        int64 // of the day
	minute      int64
	second      int64
	milli       int64
	offset      int64 // of the zone, daylight saving included, in milliseconds
	daylight    bool
}

// fieldsOf computes all fields of an instant (GregorianCalendar.computeFields).
func fieldsOf(millis int64, z *zone) (f fields) {
	f.offset, f.daylight = z.at(millis)
	date := floorDiv(millis, millisPerDay) + epochDate
	clock := floorMod(millis, millisPerDay) + f.offset
	date += floorDiv(clock, millisPerDay)
	clock = floorMod(clock, millisPerDay)
	f.milli = clock % 1000
	f.second = clock / 1000 % 60
	f.minute = clock / 60_000 % 60
	f.hour = clock / 3_600_000

	gregorian := date >= cutoverDate
	y, leap := julianYear(date), false
	if gregorian {
		y = gregorianYear(date)
		leap = gregorianLeap(y)
	} else {
		leap = julianLeap(y)
	}
	jan1 := fixedDate(gregorian, y, 1, 1)
	dayOfYear := date - jan1
	correction := int64(0)
	if date >= fixedDate(gregorian, y, 3, 1) {
		correction = 2
		if leap {
			correction = 1
		}
	}
	month := (12*(dayOfYear+correction) + 373) / 367
	f.month = month - 1
	month1 := fixedDate(gregorian, y, month, 1)
	f.dayOfMonth = date - month1 + 1
	if y == cutoverYear && gregorian {
		// The year and its October began in the Julian calendar.
		jan1 = julianDate(y, 1, 1)
		if month == 10 {
			month1 = julianDate(y, 10, 1)
		}
	}
	f.dayOfYear = date - jan1 + 1
	f.dayOfWeek = floorMod(date, 7) + 1
	f.weekInMonth = (date-month1)/7 + 1
	f.weekOfMonth = weekNumber(month1, date)
	f.weekOfYear = weekNumber(jan1, date)
	last := fixedDate(y+1 > cutoverYear, y+1, 1, 1) - 1 // 31 December
	if inFirstWeek(date, last+1) {
		f.weekOfYear = 1
	}
	f.weekYear = y
	switch {
	case y > cutoverYear+1:
		if f.weekOfYear == 1 && f.month != 0 {
			f.weekYear++
		}
	case date != jan1 && last-date < 6:
		// Java takes the year after a year BC to be one further back.
		next := y + 1
		if y <= 0 {
			next = -y
		}
		jan1 := fixedDate(next > cutoverYear, next, 1, 1)
		if inFirstWeek(date+jan1-last-1, jan1) {
			f.weekYear++
		}
	}
	f.year = y
	if y <= 0 {
		f.bce, f.year = true, 1-y
	}
	return f
}

// setFields are fields as they were set, with the order in which they were
// (Calendar's stamps; 0 is unset).
type setFields struct {
	stamp [fieldCount]int
	value [fieldCount]int32
	next  int
}

func (s *setFields) set(field int, value int32) {
	s.next++
	s.stamp[field], s.value[field] = s.next, value
}

func aggregate(a, b int) int {
	if a == 0 || b == 0 {
		return 0
	}
	return max(a, b)
}

type mask uint32

func (m mask) has(field int) bool { return m&(1<<field) != 0 }

// selected says which fields make the date and the time of day: the most recently
// set group that is complete (Calendar.selectFields).
func (s *setFields) selected() mask {
	m := mask(1 << fieldYear)
	dow, dom := s.stamp[fieldDayOfWeek], s.stamp[fieldDayOfMonth]
	wom := aggregate(s.stamp[fieldWeekOfMonth], dow)
	dowim := aggregate(s.stamp[fieldDayOfWeekInMonth], dow)
	doy := s.stamp[fieldDayOfYear]
	woy := aggregate(s.stamp[fieldWeekOfYear], dow)
	best := max(dom, wom, dowim, doy, woy)
	if best == 0 {
		wom = s.stamp[fieldWeekOfMonth]
		dowim = max(s.stamp[fieldDayOfWeekInMonth], dow)
		woy = s.stamp[fieldWeekOfYear]
		best = max(wom, dowim, woy)
		if best == 0 {
			dom = s.stamp[fieldMonth]
			best = dom
		}
	}
	switch {
	case best == dom:
		m |= 1<<fieldMonth | 1<<fieldDayOfMonth
	case best == wom && s.stamp[fieldWeekOfMonth] >= s.stamp[fieldWeekOfYear],
		best == dowim && s.stamp[fieldDayOfWeekInMonth] >= s.stamp[fieldWeekOfYear]:
		m |= 1 << fieldMonth
		if dow != 0 {
			m |= 1 << fieldDayOfWeek
		}
		switch {
		case wom == dowim:
			if s.stamp[fieldWeekOfMonth] >= s.stamp[fieldDayOfWeekInMonth] {
				m |= 1 << fieldWeekOfMonth
			} else {
				m |= 1 << fieldDayOfWeekInMonth
			}
		case best == wom:
			m |= 1 << fieldWeekOfMonth
		case s.stamp[fieldDayOfWeekInMonth] != 0:
			m |= 1 << fieldDayOfWeekInMonth
		}
	case best == doy:
		m |= 1 << fieldDayOfYear
	default:
		if dow != 0 {
			m |= 1 << fieldDayOfWeek
		}
		m |= 1 << fieldWeekOfYear
	}

	hourOfDay := s.stamp[fieldHourOfDay]
	best = max(aggregate(s.stamp[fieldHour], s.stamp[fieldAMPM]), hourOfDay)
	if best == 0 {
		best = max(s.stamp[fieldHour], s.stamp[fieldAMPM])
	}
	switch {
	case best == 0:
	case best == hourOfDay:
		m |= 1 << fieldHourOfDay
	default:
		m |= 1 << fieldHour
		if s.stamp[fieldAMPM] != 0 {
			m |= 1 << fieldAMPM
		}
	}
	for _, f := range [...]int{fieldZoneOffset, fieldDSTOffset} {
		if s.stamp[f] != 0 {
			m |= 1 << f
		}
	}
	return m
}

// millis computes the instant that the fields stand for (GregorianCalendar.computeTime).
func (s *setFields) millis(z *zone) int64 {
	m := s.selected()
	year := int32(1970)
	if s.stamp[fieldYear] != 0 {
		year = s.value[fieldYear]
	}
	if s.stamp[fieldEra] != 0 && s.value[fieldEra] == bce {
		year = 1 - year
	}
	var clock int64
	if m.has(fieldHourOfDay) {
		clock = int64(s.value[fieldHourOfDay])
	} else {
		clock = int64(s.value[fieldHour])
		if m.has(fieldAMPM) {
			clock += int64(12 * s.value[fieldAMPM])
		}
	}
	clock = clock*60 + int64(s.value[fieldMinute])
	clock = clock*60 + int64(s.value[fieldSecond])
	clock = clock*1000 + int64(s.value[fieldMilli])
	days := floorDiv(clock, millisPerDay)
	clock = floorMod(clock, millisPerDay)

	date := days + s.date(m, true, year)
	julian := days + s.date(m, false, year)
	switch relative := m.has(fieldDayOfYear) || m.has(fieldWeekOfYear); {
	case year > cutoverYear && date >= cutoverDate:
	case year != cutoverYear, relative, date < cutoverDate:
		date = julian
	}
	wall := (date-epochDate)*millisPerDay + clock

	zoneSet, dstSet := m.has(fieldZoneOffset), m.has(fieldDSTOffset)
	raw, dst := int64(s.value[fieldZoneOffset]), int64(s.value[fieldDSTOffset])
	if !zoneSet || !dstSet {
		r, d := z.byWall(wall)
		if !zoneSet {
			raw = r
		}
		if !dstSet {
			dst = d
		}
	}
	return wall - raw - dst
}

// date returns the fixed date in one of the calendars (GregorianCalendar.getFixedDate).
// The products are of 32 bits, as Java's are.
func (s *setFields) date(m mask, gregorian bool, year int32) int64 {
	month := int32(0)
	if m.has(fieldMonth) {
		month = s.value[fieldMonth]
		year += int32(floorDiv(int64(month), 12))
		month = int32(floorMod(int64(month), 12))
	}
	date := fixedDate(gregorian, int64(year), int64(month)+1, 1)
	week := func(nth int64) int64 {
		first := dayOnOrBefore(date+6, sunday)
		if first > date {
			first -= 7
		}
		if m.has(fieldDayOfWeek) {
			if dow := s.value[fieldDayOfWeek]; dow != sunday {
				first = dayOnOrBefore(first+6, int64(dow))
			}
		}
		return first + nth
	}
	if !m.has(fieldMonth) {
		if m.has(fieldDayOfYear) {
			return date + int64(s.value[fieldDayOfYear]) - 1
		}
		return week(7 * (int64(s.value[fieldWeekOfYear]) - 1))
	}
	switch {
	case m.has(fieldDayOfMonth):
		if s.stamp[fieldDayOfMonth] != 0 {
			date += int64(s.value[fieldDayOfMonth]) - 1
		}
		return date
	case m.has(fieldWeekOfMonth):
		return week(int64(7 * (s.value[fieldWeekOfMonth] - 1)))
	}
	dow, nth := int64(sunday), int32(1)
	if m.has(fieldDayOfWeek) {
		dow = int64(s.value[fieldDayOfWeek])
	}
	if m.has(fieldDayOfWeekInMonth) {
		nth = s.value[fieldDayOfWeekInMonth]
	}
	if nth >= 0 {
		return dayOnOrBefore(date+int64(7*nth)-1, dow)
	}
	return dayOnOrBefore(date+int64(monthLength(month, year)+7*(nth+1))-1, dow)
}

func monthLength(month, year int32) int32 {
	switch month {
	case 3, 5, 8, 10:
		return 30
	case 1:
		if leap := gregorianLeap(int64(year)); leap || year < cutoverYear && julianLeap(int64(year)) {
			return 29
		}
		return 28
	}
	return 31
}
