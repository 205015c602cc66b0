package json

import (
	"math"
	"math/big"
	"strconv"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// Options are what JsonConverter's settings say.
type Options struct {
	// SchemasEnable says that the JSON is an envelope of schema and payload.
	SchemasEnable bool
	// CacheSize bounds the schemas kept in each direction.
	CacheSize int
	// Numeric writes decimals as numbers instead of base64 of their unscaled bytes.
	Numeric bool
	// ReplaceNull puts a schema's default in the place of null.
	ReplaceNull bool
}

// Decoder reads JSON into Connect data. It is for one goroutine at a time.
type Decoder struct {
	opts Options
	scan scanner
	// parse reads what has no schema, as far as it can.
	parse parser
	// arena is where values are cut from.
	arena schema.Arena
	// known are the schemas of envelopes by their JSON text.
	known *schema.Cache[string, *schema.Schema]
	// recent are the schemas of the last envelopes, the very last first.
	recent [4]envelopeSchema
	// slots are the tokens of the fields of the structs being read.
	slots []int32
	// odd says that a value was read as something its schema does not allow, such as
	// a string schema's number as null, so that what holds it must be validated.
	odd bool
}

type envelopeSchema struct {
	text   string
	schema *schema.Schema
}

// NewDecoder returns a decoder.
func NewDecoder(opts Options) *Decoder {
	d := &Decoder{opts: opts, known: schema.NewCache[string, *schema.Schema](opts.CacheSize)}
	d.parse.arena, d.parse.strings = &d.arena, &d.scan
	if opts.SchemasEnable && opts.CacheSize > 0 {
		d.scan.skip = d.skipKnown
	}
	return d
}

// skipKnown returns the length of the schema at the start of a text if it is a
// recent one. A schema ends with its closing brace, so that a prefix is enough.
func (d *Decoder) skipKnown(rest []byte) int {
	for i := range d.recent {
		if n := len(d.recent[i].text); n > 0 && len(rest) >= n && string(rest[:n]) == d.recent[i].text {
			if i > 0 {
				d.recent[0], d.recent[i] = d.recent[i], d.recent[0]
			}
			return n
		}
	}
	return 0
}

// maxKept is the number of tokens from which the scratch space is given back.
const maxKept = 1 << 16

// Decode reads a text; nil is a tombstone. Strings in the result may be views of
// the text. Errors are DataExceptions and SchemaBuilderExceptions with Connect's
// texts.
func (d *Decoder) Decode(text []byte) (connect.SchemaAndValue, error) {
	if text == nil {
		return connect.SchemaAndValue{}, nil
	}
	d.scan.wide = false
	if len(text) > 1 && (text[0] == 0 || text[1] == 0 || text[0] >= 0xef) {
		var err error
		if text, d.scan.wide, err = toUTF8(text); err != nil {
			return connect.SchemaAndValue{}, err
		}
	}
	if !d.opts.SchemasEnable {
		if v, ok := d.parse.read(text); ok {
			return connect.SchemaAndValue{Value: v}, nil
		}
	}
	if err := d.scan.scan(text); err != nil {
		return connect.SchemaAndValue{}, err
	}
	d.odd, d.slots = false, d.slots[:0]
	result, err := d.root()
	if cap(d.scan.tokens) > maxKept {
		d.scan.tokens = nil
	}
	d.scan.src = nil
	return result, err
}

func (d *Decoder) root() (connect.SchemaAndValue, error) {
	if !d.opts.SchemasEnable {
		v, err := d.value(0)
		return connect.SchemaAndValue{Value: v}, err
	}
	schemaAt, payloadAt, ok := d.envelope()
	if !ok {
		return connect.SchemaAndValue{}, errs.Data("JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields and may not contain additional fields." +
			" If you are trying to deserialize plain JSON data, set schemas.enable=false in your converter configuration.")
	}
	s, err := d.envelopeSchema(schemaAt)
	if err != nil {
		return connect.SchemaAndValue{}, err
	}
	v, err := d.convert(s, payloadAt)
	return connect.SchemaAndValue{Schema: s, Value: v}, err
}

// envelope finds the two members of an envelope; of equal names the last counts.
func (d *Decoder) envelope() (schemaAt, payloadAt int32, ok bool) {
	tokens := d.scan.tokens
	if tokens[0].kind != kindObject {
		return 0, 0, false
	}
	for i := int32(1); i < tokens[0].next; i = tokens[i+1].next {
		switch d.scan.text(&tokens[i]) {
		case "schema":
			schemaAt = i + 1
		case "payload":
			payloadAt = i + 1
		default:
			return 0, 0, false
		}
	}
	return schemaAt, payloadAt, schemaAt > 0 && payloadAt > 0
}

func (d *Decoder) envelopeSchema(at int32) (*schema.Schema, error) {
	tok := &d.scan.tokens[at]
	switch tok.kind {
	case kindNull:
		return nil, nil
	case kindSchema:
		return d.recent[0].schema, nil
	case kindObject:
		text := string(d.scan.src[tok.start:tok.end])
		s, ok := d.known.Get(text)
		if !ok {
			var err error
			if s, err = d.readSchema(at); err != nil {
				return nil, err
			}
			d.known.Put(text, s)
		}
		copy(d.recent[1:], d.recent[:])
		d.recent[0] = envelopeSchema{text, s}
		return s, nil
	}
	return d.readSchema(at)
}

// value reads a value without a schema.
func (d *Decoder) value(at int32) (schema.Value, error) {
	tok := &d.scan.tokens[at]
	switch tok.kind {
	case kindFalse:
		return schema.OfBoolean(false), nil
	case kindTrue:
		return schema.OfBoolean(true), nil
	case kindInt:
		return schema.OfInt64(tok.num), nil
	case kindBigInt:
		return schema.OfInt64(d.bigInt(tok).Int64()), nil
	case kindFloat:
		return schema.OfFloat64(d.float64(tok)), nil
	case kindString:
		return d.scan.value(tok), nil
	case kindArray:
		elements := d.arena.Values(int(tok.size))
		i := at + 1
		for n := range elements {
			var err error
			if elements[n], err = d.value(i); err != nil {
				return schema.Value{}, err
			}
			i = d.scan.tokens[i].next
		}
		return schema.OfArray(elements), nil
	case kindObject:
		entries := d.arena.Entries(int(tok.size))
		i := at + 1
		for n := range entries {
			v, err := d.value(i + 1)
			if err != nil {
				return schema.Value{}, err
			}
			entries[n] = schema.Entry{Key: d.scan.value(&d.scan.tokens[i]), Value: v}
			i = d.scan.tokens[i+1].next
		}
		return schema.OfMap(d.arena.Map(entries)), nil
	}
	return schema.Value{}, nil
}

// bigInt returns the low 64 bits, as a decimal of which Int64 gives them.
func (d *Decoder) bigInt(tok *token) *schema.DecimalValue {
	n, _ := new(big.Int).SetString(string(d.scan.src[tok.start:tok.end]), 10) // the scanner saw digits only
	return schema.NewDecimal(n, 0)
}

func (d *Decoder) decimal(tok *token) *schema.DecimalValue {
	switch tok.kind {
	case kindInt:
		return schema.DecimalFromInt64(tok.num, 0)
	case kindBigInt:
		return d.bigInt(tok)
	}
	v, _ := schema.ParseDecimal(view(d.scan.src[tok.start:tok.end])) // the scanner made sure of it
	return v
}

func (d *Decoder) float64(tok *token) float64 {
	text := d.scan.src[tok.start:tok.end]
	f, _ := strconv.ParseFloat(view(text), 64) // beyond the range it gives the infinity that Java gives
	return unsignedZero(f, text)
}

func (d *Decoder) float32(tok *token) float32 {
	text := d.scan.src[tok.start:tok.end]
	f, _ := strconv.ParseFloat(view(text), 32) // as above
	return float32(unsignedZero(f, text))
}

// unsignedZero drops the sign of a zero, which no BigDecimal has; a number that is
// merely too small for a float keeps it.
func unsignedZero(f float64, text []byte) float64 {
	if f != 0 || !math.Signbit(f) {
		return f
	}
	for _, c := range text {
		if c >= '1' && c <= '9' {
			return f
		}
		if c|0x20 == 'e' {
			break
		}
	}
	return 0
}

// int64 returns what Jackson's longValue gives: 0 for what is no number.
func (d *Decoder) int64(tok *token) int64 {
	switch tok.kind {
	case kindInt:
		return tok.num
	case kindBigInt, kindFloat:
		return d.decimal(tok).Int64()
	}
	return 0
}
