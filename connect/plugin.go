package connect

import (
	"context"

	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/schema"
)

// Configured is what every plugin that takes settings has.
type Configured interface {
	// ConfigDef describes the plugin's settings. It must not need Configure first,
	// and every call returns an equal definition.
	ConfigDef() *configdef.Def
}

// Converter turns Connect data into bytes and back
// (org.apache.kafka.connect.storage.Converter). It is used by one goroutine at a
// time once configured, unless it says otherwise.
type Converter interface {
	Configured
	// Configure takes the converter's own settings, without prefix.
	Configure(props map[string]string, isKey bool) error
	// FromConnectData returns the bytes, or nil for Java's null. The converter may
	// read headers and set some (it adds to *headers); headers may be nil.
	FromConnectData(ctx context.Context, topic string, headers *RawHeaders, s *schema.Schema, v schema.Value) ([]byte, error)
	// ToConnectData reads bytes; nil is Java's null. Strings and bytes in the
	// result may be views of b, which must not be changed any more.
	ToConnectData(ctx context.Context, topic string, headers *RawHeaders, b []byte) (SchemaAndValue, error)
	// Close releases what Configure took.
	Close() error
}

// Appender is a Converter that can write to the end of a buffer, which spares an
// allocation for each record. A null result is reported by ok=false, and dst is
// returned as it was.
type Appender interface {
	AppendConnectData(ctx context.Context, dst []byte, topic string, headers *RawHeaders, s *schema.Schema, v schema.Value) (out []byte, ok bool, err error)
}

// RawHeader is a header as Kafka has it. A nil Value is null.
type RawHeader struct {
	Key   string
	Value []byte
}

// RawHeaders are the headers of a Kafka record.
type RawHeaders []RawHeader

// HeaderConverter turns header values into bytes and back
// (org.apache.kafka.connect.storage.HeaderConverter).
type HeaderConverter interface {
	Configured
	// Configure takes the converter's own settings, without prefix.
	Configure(props map[string]string) error
	// FromConnectHeader returns the bytes, or nil for null.
	FromConnectHeader(topic, header string, s *schema.Schema, v schema.Value) ([]byte, error)
	// ToConnectHeader reads bytes; nil is null.
	ToConnectHeader(topic, header string, b []byte) (SchemaAndValue, error)
	Close() error
}

// Transform changes, replaces or drops single records
// (org.apache.kafka.connect.transforms.Transformation).
type Transform interface {
	Configured
	// Configure takes the transform's own settings, without prefix.
	Configure(props map[string]string) error
	// Apply returns the record that takes r's place: r itself where nothing
	// changes, a new one otherwise, or nil to drop it. r must not be changed.
	Apply(ctx context.Context, r *Record) (*Record, error)
	Close() error
}

// Predicate decides whether a transform applies to a record
// (org.apache.kafka.connect.transforms.predicates.Predicate).
type Predicate interface {
	Configured
	Configure(props map[string]string) error
	Test(r *Record) (bool, error)
	Close() error
}
