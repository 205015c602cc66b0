package predicates

import (
	"context"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/transforms"
	"github.com/moldau-io/moldau/transforms/condition"
)

// celCondition holds for records for which an expression in CEL does.
type celCondition struct{ cel *condition.CEL }

// NewCELCondition makes a CelCondition.
func NewCELCondition() connect.Predicate { return &celCondition{} }

func (p *celCondition) ConfigDef() *cd.Def {
	return cd.New(cd.Required("condition", cd.String, cd.High, "An expression in CEL over topic, partition, timestamp, offset, key, value and headers.").
		WithValidator(transforms.CELValidator()))
}

func (p *celCondition) Configure(props map[string]string) error {
	c, err := p.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	p.cel, err = condition.CompileCEL(c.String("condition"))
	return err
}

func (p *celCondition) Test(r *connect.Record) (bool, error) {
	// An evaluation waits for nothing, and its cost is limited.
	return p.cel.Holds(context.Background(), r)
}

func (p *celCondition) Close() error { return nil }

// jsonPathCondition holds for records in whose key or value a JSONPath finds something.
type jsonPathCondition struct {
	path *condition.Path
	key  bool
}

// NewJSONPathCondition makes a JsonPathCondition.
func NewJSONPathCondition() connect.Predicate { return &jsonPathCondition{} }

func (p *jsonPathCondition) ConfigDef() *cd.Def {
	return cd.New(
		cd.Required("condition", cd.String, cd.High, "A JSONPath, such as $.a or $[?(@.amount > 10)]; the condition holds where it finds something that is not null.").
			WithValidator(transforms.JSONPathValidator()),
		cd.Optional("of", cd.String, "value", cd.Medium, "Whether the record's key or value is looked at.").
			WithValidator(cd.ValidString("key", "value")),
	)
}

func (p *jsonPathCondition) Configure(props map[string]string) error {
	c, err := p.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	p.key = c.String("of") == "key"
	p.path, err = condition.CompilePath(c.String("condition"))
	return err
}

func (p *jsonPathCondition) Test(r *connect.Record) (bool, error) {
	v := r.Value
	if p.key {
		v = r.Key
	}
	found, _ := p.path.Find(v)
	for _, v := range found {
		if !v.IsNull() {
			return true, nil
		}
	}
	return false, nil
}

func (p *jsonPathCondition) Close() error { return nil }
