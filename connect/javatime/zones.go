package javatime

import (
	_ "embed"
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // so that zone names work where the system has no zone files
)

// zonesText holds the names of the zones in en_US: lines of long and short standard
// name and long and short daylight name; an empty line; then lines of zone id, the
// number of its names, and its daylight saving in minutes. The order is Java's, since
// the first zone with a matching name is taken.
//
//go:embed zones.txt
var zonesText string

// zone is a time zone as Java knows it.
type zone struct {
	id    string
	names [4]string // long, short, long daylight, short daylight
	// saving is what daylight saving adds nowadays, in milliseconds; 0 for none.
	saving int64
	load   func() *time.Location // nil for UTC
}

var utcZone = &zone{id: "UTC", names: [4]string{"Coordinated Universal Time", "UTC", "Coordinated Universal Time", "UTC"}}

// allZones reads the table when a name is first looked for.
var allZones = sync.OnceValue(func() []*zone {
	names, ids, _ := strings.Cut(zonesText, "\n\n")
	var sets [][4]string
	for line := range strings.Lines(names) {
		sets = append(sets, [4]string(strings.SplitN(strings.TrimSuffix(line, "\n"), "|", 4)))
	}
	var zones []*zone
	for line := range strings.Lines(ids) {
		part := strings.Fields(line)
		set, err1 := strconv.Atoi(part[1])
		saving, err2 := strconv.Atoi(part[2])
		if err1 != nil || err2 != nil {
			panic("javatime: wrong line in zones.txt: " + line)
		}
		z := &zone{id: part[0], names: sets[set], saving: int64(saving) * 60_000}
		z.load = sync.OnceValue(func() *time.Location {
			loc, err := time.LoadLocation(z.id)
			if err != nil {
				// Names that only Java has, such as SystemV/AST4, stand for nothing a user writes.
				return time.UTC
			}
			return loc
		})
		zones = append(zones, z)
	}
	return zones
})

// at returns the offset of an instant in milliseconds, daylight saving included.
func (z *zone) at(millis int64) (offset int64, daylight bool) {
	if z.load == nil {
		return 0, false
	}
	if millis < year1900 {
		return z.standard(), false
	}
	t := time.UnixMilli(millis).In(z.load())
	_, seconds := t.Zone()
	return int64(seconds) * 1000, t.IsDST()
}

// year1900 is where Java's knowledge of zones begins; before it, it takes the standard
// time of nowadays.
const year1900 = -2_208_988_800_000

// standard returns the offset of standard time nowadays.
func (z *zone) standard() int64 {
	for _, month := range [...]time.Month{time.January, time.July} {
		t := time.Date(2025, month, 1, 0, 0, 0, 0, z.load())
		if _, seconds := t.Zone(); !t.IsDST() {
			return int64(seconds) * 1000
		}
	}
	return 0
}

// byWall returns the standard offset and the daylight saving at a time of the zone's
// own clocks.
func (z *zone) byWall(wall int64) (raw, dst int64) {
	if z.load == nil {
		return 0, 0
	}
	offset, _ := z.at(wall)
	// The offset at the wall time taken as UTC may belong to the other side of a
	// change; standard time is asked for, as Java does for times that do not exist.
	for range 2 {
		offset, _ = z.at(wall - offset)
	}
	_, daylight := z.at(wall - offset)
	if daylight {
		return offset - z.saving, z.saving
	}
	return offset, 0
}
