package registry

import (
	"context"
	"strconv"
	"time"
)

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
	// Metadata are the properties that a registry adds to the schema.
	Metadata map[string]string
	// Rules are those that a registry wants applied to data.
	Rules []Rule
}

// Rule is a rule of a data contract, of which no kind can be carried out here.
type Rule struct {
	Name, Type, Mode string
	Disabled         bool
}

// applies says whether a rule is for the direction, WRITE or READ.
func (r Rule) applies(mode string) bool {
	return !r.Disabled && (r.Mode == mode || r.Mode == "WRITEREAD")
}

// version is the version that the metadata give, or 0.
func (d Document) version() int32 {
	n, err := strconv.ParseInt(d.Metadata["confluent:version"], 10, 32)
	if err != nil {
		return 0
	}
	return int32(n)
}

// Registered is a document as a registry holds it.
type Registered struct {
	Document
	ID      int32
	GUID    string // empty where the registry gives none
	Subject string
	Version int32 // from 1; 0 where the registry was not asked for it

	expires time.Time // zero: never
}

// Client is a schema registry. Its errors are of the type *Error where the registry
// answered. A client is for many goroutines at once.
type Client interface {
	// Register registers the document under the subject unless it is there, and returns
	// what is there then (Version may be 0).
	Register(ctx context.Context, subject string, d Document, normalize bool) (Registered, error)
	// Lookup finds the document under the subject, with its version.
	Lookup(ctx context.Context, subject string, d Document, normalize, deleted bool) (Registered, error)
	// ByID returns the document with an id, which the registry may look for under the
	// subject first; the subject may be empty.
	ByID(ctx context.Context, subject string, id int32) (Document, error)
	// ByGUID returns the document with a GUID.
	ByGUID(ctx context.Context, guid string) (Document, error)
	// Latest returns the latest version under the subject.
	Latest(ctx context.Context, subject string) (Registered, error)
	// LatestWithMetadata returns the latest version, deleted ones too, whose metadata has
	// these entries.
	LatestWithMetadata(ctx context.Context, subject string, metadata map[string]string) (Registered, error)
	// ByVersion returns a version, which may be deleted, under the subject.
	ByVersion(ctx context.Context, subject string, version int32) (Registered, error)
}
