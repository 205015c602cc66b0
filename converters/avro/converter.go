package avro

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/converters/registry"
)

// Converter converts keys and values. It is for one goroutine at a time.
type Converter struct {
	client  registry.Client
	serde   *registry.Serde
	own     settings
	mapping *mapping
	side    string
	written *schema.Cache[writtenKey, *written]
	read    *schema.Cache[readKey, *readable]
	arena   schema.Arena
	// returnedNull says that Java's converter would have returned null.
	returnedNull bool
}

var _ interface {
	registry.User
	connect.Appender
} = (*Converter)(nil)

// New returns a converter that is yet to be configured.
func New() *Converter { return &Converter{} }

// UseRegistry implements registry.User.
func (c *Converter) UseRegistry(client registry.Client) { c.client = client }

// Canonical implements registry.User.
func (*Converter) Canonical(d registry.Document) string {
	s, err := Parse(d.Text)
	if err != nil {
		return d.Text
	}
	return string(s.append(nil, &printer{known: map[string]bool{}, sorted: true}, ""))
}

// ConfigDef defines the settings of converter and registry.
func (*Converter) ConfigDef() *configdef.Def { return registry.Def(keys()...) }

// Configure implements connect.Converter.
func (c *Converter) Configure(props map[string]string, isKey bool) error {
	serde, err := registry.Open(props, isKey, registry.Avro, c.client)
	if err != nil {
		return err
	}
	opts, own, err := parseOptions(props)
	if err == nil {
		c.mapping, err = newMapping(opts)
	}
	if err != nil {
		return errors.Join(err, serde.Close())
	}
	c.serde, c.own, c.side = serde, own, "value"
	if isKey {
		c.side = "key"
	}
	c.written = schema.NewCache[writtenKey, *written](own.cacheSize)
	c.read = schema.NewCache[readKey, *readable](own.cacheSize)
	return nil
}

// Close implements connect.Converter.
func (c *Converter) Close() error {
	if c.serde == nil {
		return nil
	}
	return c.serde.Close()
}

// phrases are the texts of Confluent's serializer.
func phrases() registry.Phrases {
	return registry.Phrases{
		Register: "Error registering Avro schema",
		Latest:   "Error retrieving latest version of Avro schema",
		Lookup:   "Error retrieving Avro schema",
		Failed:   "Error serializing Avro message",
	}
}

// texts are what the converter says of failures in one direction.
type texts struct {
	registry.Texts
	later string // for what may go away
}

func toBytes() texts {
	return texts{registry.Texts{
		Failed:  "Failed to serialize Avro data from topic %s:",
		Network: "Network connection error while serializing Avro data for topic %s",
		Access:  "Failed to access Avro data from topic %s",
	}, "Failed to serialize Avro data from topic %s :"}
}

func fromBytes() texts {
	return texts{registry.Texts{
		Failed:  "Failed to deserialize data for topic %s to Avro:",
		Network: "Network connection error while deserializing data for topic %s",
		Access:  "Failed to access Avro data from topic %s",
	}, "Failed to deserialize data for topic %s to Avro: "}
}

// failure makes of what the serializer throws what the converter throws.
func (t texts) failure(err error, topic string) error {
	out := t.Converted(err, topic)
	var e *errs.Error
	if errors.As(out, &e) && e.Class == errs.ClassRetriable {
		e.Message = errs.New("", t.later, topic).Message
	}
	return out
}

type writtenKey struct {
	schema *schema.Schema
	topic  string
}

// written is a Connect schema with what its values are written as.
type written struct {
	own      *Schema
	name     string // for errors
	document registry.Document
	// check converts values without regard to what is registered.
	check      *encoder
	registered registry.Registered
	encoder    *encoder // nil until the schema is registered
}

// FromConnectData implements connect.Converter.
func (c *Converter) FromConnectData(ctx context.Context, topic string, headers *connect.RawHeaders, s *schema.Schema, v schema.Value) ([]byte, error) {
	b, _, err := c.AppendConnectData(ctx, nil, topic, headers, s, v)
	if err != nil {
		return nil, err
	}
	return b, nil
}

