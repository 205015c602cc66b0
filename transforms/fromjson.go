package transforms

import (
	"context"
	"strings"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// jsonField is what FromJson and ToJson share: they turn fields, or the whole key or
// value, into something else.
type jsonField struct {
	part   Part
	fields []string
	infer  *inference
	plans  *schema.Cache[fieldSchemas, *edited]
	arena  schema.Arena
	// convert returns what stands in the place of a value, null and values to leave alone included.
	convert func(v schema.Value) (schema.Value, error)
	// schemaOf returns the schema of a converted value, which may be turned into structs.
	schemaOf func(s *schema.Schema, v schema.Value) (*schema.Schema, schema.Value)
}

// fieldSchemas are a struct schema and the schemas that its fields get.
type fieldSchemas struct {
	schema *schema.Schema
	fields [4]*schema.Schema
}

func (t *jsonField) configure(c *cd.Config) {
	t.fields = c.List("fields")
	t.infer = newInference()
	t.plans = schema.NewCache[fieldSchemas, *edited](4 * cacheSize)
}

func (t *jsonField) apply(r *connect.Record) (*connect.Record, error) {
	s, v := t.part.of(r)
	switch {
	case v.IsNull():
		return r, nil
	case len(t.fields) == 0:
		to, err := t.convert(v)
		if err != nil {
			return nil, err
		}
		if s != nil {
			s, to = t.schemaOf(s, to)
		}
		return t.part.with(r, s, to), nil
	case v.Kind() == schema.KindMap:
		to := v.Map().Clone()
		for _, name := range t.fields {
			value, there := to.GetString(name)
			if !there {
				continue
			}
			converted, err := t.convert(value)
			if err != nil {
				return nil, inField(name, err)
			}
			to.PutString(name, converted)
		}
		return t.part.with(r, s, schema.OfMap(to)), nil
	}
	from, err := requireStruct(v, "JSON in fields")
	if err != nil {
		return nil, err
	}
	return t.applyStruct(r, from)
}

func inField(name string, err error) error {
	message, _ := errs.Message(err)
	return errs.Wrap(errs.ClassData, err, "Field "+name+": "+message)
}

func (t *jsonField) applyStruct(r *connect.Record, from *schema.StructValue) (*connect.Record, error) {
	var names []string
	var schemas []*schema.Schema
	var values []schema.Value
	for _, name := range t.fields {
		f := from.Schema().Field(name)
		if f == nil {
			continue
		}
		value, err := t.convert(from.At(f.Index()))
		if err != nil {
			return nil, inField(name, err)
		}
		fs, value := t.schemaOf(f.Schema(), value)
		names, schemas, values = append(names, name), append(schemas, fs), append(values, value)
	}
	key := fieldSchemas{schema: from.Schema()}
	cached := copy(key.fields[:], schemas) == len(schemas)
	plan, ok := t.plans.Get(key)
	if !ok || !cached {
		var err error
		if plan, err = editSchema(from.Schema(), names, schemas); err != nil {
			return nil, err
		}
		if cached {
			t.plans.Put(key, plan)
		}
	}
	return t.part.with(r, plan.schema, plan.apply(&t.arena, from, values)), nil
}

// fromJSON parses texts of JSON.
type fromJSON struct{ jsonField }

// NewFromJSON makes a FromJson.
func NewFromJSON(part Part) connect.Transform { return &fromJSON{jsonField{part: part}} }

func (t *fromJSON) ConfigDef() *cd.Def {
	return cd.New(
		cd.Optional("fields", cd.List, []string{}, cd.High, "Names of the fields to parse; empty for the whole key or value. "+
			"Under a schema the result gets one that fits it, of structs with optional fields."),
		cd.Optional("on.error", cd.String, "fail", cd.Medium, "What to do with a text that is not JSON: fail, or keep it.").
			WithValidator(cd.CaseInsensitiveValidString("fail", "keep")),
		cd.Optional("keep.schema", cd.Boolean, true, cd.Low, "Whether a whole key or value that has a schema gets a new one; otherwise it loses it."),
	)
}

func (t *fromJSON) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	t.configure(c)
	keep := strings.EqualFold(c.String("on.error"), "keep")
	t.convert = func(v schema.Value) (schema.Value, error) {
		text := ""
		switch v.Kind() {
		case schema.KindNull:
			return v, nil
		case schema.KindString:
			text = v.Str()
		case schema.KindBytes:
			text = string(v.Bytes())
		default:
			if keep {
				return v, nil
			}
			return v, errs.Data("JSON is in strings or bytes, not in %s", v.Kind())
		}
		parsed, err := parseJSON(text)
		if err != nil && keep {
			return v, nil
		}
		return parsed, err
	}
	t.schemaOf = func(s *schema.Schema, v schema.Value) (*schema.Schema, schema.Value) {
		switch {
		case v.Kind() == s.ValueKind():
			return s, v // as it was
		case len(t.fields) == 0 && !c.Bool("keep.schema"):
			return nil, v
		}
		return t.infer.of(v)
	}
	return nil
}

func (t *fromJSON) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	return t.apply(r)
}

func (t *fromJSON) Close() error { return nil }
