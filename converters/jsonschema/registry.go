package jsonschema

import (
	"context"

	"github.com/moldau-io/moldau/connect"
)

// Registry is what the converter asks of a schema registry and of the wire format.
// Its errors carry the Java classes of the serializers' exceptions:
// SerializationException, TimeoutException, InvalidConfigurationException.
type Registry interface {
	// Resolve registers or looks up a document as the settings say, under the subject
	// for the topic and the record's name. The result is the schema to write with.
	Resolve(ctx context.Context, topic, name string, document []byte) (Registered, error)
	// Frame puts the schema's id before the payload, or into the headers.
	Frame(topic string, headers *connect.RawHeaders, r Registered, payload []byte) ([]byte, error)
	// Unframe finds the schema that bytes were written with, and the payload.
	Unframe(ctx context.Context, topic string, headers *connect.RawHeaders, b []byte) (Registered, []byte, error)
}

// Registered is a document as a registry holds it.
type Registered struct {
	// ID is the registry's id.
	ID int
	// Key tells this document, under its subject, from others.
	Key string
	// Text is the document.
	Text []byte
	// References are the texts of the documents it refers to, by name.
	References map[string]string
	// Version is the version under the subject, from 1; 0 where there is none.
	Version int32
}
