package protobuf

import (
	"context"
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
	client  registry.Client // nil: that of the settings
	serde   *registry.Serde
	opts    Options
	own     settings
	library library
	decoder decoder
	scratch []byte // for the bytes of a record, from one to the next
	written *schema.Cache[writtenKey, *written]
	codecs  *schema.Cache[*schema.Schema, *codec]
	read    *schema.Cache[readKey, *fetched]
}

var _ registry.User = (*Converter)(nil)

// New returns a converter that is yet to be configured.
func New() *Converter { return &Converter{} }

// UseRegistry implements registry.User.
func (c *Converter) UseRegistry(client registry.Client) { c.client = client }

// Canonical implements registry.User.
func (*Converter) Canonical(d registry.Document) string {
	f, err := parse(d.Text)
	if err != nil {
		return d.Text
	}
	return f.String()
}

// ConfigDef defines the settings of converter and registry.
func (*Converter) ConfigDef() *configdef.Def { return registry.Def(keys()...) }

// Configure implements connect.Converter.
func (c *Converter) Configure(props map[string]string, isKey bool) (err error) {
	if c.opts, c.own, err = parseOptions(props); err != nil {
		return err
	}
	if c.serde, err = registry.Open(props, isKey, registry.Protobuf, c.client); err != nil {
		return err
	}
	c.written = schema.NewCache[writtenKey, *written](c.own.cacheSize)
	c.codecs = schema.NewCache[*schema.Schema, *codec](c.own.cacheSize)
	c.read = schema.NewCache[readKey, *fetched](c.own.cacheSize)
	return nil
}

// Close implements connect.Converter.
func (c *Converter) Close() error {
	if c.serde == nil {
		return nil
	}
	return c.serde.Close()
}

// maxScratch is the largest buffer that is kept.
const maxScratch = 1 << 20

type writtenKey struct {
	schema *schema.Schema
	topic  string
	object string
}

// written is a Connect schema as it was registered.
type written struct {
	registered registry.Registered
	indexes    []int
}

// codec writes the values of a Connect schema.
type codec struct {
	document *document
	encoder  *encoder
}

// newCodec makes what writes the values of a schema.
func (o *Options) newCodec(s *schema.Schema, lib *library) (*codec, error) {
	d, err := o.document(s, lib)
	if err != nil {
		return nil, err
	}
	comp := &compiler{opts: o, doc: d}
	return &codec{d, comp.compile(s, place{message: d.root}, "")}, nil
}

// objects are the messages that logical types become.
func (e *encoder) object(d *document) string {
	switch e.op {
	case decimalOp:
		return decimalType
	case dateOp:
		return dateType
	case timeOp:
		return timeType
	case timestampOp:
		return timestampType
	case structOp:
		return d.root.full
	}
	return d.name
}

type readKey struct {
	topic, guid string
	id          int32
	indexes     string
}

// fetched is a message of a registered document.
type fetched struct {
	reader   registry.Registered // in place of the document itself, where settings want it
	readable *readable
	err      error // why there is no Connect schema
}

// phrases are the texts of Confluent's serializer.
var phrases = registry.Phrases{
	Register: "Error registering Protobuf schema: ",
	Latest:   "Error retrieving latest version: ",
	Lookup:   "Error retrieving Protobuf schema: ",
	Failed:   "Error serializing Protobuf message",
}

var writing = registry.Texts{
	Failed:  "Failed to serialize Protobuf data from topic %s:",
	Network: "Network connection error while serializing Protobuf data for topic %s",
	Access:  "Failed to access Protobuf data from topic %s",
}

var reading = registry.Texts{
	Failed:  "Failed to deserialize data for topic %s to Protobuf:",
	Network: "Network connection error while deserializing data for topic %s",
	Access:  "Failed to access Protobuf data from topic %s",
}

