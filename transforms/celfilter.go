package transforms

import (
	"context"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/transforms/condition"
)

// celFilter keeps or drops the records for which an expression holds.
type celFilter struct {
	cel     *condition.CEL
	include bool
}

// NewCELFilter makes a CelFilter.
func NewCELFilter() connect.Transform { return &celFilter{} }

func (t *celFilter) ConfigDef() *cd.Def {
	return cd.New(
		cd.Required("condition", cd.String, cd.High, "An expression in CEL over topic, partition, timestamp, offset, key, value and headers.").
			WithValidator(CELValidator()),
		cd.Optional("filter.type", cd.String, "include", cd.High, "include keeps the records for which the condition holds, exclude drops them.").
			WithValidator(cd.CaseInsensitiveValidString("include", "exclude")),
	)
}

// CELValidator accepts expressions in CEL that give a boolean.
func CELValidator() cd.Validator {
	return cd.LambdaValidator(func(name string, value any) error {
		text, ok := value.(string)
		if !ok {
			return cd.Invalid(name, value, "not an expression in CEL")
		}
		if _, err := condition.CompileCEL(text); err != nil {
			message, _ := errs.Message(err)
			return cd.Invalid(name, value, message)
		}
		return nil
	}, "an expression in CEL")
}

func (t *celFilter) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	t.include = c.String("filter.type")[0]|0x20 == 'i'
	t.cel, err = condition.CompileCEL(c.String("condition"))
	return err
}

func (t *celFilter) Apply(ctx context.Context, r *connect.Record) (*connect.Record, error) {
	holds, err := t.cel.Holds(ctx, r)
	if err != nil || holds != t.include {
		return nil, err
	}
	return r, nil
}

func (t *celFilter) Close() error { return nil }
