package registry

import "github.com/moldau-io/moldau/connect"

// Version is that of the Java converters whose behaviour the converters here have.
const Version = "8.1.1"

// User is a converter whose schemas are in a registry. Each of the converters for Avro,
// Protobuf and JSON Schema is one.
type User interface {
	connect.Converter
	// UseRegistry gives the converter a client, in place of the one that its settings
	// describe. It is called before Configure.
	UseRegistry(Client)
	// Canonical returns equal texts for documents of the converter's format that are one
	// schema (ParsedSchema.canonicalString), and any text for others.
	Canonical(Document) string
}
