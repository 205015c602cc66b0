// Package chaos has the parts of a chaos test that need no server: the seed and the
// plan of faults that follows from it, and the checker, which says what became of
// numbered records.
//
// Who starts processes, does to them what the plan says and reads what arrived is not
// here: that is test/integration.
package chaos
