// Package state holds the values the parts of a worker exchange: task ids,
// run and target states, statuses, the snapshot of the config topic, a group
// member's metadata and assignment, restart requests and plans.
//
// Everything here is a plain value or immutable after it was built, so that it
// can be handed from goroutine to goroutine. There is no I/O, no clock and no
// Kafka client in this package; the bytes these values have in topics are the
// business of runtime/store, and those in group requests of runtime/group.
package state
