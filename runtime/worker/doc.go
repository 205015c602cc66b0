// Package worker runs connectors and tasks: it makes them from their
// configurations, gives them Kafka clients and converters, and starts and stops
// them as the herder says. What becomes of them it reports through a Reporter.
//
// It decides nothing of its own; the data path is in runtime/task.
package worker
