// Package api is the REST API of a worker, as Apache Kafka Connect's: its paths,
// status codes, bodies and error texts.
//
// It turns requests into calls of the small Herder interface that it declares, and
// hands those that another worker must serve to that worker. It knows nothing of
// Kafka and holds no state of its own but loggers' levels.
package api
