package configdef

import (
	"slices"
	"unicode/utf16"
)

// HashOrder returns the names in the order a java.util.HashSet of them iterates,
// which some of Connect's texts show. Duplicates are dropped.
func HashOrder(names []string) []string {
	size := 16
	var unique []string
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		if !seen[name] {
			seen[name] = true
			unique = append(unique, name)
		}
	}
	for len(unique) > size*3/4 {
		size *= 2
	}
	slices.SortStableFunc(unique, func(a, b string) int { return bucket(a, size) - bucket(b, size) })
	return unique
}

func bucket(s string, size int) int {
	var h uint32
	for _, unit := range utf16.Encode([]rune(s)) {
		h = h*31 + uint32(unit)
	}
	h ^= h >> 16
	return int(h) & (size - 1)
}
