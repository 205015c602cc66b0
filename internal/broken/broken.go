//go:build moldau_broken

// Package broken breaks invariants on purpose; whole.go says more.
package broken

import (
	"os"
	"strconv"
	"sync"
)

var number = sync.OnceValue(func() int {
	n, err := strconv.Atoi(os.Getenv("MOLDAU_BROKEN"))
	if err != nil {
		return 0 // none
	}
	return n
})

// Invariant says whether an invariant, by its number in docs/invariants.md, is broken
// on purpose: it is if MOLDAU_BROKEN is the number.
func Invariant(n int) bool { return n == number() }