// FromConnectData implements connect.Converter.
func (c *Converter) FromConnectData(ctx context.Context, topic string, headers *connect.RawHeaders, s *schema.Schema, v schema.Value) ([]byte, error) {
	if s == nil {
		if v.IsNull() {
			return nil, nil
		}
		return nil, errs.Null(errs.ClassNullPointer).WithHint("the value has no schema, and Protobuf needs one")
	}
	known, ok := c.codecs.Get(s)
	if !ok {
		var err error
		if known, err = c.opts.newCodec(s, &c.library); err != nil {
			return nil, err
		}
		c.codecs.Put(s, known)
	}
	if v.IsNull() {
		return nil, nil
	}
	payload, ok, err := known.encoder.appendRoot(c.scratch[:0], v)
	if err != nil || !ok {
		return nil, err
	}
	if cap(payload) <= maxScratch {
		c.scratch = payload
	}
	w, err := c.registration(ctx, topic, s, known)
	if err != nil {
		return nil, writing.Converted(err, topic)
	}
	out, err := c.serde.Begin(make([]byte, 0, len(payload)+8+len(w.indexes)), w.registered, w.indexes)
	if err == nil {
		out = append(out, payload...)
		err = c.serde.Finish(headers, w.registered, w.indexes)
	}
	if err != nil {
		return nil, writing.Converted(err, topic)
	}
	return out, nil
}

// appendRoot appends a record. It says false where Java writes null.
func (e *encoder) appendRoot(b []byte, v schema.Value) ([]byte, bool, error) {
	switch e.op {
	case decimalOp, dateOp, timeOp, timestampOp, structOp:
		b, err := e.appendContent(b, v)
		return b, true, err
	case unionOp:
		if err := e.check(v); err != nil {
			return nil, false, err
		}
		return nil, false, errs.Data("Unsupported object of class " + classes[unionOp])
	case failOp:
		return nil, false, e.bad
	case intEnumOp, stringEnumOp:
		_, found, text, err := e.symbol(v)
		if err != nil || !found && !text {
			return nil, false, err
		}
	}
	// A wrapper message is written as the content of a field.
	b, _, err := e.appendScalar(b, v)
	if err != nil {
		return nil, false, err
	}
	_, n, err := varint(b)
	if err != nil {
		return nil, false, err
	}
	content, _, err := chunk(b[n:])
	return content, true, err
}

// registration finds the schema that a record is written with, and the place of the
// message in it.
func (c *Converter) registration(ctx context.Context, topic string, s *schema.Schema, known *codec) (*written, error) {
	object := known.encoder.object(known.document)
	key := writtenKey{s, topic, object}
	if w, ok := c.written.Get(key); ok && c.serde.Fresh(w.registered) {
		return w, nil
	}
	subject, err := c.serde.Subject(topic, known.document.name)
	if err != nil {
		return nil, err
	}
	def := known.document.def
	if c.own.normalize {
		def = known.document.set.normalized(def)
	}
	text := def.String()
	own := registry.Document{Format: registry.Protobuf, Text: text}
	if !c.own.skipKnown {
		if own.References, err = c.references(ctx, def, map[string]bool{}); err != nil {
			return nil, registry.Thrown(err, text, phrases.Failed)
		}
	}
	r, err := c.serde.Resolve(ctx, subject, own, phrases, func(r registry.Registered) error { return c.compatible(ctx, r, own) })
	if err != nil {
		return nil, err
	}
	w := &written{registered: r}
	in := def
	if r.Text != text {
		if in, err = parse(r.Text); err != nil {
			return nil, errs.Wrap(errs.ClassSerialization, err, "%s", phrases.Failed)
		}
	}
	w.indexes = in.indexes(object)
	if len(w.indexes) == 0 {
		w.indexes = nil // nothing stands before the bytes then
	}
	c.written.Put(key, w)
	return w, nil
}

