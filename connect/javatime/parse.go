package javatime

import (
	"unicode"
	"unicode/utf16"
)

// Parse reads the instant, in milliseconds since the epoch, that text begins with;
// what follows it is ignored. It reports false where Java throws a ParseException.
func (f *Format) Parse(text string) (millis int64, ok bool) {
	f.units = f.units[:0]
	for _, r := range text {
		f.units = utf16.AppendRune(f.units, r)
	}
	p := parser{f: f, text: f.units}
	at := 0
	for i := range f.items {
		it := &f.items[i]
		if it.letter == 0 {
			if at >= len(p.text) || p.text[at] != it.unit {
				return 0, false
			}
			at++
			continue
		}
		p.abutting = i+1 < len(f.items) && isNumeric(&f.items[i+1])
		if at, ok = p.field(at, it); !ok {
			return 0, false
		}
	}
	if at == 0 {
		return 0, false
	}
	millis = p.establish()
	if p.ambiguousYear && millis < f.centuryStart {
		p.fields.value[fieldYear] += 100
		if p.weekYearAt > 0 {
			p.weekYear += 100
		}
		millis = p.establish()
	}
	return millis, true
}

// isNumeric says whether a field is read as digits, so that the one before it must
// take as many as its pattern has letters.
func isNumeric(it *item) bool {
	switch it.letter {
	case 'M', 'L':
		return it.count <= 2
	case 'y', 'd', 'k', 'H', 'm', 's', 'S', 'D', 'F', 'w', 'W', 'h', 'K', 'Y', 'u':
		return true
	}
	return false
}

// parser holds what one text has given so far (CalendarBuilder).
type parser struct {
	f      *Format
	text   []uint16
	fields setFields
	// weekYear is a year of weeks; weekYearAt its stamp, 0 when unset.
	weekYear      int32
	weekYearAt    int
	abutting      bool
	ambiguousYear bool
}

// field reads one field at a place and returns where the next begins.
func (p *parser) field(start int, it *item) (end int, ok bool) {
	at := start
	for {
		if at >= len(p.text) {
			return 0, false
		}
		if c := p.text[at]; c != ' ' && c != '\t' {
			break
		}
		at++
	}
	switch it.letter {
	case 'G':
		return p.names(start, fieldEra, eraNames[:])
	case 'M', 'L':
		if it.count > 2 {
			return p.months(start)
		}
	case 'E':
		return p.days(start)
	case 'a':
		return p.names(start, fieldAMPM, halfNames[:])
	case 'z', 'Z':
		return p.zone(start, at)
	case 'X':
		return p.isoZone(at, it.count)
	}
	text := p.text
	if p.abutting {
		if start+it.count > len(text) {
			return 0, false
		}
		text = text[:start+it.count]
	}
	value, end, ok := scanNumber(text, at)
	if !ok {
		return 0, false
	}
	p.number(it, at, end, value)
	return end, true
}

// number sets the field of a pattern letter.
func (p *parser) number(it *item, start, end int, value int32) {
	switch it.letter {
	case 'y', 'Y':
		if it.count <= 2 && end-start == 2 && digitOf(p.text[start]) >= 0 && digitOf(p.text[start+1]) >= 0 {
			first := p.f.centuryStartYear % 100
			p.ambiguousYear = value == first
			value += p.f.centuryStartYear / 100 * 100
			if value%100 < first {
				value += 100
			}
		}
		if it.letter == 'Y' {
			p.fields.next++
			p.weekYear, p.weekYearAt = value, p.fields.next
			return
		}
		p.fields.set(fieldYear, value)
	case 'M', 'L':
		p.fields.set(fieldMonth, value-1)
	case 'd':
		p.fields.set(fieldDayOfMonth, value)
	case 'k':
		if value == 24 {
			value = 0
		}
		p.fields.set(fieldHourOfDay, value)
	case 'H':
		p.fields.set(fieldHourOfDay, value)
	case 'm':
		p.fields.set(fieldMinute, value)
	case 's':
		p.fields.set(fieldSecond, value)
	case 'S':
		p.fields.set(fieldMilli, value)
	case 'D':
		p.fields.set(fieldDayOfYear, value)
	case 'F':
		p.fields.set(fieldDayOfWeekInMonth, value)
	case 'w':
		p.fields.set(fieldWeekOfYear, value)
	case 'W':
		p.fields.set(fieldWeekOfMonth, value)
	case 'h':
		if value == 12 {
			value = 0
		}
		p.fields.set(fieldHour, value)
	case 'K':
		p.fields.set(fieldHour, value)
	case 'u':
		// ISO days of the week; those out of range are put right when week years are used.
		if value >= 1 && value <= 7 {
			value = value%7 + 1
		}
		p.fields.set(fieldDayOfWeek, value)
	}
}

