// Package schema is Connect's data model: schemas, values, structs, maps and the
// logical types, with the texts Java gives them.
//
// Value is a small tagged union that holds a scalar without allocating. Schema is
// immutable and compared by pointer first. Nothing here does I/O, and nothing
// here knows records, converters or connectors.
package schema
