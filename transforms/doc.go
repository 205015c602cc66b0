// Package transforms holds the single message transforms, one a file: those that
// Apache Kafka Connect ships, equal to it to the byte, errors included, and further
// ones under the names users know.
//
// Most exist twice, for a record's key and for its value, as Connect's $Key and $Value
// classes; Part says which. A transform never changes the record it is given, only a
// copy. Once configured it is for one goroutine at a time. What a transform derives
// from a schema it keeps for the schemas met last.
//
// Which transforms apply to which records, and what happens to those that fail, is
// decided elsewhere (runtime/chain, runtime/task).
package transforms
