package schema

import (
	"testing"
	"time"
)

func TestDatesSinceTheChangeOfCalendars(t *testing.T) {
	for at := time.Date(1582, 10, 15, 0, 0, 0, 0, time.UTC); at.Year() < 10_500; at = at.AddDate(0, 0, 97).Add(37 * time.Minute) {
		y, m, d := CivilDate(at.UnixMilli())
		if wy, wm, wd := at.Date(); int(y) != wy || m != int(wm) || d != wd {
			t.Fatalf("%s: %d-%d-%d", at, y, m, d)
		}
		midnight := DateMillis(y, int64(m), int64(d))
		if want := at.Truncate(24 * time.Hour).UnixMilli(); midnight != want {
			t.Fatalf("%s: midnight is %d, expected %d", at, midnight, want)
		}
	}
}

func TestDatesGoBackAndForth(t *testing.T) {
	for day := int64(-3_000_000); day < 3_000_000; day += 13 {
		y, m, d := CivilDate(day * MillisPerDay)
		if got := DateMillis(y, int64(m), int64(d)); got != day*MillisPerDay {
			t.Fatalf("day %d is %d-%d-%d, which is day %d", day, y, m, d, got/MillisPerDay)
		}
	}
}

// The texts are Java's, of a machine in UTC.
func TestDateTexts(t *testing.T) {
	for _, c := range []struct {
		millis     int64
		java, text string
	}{
		{0, "Thu Jan 01 00:00:00 UTC 1970", "00:00:00.000Z"},
		{86_400_000, "Fri Jan 02 00:00:00 UTC 1970", "1970-01-02"},
		{86_399_999, "Thu Jan 01 23:59:59 UTC 1970", "23:59:59.999Z"},
		{-1, "Wed Dec 31 23:59:59 UTC 1969", "23:59:59.999Z"},
		{1_709_210_096_789, "Thu Feb 29 12:34:56 UTC 2024", "2024-02-29T12:34:56.789Z"},
		{253_402_300_800_000, "Sat Jan 01 00:00:00 UTC 10000", "10000-01-01"},
		{-12_219_292_800_000, "Fri Oct 15 00:00:00 UTC 1582", "00:00:00.000Z"},
		{-12_219_292_800_001, "Thu Oct 04 23:59:59 UTC 1582", "23:59:59.999Z"},
		{-62_135_769_600_000, "Sat Jan 01 00:00:00 UTC 1", "00:00:00.000Z"},
		{-62_135_769_600_001, "Fri Dec 31 23:59:59 UTC 1", "23:59:59.999Z"},
	} {
		if got := OfDate(c.millis).Text(); got != c.java {
			t.Errorf("%d: %s, expected %s", c.millis, got, c.java)
		}
		if got := ConvertToString(OfDate(c.millis)); got != c.text {
			t.Errorf("%d: %s, expected %s", c.millis, got, c.text)
		}
	}
}