// names reads one of the names, in any case; the value is its place in the list.
func (p *parser) names(start, field int, list []string) (end int, ok bool) {
	for i, name := range list {
		if p.matches(start, name) {
			p.fields.set(field, int32(i))
			return start + len(name), true
		}
	}
	return 0, false
}

func (p *parser) months(start int) (end int, ok bool) {
	return p.fullOrShort(start, fieldMonth, 0, monthNames[:])
}

func (p *parser) days(start int) (end int, ok bool) {
	return p.fullOrShort(start, fieldDayOfWeek, sunday, dayNames[:])
}

// fullOrShort reads a name or its first three letters.
func (p *parser) fullOrShort(start, field int, first int32, list []string) (end int, ok bool) {
	for i, name := range list {
		if p.matches(start, name) {
			p.fields.set(field, int32(i)+first)
			return start + len(name), true
		}
	}
	for i, name := range list {
		if p.matches(start, name[:3]) {
			p.fields.set(field, int32(i)+first)
			return start + 3, true
		}
	}
	return 0, false
}

// matches says whether the text has a name at a place, in any case (String.regionMatches).
func (p *parser) matches(at int, name string) bool {
	if at+len(name) > len(p.text) {
		return false
	}
	for i := range len(name) {
		if !sameLetter(p.text[at+i], uint16(name[i])) {
			return false
		}
	}
	return true
}

func sameLetter(a, b uint16) bool {
	if a == b {
		return true
	}
	if a < 0x80 && b < 0x80 {
		return isLetter(a) && a|0x20 == b|0x20
	}
	ua, ub := unicode.ToUpper(rune(a)), unicode.ToUpper(rune(b))
	return ua == ub || unicode.ToLower(ua) == unicode.ToLower(ub)
}

// zone reads a zone name, "GMT+h:mm" or "+hhmm".
func (p *parser) zone(start, at int) (end int, ok bool) {
	switch c := p.text[at]; {
	case c == '+' || c == '-':
		return p.numericZone(at+1, c == '-', 0, false)
	case (c == 'G' || c == 'g') && p.matches(start, "GMT"):
		at = start + 3
		if at < len(p.text) && (p.text[at] == '+' || p.text[at] == '-') {
			return p.numericZone(at+1, p.text[at] == '-', 0, true)
		}
		p.setOffset(0)
		return at, true
	}
	return p.namedZone(at)
}

func (p *parser) isoZone(at, count int) (end int, ok bool) {
	switch c := p.text[at]; c {
	case 'Z':
		p.setOffset(0)
		return at + 1, true
	case '+', '-':
		return p.numericZone(at+1, c == '-', count, count == 3)
	}
	return 0, false
}

// numericZone reads hours and minutes; count is that of the X pattern, 0 for the others.
func (p *parser) numericZone(at int, negative bool, count int, colon bool) (end int, ok bool) {
	digit := func() int32 {
		if at < len(p.text) {
			if c := p.text[at]; c >= '0' && c <= '9' {
				at++
				return int32(c - '0')
			}
		}
		return -1
	}
	hours := digit()
	if hours < 0 {
		return 0, false
	}
	if d := digit(); d >= 0 {
		hours = hours*10 + d
	} else if at >= len(p.text) || count > 0 || !colon {
		return 0, false
	}
	if hours > 23 {
		return 0, false
	}
	minutes := int32(0)
	if count != 1 {
		if colon {
			if at >= len(p.text) || p.text[at] != ':' {
				return 0, false
			}
			at++
		}
		tens, ones := digit(), int32(-1)
		if tens >= 0 {
			ones = digit()
		}
		if ones < 0 || tens*10+ones > 59 {
			return 0, false
		}
		minutes = tens*10 + ones
	}
	minutes += hours * 60
	if negative {
		minutes = -minutes
	}
	p.setOffset(minutes * 60_000)
	return at, true
}

