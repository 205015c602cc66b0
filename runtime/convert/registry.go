package convert

import (
	"context"
	"encoding/base64"
	stdjson "encoding/json"
	"errors"
	"maps"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/converters/json"
	"github.com/moldau-io/moldau/converters/registry"
	"github.com/moldau-io/moldau/plugins"
)

// entry is a schema in a registry, as lines have it. Schema is the text itself for Avro
// and JSON Schema, which are JSON, and a string for Protobuf.
type entry struct {
	Subject    string               `json:"subject"`
	Version    int32                `json:"version"`
	ID         int32                `json:"id"`
	Format     registry.Format      `json:"schemaType"`
	Schema     stdjson.RawMessage   `json:"schema"`
	References []registry.Reference `json:"references"`
}

func (e entry) registered() (registry.Registered, error) {
	r := registry.Registered{
		Document: registry.Document{Format: e.Format, Text: string(e.Schema), References: e.References},
		ID:       e.ID, Subject: e.Subject, Version: e.Version,
	}
	if r.Format == "" {
		r.Format = registry.Avro
	}
	if r.Format == registry.Protobuf {
		if err := stdjson.Unmarshal(e.Schema, &r.Text); err != nil {
			return r, errs.IllegalArgument("registry: the schema %s of PROTOBUF is no string", e.Schema)
		}
	}
	return r, nil
}

// rawHeader is a record's header, as lines have it.
type rawHeader struct {
	Key   string  `json:"key"`
	Value *[]byte `json:"value"`
}

// user returns the converter of a class where its schemas are in a registry, else nil.
func (e *Engine) user(class string) (registry.User, error) {
	p, ok := e.registry.Find(plugins.Converter, class)
	if !ok {
		return nil, nil
	}
	c, err := p.NewConverter()
	if err != nil {
		return nil, err
	}
	u, _ := c.(registry.User)
	return u, nil
}

// exchange is a line whose converter has a registry of its own in memory.
type exchange struct {
	engine  *Engine
	req     request
	memory  *registry.Memory
	headers *connect.RawHeaders
}

// withRegistry answers a line for a converter that is made for it alone, as is its
// registry.
func (e *Engine) withRegistry(ctx context.Context, u registry.User, req request) (answer []byte, err error) {
	x := &exchange{engine: e, req: req}
	if x.req.Topic == "" {
		x.req.Topic = "t"
	}
	if req.Headers != nil {
		x.headers = &connect.RawHeaders{}
		for _, h := range *req.Headers {
			raw := connect.RawHeader{Key: h.Key}
			if h.Value != nil {
				raw.Value = *h.Value
			}
			*x.headers = append(*x.headers, raw)
		}
	}
	defer func() { err = closed(u, err) }()
	if err := x.open(u); err != nil {
		return nil, err
	}
	for _, entry := range req.Registry {
		r, err := entry.registered()
		if err != nil {
			return nil, err
		}
		x.memory.Add(r)
	}
	switch req.Method {
	case "fromConnectData":
		sv, err := e.envelope(req.Input)
		if err != nil {
			return nil, err
		}
		return x.from(ctx, u, []byte{'{'}, sv)
	case "toConnectData":
		answer, _, err := x.to(ctx, u)
		return append(answer, '}'), err
	case "roundTrip":
		return x.roundTrip(ctx, u)
	}
	return nil, errs.IllegalArgument("method is %q; it must be one of fromConnectData, toConnectData, roundTrip", req.Method)
}

// closed closes a converter. An error that is there already comes out as it is.
func closed(c connect.Converter, err error) error {
	if cerr := c.Close(); cerr != nil {
		return errors.Join(err, cerr)
	}
	return err
}

func (x *exchange) open(u registry.User) error {
	x.memory = registry.NewMemory(u.Canonical)
	u.UseRegistry(x.memory)
	config := maps.Clone(x.req.Config)
	if config == nil {
		config = map[string]string{}
	}
	if _, ok := config["schema.registry.url"]; !ok {
		config["schema.registry.url"] = "http://in-memory"
	}
	return u.Configure(config, x.req.IsKey)
}

func (e *Engine) envelope(input stdjson.RawMessage) (connect.SchemaAndValue, error) {
	if input == nil {
		input = stdjson.RawMessage("null")
	}
	return e.codec.ReadEnvelope(input)
}