// AppendConnectData implements connect.Appender.
func (c *Converter) AppendConnectData(ctx context.Context, dst []byte, topic string, headers *connect.RawHeaders, s *schema.Schema, v schema.Value) ([]byte, bool, error) {
	w, ok := c.written.Get(writtenKey{s, topic})
	if !ok {
		var err error
		if w, err = c.prepare(s); err != nil {
			return dst, false, err
		}
		c.written.Put(writtenKey{s, topic}, w)
	}
	if isNull, err := isNull(s, v, c.mapping.IgnoreDefaultForNullables); isNull || err != nil {
		return dst, false, err
	}
	if w.encoder == nil || !c.serde.Fresh(w.registered) {
		if err := c.register(ctx, topic, s, v, w); err != nil {
			return dst, false, err
		}
	}
	out, err := c.serde.Begin(dst, w.registered, nil)
	if err == nil {
		out, err = w.encoder.append(out, v, 0)
		if err != nil && !isEncodeError(err) {
			return dst, false, placed(err, w.name)
		}
	}
	if err != nil {
		if _, own := w.check.append(nil, v, 0); own != nil && !isEncodeError(own) {
			return dst, false, placed(own, w.name)
		}
		err = placed(err, fmt.Sprintf("%s, by schema %d of subject %s", w.name, w.registered.ID, w.registered.Subject))
		var e *encodeError
		if errors.As(err, &e) {
			err = e.error
		}
	} else {
		err = c.serde.Finish(headers, w.registered, nil)
	}
	if err != nil {
		return dst, false, toBytes().failure(errs.Wrap(errs.ClassSerialization, err, "%s", phrases().Failed), topic)
	}
	return out, true, nil
}

// isNull says whether a value is written as no bytes: null, and a struct that stands for
// a union of which no field is set.
func isNull(s *schema.Schema, v schema.Value, raw bool) (bool, error) {
	if v.Kind() == schema.KindStruct && s != nil && s.Type() == schema.Struct && isUnion(s) {
		st := v.Struct()
		for i := range st.Schema().Fields() {
			if !st.RawAt(i).IsNull() || !raw && !st.At(i).IsNull() {
				return false, nil
			}
		}
	} else if !v.IsNull() {
		return false, nil
	}
	if s != nil && !s.Optional() {
		return false, errs.Data("Found null value for non-optional schema")
	}
	return true, nil
}

func (c *Converter) prepare(s *schema.Schema) (*written, error) {
	own, err := c.mapping.avroSchema(s)
	if err != nil {
		return nil, err
	}
	return &written{
		own: own, name: " of " + own.fullName(), document: registry.Document{Format: registry.Avro, Text: own.String()},
		check: c.mapping.encoder(s, own, own),
	}, nil
}

// register finds the schema to write with. The value must be right before that, so that
// no schema is registered for one that is not.
func (c *Converter) register(ctx context.Context, topic string, s *schema.Schema, v schema.Value, w *written) error {
	if _, err := w.check.append(nil, v, 0); err != nil && !isEncodeError(err) {
		return placed(err, w.name)
	}
	record := ""
	if w.own.kind == kRecord {
		record = w.own.name.full
	}
	subject, err := c.serde.Subject(topic, record)
	if err != nil {
		return toBytes().failure(err, topic)
	}
	r, err := c.serde.Resolve(ctx, subject, w.document, phrases(), func(r registry.Registered) error {
		out, err := c.parse(ctx, r.Document)
		if err != nil {
			return err
		}
		if found := Incompatible(out, w.own); len(found) > 0 {
			return errs.Data("schema %d under subject %s cannot read what would be written: %s", r.ID, subject, strings.Join(found, "; "))
		}
		return nil
	})
	if err != nil {
		return toBytes().failure(err, topic)
	}
	out, err := c.parse(ctx, r.Document)
	if err != nil {
		return toBytes().failure(errs.Wrap(errs.ClassSerialization, err, "%s", phrases().Failed), topic)
	}
	w.registered, w.encoder = r, c.mapping.encoder(s, w.own, out)
	return nil
}

// parse reads a document, with those it refers to.
func (c *Converter) parse(ctx context.Context, d registry.Document) (*Schema, error) {
	var references []string
	if len(d.References) > 0 {
		found, err := c.serde.References(ctx, d)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			references = append(references, f.Text)
		}
	}
	return Parse(d.Text, references...)
}
