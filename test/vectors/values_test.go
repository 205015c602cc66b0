package vectors_test

import (
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	convjson "github.com/moldau-io/moldau/converters/json"
	"github.com/moldau-io/moldau/runtime/preview/notation"
	"github.com/moldau-io/moldau/test/vectors"
)

type conversion func(s *schema.Schema, v schema.Value) (schema.Value, error)

func conversions() map[string]conversion {
	bare := func(f func(schema.Value) (schema.Value, error)) conversion {
		return func(_ *schema.Schema, v schema.Value) (schema.Value, error) { return f(v) }
	}
	text := func(f func(schema.Value) string) conversion {
		return func(_ *schema.Schema, v schema.Value) (schema.Value, error) { return schema.OfString(f(v)), nil }
	}
	return map[string]conversion{
		"boolean": schema.ConvertToBoolean, "int8": schema.ConvertToInt8, "int16": schema.ConvertToInt16,
		"int32": schema.ConvertToInt32, "int64": schema.ConvertToInt64,
		"float32": schema.ConvertToFloat32, "float64": schema.ConvertToFloat64,
		"date": schema.ConvertToDate, "time": schema.ConvertToTime, "timestamp": schema.ConvertToTimestamp,
		"array": bare(schema.ConvertToArray), "map": bare(schema.ConvertToMap), "struct": bare(schema.ConvertToStruct),
		"decimal": bare(func(v schema.Value) (schema.Value, error) { return schema.ConvertToDecimal(v, 2) }),
		"text":    text(schema.Value.Text),
		"string": func(_ *schema.Schema, v schema.Value) (schema.Value, error) {
			if v.IsNull() {
				return v, nil
			}
			return schema.OfString(schema.ConvertToString(v)), nil
		},
	}
}

// The data model's conversions give what Connect's Values and Java's toString gave.
func TestValues(t *testing.T) {
	cases, err := vectors.Cases(vectors.Values)
	if err != nil {
		t.Fatal(err)
	}
	codec := notation.New()
	functions := conversions()
	encoder := convjson.NewEncoder(convjson.Options{})
	for _, c := range cases {
		in, err := codec.ReadEnvelope(c.Input)
		if err != nil {
			t.Fatalf("%s: %v", c.ID, err)
		}
		got, err := convertValue(functions, encoder, c.Method, in)
		if err != nil {
			got = append(notation.AppendError([]byte(`{"error":`), err), '}')
		}
		if err := vectors.Compare(c.Result, got); err != nil {
			t.Errorf("%s: %v\n%.300s", c.ID, err, c.Line)
		}
	}
}

func convertValue(functions map[string]conversion, encoder *convjson.Encoder, method string, in connect.SchemaAndValue) ([]byte, error) {
	if method == "infer" {
		s, err := schema.InferSchema(in.Value)
		if err != nil {
			return nil, err
		}
		out, err := encoder.AppendSchema([]byte(`{"schema":`), s)
		return append(out, '}'), err
	}
	f, ok := functions[method]
	if !ok {
		return nil, errs.IllegalArgument("no conversion named " + method)
	}
	v, err := f(in.Schema, in.Value)
	if err != nil {
		return nil, err
	}
	return append(notation.AppendTyped([]byte(`{"value":`), v), '}'), nil
}
