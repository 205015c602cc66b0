package protobuf

import (
	"slices"

	"github.com/moldau-io/moldau/connect/schema"
)

// readOp is how a value is read.
type readOp uint8

const (
	readScalar readOp = iota
	readStruct
	readMap
	readWrapped
	readDecimal
	readDate
	readTime
	readTimestamp
)

// valueReader reads one value of a field.
type valueReader struct {
	op      readOp
	kind    kind // on the wire
	to      schema.Kind
	utf8    bool // checked
	closed  bool // numbers that the enum does not know are unknown fields
	schema  *schema.Schema
	enum    *enum
	message *message      // of wrappers and logical types
	inner   *valueReader  // what is in a wrapper
	fields  *structReader // of structs and of entries of maps
}

// structReader reads a message as a struct. Fields of the struct are called places.
type structReader struct {
	message  *message
	width    int // places
	fields   []fieldReader
	low      []*fieldReader // by number, where numbers are small
	high     map[int32]*fieldReader
	template []schema.Value // of a message without content
	unions   []unionReader
	oneofs   int
	lists    int // slots of repeated fields
	entries  int // slots of maps
	pendings int // slots of single messages
	required int
	entry    bool // of a map
	// bottomless says that a message without content would be read for ever.
	bottomless bool
	// lacking says that a place may be null where the schema does not allow it.
	lacking bool
}

type unionReader struct {
	place int
	name  string
}

// fieldReader reads one field of a message.
type fieldReader struct {
	field    *field
	value    *valueReader
	schema   *schema.Schema // of the place, or of the member of a union
	name     string
	place    int
	slot     int            // of a list, of a map's entries, or of a message's bytes
	oneof    int            // -1 outside of oneofs
	union    *schema.Schema // where the field is a member of one
	member   int
	generate bool // an absent message is read as an empty one
	bit      int  // of a required field, or -1
}

// maxRequired bounds the fields of a message that must be there; Java has no limit.
const maxRequired = 1 << 20

func newStructReader(m *message) *structReader { return &structReader{message: m} }

func (s *structReader) put(f fieldReader) {
	f.bit = -1
	switch {
	case f.value.op == readMap:
		f.slot = s.entries
		s.entries++
	case f.field.repeated:
		f.slot = s.lists
		s.lists++
	case f.value.kind == messageKind:
		f.slot = s.pendings
		s.pendings++
	}
	if f.field.def.label == labelRequired && f.field.presence && s.required < maxRequired {
		f.bit = s.required
		s.required++
	}
	s.fields = append(s.fields, f)
}

// add adds a field outside of oneofs.
func (s *structReader) add(o *Options, f *field, sch *schema.Schema, v *valueReader) {
	r := fieldReader{field: f, value: v, schema: sch, name: f.def.name, place: s.width, oneof: -1}
	s.width++
	// Java leaves out what is absent, if it can tell (ProtobufData.setStructField).
	optional := f.def.proto3 || o.OptionalForProto2 && f.optional
	var empty schema.Value
	switch {
	case f.repeated && v.op != readMap:
		empty = schema.OfArray(nil)
	case f.repeated:
	case f.kind == messageKind:
		r.generate = o.GenerateStructForNulls
	case !optional || o.GenerateStructForNulls:
		empty = v.defaultOf(f)
	}
	s.template = append(s.template, empty)
	if empty.IsNull() && !sch.Optional() && v.op != readMap && !r.generate {
		s.lacking = true
	}
	s.put(r)
}

// addMember adds a member of a oneof: of a union, or of the message where oneofs are
// flat.
func (s *structReader) addMember(f *field, sch *schema.Schema, v *valueReader, union *schema.Schema, member int) {
	r := fieldReader{field: f, value: v, schema: sch, name: f.def.name, place: s.width, oneof: s.oneofs, union: union, member: member}
	if union == nil {
		s.width++
		if !sch.Optional() {
			s.lacking = true
		}
		s.template = append(s.template, schema.Value{})
	}
	s.put(r)
}

// addPart adds the key or the value of a map's entry, which are there always.
func (s *structReader) addPart(f *field, sch *schema.Schema, v *valueReader) {
	s.template = append(s.template, schema.Value{})
	r := fieldReader{field: f, value: v, schema: sch, name: f.def.name, place: s.width, oneof: -1, generate: f.kind == messageKind}
	if f.kind != messageKind {
		s.template[s.width] = v.defaultOf(f)
	}
	s.width++
	s.put(r)
}

// finish makes the table by number.
func (s *structReader) finish() {
	const low = 64
	for i := range s.fields {
		f := &s.fields[i]
		n := f.field.def.number
		if n >= low {
			if s.high == nil {
				s.high = map[int32]*fieldReader{}
			}
			s.high[n] = f
			continue
		}
		for int(n) >= len(s.low) {
			s.low = append(s.low, nil)
		}
		s.low[n] = f
	}
}

func (s *structReader) find(number int32) *fieldReader {
	if number >= 0 && int(number) < len(s.low) {
		return s.low[number]
	}
	return s.high[number]
}

// addUnion adds the place of a union whose members were added.
func (s *structReader) addUnion(name string) {
	s.unions = append(s.unions, unionReader{s.width, name})
	s.template = append(s.template, schema.Value{})
	s.width++
}

func (s *structReader) unionName(place int) string {
	for i := range s.unions {
		if s.unions[i].place == place {
			return s.unions[i].name
		}
	}
	return ""
}

// lacking says whether there may be a null in the value where none is allowed.
func (v *valueReader) lacking() bool {
	switch v.op {
	case readStruct:
		return v.fields.lacking
	case readMap:
		for i := range v.fields.fields {
			if v.fields.fields[i].value.lacking() {
				return true
			}
		}
	}
	return false
}

// findBottomless finds the structs that hold themselves, where absent messages are read
// as empty ones.
func (s *structReader) findBottomless() {
	var all []*structReader
	seen := map[*structReader]bool{}
	for next := []*structReader{s}; len(next) > 0; {
		r := next[len(next)-1]
		if next = next[:len(next)-1]; seen[r] {
			continue
		}
		seen[r] = true
		all = append(all, r)
		for i := range r.fields {
			if r.fields[i].value.fields != nil {
				next = append(next, r.fields[i].value.fields)
			}
		}
	}
	// A struct has a bottom where all that it generates has one.
	bottom := map[*structReader]bool{}
	for changed := true; changed; {
		changed = false
		for _, r := range slices.Backward(all) {
			if bottom[r] {
				continue
			}
			has := true
			for i := range r.fields {
				f := &r.fields[i]
				if f.generate && f.value.op == readStruct && !bottom[f.value.fields] {
					has = false
				}
			}
			if has {
				bottom[r], changed = true, true
			}
		}
	}
	for _, r := range all {
		r.bottomless = !bottom[r]
	}
}
