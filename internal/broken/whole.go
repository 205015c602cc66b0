//go:build !moldau_broken

// Package broken breaks the invariants of docs/invariants.md on purpose, in builds with
// the tag moldau_broken, for the proof that tests notice. Other builds have a function
// that is false and that the compiler removes.
//
// What it is to break one is where the invariant is kept.
package broken

// Invariant says whether an invariant, by its number, is broken on purpose: never.
func Invariant(int) bool { return false }
