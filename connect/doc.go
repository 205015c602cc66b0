// Package connect is the plugin API: records, connectors, tasks, converters,
// transforms and predicates, as org.apache.kafka.connect has them.
//
// A plugin imports this package, its sub-packages and its own client library, and
// nothing of the runtime. Errors that a plugin returns should be made with
// connect/errs: a retriable one is tried again, any other fails the task or, for
// a single record, goes by the connector's errors.tolerance.
package connect
