package jsonschema

import (
	"context"
	"fmt"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/converters/json"
	"github.com/moldau-io/moldau/converters/registry"
)

// Converter converts keys and values. It is for one goroutine at a time.
type Converter struct {
	client  registry.Client // nil: that of the settings
	serde   *registry.Serde
	codec   *Codec
	own     settings
	written *schema.Cache[writtenKey, *written]
	read    *schema.Cache[readKey, *readable]
}

var _ registry.User = (*Converter)(nil)

// New returns a converter that is yet to be configured.
func New() *Converter { return &Converter{} }

// UseRegistry implements registry.User.
func (c *Converter) UseRegistry(client registry.Client) { c.client = client }

// Canonical implements registry.User.
func (*Converter) Canonical(d registry.Document) string {
	n, err := parse([]byte(d.Text))
	if err != nil {
		return d.Text
	}
	return string(n.append(nil, json.AppendString))
}

// ConfigDef defines the settings of converter and registry.
func (*Converter) ConfigDef() *configdef.Def { return registry.Def(keys()...) }

// Configure implements connect.Converter.
func (c *Converter) Configure(props map[string]string, isKey bool) error {
	opts, own, err := parseOptions(props)
	if err != nil {
		return err
	}
	if c.serde, err = registry.Open(props, isKey, registry.JSON, c.client); err != nil {
		return err
	}
	c.codec, c.own = NewCodec(opts), own
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

type writtenKey struct {
	schema *schema.Schema
	topic  string
}

// written is a Connect schema as it was registered.
type written struct {
	registered registry.Registered
	model      *model // loaded only to check values
}

type readKey struct {
	topic, guid string
	id          int32
}

// readable is a registered document, loaded.
type readable struct {
	reader   registry.Registered // in place of the document itself, where settings want it
	model    *model
	schema   *schema.Schema
	err      error // why there is no Connect schema
	javaType bool  // the document names classes to read into
}

// phrases are the texts of Confluent's serializer.
var phrases = registry.Phrases{
	Register: "Error registering JSON schema: ",
	Latest:   "Error retrieving latest version: ",
	Lookup:   "Error retrieving JSON schema: ",
	Failed:   "Error serializing JSON message",
}

var writing = registry.Texts{
	Failed:  "Converting Kafka Connect data to byte[] failed due to serialization error of topic %s: ",
	Network: "Network connection error while serializing Json data for topic %s",
	Access:  "Failed to access JSON Schema data from topic %s",
}

var reading = registry.Texts{
	Failed:  "Converting byte[] to Kafka Connect data failed due to serialization error of topic %s: ",
	Network: "Network connection error while deserializing data for topic %s",
	Access:  "Failed to access JSON Schema data from topic %s",
}

func unreadable(err error, id registry.ID) error {
	return errs.Wrap(errs.ClassSerialization, err, "Error deserializing JSON message for id %s", id)
}

// FromConnectData implements connect.Converter.
func (c *Converter) FromConnectData(ctx context.Context, topic string, headers *connect.RawHeaders, s *schema.Schema, v schema.Value) ([]byte, error) {
	if s == nil && v.IsNull() {
		return nil, nil
	}
	var document []byte
	w, known := c.written.Get(writtenKey{s, topic})
	known = known && c.serde.Fresh(w.registered)
	if !known && s != nil {
		var err error
		if document, err = c.codec.Document(s); err != nil {
			return nil, err
		}
	}
	payload, ok, err := c.codec.Append(nil, s, v)
	if err != nil || !ok {
		return nil, err
	}
	if s == nil {
		return nil, writing.Converted(errs.New(errs.ClassSerialization, "%s: the value has no schema, and JSON Schema needs one", phrases.Failed), topic)
	}
	if !known {
		if w, err = c.register(ctx, topic, s, document); err != nil {
			return nil, writing.Converted(err, topic)
		}
		c.written.Put(writtenKey{s, topic}, w)
	}
	if w.model != nil {
		err = w.model.checkText(payload)
	}
	var out []byte
	if err == nil {
		out, err = c.serde.Begin(make([]byte, 0, len(payload)+5), w.registered, nil)
	}
	if err == nil {
		out = append(out, payload...)
		err = c.serde.Finish(headers, w.registered, nil)
	}
	if err != nil {
		return nil, writing.Converted(err, topic)
	}
	return out, nil
}

func (c *Converter) register(ctx context.Context, topic string, s *schema.Schema, document []byte) (*written, error) {
	// A title stands at the top of documents of required schemas alone.
	name := ""
	if !s.Optional() && !isUnion(s) {
		name = s.Name()
	}
	subject, err := c.serde.Subject(topic, name)
	if err != nil {
		return nil, err
	}
	own := registry.Document{Format: registry.JSON, Text: string(document)}
	r, err := c.serde.Resolve(ctx, subject, own, phrases, func(r registry.Registered) error { return c.compatible(ctx, r, own) })
	if err != nil {
		return nil, err
	}
	w := &written{registered: r}
	if c.own.validate {
		if w.model, _, err = c.load(ctx, r.Document); err != nil {
			return nil, errs.Wrap(errs.ClassSerialization, err, "%s", phrases.Failed)
		}
	}
	return w, nil
}

// load reads a document and those that it refers to.
func (c *Converter) load(ctx context.Context, d registry.Document) (*model, *node, error) {
	n, err := parse([]byte(d.Text))
	if err != nil {
		return nil, nil, invalid(err)
	}
	named, err := c.serde.References(ctx, d)
	if err != nil {
		return nil, nil, err
	}
	references := make(map[string]string, len(named))
	for _, r := range named {
		references[r.Name] = r.Text
	}
	m, err := c.codec.load(n, references)
	return m, n, err
}

// checkText checks JSON against the schema.
func (m *model) checkText(b []byte) error {
	n, err := parse(b)
	if err == nil {
		err = m.check(n, "#")
	}
	if err != nil {
		return errs.Wrap(errs.ClassSerialization, err, "Error serializing JSON message")
	}
	return nil
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
	key := readKey{topic, id.GUID, id.Number}
	known, ok := c.read.Get(key)
	if !ok || !c.serde.Fresh(known.reader) {
		if known, err = c.fetch(ctx, topic, id); err != nil {
			refused, failed := fmt.Sprintf("Error retrieving JSON schema for id %s", id), fmt.Sprintf("Error deserializing JSON message for id %s", id)
			return connect.SchemaAndValue{}, reading.Converted(registry.Thrown(err, refused, failed), topic)
		}
		c.read.Put(key, known)
	}
	n, err := parse(payload)
	if err == nil && c.own.validate && known.model == nil {
		err = known.err
	}
	if err == nil && c.own.validate {
		err = known.model.check(n, "#")
	}
	if err == nil && known.javaType {
		if class := known.model.class(n, c.own.typeProperty); class != "" {
			err = errs.New(errs.ClassSerialization, "Class %s could not be found.", class)
		}
	}
	if err != nil {
		return connect.SchemaAndValue{}, reading.Converted(unreadable(err, id), topic)
	}
	if known.err != nil {
		return connect.SchemaAndValue{}, known.err
	}
	v, err := c.codec.value(known.schema, n)
	return connect.SchemaAndValue{Schema: known.schema, Value: v}, err
}

// fetch finds the document with an id, or the one that settings want in its place, and
// makes its Connect schema.
func (c *Converter) fetch(ctx context.Context, topic string, id registry.ID) (*readable, error) {
	var subject string
	var err error
	if !c.serde.UsesRecordName() {
		if subject, err = c.serde.Subject(topic, ""); err != nil {
			return nil, err
		}
	}
	d, err := c.serde.Fetch(ctx, subject, id)
	if err == nil && c.serde.UsesRecordName() {
		if subject, err = c.serde.Subject(topic, title(d)); err == nil {
			d, err = c.serde.Fetch(ctx, subject, id)
		}
	}
	if err != nil {
		return nil, err
	}
	reader, other, err := c.serde.Reader(ctx, subject)
	if err != nil {
		return nil, err
	}
	v, err := c.serde.Version(ctx, subject, d)
	if err != nil {
		return nil, err
	}
	if other {
		d, v = reader.Document, reader.Version
	}
	k := &readable{reader: reader}
	var n *node
	if k.model, n, k.err = c.load(ctx, d); k.err != nil {
		return k, nil
	}
	k.javaType = n.contains(c.own.typeProperty)
	k.schema, k.err = c.codec.connectSchema(k.model, version{v, v > 0})
	return k, nil
}

// title is the name of a document, or empty.
func title(d registry.Document) string {
	n, err := parse([]byte(d.Text))
	if err != nil {
		return ""
	}
	if t := n.get("title"); t != nil && t.kind != null && t.kind != array && t.kind != object {
		return t.String()
	}
	return ""
}

// contains says whether an object anywhere in n has a member of that name.
func (n *node) contains(name string) bool {
	for _, e := range n.list {
		if e.contains(name) {
			return true
		}
	}
	for i := range n.members {
		if n.members[i].name == name || n.members[i].value.contains(name) {
			return true
		}
	}
	return false
}

// class returns the Java class that a schema wants its values read into: for a
// combination that of the first part that a value matches.
func (m *model) class(n *node, property string) string {
	seen := map[*model]bool{}
	for !seen[m] {
		seen[m] = true
		switch m.sort {
		case ofReference:
			m = m.target
			continue
		case ofCombined:
			for _, sub := range m.subs {
				if sub.check(n, "#") == nil {
					return sub.class(n, property)
				}
			}
		}
		break
	}
	if p := m.prop(property); p != nil && p.kind == text {
		return p.text
	}
	return ""
}
