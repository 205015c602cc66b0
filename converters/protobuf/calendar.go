package protobuf

import (
	"fmt"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// classDateTime is what Java throws for a time of day out of range.
const classDateTime = "java.time.DateTimeException"

// Limits of google.protobuf.Timestamp: the years 1 to 9999.
const (
	minSeconds = -62135596800
	maxSeconds = 253402300799
	nanosLimit = 1_000_000_000
)

// Limits of java.util.Calendar.
const maxYear = 292278994

// appendInt32 appends a field of type int32 unless it is 0.
func appendInt32(b []byte, number byte, v int32) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(append(b, number<<3), uint64(int64(v))) // #nosec G115 -- the bits
}

// appendDate appends the content of a google.type.Date.
func appendDate(b []byte, millis int64) ([]byte, error) {
	if millis%schema.MillisPerDay != 0 {
		return b, errs.Data("Kafka Connect Date type should not have any time fields set to non-zero values.")
	}
	year, month, day := schema.CivilDate(millis)
	if year <= 0 { // Java gives the year of the era
		year = 1 - year
	}
	b = appendInt32(b, 1, int32(year))        // #nosec G115 -- far fewer years
	b = appendInt32(b, 2, int32(month))       // #nosec G115 -- at most 12
	return appendInt32(b, 3, int32(day)), nil // #nosec G115 -- at most 31
}

// appendTime appends the content of a google.type.TimeOfDay. The end of the day is its
// start.
func appendTime(b []byte, millis int64) ([]byte, error) {
	if millis < 0 || millis > schema.MillisPerDay {
		return b, errs.Data("Time values must use number of millis greater than 0 and less than 86400000")
	}
	t := int32(millis % schema.MillisPerDay) // #nosec G115 -- below a day
	b = appendInt32(b, 1, t/3_600_000)
	b = appendInt32(b, 2, t/60_000%60)
	b = appendInt32(b, 3, t/1000%60)
	return appendInt32(b, 4, t%1000*1_000_000), nil
}

func invalidTimestamp(seconds int64, nanos int32) error {
	return errs.IllegalArgument("%s", "Timestamp is not valid. See proto definition for valid values. Seconds ("+strconv.FormatInt(seconds, 10)+
		") must be in range [-62,135,596,800, +253,402,300,799]. Nanos ("+strconv.Itoa(int(nanos))+") must be in range [0, +999,999,999].")
}

// appendTimestamp appends the content of a google.protobuf.Timestamp.
func appendTimestamp(b []byte, millis int64) ([]byte, error) {
	seconds, rest := millis/1000, millis%1000
	if rest < 0 {
		seconds, rest = seconds-1, rest+1000
	}
	nanos := int32(rest * 1_000_000) // #nosec G115 -- below 10^9
	if seconds < minSeconds {
		return b, invalidTimestamp(seconds, nanos)
	}
	if seconds > maxSeconds {
		return b, errs.IllegalArgument("%s", "Timestamp is not valid. Input seconds is too large. Seconds ("+strconv.FormatInt(seconds, 10)+
			") must be in range [-62,135,596,800, +253,402,300,799]. ")
	}
	if seconds != 0 {
		b = protowire.AppendVarint(append(b, 1<<3), uint64(seconds)) // #nosec G115 -- the bits
	}
	return appendInt32(b, 2, nanos), nil
}

// appendDecimal appends the content of a confluent.type.Decimal.
func appendDecimal(b []byte, d *schema.DecimalValue) []byte {
	b = append(b, 1<<3|byte(protowire.BytesType))
	b = protowire.AppendBytes(b, d.UnscaledBytes())
	precision := len(d.Unscaled().String())
	if d.Unscaled().Sign() < 0 {
		precision--
	}
	b = appendInt32(b, 2, int32(precision)) // #nosec G115 -- the length of a text in memory
	return appendInt32(b, 3, d.Scale())
}

// dateOf is a google.type.Date as Java's calendar has it where it is not lenient: the
// Julian one before 15 October 1582.
func dateOf(year, month, day int32) (int64, error) {
	switch {
	case year < 1 || year > maxYear:
		return 0, errs.IllegalArgument("YEAR")
	case month < 1 || month > 12:
		return 0, errs.IllegalArgument("MONTH")
	case day < 1 || day > 31:
		return 0, errs.IllegalArgument("DAY_OF_MONTH")
	case year == 1582 && month == 10 && day > 4 && day < 15:
		return 0, errs.IllegalArgument("the specified date doesn't exist")
	}
	millis := schema.DateMillis(int64(year), int64(month), int64(day))
	if y, m, d := schema.CivilDate(millis); y != int64(year) || m != int(month) || d != int(day) {
		return 0, errs.IllegalArgument("MONTH: %d -> %d", month-1, m-1)
	}
	return millis, nil
}

// timeOf is a google.type.TimeOfDay (java.time.LocalTime.of).
func timeOf(hours, minutes, seconds, nanos int32) (int64, error) {
	for _, f := range []struct {
		name  string
		value int32
		limit int32
	}{{"HourOfDay", hours, 23}, {"MinuteOfHour", minutes, 59}, {"SecondOfMinute", seconds, 59}, {"NanoOfSecond", nanos, nanosLimit - 1}} {
		if f.value < 0 || f.value > f.limit {
			return 0, errs.New(classDateTime, "%s", fmt.Sprintf("Invalid value for %s (valid values 0 - %d): %d", f.name, f.limit, f.value))
		}
	}
	return int64(hours)*3_600_000 + int64(minutes)*60_000 + int64(seconds)*1000 + int64(nanos/1_000_000), nil
}

// timestampOf is a google.protobuf.Timestamp (Timestamps.toMillis).
func timestampOf(seconds int64, nanos int32) (int64, error) {
	if seconds < minSeconds || seconds > maxSeconds || nanos < 0 || nanos >= nanosLimit {
		return 0, invalidTimestamp(seconds, nanos)
	}
	return seconds*1000 + int64(nanos/1_000_000), nil
}
