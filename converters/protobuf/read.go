package protobuf

import (
	"strconv"
	"strings"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// readable is a message as Connect data.
type readable struct {
	schema *schema.Schema
	value  *valueReader // of the whole record
}

// reader makes Connect schemas of messages, and with them what reads values.
type reader struct {
	opts     *Options
	messages map[*message]*struct_
}

// struct_ is the Connect struct of a message. Other uses of the message share its
// fields, but have parameters of their own.
type struct_ struct {
	builder *schema.Builder
	reader  *structReader
	tag     string // the Tag parameter of the first use
	version *int32
	done    bool
	waiting []*schema.Builder // uses inside of the message
}

// connectSchema makes the Connect schema of a message (ProtobufData.toConnectSchema).
func (o *Options) connectSchema(m *message, version int32, hasVersion bool) (*readable, error) {
	r := &reader{opts: o, messages: map[*message]*struct_{}}
	if o.WrapperForRawPrimitives && isWrapper(m.full) {
		v, b := r.wrapped(m)
		if hasVersion {
			b.Version(version)
		}
		s, err := b.Build()
		v.schema = s
		return &readable{s, v}, err
	}
	var v *int32
	if hasVersion {
		v = &version
	}
	st, err := r.structure(m, "", v, 0)
	if err != nil {
		return nil, err
	}
	s, err := st.builder.Build()
	if err != nil {
		return nil, err
	}
	st.reader.findBottomless()
	return &readable{s, &valueReader{op: readStruct, kind: messageKind, schema: s, fields: st.reader}}, nil
}

func (r *reader) name(short, full string) string {
	if r.opts.EnhancedSchemas {
		return full
	}
	return short
}

// structure makes the struct of a message at its first use.
func (r *reader) structure(m *message, tag string, version *int32, depth int) (*struct_, error) {
	if depth > maxSchemaDepth {
		return nil, errs.Null(classStackOverflow)
	}
	st := &struct_{builder: schema.NewStruct().Name(r.name(m.def.name, m.full)), tag: tag, version: version, reader: newStructReader(m)}
	r.messages[m] = st
	for _, o := range m.oneofs {
		if o.synthetic {
			continue
		}
		if err := r.oneof(st, o, depth); err != nil {
			return nil, err
		}
	}
	for _, f := range m.fields {
		if f.oneof != nil && !f.oneof.synthetic {
			continue
		}
		s, v, err := r.field(f, depth)
		if err != nil {
			return nil, err
		}
		st.builder.Field(f.def.name, s)
		st.reader.add(r.opts, f, s, v)
	}
	if version != nil {
		st.builder.Version(*version)
	}
	st.done = true
	st.reader.finish()
	for _, b := range st.waiting {
		b.FieldsOf(st.builder.Ref())
	}
	return st, st.builder.Err()
}

func (r *reader) oneof(st *struct_, o *oneof, depth int) error {
	if r.opts.FlattenUnions {
		for _, f := range o.fields {
			s, v, err := r.field(f, depth)
			if err != nil {
				return err
			}
			st.builder.Field(f.def.name, s)
			st.reader.addMember(f, s, v, nil, 0)
		}
		st.reader.oneofs++
		return nil
	}
	b := schema.NewStruct()
	if r.opts.GeneralizedSumTypes {
		b.Name(o.name).Param(sumUnionParam, o.name)
	} else {
		b.Name(unionPrefix + r.name(o.name, o.full))
	}
	values := make([]*valueReader, len(o.fields))
	schemas := make([]*schema.Schema, len(o.fields))
	for i, f := range o.fields {
		var err error
		if schemas[i], values[i], err = r.field(f, depth); err != nil {
			return err
		}
		b.Field(f.def.name, schemas[i])
	}
	s, err := b.Optional().Build()
	if err != nil {
		return err
	}
	name := o.name
	if r.opts.GenerateIndexForUnions {
		name += "_" + strconv.Itoa(o.index)
	}
	st.builder.Field(name, s)
	for i, f := range o.fields {
		st.reader.addMember(f, schemas[i], values[i], s, i)
	}
	st.reader.addUnion(name)
	st.reader.oneofs++
	return nil
}

// wrapped makes a schema of what is in a wrapper message.
func (r *reader) wrapped(m *message) (*valueReader, *schema.Builder) {
	t := map[string]schema.Type{
		doubleWrapper: schema.Float64, floatWrapper: schema.Float32, int64Wrapper: schema.Int64, uint64Wrapper: schema.Int64,
		int32Wrapper: schema.Int32, uint32Wrapper: schema.Int64, boolWrapper: schema.Boolean, stringWrapper: schema.String, bytesWrapper: schema.Bytes,
	}[m.full]
	return &valueReader{op: readWrapped, kind: messageKind, message: m, inner: &valueReader{op: readScalar, to: schema.Kind(t)}}, schema.NewBuilder(t)
}

// field makes the schema of a field and what reads one value of it.
func (r *reader) field(f *field, depth int) (*schema.Schema, *valueReader, error) {
	v := &valueReader{op: readScalar, kind: f.kind, utf8: f.utf8, closed: f.closed}
	var b *schema.Builder
	if f.kind == messageKind {
		var shared *struct_
		var err error
		if b, shared, err = r.messageField(f, v, depth); err != nil {
			return nil, nil, err
		}
		if shared != nil {
			return r.again(f, v, b, shared)
		}
		b.Optional()
	} else {
		b = r.scalar(f, v)
	}
	if f.repeated && v.op != readMap {
		element, err := b.Optional().Build()
		if err != nil {
			return nil, nil, err
		}
		v.schema = element
		b = schema.NewArray(element).Optional()
	}
	s, err := r.close(f, b).Build()
	if v.schema == nil {
		v.schema = s
	}
	return s, v, err
}

// close adds what each field's schema has.
func (r *reader) close(f *field, b *schema.Builder) *schema.Builder {
	switch {
	case r.opts.OptionalForNullables:
		if f.optional {
			b.Optional()
		}
	case !r.opts.WrapperForNullables:
		b.Optional()
	}
	return b.Param(tagParam, strconv.Itoa(int(f.def.number)))
}

// again makes the schema of a further use of a message. It has the fields and the name
// of the first, and its parameters where it has none.
func (r *reader) again(f *field, v *valueReader, b *schema.Builder, st *struct_) (*schema.Schema, *valueReader, error) {
	b.Name(st.builder.Ref().Name()).Optional()
	// The first use becomes optional by this, which only a record's own schema can be not.
	st.builder.Optional()
	if st.version != nil {
		b.Version(*st.version)
	}
	if st.done {
		b.FieldsOf(st.builder.Ref())
	} else {
		st.waiting = append(st.waiting, b)
	}
	v.schema = b.Ref()
	if !f.repeated {
		s, err := b.Param(tagParam, strconv.Itoa(int(f.def.number))).Build()
		return s, v, err
	}
	b.Params([]schema.Param{})
	if st.tag != "" {
		b.Param(tagParam, st.tag)
	}
	s, err := r.close(f, schema.NewArray(b.Ref()).Optional()).Build()
	return s, v, err
}

func (r *reader) scalar(f *field, v *valueReader) *schema.Builder {
	t, plain := schema.Int64, int64Kind
	switch f.kind {
	case int32Kind, sint32Kind, sfixed32Kind:
		t, plain = schema.Int32, int32Kind
		switch f.params[typeProp] {
		case "int8":
			t, plain = schema.Int8, f.kind
		case "int16":
			t, plain = schema.Int16, f.kind
		}
	case floatKind:
		t, plain = schema.Float32, floatKind
	case doubleKind:
		t, plain = schema.Float64, doubleKind
	case boolKind:
		t, plain = schema.Boolean, boolKind
	case stringKind:
		t, plain = schema.String, stringKind
	case bytesKind:
		t, plain = schema.Bytes, bytesKind
	case enumKind:
		return r.enum(f, v)
	}
	b := schema.NewBuilder(t)
	if f.kind != plain {
		b.Param(typeParam, f.kind.String())
	}
	v.to = schema.Kind(t)
	return b
}

func (r *reader) enum(f *field, v *valueReader) *schema.Builder {
	v.enum, v.to = f.enum, schema.KindString
	t := schema.String
	if r.opts.IntForEnums {
		t, v.to = schema.Int32, schema.KindInt32
	}
	e := f.enum.def
	param := r.opts.enumParam()
	params := make([]schema.Param, 0, len(e.values)+1)
	params = append(params, schema.Param{Name: param, Value: e.name})
	for _, value := range e.values {
		params = append(params, schema.Param{Name: param + "." + value.name, Value: strconv.Itoa(int(value.number))})
	}
	return schema.NewBuilder(t).Name(r.name(e.name, f.enum.full)).Params(params).Optional()
}

// messageField makes the schema of a message field. The second result is the struct
// that a further use of a message shares its fields with.
func (r *reader) messageField(f *field, v *valueReader, depth int) (*schema.Builder, *struct_, error) {
	m := f.message
	v.message = m
	switch m.full {
	case decimalType:
		v.op = readDecimal
		scale, _ := strconv.ParseInt(f.params[scaleKey], 10, 32) // #nosec G104 -- 0 where it is no number
		b := schema.DecimalBuilder(int(scale))
		if p, err := strconv.ParseInt(f.params[precisionKey], 10, 32); err == nil {
			b.Param(precisionProp, strconv.FormatInt(p, 10))
		}
		return b, nil, nil
	case dateType:
		v.op = readDate
		return schema.DateBuilder(), nil, nil
	case timeType:
		v.op = readTime
		return schema.TimeBuilder(), nil, nil
	case timestampType:
		v.op = readTimestamp
		return schema.TimestampBuilder(), nil, nil
	}
	if (r.opts.WrapperForNullables || r.opts.WrapperForRawPrimitives) && isWrapper(m.full) {
		w, b := r.wrapped(m)
		*v = *w
		return b, nil, nil
	}
	if isMap(f) {
		return r.mapField(f, v, depth)
	}
	if st := r.messages[m]; st != nil {
		v.op, v.fields = readStruct, st.reader
		return schema.NewStruct(), st, nil
	}
	tag := ""
	if !f.repeated {
		tag = strconv.Itoa(int(f.def.number))
	}
	st, err := r.structure(m, tag, nil, depth+1)
	if err != nil {
		return nil, nil, err
	}
	v.op, v.fields = readStruct, st.reader
	return st.builder, nil, nil
}

// isMap says whether a field is a map: its message's name and fields tell, not the way
// it is written.
func isMap(f *field) bool {
	m := f.message
	return f.repeated && strings.HasSuffix(m.def.name, entrySuffix) && len(m.fields) == 2 &&
		m.fields[0].def.name == keyName && m.fields[1].def.name == valueName && !m.fields[0].repeated && !m.fields[1].repeated
}

func (r *reader) mapField(f *field, v *valueReader, depth int) (*schema.Builder, *struct_, error) {
	if depth > maxSchemaDepth {
		return nil, nil, errs.Null(classStackOverflow)
	}
	m := f.message
	entry := newStructReader(m)
	entry.entry = true
	var schemas [2]*schema.Schema
	for i, part := range m.fields {
		s, pv, err := r.field(part, depth+1)
		if err != nil {
			return nil, nil, err
		}
		schemas[i] = s
		entry.addPart(part, s, pv)
	}
	entry.finish()
	v.op, v.fields = readMap, entry
	return schema.NewMapOf(schemas[0], schemas[1]).Name(mapField(r.name(m.def.name, m.full))), nil, nil
}