// references registers the files that one imports, or finds them.
func (c *Converter) references(ctx context.Context, f *fileDef, open map[string]bool) ([]registry.Reference, error) {
	var out []registry.Reference
	for _, names := range [][]string{f.imports, f.public} {
		for _, name := range names {
			d := c.library.known(name)
			if d == nil || open[name] {
				continue
			}
			open[name] = true
			inner, err := c.references(ctx, d, open)
			delete(open, name)
			if err != nil {
				return nil, err
			}
			if c.own.normalize {
				set, err := assemble(d.reformed(), c.library.known)
				if err != nil {
					return nil, err
				}
				d = set.normalized(d)
			}
			document := registry.Document{Format: registry.Protobuf, Text: d.String(), References: inner}
			subject := name
			if c.own.qualified {
				subject = strings.ReplaceAll(strings.ReplaceAll(name, ".proto", ""), "/", ".")
			}
			r, err := c.serde.Refer(ctx, subject, document, c.own.lookupOnly, func(r registry.Registered) error { return c.compatible(ctx, r, document) })
			if err != nil {
				return nil, err
			}
			out = append(out, registry.Reference{Name: name, Subject: subject, Version: r.Version})
		}
	}
	return out, nil
}

// imports finds the files that a document may import: those it refers to, and those
// that each may.
func (c *Converter) imports(ctx context.Context, d registry.Document) (func(name string) *fileDef, error) {
	if len(d.References) == 0 {
		return c.library.known, nil
	}
	named, err := c.serde.References(ctx, d)
	if err != nil {
		return nil, err
	}
	files := make(map[string]*fileDef, len(named))
	for _, n := range named {
		f, err := parse(n.Text)
		if err != nil {
			return nil, errs.Wrap(errs.ClassIllegalArgument, err, "Could not parse Protobuf - %v", err)
		}
		files[n.Name] = f
	}
	return func(name string) *fileDef {
		if f := files[name]; f != nil {
			return f
		}
		return c.library.known(name)
	}, nil
}

func unreadable(err error, id registry.ID) error {
	return errs.Wrap(errs.ClassSerialization, err, "Error deserializing Protobuf message for id %s", id)
}

// ToConnectData implements connect.Converter.
func (c *Converter) ToConnectData(ctx context.Context, topic string, headers *connect.RawHeaders, b []byte) (connect.SchemaAndValue, error) {
	if b == nil {
		return connect.SchemaAndValue{}, nil
	}
	id, payload, err := c.serde.Unframe(headers, b)
	if err != nil {
		return connect.SchemaAndValue{}, reading.Converted(unreadable(err, id), topic)
	}
	key := readKey{topic, id.GUID, id.Number, indexKey(id.Indexes)}
	known, ok := c.read.Get(key)
	if !ok || !c.serde.Fresh(known.reader) {
		if known, err = c.fetch(ctx, topic, id); err != nil {
			refused, failed := fmt.Sprintf("Error retrieving Protobuf schema for id %s", id), fmt.Sprintf("Error deserializing Protobuf message for id %s", id)
			return connect.SchemaAndValue{}, reading.Converted(registry.Thrown(err, refused, failed), topic)
		}
		c.read.Put(key, known)
	}
	if known.err != nil {
		return connect.SchemaAndValue{}, known.err
	}
	v, err := c.decoder.decode(known.readable, payload)
	if err != nil {
		return connect.SchemaAndValue{}, reading.Converted(unreadable(err, id), topic)
	}
	if err := c.decoder.rejected; err != nil {
		return connect.SchemaAndValue{}, err
	}
	return connect.SchemaAndValue{Schema: known.readable.schema, Value: v}, nil
}

// indexKey is a key for the places of a message, without allocating for the first.
func indexKey(indexes []int) string {
	if len(indexes) == 1 && indexes[0] == 0 {
		return ""
	}
	return fmt.Sprint(indexes)
}

