package avro

import (
	"context"
	"errors"
	"fmt"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/converters/registry"
)

type readKey struct {
	topic, guid string
	number      int32
}

// readable is a registered schema with what its values are read as.
type readable struct {
	subject        string
	document       registry.Document
	writer, reader *Schema
	wanted         registry.Registered // the reader's, where it is another
	other          bool

	// What is made once a value was seen that can be read.
	ready   bool
	version int32
	schema  *schema.Schema
	decoder *decoder
	err     error // why there is no Connect schema
}

// ToConnectData implements connect.Converter. Where Java's converter returns null, for
// null in a union at the top, the result is empty.
func (c *Converter) ToConnectData(ctx context.Context, topic string, headers *connect.RawHeaders, b []byte) (connect.SchemaAndValue, error) {
	var none connect.SchemaAndValue
	c.returnedNull = false
	if b == nil {
		return none, nil
	}
	id, payload, err := c.serde.Unframe(headers, b)
	if err != nil {
		return none, fromBytes().failure(err, topic)
	}
	key := readKey{topic, id.GUID, id.Number}
	r, ok := c.read.Get(key)
	if !ok || r.other && !c.serde.Fresh(r.wanted) {
		if r, err = c.find(ctx, topic, id); err != nil {
			return none, c.failed(err, topic)
		}
		c.read.Put(key, r)
	}
	if !r.ready || r.err != nil {
		if place, err := c.check(r, payload); err != nil {
			return none, c.failed(c.unreadable(r.placed(err, place), id), topic)
		}
		if err := c.ready(ctx, r, id); err != nil {
			return none, c.failed(err, topic)
		}
		if r.err != nil {
			if c.returnedNull = isNullAt(r.writer, payload); c.returnedNull {
				return none, nil
			}
			return none, r.err
		}
	}
	d := source{b: payload, arena: &c.arena, weightless: maxWeighted}
	v := r.decoder.read(&d)
	switch {
	case d.failed != nil:
		return none, c.failed(c.unreadable(r.placed(d.failed, d.place), id), topic)
	case v.IsNull() && r.schema != nil && isNullAt(r.writer, payload):
		c.returnedNull = true
		return none, nil
	case d.refused != nil:
		return none, r.placed(d.refused, d.place)
	}
	return connect.SchemaAndValue{Schema: r.schema, Value: v}, nil
}

// placed adds to an error where in the value, and by which schema, it happened.
func (r *readable) placed(err error, place string) error {
	if place != "" {
		place += " of "
	}
	version := ""
	if r.version > 0 {
		version = fmt.Sprintf(" version %d of", r.version)
	}
	return hinted(err, fmt.Sprintf("at %s%s,%s subject %s", place, r.writer.fullName(), version, r.subject))
}

// ReturnedNull says whether the last ToConnectData was of null in a union at the top, for
// which Java's converter returns null rather than a null value without a schema.
func (c *Converter) ReturnedNull() bool { return c.returnedNull }

// rawError is an error that the converter throws as it is.
type rawError struct{ error }

func (c *Converter) failed(err error, topic string) error {
	var raw *rawError
	if errors.As(err, &raw) {
		return raw.error
	}
	return fromBytes().failure(err, topic)
}

// unreadable wraps what keeps bytes from being read.
func (c *Converter) unreadable(err error, id registry.ID) error {
	if errs.Class(err) == classOverflow {
		return &rawError{err}
	}
	return errs.Wrap(errs.ClassSerialization, err, "%s", "Error deserializing Avro message for id "+id.String())
}

// isNullAt says whether the value at the top is null.
func isNullAt(w *Schema, payload []byte) bool {
	if w.kind == kUnion {
		d := source{b: payload}
		i, ok := d.branch(len(w.types))
		return ok && w.types[i].kind == kNull
	}
	return w.kind == kNull
}

// find asks the registry for a schema, and for the one to read as.
func (c *Converter) find(ctx context.Context, topic string, id registry.ID) (*readable, error) {
	asking := "Error retrieving Avro " + c.side + " schema for id " + id.String()
	r := &readable{}
	var err error
	if !c.serde.UsesRecordName() {
		if r.subject, err = c.serde.Subject(topic, ""); err != nil {
			return nil, err
		}
	}
	if r.document, err = c.serde.Fetch(ctx, r.subject, id); err != nil {
		return nil, registry.Thrown(err, asking, asking)
	}
	if r.document.Format != "" && r.document.Format != registry.Avro {
		return nil, &rawError{errs.New(errs.ClassClassCast, "the schema is of the format %s, not AVRO", r.document.Format)}
	}
	if r.writer, err = c.parse(ctx, r.document); err != nil {
		return nil, registry.Thrown(err, asking, asking)
	}
	if c.serde.UsesRecordName() {
		record := ""
		if r.writer.kind == kRecord {
			record = r.writer.name.full
		}
		if r.subject, err = c.serde.Subject(topic, record); err != nil {
			return nil, err
		}
	}
	if c.own.specific && r.writer.kind.isNamed() {
		err := errs.New(errs.ClassSerialization, "Could not find class %s specified in writer's schema whilst finding reader's schema for a SpecificRecord.", r.writer.name.full)
		return nil, c.unreadable(err.WithHint("set %s=false", specificKey), id)
	}
	reading := "Error deserializing Avro message for id " + id.String()
	r.reader = r.writer
	if r.wanted, r.other, err = c.serde.Reader(ctx, r.subject); err != nil {
		return nil, registry.Thrown(err, reading, reading)
	}
	if r.other {
		if r.reader, err = c.parse(ctx, r.wanted.Document); err != nil {
			return nil, registry.Thrown(err, reading, reading)
		}
	}
	return r, nil
}

// check reads bytes without making anything of them.
func (c *Converter) check(r *readable, payload []byte) (place string, err error) {
	if r.writer.kind == kBytes {
		return "", nil
	}
	d := source{b: payload, weightless: maxWeighted}
	d.skip(r.writer)
	return d.place, d.failed
}

// ready makes Connect schema and decoder. The version under the subject becomes that of
// the schema.
func (c *Converter) ready(ctx context.Context, r *readable, id registry.ID) error {
	if r.ready {
		return nil
	}
	n, err := c.serde.Version(ctx, r.subject, r.document)
	if err != nil {
		asking := "Error retrieving Avro " + c.side + " schema version for id " + id.String()
		return registry.Thrown(err, asking, asking)
	}
	r.ready, r.version = true, n
	shown := r.writer
	if r.writer.kind == kRecord {
		shown = readAs(r.writer, r.reader)
	}
	in := c.mapping.newReading()
	if !shown.equal(c.mapping.anything) {
		if r.schema, r.err = in.schema(shown, false, nil, nil, version{n, true}); r.err != nil {
			return nil
		}
	}
	r.decoder = in.decoder(r.writer, r.reader, r.schema)
	return nil
}

// readAs is the record that one is read as.
func readAs(writer, reader *Schema) *Schema {
	if reader.kind == kUnion {
		if i := newResolver(reader).branch(writer, reader, map[[2]*Schema]bool{}); i >= 0 {
			return reader.types[i]
		}
	}
	if reader.kind != kRecord {
		return writer
	}
	return reader
}
