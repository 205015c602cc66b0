package jsonschema

import (
	"slices"
	"unicode/utf16"
)

// javaHash is String.hashCode with HashMap's spreading of the high bits.
func javaHash(s string) uint32 {
	var h uint32
	for _, r := range s {
		if r > 0xffff {
			hi, lo := utf16.EncodeRune(r)
			h = 31*(31*h+uint32(hi)) + uint32(lo)
			continue
		}
		h = 31*h + uint32(r)
	}
	return h ^ h>>16
}

// grownCapacity is the table size of a java.util.HashMap that was filled entry by entry.
func grownCapacity(n int) uint32 {
	c := uint32(16)
	for n > int(c/4*3) {
		c *= 2
	}
	return c
}

// copiedCapacity is the table size of a HashMap made as a copy of a map of n entries.
func copiedCapacity(n int) uint32 {
	need := uint32(float32(n)/0.75 + 1)
	c := uint32(1)
	for c < need {
		c *= 2
	}
	return c
}

// sizedCapacity is the table size of a HashMap made for n entries and filled with them.
func sizedCapacity(n int) uint32 {
	c := uint32(1)
	for int(c) < n {
		c *= 2
	}
	for float32(n) > float32(c)*0.75 {
		c *= 2
	}
	return c
}

// hashOrder sorts names into the order in which a HashMap of that capacity has them.
func hashOrder(names []string, capacity uint32) {
	slices.SortStableFunc(names, func(a, b string) int {
		return int(javaHash(a)&(capacity-1)) - int(javaHash(b)&(capacity-1))
	})
}

// copyOrder is the order of a HashMap that is a copy of a grown one.
func copyOrder(names []string) {
	hashOrder(names, grownCapacity(len(names)))
	hashOrder(names, copiedCapacity(len(names)))
}
