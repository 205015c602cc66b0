// Package task is the data path: it moves records from a source task to topics and
// from topics to a sink task, keeps their offsets, and decides what becomes of
// records that fail. It stands for Java's WorkerSourceTask,
// ExactlyOnceWorkerSourceTask, WorkerSinkTask, SubmittedRecords and the package
// org.apache.kafka.connect.runtime.errors.
//
// A Source or Sink is made from a config in which everything is injected, and run
// once, by the goroutine that calls Run. Where configurations are stored, which
// worker runs a task and what its clients' settings are is decided elsewhere: this
// package knows only the interfaces it declares, and never the worker, the herder
// or the stores.
//
// The invariants I1 to I4 of docs/invariants.md are kept here; the places that do
// are marked with their numbers.
package task
