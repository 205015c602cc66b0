// Package registry is the client's side of a schema registry: the requests, the subjects
// that schemas are kept under, the caches, and the id that goes before a record's bytes
// or into its headers. The converters for Avro, Protobuf and JSON Schema share it. What a
// schema means is theirs.
package registry
