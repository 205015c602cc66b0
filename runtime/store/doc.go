// Package store keeps what a worker must not forget: the configurations of
// connectors and tasks, the offsets of sources, and the statuses of what runs.
//
// Each of the three is a small interface with an implementation over a compacted
// Kafka topic, one in memory and, for offsets, one in a file. The byte formats of
// Apache Kafka Connect's internal topics and of its standalone offset file are
// written and read here and nowhere else, so that a Java worker and this one can
// take each other's place.
//
// What a stored configuration means, when it is acted upon, and who may write is
// decided elsewhere (package herder); Kafka clients are made in package kafka.
package store