// nullReturner is a converter that may return Java's null where others return a null
// value.
type nullReturner interface {
	// ReturnedNull says whether the last ToConnectData did.
	ReturnedNull() bool
}

// to appends all but the closing brace.
func (x *exchange) to(ctx context.Context, u registry.User) ([]byte, connect.SchemaAndValue, error) {
	input, err := inputBytes(x.req.Input)
	if err != nil {
		return nil, connect.SchemaAndValue{}, err
	}
	sv, err := u.ToConnectData(ctx, x.req.Topic, x.headers, input)
	if err != nil {
		return nil, sv, err
	}
	if n, ok := u.(nullReturner); ok && n.ReturnedNull() {
		return []byte(`{"nullReturn":true`), sv, nil
	}
	return x.engine.codec.AppendMember([]byte{'{'}, "value", sv.Schema, sv.Value), sv, nil
}

// roundTrip writes what was read by a fresh converter into a fresh registry.
func (x *exchange) roundTrip(ctx context.Context, u registry.User) (answer []byte, err error) {
	answer, sv, err := x.to(ctx, u)
	if err != nil {
		return nil, err
	}
	fresh, err := x.engine.user(x.req.Class)
	if err != nil {
		return nil, err
	}
	defer func() { err = closed(fresh, err) }()
	if err := x.open(fresh); err != nil {
		return nil, err
	}
	return x.from(ctx, fresh, append(answer, ','), sv)
}

// from appends what a value was written as, and what was registered for it.
func (x *exchange) from(ctx context.Context, u registry.User, dst []byte, sv connect.SchemaAndValue) ([]byte, error) {
	before := len(x.memory.Added())
	b, err := u.FromConnectData(ctx, x.req.Topic, x.headers, sv.Schema, sv.Value)
	if err != nil {
		return nil, err
	}
	if b == nil {
		dst = append(dst, `"bytes":null`...)
	} else {
		dst = append(base64.StdEncoding.AppendEncode(append(dst, `"bytes":"`...), b), '"')
	}
	if manyEntries(sv.Value) || manyDefaults(sv.Schema) {
		dst = append(dst, `,"mapOrder":true`...)
	}
	if added := x.memory.Added()[before:]; len(added) > 0 {
		last := added[len(added)-1]
		if dst, err = appendEntry(append(dst, ','), last); err != nil {
			return nil, err
		}
		if x.headers != nil {
			dst = json.AppendString(append(dst, `,"guid":`...), last.GUID)
		}
		if len(added) > 1 {
			dst = append(dst, `,"registeredBefore":[`...)
			for i, r := range added[:len(added)-1] {
				if i > 0 {
					dst = append(dst, ',')
				}
				if dst, err = appendEntry(append(dst, '{'), r); err != nil {
					return nil, err
				}
				dst = append(dst, '}')
			}
			dst = append(dst, ']')
		}
	}
	if x.headers != nil {
		dst = append(dst, `,"headers":[`...)
		for i, h := range *x.headers {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(json.AppendString(append(dst, `{"key":`...), h.Key), `,"value":`...)
			if h.Value == nil {
				dst = append(dst, "null}"...)
			} else {
				dst = append(base64.StdEncoding.AppendEncode(append(dst, '"'), h.Value), `"}`...)
			}
		}
		dst = append(dst, ']')
	}
	return append(dst, '}'), nil
}

// appendEntry appends the members of a registered schema, without braces.
func appendEntry(dst []byte, r registry.Registered) ([]byte, error) {
	e := entry{Subject: r.Subject, Version: r.Version, ID: r.ID, Format: r.Format, Schema: stdjson.RawMessage(r.Text), References: r.References}
	if r.Format == registry.Protobuf || !stdjson.Valid(e.Schema) {
		e.Schema = json.AppendString(nil, r.Text)
	}
	// Not Marshal of the whole, which would alter the schema's text.
	dst = json.AppendString(append(dst, `"subject":`...), e.Subject)
	head, err := stdjson.Marshal(struct {
		Version    int32                `json:"version"`
		ID         int32                `json:"id"`
		Format     registry.Format      `json:"schemaType"`
		References []registry.Reference `json:"references,omitempty"`
	}{e.Version, e.ID, e.Format, e.References})
	if err != nil {
		return nil, err
	}
	dst = append(append(dst, ','), head[1:len(head)-1]...)
	return append(append(dst, `,"schema":`...), e.Schema...), nil
}
