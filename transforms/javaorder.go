package transforms

import (
	"slices"
	"unicode/utf16"
)

// hashSetOrder returns the names, without duplicates, in the order in which Java's
// new HashSet<>(names) iterates: it decides which of several wrong fields an error is about.
func hashSetOrder(names []string) []string {
	return hashOrder(names, max(16, int(float32(len(names))/0.75)+1))
}

// hashMapOrder returns the names in the order of a HashMap that grew by puts.
func hashMapOrder(names []string) []string { return hashOrder(names, 16) }

func hashOrder(names []string, capacity int) []string {
	size := 16
	for size < capacity {
		size *= 2
	}
	type slot struct {
		name   string
		bucket int
	}
	hashes := make(map[string]uint32, len(names))
	var unique []slot
	for _, name := range names {
		if _, ok := hashes[name]; !ok {
			hashes[name] = javaHash(name)
			unique = append(unique, slot{name: name})
		}
	}
	for len(unique) > size*3/4 {
		size *= 2
	}
	for i := range unique {
		h := hashes[unique[i].name]
		unique[i].bucket = int(h^h>>16) & (size - 1)
	}
	slices.SortStableFunc(unique, func(a, b slot) int { return a.bucket - b.bucket })
	out := make([]string, len(unique))
	for i, s := range unique {
		out[i] = s.name
	}
	return out
}

// javaHash is String.hashCode.
func javaHash(s string) uint32 {
	var h uint32
	for _, unit := range utf16.Encode([]rune(s)) {
		h = h*31 + uint32(unit)
	}
	return h
}
