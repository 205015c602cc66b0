package registry

import "context"

// Format is a kind of schema, as registries name it.
type Format string

// Formats that registries know.
const (
	Avro     Format = "AVRO"
	JSON     Format = "JSON"
	Protobuf Format = "PROTOBUF"
)

// Reference names a schema that another one uses.
type Reference struct {
	Name    string `json:"name"`    // as the schema that uses it calls it
	Subject string `json:"subject"` // where it is registered
	Version int32  `json:"version"` // from 1
}

// Document is a schema as it is registered.
type Document struct {
	Format     Format
	Text       string
	References []Reference
}

// Registered is a document as a registry holds it.
type Registered struct {
	Document
	ID      int32
	GUID    string // empty where the registry gives none
	Subject string
	Version int32 // from 1; 0 where the registry was not asked for it
}

// Client is a schema registry. Its errors are those of *Error, or say what failed on
// the way there. A client is for many goroutines at once.
type Client interface {
	// Register registers the document under the subject unless it is there, and returns
	// what is there then (Version may be 0).
	Register(ctx context.Context, subject string, d Document, normalize bool) (Registered, error)
	// Lookup finds the document under the subject, with its version.
	Lookup(ctx context.Context, subject string, d Document, normalize bool) (Registered, error)
	// ByID returns the document with an id, which the registry may look for under the
	// subject first.
	ByID(ctx context.Context, subject string, id int32) (Document, error)
	// ByGUID returns the document with a GUID.
	ByGUID(ctx context.Context, guid string) (Document, error)
	// Latest returns the latest version under the subject.
	Latest(ctx context.Context, subject string) (Registered, error)
	// LatestWithMetadata returns the latest version whose metadata has these entries.
	LatestWithMetadata(ctx context.Context, subject string, metadata map[string]string) (Registered, error)
	// ByVersion returns a version, which may be deleted, under the subject.
	ByVersion(ctx context.Context, subject string, version int32) (Registered, error)
}