func (p *parser) setOffset(millis int32) {
	p.fields.set(fieldZoneOffset, millis)
	p.fields.set(fieldDSTOffset, 0)
}

// namedZone reads the name of a zone: one of the format's own zone, else of the first
// zone that has it. The format goes over to that zone.
func (p *parser) namedZone(at int) (end int, ok bool) {
	z, name := p.f.zone, p.zoneName(at, p.f.zone)
	if name < 0 {
		z, name = utcZone, p.zoneName(at, utcZone)
	}
	if name < 0 {
		for _, candidate := range allZones() {
			if n := p.zoneName(at, candidate); n >= 0 {
				z, name = candidate, n
				break
			}
		}
	}
	if name < 0 {
		return 0, false
	}
	p.f.zone = z
	daylight := name >= 2
	same := !daylight && sameName(z.names[name], z.names[name+2])
	if !same && (!daylight || z.saving != 0) {
		p.fields.stamp[fieldZoneOffset], p.fields.value[fieldZoneOffset] = 0, 0
		saving := int32(0)
		if daylight {
			saving = int32(z.saving)
		}
		p.fields.set(fieldDSTOffset, saving)
	}
	return at + len(utf16.Encode([]rune(z.names[name]))), true
}

// zoneName returns which of a zone's names stands in the text at a place, or -1.
func (p *parser) zoneName(at int, z *zone) int {
	for i, name := range z.names {
		if name != "" && p.matchesText(at, name) {
			return i
		}
	}
	return -1
}

// matchesText is matches for names that are not all ASCII.
func (p *parser) matchesText(at int, name string) bool {
	for _, r := range name {
		if at >= len(p.text) || !sameLetter(p.text[at], uint16(r)) {
			return false
		}
		at++
	}
	return true
}

func sameName(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if !sameLetter(uint16(a[i]), uint16(b[i])) {
			return false
		}
	}
	return true
}

// establish computes the instant of the fields (CalendarBuilder.establish).
func (p *parser) establish() int64 {
	s := p.fields
	if p.weekYearAt <= s.stamp[fieldYear] {
		return s.millis(p.f.zone)
	}
	week, day := int32(1), int32(sunday)
	if s.stamp[fieldWeekOfYear] != 0 {
		week = s.value[fieldWeekOfYear]
	}
	if s.stamp[fieldDayOfWeek] != 0 {
		day = s.value[fieldDayOfWeek]
		switch {
		case day >= 8:
			day--
			week += day / 7
			day = (day%7+1)%7 + 1
		case day <= 0:
			back := -(day / 7) + 1
			week -= back
			day = (day+7*back)%7 + 1
		}
	}
	// The date is computed in a calendar of its own, of the same era, then set field by field.
	var w setFields
	era := int32(1)
	if fieldsOf(s.millis(p.f.zone), p.f.zone).bce {
		era = bce
	}
	w.set(fieldEra, era)
	w.set(fieldYear, p.weekYear)
	w.set(fieldWeekOfYear, 1)
	w.set(fieldDayOfWeek, sunday)
	first := w.millis(utcZone)
	c := fieldsOf(first+int64(day-sunday+7*(week-1))*millisPerDay, utcZone)
	era = 1
	if c.bce {
		era = bce
	}
	s.set(fieldEra, era)
	s.set(fieldYear, int32(c.year))
	s.set(fieldMonth, int32(c.month))
	s.set(fieldDayOfMonth, int32(c.dayOfMonth))
	return s.millis(p.f.zone)
}
