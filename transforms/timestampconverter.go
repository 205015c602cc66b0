package transforms

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/javatime"
	"github.com/moldau-io/moldau/connect/schema"
)

// timestampConverter turns timestamps into other forms of them (TimestampConverter).
type timestampConverter struct {
	part        Part
	field       string
	target      timestampForm
	format      *javatime.Format // nil when no format is set
	precision   int64            // nanoseconds in the unit of unix timestamps
	withDefault bool
	plans       *schema.Cache[*schema.Schema, *timestampPlan]
	arena       schema.Arena
}

// timestampForm is a form that timestamps have.
type timestampForm uint8

const (
	formNone timestampForm = iota
	formString
	formUnix
	formDate
	formTime
	formTimestamp
)

// timestampPlan is a derived schema, and the place of the field to convert, -1 for none.
type timestampPlan struct {
	schema *schema.Schema
	index  int
}

// NewTimestampConverter makes a TimestampConverter.
func NewTimestampConverter(part Part) connect.Transform { return &timestampConverter{part: part} }

func (t *timestampConverter) ConfigDef() *cd.Def {
	return cd.New(
		cd.Optional("field", cd.String, "", cd.High, "The field containing the timestamp, or empty if the entire value is a timestamp"),
		cd.Required("target.type", cd.String, cd.High, "The desired timestamp representation: string, unix, Date, Time, or Timestamp").
			WithValidator(cd.ValidString("string", "unix", "Date", "Time", "Timestamp")),
		cd.Optional("format", cd.String, "", cd.Medium,
			"A SimpleDateFormat-compatible format for the timestamp. Used to generate the output when type=string or used to parse the input if the input is a string."),
		cd.Optional("unix.precision", cd.String, "milliseconds", cd.Low,
			"The desired Unix precision for the timestamp: seconds, milliseconds, microseconds, or nanoseconds. Used to generate the output when type=unix or used to parse the input if the input is a Long.Note: This SMT will cause precision loss during conversions from, and to, values with sub-millisecond components.").
			WithValidator(cd.ValidString("nanoseconds", "microseconds", "milliseconds", "seconds")),
		replaceNullKey(),
	)
}

func (t *timestampConverter) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	t.field, t.withDefault = c.String("field"), c.Bool("replace.null.with.default")
	t.target = map[string]timestampForm{"string": formString, "unix": formUnix, "Date": formDate, "Time": formTime,
		"Timestamp": formTimestamp}[c.String("target.type")]
	t.precision = map[string]int64{"nanoseconds": 1, "microseconds": 1_000, "milliseconds": 1_000_000,
		"seconds": 1_000_000_000}[c.String("unix.precision")]
	t.plans = schema.NewCache[*schema.Schema, *timestampPlan](cacheSize)
	t.format = nil
	pattern := c.String("format")
	if strings.TrimFunc(pattern, func(r rune) bool { return r <= ' ' }) == "" {
		if t.target == formString {
			return errs.Config("TimestampConverter requires format option to be specified when using string timestamps")
		}
		return nil
	}
	if t.format, err = javatime.Compile(pattern, time.Now()); err != nil {
		return cd.Invalid("TimestampConverter requires a SimpleDateFormat-compatible pattern for string timestamps: "+pattern, errs.String(err), "")
	}
	return nil
}

func (t *timestampConverter) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	s, v := t.part.of(r)
	switch {
	case s == nil:
		return t.applyMap(r, v)
	case t.field == "":
		form, err := formOfSchema(s)
		if err != nil {
			return nil, err
		}
		to, err := t.convert(v, form)
		if err != nil {
			return nil, err
		}
		return t.part.with(r, t.target.schema(s.Optional()), to), nil
	}
	from, err := requireStructOrNull(v, timestampPurpose)
	if err != nil {
		return nil, err
	}
	plan, ok := t.plans.Get(s)
	if !ok {
		if plan, err = t.plan(s); err != nil {
			return nil, err
		}
		t.plans.Put(s, plan)
	}
	if from == nil {
		return t.part.with(r, plan.schema, v), nil
	}
	to, err := t.convertStruct(from, plan.schema, plan.index)
	if err != nil {
		return nil, err
	}
	return t.part.with(r, plan.schema, schema.OfStruct(to)), nil
}

const timestampPurpose = "converting timestamp formats"

func (t *timestampConverter) applyMap(r *connect.Record, v schema.Value) (*connect.Record, error) {
	if v.IsNull() || t.field == "" {
		to, err := t.infer(v)
		if err != nil {
			return nil, err
		}
		return t.part.with(r, nil, to), nil
	}
	from, err := requireMap(v, timestampPurpose)
	if err != nil {
		return nil, err
	}
	value, _ := from.GetString(t.field)
	if value, err = t.infer(value); err != nil {
		return nil, err
	}
	to := from.Clone()
	to.PutString(t.field, value)
	return t.part.with(r, nil, schema.OfMap(to)), nil
}

func (t *timestampConverter) plan(s *schema.Schema) (*timestampPlan, error) {
	fields, err := s.FieldsOrError()
	if err != nil {
		return nil, err
	}
	p := &timestampPlan{index: -1}
	b := basics(s)
	for i := range fields {
		fs := fields[i].Schema()
		if fields[i].Name() == t.field {
			p.index = i
			fs = t.target.schema(fs.Optional())
		}
		b.Field(fields[i].Name(), fs)
	}
	b.SetOptional(s.Optional())
	if p.schema, err = b.Build(); err != nil || !s.HasDefault() {
		return p, err
	}
	def, err := t.convertStruct(s.Default().Struct(), p.schema, p.index)
	if err != nil {
		return nil, err
	}
	p.schema, err = b.Default(schema.OfStruct(def)).Build()
	return p, err
}

