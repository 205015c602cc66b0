package elasticsearch

import (
	"bytes"
	"strconv"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// maxID is the longest document id that Elasticsearch takes, in bytes. A longer one
// would make it refuse the whole request.
const maxID = 512

// target is where the records of a topic go, and how.
type target struct {
	resource     string
	ignoreKey    bool
	ignoreSchema bool
	docs         documents
	// head is the start of an action's line, up to the document's id.
	index, delete []byte
	exists        bool // the index was found or created
	mapped        bool // it has a mapping
}

func (s *settings) target(topic string) (*target, error) {
	resource, err := s.resource(topic)
	if err != nil {
		return nil, err
	}
	t := &target{resource: resource, ignoreKey: s.ignoresKey(topic), ignoreSchema: s.ignoresSchema(topic)}
	t.docs = documents{schemas: !t.ignoreSchema, compact: s.compactMaps}
	t.exists = s.usage != usageDisabled
	action := "index"
	switch {
	case s.method == methodUpsert:
		action = "update"
	case s.stream:
		action = "create"
	}
	head := func(action string) []byte {
		b := append(append([]byte(`{"`), action...), `":{"_index":`...)
		return appendString(b, resource)
	}
	t.index, t.delete = head(action), head("delete")
	return t, nil
}

// written says what became of a record.
type written struct {
	// from and to are where the document's id is in the request, as a JSON string;
	// they are equal where Elasticsearch makes the id.
	from, to int
	// external says that the document's version is the record's: a conflict means
	// that this record, or a later one, was written before.
	external bool
	// skip says that there is nothing to write.
	skip bool
}

// write appends the action of a record, and its document, to a bulk request. After
// an error dst is to be cut back.
func (s *settings) write(dst []byte, t *target, r *connect.Record) (_ []byte, w written, err error) {
	remove := r.Value.IsNull()
	if remove {
		switch {
		case s.nullValues == nullsIgnore, s.nullValues == nullsDelete && r.Key.IsNull():
			// Without a key there is no document that could be deleted.
			return dst, written{skip: true}, nil
		case s.nullValues == nullsFail:
			return dst, w, errs.Data("%s has a null value (to ignore future records like this change the configuration property '%s' from '%s' to '%s')",
				place(r), keyNullValues, nullsFail, nullsIgnore)
		}
	}
	if remove {
		dst = append(dst, t.delete...)
	} else {
		dst = append(dst, t.index...)
	}
	if remove || !s.autoIDs || s.method == methodUpsert {
		dst = append(dst, `,"_id":`...)
		w.from = len(dst)
		if dst, err = appendID(dst, t, r); err != nil {
			return dst, w, err
		}
		w.to = len(dst)
		if n := w.to - w.from - len(`""`); n > maxID {
			return dst, w, errs.Data("Key is used as document id and is %d bytes long; Elasticsearch takes no more than %d (%s)", n, maxID, place(r)).
				WithHint("set %s=true, or make the key shorter with a transform", keyKeyIgnore)
		}
		switch {
		case s.method == methodUpsert:
			// Updates bear no version, so neither may deletes: they are kept in order instead.
			if !remove {
				dst = append(dst, `,"retry_on_conflict":`...)
				dst = strconv.AppendInt(dst, int64(min(s.inFlight, 5)), 10)
			}
		case !s.stream && !t.ignoreKey:
			version, err := s.version(r)
			if err != nil {
				return dst, w, err
			}
			dst = append(dst, `,"version_type":"external","version":`...)
			dst = strconv.AppendInt(dst, version, 10)
			w.external = true
		}
	}
	dst = append(dst, "}}\n"...)
	if remove {
		return dst, w, nil
	}
	if s.method == methodUpsert {
		dst = append(dst, `{"doc":`...)
	}
	start := len(dst)
	if dst, err = t.docs.append(dst, r.ValueSchema, r.Value); err != nil {
		return dst, w, err
	}
	if s.stream {
		if dst, err = s.stamp(dst, start, r); err != nil {
			return dst, w, err
		}
	}
	if s.method == methodUpsert {
		dst = append(dst, `,"doc_as_upsert":true}`...)
	}
	return append(dst, '\n'), w, nil
}

// appendID writes a document's id as a JSON string.
func appendID(dst []byte, t *target, r *connect.Record) ([]byte, error) {
	if t.ignoreKey {
		// Where the record was read, not the topic that a router gave it: two topics
		// that become one index must not overwrite each other.
		dst = append(append(dst, '"'), r.Original.Topic...)
		dst = strconv.AppendInt(append(dst, '+'), int64(r.Original.Partition), 10)
		dst = strconv.AppendInt(append(dst, '+'), r.Original.Offset, 10)
		return append(dst, '"'), nil
	}
	if r.Key.IsNull() {
		return dst, errs.Data("Key is used as document id and can not be null.").
			WithHint("%s; set %s=true to make ids of topic, partition and offset", place(r), keyKeyIgnore)
	}
	if r.Key.Kind() == schema.KindString {
		if r.Key.Str() == "" {
			return dst, errs.Data("Key is used as document id and can not be empty.").
				WithHint("%s; set %s=true to make ids of topic, partition and offset", place(r), keyKeyIgnore)
		}
		return appendString(dst, r.Key.Str()), nil
	}
	if n, ok := r.Key.Integer(); ok {
		return append(strconv.AppendInt(append(dst, '"'), n, 10), '"'), nil
	}
	kind, ok := r.Key.Kind().SchemaType()
	if r.KeySchema != nil {
		kind, ok = r.KeySchema.Type(), true
	}
	if !ok {
		return dst, errs.Data("Java class class " + r.Key.Kind().JavaClass() + " does not have corresponding schema type.")
	}
	return dst, errs.Data("%s is not supported as the document id.", kind).
		WithHint("%s; use a key of a number or a string, such as with the transform ExtractField$Key, or set %s=true", place(r), keyKeyIgnore)
}

// version returns a document's version: the record's offset, or a header's number.
func (s *settings) version(r *connect.Record) (int64, error) {
	if s.versionHeader == "" {
		return r.Original.Offset, nil
	}
	h, ok := r.Headers.Last(s.versionHeader)
	if !ok {
		return 0, errs.Data("%s has no header '%s'", place(r), s.versionHeader).
			WithHint("%s=%s wants one with a number", keyVersionHeader, s.versionHeader)
	}
	n, err := strconv.ParseInt(schema.ConvertToString(h.Value), 10, 64)
	if err != nil || n < 0 {
		// The value may be secret.
		return 0, errs.Connect("Error converting external version header '%s' to long for %s", s.versionHeader, place(r))
	}
	return n, nil
}

// stamp gives the document that starts at start its @timestamp: of the first field
// that it has of those that are set, or else of the record.
func (s *settings) stamp(dst []byte, start int, r *connect.Record) ([]byte, error) {
	doc := dst[start:]
	if doc[0] != '{' {
		return dst, errs.Data("Top level payload contains data of Json type %s. Required Json object.", jsonKind(doc[0]))
	}
	stamp := schema.Null()
	if len(s.streamTimes) == 0 {
		if r.Timestamp != connect.NoTimestamp {
			stamp = schema.OfInt64(r.Timestamp)
		}
	} else {
		found := false
		for _, name := range s.streamTimes {
			if stamp, found = topLevel(r, name); found {
				break
			}
		}
		if !found {
			return dst, nil
		}
		stamp = schema.OfString(scalarText(stamp))
	}
	const field = `"@timestamp":`
	if from, to, ok := member(doc, field); ok {
		tail := bytes.Clone(doc[to:])
		dst = appendScalar(dst[:start+from], stamp)
		return append(dst, tail...), nil
	}
	dst = dst[:len(dst)-1]
	if len(doc) > len("{}") {
		dst = append(dst, ',')
	}
	dst = appendScalar(append(dst, field...), stamp)
	return append(dst, '}'), nil
}

func jsonKind(c byte) string {
	switch c {
	case '[':
		return "ARRAY"
	case '"':
		return "STRING"
	case 't', 'f':
		return "BOOLEAN"
	case 'n':
		return "NULL"
	}
	return "NUMBER"
}

// topLevel returns a field of a record's value.
func topLevel(r *connect.Record, name string) (schema.Value, bool) {
	switch r.Value.Kind() {
	case schema.KindStruct:
		if f := r.Value.Struct().Schema().Field(name); f != nil {
			return r.Value.Struct().At(f.Index()), true
		}
	case schema.KindMap:
		return r.Value.Map().GetString(name)
	}
	return schema.Null(), false
}

// scalarText returns a value as Jackson's asText does: nothing for what is no scalar.
func scalarText(v schema.Value) string {
	switch v.Kind() {
	case schema.KindMap, schema.KindStruct, schema.KindArray:
		return ""
	case schema.KindDate:
		return strconv.FormatInt(v.Date(), 10)
	}
	return v.Text()
}

// member finds the value of a member of a JSON object that we have written, so
// without blanks: from its first byte to behind its last.
func member(doc []byte, quoted string) (from, to int, ok bool) {
	depth, inText := 0, false
	for i := 0; i < len(doc); i++ {
		c := doc[i]
		switch {
		case inText:
			if c == '\\' {
				i++
			} else if c == '"' {
				inText = false
			}
		case c == '"':
			if depth == 1 && !ok && (doc[i-1] == '{' || doc[i-1] == ',') && bytes.HasPrefix(doc[i:], []byte(quoted)) {
				i += len(quoted) - 1
				from, ok = i+1, true
				continue
			}
			inText = true
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 && ok {
				return from, i, true
			}
		case c == ',' && depth == 1 && ok:
			return from, i, true
		}
	}
	return 0, 0, false
}
