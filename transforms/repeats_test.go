package transforms

import (
	"fmt"
	"testing"

	"github.com/moldau-io/moldau/connect/schema"
)

// Names that meet are found in small and in large maps, wherever they are.
func TestEqualNames(t *testing.T) {
	for _, n := range []int{2, fewEntries, fewEntries + 1, 100} {
		entries := make([]schema.Entry, n)
		for i := range entries {
			entries[i].Key = schema.OfString(fmt.Sprint("field", i))
		}
		if repeats(entries) || collides(entries, []int{0, n - 1}) {
			t.Errorf("%d different names repeat", n)
		}
		for _, pair := range [][2]int{{0, n - 1}, {n - 2, n - 1}, {0, 1}} {
			from, to := pair[0], pair[1]
			kept := entries[to].Key
			entries[to].Key = entries[from].Key
			if !repeats(entries) || !collides(entries, []int{from}) || !collides(entries, []int{to}) {
				t.Errorf("of %d names, numbers %d and %d are equal, which is not seen", n, from, to)
			}
			if collides(entries, nil) {
				t.Errorf("of %d names none is renamed, but one collides", n)
			}
			entries[to].Key = kept
		}
	}
}
