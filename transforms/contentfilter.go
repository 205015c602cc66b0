package transforms

import (
	"context"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/transforms/condition"
)

// contentFilter keeps or drops the records in which a JSONPath finds something.
type contentFilter struct {
	part    Part
	path    *condition.Path
	include bool
	missing string
}

// NewContentFilter makes a filter by JSONPath.
func NewContentFilter(part Part) connect.Transform { return &contentFilter{part: part} }

func (t *contentFilter) ConfigDef() *cd.Def {
	return cd.New(
		cd.Required("filter.condition", cd.String, cd.High, "A JSONPath with a filter, such as $[?(@.amount > 10 && @.country == 'DE')], which holds for "+
			"records in which it finds something.").WithValidator(JSONPathValidator()),
		cd.Required("filter.type", cd.String, cd.High, "include keeps the records for which the condition holds, exclude drops them.").
			WithValidator(cd.CaseInsensitiveValidString("include", "exclude")),
		cd.Optional("missing.or.null.behavior", cd.String, "fail", cd.Medium,
			"What to do with records that lack a field of the condition: fail, include or exclude.").
			WithValidator(cd.CaseInsensitiveValidString("fail", "include", "exclude")),
	)
}

// JSONPathValidator accepts JSONPaths.
func JSONPathValidator() cd.Validator {
	return cd.LambdaValidator(func(name string, value any) error {
		text, ok := value.(string)
		if !ok {
			return cd.Invalid(name, value, "not a JSONPath")
		}
		if _, err := condition.CompilePath(text); err != nil {
			message, _ := errs.Message(err)
			return cd.Invalid(name, value, message)
		}
		return nil
	}, "a JSONPath")
}

func (t *contentFilter) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	t.include = c.String("filter.type")[0]|0x20 == 'i'
	t.missing = c.String("missing.or.null.behavior")
	t.path, err = condition.CompilePath(c.String("filter.condition"))
	return err
}

func (t *contentFilter) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	_, v := t.part.of(r)
	found, missing := t.path.Find(v)
	keep := (len(found) > 0) == t.include
	if len(found) == 0 && (missing || v.IsNull()) {
		switch t.missing[0] | 0x20 {
		case 'f':
			return nil, errs.Data("The record lacks a field of the condition %s, or it is null", t.path).
				WithHint("missing.or.null.behavior decides about such records")
		default:
			keep = t.missing[0]|0x20 == 'i'
		}
	}
	if keep {
		return r, nil
	}
	return nil, nil
}

func (t *contentFilter) Close() error { return nil }
