package transforms

import (
	"context"
	"strings"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/schema"
)

// toJSON writes data as texts of JSON.
type toJSON struct{ jsonField }

// NewToJSON makes a ToJson.
func NewToJSON(part Part) connect.Transform { return &toJSON{jsonField{part: part}} }

func (t *toJSON) ConfigDef() *cd.Def {
	return cd.New(
		cd.Optional("fields", cd.List, []string{}, cd.High, "Names of the fields to write as JSON; empty for the whole key or value. "+
			"Dates are written as milliseconds since the epoch, bytes as base64."),
		cd.Optional("output.schema.type", cd.String, "STRING", cd.Medium, "What the JSON is put in: STRING or BYTES.").
			WithValidator(cd.CaseInsensitiveValidString("STRING", "BYTES")),
		cd.Optional("schemas.enable", cd.Boolean, false, cd.Low, "Must be false: use JsonConverter for JSON with its schema.").
			WithValidator(cd.LambdaValidator(func(name string, value any) error {
				if value == true {
					return cd.Invalid(name, value, "JSON with its schema is what JsonConverter writes")
				}
				return nil
			}, "false")),
	)
}

func (t *toJSON) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	t.configure(c)
	inBytes := strings.EqualFold(c.String("output.schema.type"), "BYTES")
	t.convert = func(v schema.Value) (schema.Value, error) {
		if v.IsNull() {
			return v, nil
		}
		text := appendJSON(nil, v)
		if inBytes {
			return schema.OfBytes(text), nil
		}
		return schema.OfString(string(text)), nil
	}
	t.schemaOf = func(s *schema.Schema, v schema.Value) (*schema.Schema, schema.Value) {
		typ := schema.String
		if inBytes {
			typ = schema.Bytes
		}
		if s.Optional() {
			return schema.OptionalOf(typ), v
		}
		return schema.Of(typ), v
	}
	return nil
}

func (t *toJSON) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	return t.apply(r)
}

func (t *toJSON) Close() error { return nil }
