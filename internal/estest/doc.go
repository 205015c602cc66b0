// Package estest stands in for Elasticsearch in tests: indices, mappings, data
// streams, aliases and bulk requests with versions, conflicts and updates, in
// memory, with faults on demand. It does not search, and checks no types but those
// that a test asks for.
package estest
