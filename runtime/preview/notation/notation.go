// Package notation reads and writes the texts in which records and values are
// shown to people and compared by machines: preview's and convert's input and
// output, and the project's test vectors.
//
//   - ENV, an envelope, is what JsonConverter writes with schemas.enable=true,
//     replace.null.with.default=false and decimal.format=BASE64:
//     {"schema":…,"payload":…}.
//   - TYPED gives the exact type of each value where an envelope cannot, such as
//     {"int8":1}, {"float64":"1.0E10"}, {"map":[[TYPED,TYPED]…]}.
//   - RECORD is a record: kind, topic, partition, timestamp, key, value, headers.
//   - ERROR is {"class":…,"message":…} of the Java exception an error stands for.
//
// It knows nothing of transforms or of converters other than JSON.
package notation

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/converters/json"
)

// Codec reads and writes the notation. It is for one goroutine at a time.
type Codec struct {
	enc *json.Encoder
	dec *json.Decoder
}

// New returns a codec.
func New() *Codec {
	opts := json.Options{SchemasEnable: true, CacheSize: 100}
	return &Codec{enc: json.NewEncoder(opts), dec: json.NewDecoder(opts)}
}

// ReadEnvelope reads an ENV. {"schema":null,"payload":null} is null without a
// schema. Parts of the result may be views of b. Errors are those of JsonConverter.
func (c *Codec) ReadEnvelope(b []byte) (connect.SchemaAndValue, error) { return c.dec.Decode(b) }

// AppendEnvelope appends an ENV. A value that JsonConverter cannot write stands as
// {"schema":…,"typed":TYPED,"encodeError":ERROR}; one whose schema cannot be written
// as {"typedSchema":…,"typed":TYPED}, with encodeError unless the schema contains itself.
func (c *Codec) AppendEnvelope(dst []byte, s *schema.Schema, v schema.Value) []byte {
	out, ok, err := c.enc.Append(dst, s, v)
	switch {
	case err != nil:
		return c.appendUnwritable(dst, s, v, err)
	case !ok:
		return append(dst, `{"schema":null,"payload":null}`...)
	}
	return out
}

func (c *Codec) appendUnwritable(dst []byte, s *schema.Schema, v schema.Value, cause error) []byte {
	start := len(dst)
	dst, err := c.enc.AppendSchema(append(dst, `{"schema":`...), s)
	if err != nil {
		return appendTypedSchema(dst[:start], s, v, err)
	}
	dst = AppendTyped(append(dst, `,"typed":`...), v)
	dst = AppendError(append(dst, `,"encodeError":`...), cause)
	return append(dst, '}')
}

// AppendMember appends "name":ENV, and for a value without a schema that is not
// null the member nameTyped beside it.
func (c *Codec) AppendMember(dst []byte, name string, s *schema.Schema, v schema.Value) []byte {
	return c.appendMember(dst, name, s, v, s == nil && !v.IsNull() && c.writable(v))
}

// AppendTypedMember appends "name":ENV and always nameTyped beside it.
func (c *Codec) AppendTypedMember(dst []byte, name string, s *schema.Schema, v schema.Value) []byte {
	return c.appendMember(dst, name, s, v, true)
}

func (c *Codec) appendMember(dst []byte, name string, s *schema.Schema, v schema.Value, typed bool) []byte {
	dst = c.AppendEnvelope(append(json.AppendString(dst, name), ':'), s, v)
	if typed {
		dst = AppendTyped(append(json.AppendString(append(dst, ','), name+"Typed"), ':'), v)
	}
	return dst
}

// writable says whether JsonConverter can write a value without a schema; where it
// cannot, the envelope holds the TYPED form itself.
func (c *Codec) writable(v schema.Value) bool {
	_, err := c.enc.AppendPayload(nil, nil, v)
	return err == nil
}

// AppendTyped appends a TYPED. Of structs the raw values are given, without
// defaults; maps are sorted by the text of their keys.
func AppendTyped(dst []byte, v schema.Value) []byte {
	k := v.Kind()
	if k == schema.KindNull {
		return append(dst, "null"...)
	}
	dst = append(append(append(dst, `{"`...), k.String()...), `":`...)
	switch k {
	case schema.KindBoolean:
		dst = strconv.AppendBool(dst, v.Boolean())
	case schema.KindFloat32, schema.KindFloat64, schema.KindDecimal:
		dst = append(v.AppendText(append(dst, '"')), '"')
	case schema.KindString:
		dst = json.AppendString(dst, v.Str())
	case schema.KindBytes:
		dst = append(base64.StdEncoding.AppendEncode(append(dst, '"'), v.Bytes()), '"')
	case schema.KindDate:
		dst = strconv.AppendInt(dst, v.Date(), 10)
	case schema.KindArray:
		dst = append(dst, '[')
		for i, e := range v.Array() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = AppendTyped(dst, e)
		}
		dst = append(dst, ']')
	case schema.KindMap:
		dst = appendTypedMap(dst, v.Map())
	case schema.KindStruct:
		dst = append(dst, '[')
		for i := range v.Struct().Schema().Fields() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = json.AppendString(append(dst, '['), v.Struct().Schema().Fields()[i].Name())
			dst = append(AppendTyped(append(dst, ','), v.Struct().RawAt(i)), ']')
		}
		dst = append(dst, ']')
	default:
		dst = v.AppendText(dst)
	}
	return append(dst, '}')
}

func appendTypedMap(dst []byte, m *schema.MapValue) []byte {
	type pair struct{ key, value string }
	pairs := make([]pair, 0, m.Len())
	for k, v := range m.All() {
		pairs = append(pairs, pair{string(AppendTyped(nil, k)), string(AppendTyped(nil, v))})
	}
	slices.SortFunc(pairs, func(a, b pair) int { return strings.Compare(a.key, b.key) })
	dst = append(dst, '[')
	for i, p := range pairs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '['), p.key...), ',')
		dst = append(append(dst, p.value...), ']')
	}
	return append(dst, ']')
}

// AppendError appends an ERROR.
func AppendError(dst []byte, err error) []byte {
	return append(AppendErrorMembers(append(dst, '{'), err), '}')
}

// AppendErrorMembers appends the members of an ERROR without the braces, so that
// others can stand beside them: class, message, and where there are any
// causeClass and jvmMessage (the text stands for one of Java's own, and is not
// that text).
func AppendErrorMembers(dst []byte, err error) []byte {
	class := errs.Class(err)
	dst = json.AppendString(append(dst, `"class":`...), class)
	dst = append(dst, `,"message":`...)
	if message, ok := errs.Message(err); ok {
		dst = json.AppendString(dst, message)
	} else {
		dst = append(dst, "null"...)
	}
	e, ok := err.(*errs.Error)
	if ok && e.Cause != nil {
		dst = json.AppendString(append(dst, `,"causeClass":`...), errs.Class(e.Cause))
	}
	if fromJVM(class) {
		dst = append(dst, `,"jvmMessage":true`...)
	}
	return dst
}

// fromJVM says whether messages of a class are made by the Java runtime, or by
// Connect through it.
func fromJVM(class string) bool {
	switch class {
	case errs.ClassNullPointer, errs.ClassClassCast, errs.ClassNumberFormat, errs.ClassIndexOutOfBounds,
		"java.lang.StackOverflowError", "java.util.regex.PatternSyntaxException":
		return true
	}
	return false
}
