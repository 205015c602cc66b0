package jsonschema

import (
	"context"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// Classes of exceptions that the converter tells apart.
const (
	classTimeout       = "org.apache.kafka.common.errors.TimeoutException"
	classNetwork       = "org.apache.kafka.common.errors.NetworkException"
	classConfiguration = "org.apache.kafka.common.errors.InvalidConfigurationException"
)

// Connector opens the registry of a converter from its settings.
type Connector func(props map[string]string, isKey bool) (Registry, error)

// Converter converts keys and values. It is for one goroutine at a time.
type Converter struct {
	connect  Connector
	registry Registry
	codec    *Codec
	own      settings
	written  *schema.Cache[writtenKey, *written]
	read     *schema.Cache[string, *readable]
}

// New returns a converter that is yet to be configured, which opens its registry
// with connect.
func New(connect Connector) *Converter { return &Converter{connect: connect} }

// ConfigDef defines no settings, as the Java class does not either.
func (*Converter) ConfigDef() *configdef.Def { return configdef.New() }

// Configure implements connect.Converter.
func (c *Converter) Configure(props map[string]string, isKey bool) error {
	opts, own, err := parseOptions(props)
	if err != nil {
		return err
	}
	if c.registry, err = c.connect(props, isKey); err != nil {
		return err
	}
	c.codec, c.own = NewCodec(opts), own
	c.written = schema.NewCache[writtenKey, *written](own.cacheSize)
	c.read = schema.NewCache[string, *readable](own.cacheSize)
	return nil
}

// Close implements connect.Converter; it closes the registry where that can be closed.
func (c *Converter) Close() error {
	if r, ok := c.registry.(interface{ Close() error }); ok {
		return r.Close()
	}
	return nil
}

type writtenKey struct {
	schema *schema.Schema
	topic  string
}

// written is a Connect schema as it was registered.
type written struct {
	registered Registered
	model      *model // loaded only to check values
}

// readable is a registered document, loaded.
type readable struct {
	model    *model
	schema   *schema.Schema
	err      error // why there is no Connect schema
	javaType bool  // the document names classes to read into
}

const (
	writing = "Converting Kafka Connect data to byte[] failed due to serialization error of topic %s: "
	reading = "Converting byte[] to Kafka Connect data failed due to serialization error of topic %s: "
)

// failure makes of what the registry or the wire format says what the converter throws.
func failure(err error, format, verb, topic string) error {
	switch errs.Class(err) {
	case classTimeout, errs.ClassRetriable:
		return errs.Wrap(errs.ClassRetriable, err, format, topic)
	case classNetwork:
		return errs.Wrap(classNetwork, err, "Network connection error while %s for topic %s: %s", verb, topic, errs.String(err))
	case classConfiguration:
		message, _ := errs.Message(err)
		return errs.Wrap(errs.ClassConfig, err, "Failed to access JSON Schema data from topic %s : %s", topic, message)
	}
	return errs.Wrap(errs.ClassData, err, format, topic)
}

func unreadable(err error, id int) error {
	return errs.Wrap(errs.ClassSerialization, err, "Error deserializing JSON message for id %d", id)
}

// FromConnectData implements connect.Converter.
func (c *Converter) FromConnectData(ctx context.Context, topic string, headers *connect.RawHeaders, s *schema.Schema, v schema.Value) ([]byte, error) {
	if s == nil && v.IsNull() {
		return nil, nil
	}
	var document []byte
	w, known := c.written.Get(writtenKey{s, topic})
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
		return nil, failure(errs.New(errs.ClassSerialization, "Error serializing JSON message: the value has no schema, and JSON Schema needs one"), writing, "serializing Json data", topic)
	}
	if !known {
		if w, err = c.register(ctx, topic, s, document); err != nil {
			return nil, failure(err, writing, "serializing Json data", topic)
		}
		c.written.Put(writtenKey{s, topic}, w)
	}
	if w.model != nil {
		err = w.model.checkText(payload)
	}
	if err == nil {
		payload, err = c.registry.Frame(topic, headers, w.registered, payload)
	}
	if err != nil {
		return nil, failure(err, writing, "serializing Json data", topic)
	}
	return payload, nil
}

func (c *Converter) register(ctx context.Context, topic string, s *schema.Schema, document []byte) (*written, error) {
	// A title stands at the top of documents of required schemas alone.
	name := ""
	if !s.Optional() && !isUnion(s) {
		name = s.Name()
	}
	r, err := c.registry.Resolve(ctx, topic, name, document)
	if err != nil {
		return nil, err
	}
	w := &written{registered: r}
	if c.own.validate {
		n, err := parse(r.Text)
		if err == nil {
			w.model, err = c.codec.load(n, r.References)
		}
		if err != nil {
			return nil, errs.Wrap(errs.ClassSerialization, err, "Error serializing JSON message")
		}
	}
	return w, nil
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
	r, payload, err := c.registry.Unframe(ctx, topic, headers, b)
	if err != nil {
		return connect.SchemaAndValue{}, failure(err, reading, "deserializing data", topic)
	}
	known, ok := c.read.Get(r.Key)
	if !ok {
		known = c.open(r)
		c.read.Put(r.Key, known)
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
		return connect.SchemaAndValue{}, failure(unreadable(err, r.ID), reading, "deserializing data", topic)
	}
	if known.err != nil {
		return connect.SchemaAndValue{}, known.err
	}
	v, err := c.codec.value(known.schema, n)
	return connect.SchemaAndValue{Schema: known.schema, Value: v}, err
}

// open loads a registered document and makes its Connect schema.
func (c *Converter) open(r Registered) *readable {
	k := &readable{}
	n, err := parse(r.Text)
	if err != nil {
		k.err = invalid(err)
		return k
	}
	if k.model, k.err = c.codec.load(n, r.References); k.err != nil {
		return k
	}
	k.javaType = n.contains(c.own.typeProperty)
	k.schema, k.err = c.codec.connectSchema(k.model, version{r.Version, r.Version > 0})
	return k
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
