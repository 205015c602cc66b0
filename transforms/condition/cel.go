package condition

import (
	"context"
	"time"

	"github.com/google/cel-go/cel"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// costLimit bounds the work of one evaluation, in CEL's own units.
const costLimit = 10_000_000

// CEL is a compiled expression over a record, which must give a boolean. It knows
// topic (string), partition (int, null for none), timestamp (timestamp, null for
// none), offset (int, of sink records), key, value, and headers, a map of the last
// header of each name. Structs and maps are maps; dates are timestamps; decimals are
// doubles. It is safe for concurrent use.
type CEL struct {
	text    string
	program cel.Program
}

// CompileCEL reads an expression. What is wrong with it is a ConfigException.
func CompileCEL(text string) (*CEL, error) {
	env, err := cel.NewEnv(
		cel.Variable("topic", cel.StringType), cel.Variable("partition", cel.DynType), cel.Variable("timestamp", cel.DynType),
		cel.Variable("offset", cel.DynType), cel.Variable("key", cel.DynType), cel.Variable("value", cel.DynType),
		cel.Variable("headers", cel.MapType(cel.StringType, cel.DynType)),
	)
	if err != nil {
		return nil, errs.Wrap(errs.ClassConfig, err, "set up CEL: "+err.Error())
	}
	ast, issues := env.Compile(text)
	if err := issues.Err(); err != nil {
		return nil, errs.Wrap(errs.ClassConfig, err, "Not an expression in CEL: "+err.Error())
	}
	if t := ast.OutputType(); !t.IsExactType(cel.BoolType) && !t.IsExactType(cel.DynType) {
		return nil, errs.Config("The expression " + text + " gives a value of type " + t.String() + "; it must give a boolean")
	}
	program, err := env.Program(ast, cel.CostLimit(costLimit), cel.InterruptCheckFrequency(1000))
	if err != nil {
		return nil, errs.Wrap(errs.ClassConfig, err, "Not an expression in CEL: "+err.Error())
	}
	return &CEL{text, program}, nil
}

// Holds evaluates the expression. An error, such as a missing field, is a DataException.
func (c *CEL) Holds(ctx context.Context, r *connect.Record) (bool, error) {
	out, _, err := c.program.ContextEval(ctx, &variables{r: r})
	if err != nil {
		return false, errs.Wrap(errs.ClassData, err, "Cannot decide the condition "+c.text+": "+err.Error()).
			WithHint("has(value.field) tells whether a field is there")
	}
	holds, ok := out.Value().(bool)
	if !ok {
		return false, errs.Data("The condition " + c.text + " gives a value of type " + out.Type().TypeName() + ", not a boolean")
	}
	return holds, nil
}

// variables gives an expression those parts of a record that it asks for.
type variables struct{ r *connect.Record }

// ResolveName implements cel.Activation.
func (v *variables) ResolveName(name string) (any, bool) {
	r := v.r
	switch name {
	case "topic":
		return r.Topic, true
	case "partition":
		if r.Partition == connect.NoPartition {
			return nil, true
		}
		return int64(r.Partition), true
	case "timestamp":
		if r.Timestamp == connect.NoTimestamp {
			return nil, true
		}
		return time.UnixMilli(r.Timestamp).UTC(), true
	case "offset":
		if !r.Sink {
			return nil, true
		}
		return r.Offset, true
	case "key":
		return native(r.Key, 0), true
	case "value":
		return native(r.Value, 0), true
	case "headers":
		m := make(map[string]any, len(r.Headers))
		for _, h := range r.Headers {
			m[h.Key] = native(h.Value, 0)
		}
		return m, true
	}
	return nil, false
}

// Parent implements cel.Activation.
func (v *variables) Parent() cel.Activation { return nil }

// native turns a value into what CEL works on.
func native(v schema.Value, depth int) any {
	const deepest = 1000
	if depth > deepest {
		return nil
	}
	switch v.Kind() {
	case schema.KindFloat32:
		return float64(v.Float32())
	case schema.KindFloat64:
		return v.Float64()
	case schema.KindBoolean:
		return v.Boolean()
	case schema.KindString:
		return v.Str()
	case schema.KindBytes:
		return v.Bytes()
	case schema.KindDecimal:
		return v.Decimal().Float64()
	case schema.KindDate:
		return time.UnixMilli(v.Date()).UTC()
	case schema.KindArray:
		list := make([]any, len(v.Array()))
		for i, e := range v.Array() {
			list[i] = native(e, depth+1)
		}
		return list
	case schema.KindMap:
		m := make(map[string]any, v.Map().Len())
		for _, e := range v.Map().Entries() {
			m[e.Key.Text()] = native(e.Value, depth+1)
		}
		return m
	case schema.KindStruct:
		s := v.Struct()
		m := make(map[string]any, len(s.Schema().Fields()))
		for i := range s.Schema().Fields() {
			m[s.Schema().Fields()[i].Name()] = native(s.At(i), depth+1)
		}
		return m
	}
	if n, ok := v.Integer(); ok {
		return n
	}
	return nil
}