// convertStruct copies a struct with one field converted.
func (t *timestampConverter) convertStruct(from *schema.StructValue, s *schema.Schema, index int) (*schema.StructValue, error) {
	fields, updated := from.Schema().Fields(), s.Fields()
	to := t.arena.Struct(s, t.arena.Values(len(updated)))
	for i := range fields {
		value := fieldValue(from, i, t.withDefault)
		if i == index {
			form, err := formOfSchema(fields[i].Schema())
			if err != nil {
				return nil, err
			}
			if value, err = t.convert(value, form); err != nil {
				return nil, err
			}
		}
		if err := keep(to, i, &updated[i], value); err != nil {
			return nil, err
		}
	}
	return to, nil
}

// formOfSchema says what form a schema's timestamps have.
func formOfSchema(s *schema.Schema) (timestampForm, error) {
	switch {
	case s.HasName() && s.Name() == schema.TimestampName:
		return formTimestamp, nil
	case s.HasName() && s.Name() == schema.DateName:
		return formDate, nil
	case s.HasName() && s.Name() == schema.TimeName:
		return formTime, nil
	case s.Type() == schema.String:
		return formString, nil
	case s.Type() == schema.Int64:
		return formUnix, nil
	}
	return formNone, errs.Connect("Schema " + s.String() + " does not correspond to a known timestamp type format")
}

// Schemas of the forms, required and optional. Never written after package initialisation.
var timestampSchemas = [...][2]*schema.Schema{
	formString:    {schema.Of(schema.String), schema.OptionalOf(schema.String)},
	formUnix:      {schema.Of(schema.Int64), schema.OptionalOf(schema.Int64)},
	formDate:      {schema.DateBuilder().MustBuild(), schema.DateBuilder().Optional().MustBuild()},
	formTime:      {schema.TimeBuilder().MustBuild(), schema.TimeBuilder().Optional().MustBuild()},
	formTimestamp: {timestampSchema, optionalTimestamp},
}

func (f timestampForm) schema(optional bool) *schema.Schema {
	if optional {
		return timestampSchemas[f][1]
	}
	return timestampSchemas[f][0]
}

// infer converts a value whose form follows from its type.
func (t *timestampConverter) infer(v schema.Value) (schema.Value, error) {
	switch v.Kind() {
	case schema.KindNull:
		return v, nil
	case schema.KindDate:
		return t.convert(v, formTimestamp)
	case schema.KindInt64:
		return t.convert(v, formUnix)
	case schema.KindString:
		return t.convert(v, formString)
	}
	return v, errs.Data("TimestampConverter does not support class " + v.Kind().JavaClass() + " objects as timestamps")
}

func (t *timestampConverter) convert(v schema.Value, from timestampForm) (schema.Value, error) {
	if v.IsNull() {
		return v, nil
	}
	millis, err := t.read(v, from)
	if err != nil {
		return v, err
	}
	switch t.target {
	case formString:
		return schema.OfString(t.format.Format(millis)), nil
	case formUnix:
		return schema.OfInt64(convertUnit(millis, 1_000_000, t.precision)), nil
	case formDate:
		return schema.OfDate(millis - floorMod(millis, schema.MillisPerDay)), nil
	case formTime:
		return schema.OfDate(floorMod(millis, schema.MillisPerDay)), nil
	}
	return schema.OfDate(millis), nil
}

// read returns the milliseconds of a timestamp.
func (t *timestampConverter) read(v schema.Value, from timestampForm) (int64, error) {
	class := "class " + v.Kind().JavaClass()
	switch from {
	case formString:
		if v.Kind() != schema.KindString {
			return 0, errs.Data("Expected string timestamp to be a String, but found " + class)
		}
		if t.format == nil {
			return 0, errs.New(errs.ClassNullPointer, "there is no format to read the timestamp "+v.Str()+" with").
				WithHint("set format of TimestampConverter")
		}
		millis, ok := t.format.Parse(v.Str())
		if !ok {
			cause := errs.New("java.text.ParseException", "Unparseable date: \""+v.Str()+"\"")
			return 0, errs.Wrap(errs.ClassData, cause, "Could not parse timestamp: value ("+v.Str()+") does not match pattern ("+t.format.Pattern()+")")
		}
		return millis, nil
	case formUnix:
		if v.Kind() != schema.KindInt64 {
			return 0, errs.Data("Expected Unix timestamp to be a Long, but found " + class)
		}
		return convertUnit(v.Int64(), t.precision, 1_000_000), nil
	}
	if v.Kind() != schema.KindDate {
		name := map[timestampForm]string{formDate: "Date", formTime: "Time", formTimestamp: "Timestamp"}[from]
		return 0, errs.Data("Expected " + name + " to be a java.util.Date, but found " + class)
	}
	return v.Date(), nil
}

// convertUnit converts between units given in nanoseconds, toward zero and stopping at
// the ends of int64 (TimeUnit.convert).
func convertUnit(n, from, to int64) int64 {
	if from <= to {
		return n / (to / from)
	}
	factor := from / to
	switch {
	case n > math.MaxInt64/factor:
		return math.MaxInt64
	case n < math.MinInt64/factor:
		return math.MinInt64
	}
	return n * factor
}

func floorMod(a, b int64) int64 { return ((a % b) + b) % b }

func (t *timestampConverter) Close() error { return nil }