// fetch finds the message that a record is, in the document with an id or in the one
// that settings want in its place.
func (c *Converter) fetch(ctx context.Context, topic string, id registry.ID) (*fetched, error) {
	var subject string
	var err error
	if !c.serde.UsesRecordName() {
		if subject, err = c.serde.Subject(topic, ""); err != nil {
			return nil, err
		}
	}
	d, err := c.serde.Fetch(ctx, subject, id)
	if err != nil {
		return nil, err
	}
	def, err := parse(d.Text)
	if err != nil {
		return nil, errs.Wrap(errs.ClassIllegalArgument, err, "Invalid schema of type PROTOBUF, details: Could not parse Protobuf - %v", err)
	}
	name, ok := def.nameAt(id.Indexes)
	if !ok {
		return nil, errs.IllegalArgument("Invalid message indexes: %v", id.Indexes)
	}
	if c.serde.UsesRecordName() {
		if subject, err = c.serde.Subject(topic, name); err != nil {
			return nil, err
		}
		if d, err = c.serde.Fetch(ctx, subject, id); err != nil {
			return nil, err
		}
	}
	reader, other, err := c.serde.Reader(ctx, subject)
	if err != nil {
		return nil, err
	}
	v, err := c.serde.Version(ctx, subject, d)
	if err != nil {
		return nil, err
	}
	m, err := c.message(ctx, d, def, name)
	if other {
		if def, err = parse(reader.Text); err != nil {
			return nil, errs.Wrap(errs.ClassIllegalArgument, err, "Could not parse Protobuf - %v", err)
		}
		v = reader.Version
		if m, err = c.message(ctx, reader.Document, def, name); err == nil && m == nil {
			// Java falls back on the first message of the file.
			if len(def.messages) > 0 {
				name = join(def.pkg, def.messages[0].name)
			}
			m, err = c.message(ctx, reader.Document, def, name)
		}
	}
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, errs.New(errs.ClassSerialization, "%s", "Could not find descriptor with name "+name)
	}
	if c.own.derive {
		return nil, errs.New(errs.ClassSerialization, "%s", def.classText(name))
	}
	k := &fetched{reader: reader}
	k.readable, k.err = c.opts.connectSchema(m, v, true)
	return k, nil
}

// classText is what Java says of the class that a message would be read into
// (ProtobufSchema.fullName).
func (f *fileDef) classText(name string) string {
	outer, _ := find(f.options, "java_outer_classname")
	prefix := f.pkg
	if p, ok := find(f.options, "java_package"); ok {
		prefix, _ = p.(string)
	}
	inner := strings.ReplaceAll(strings.TrimPrefix(name, f.pkg+"."), ".", "$")
	switch text, ok := outer.(string); {
	case isTrue(f.options, "java_multiple_files"):
	case ok:
		inner = text + "$" + inner
	default:
		return "If `derive.type` is true, then either `java_outer_classname` or `java_multiple_files = true` must be set in the Protobuf schema"
	}
	return "Class " + prefix + "." + inner + " could not be found."
}

// message finds a message in a document, or nil.
func (c *Converter) message(ctx context.Context, d registry.Document, def *fileDef, name string) (*message, error) {
	imported, err := c.imports(ctx, d)
	if err != nil {
		return nil, err
	}
	set, err := assemble(def.reformed(), imported)
	if err != nil {
		return nil, illegal(err)
	}
	return set.message(name), nil
}

// compatible says whether the registered schema can read what a document writes.
func (c *Converter) compatible(ctx context.Context, r registry.Registered, own registry.Document) error {
	var sets [2]*set
	for i, d := range []registry.Document{own, r.Document} {
		def, err := parse(d.Text)
		if err != nil {
			return err
		}
		imported, err := c.imports(ctx, d)
		if err != nil {
			return err
		}
		if sets[i], err = assemble(def.reformed(), imported); err != nil {
			return err
		}
	}
	return incompatible(sets[0], sets[1])
}
