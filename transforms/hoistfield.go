package transforms

import (
	"context"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/schema"
)

// hoistField wraps the key or value as the one field of a struct or map (HoistField).
type hoistField struct {
	part    Part
	name    string
	schemas *schema.Cache[*schema.Schema, *schema.Schema]
}

// NewHoistField makes a HoistField.
func NewHoistField(part Part) connect.Transform { return &hoistField{part: part} }

func (t *hoistField) ConfigDef() *cd.Def {
	return cd.New(cd.Required("field", cd.String, cd.Medium, "Field name for the single field that will be created in the resulting Struct or Map."))
}

func (t *hoistField) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	t.name = c.String("field")
	t.schemas = schema.NewCache[*schema.Schema, *schema.Schema](cacheSize)
	return nil
}

func (t *hoistField) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	s, v := t.part.of(r)
	if s == nil {
		m := schema.NewMap(1)
		m.PutString(t.name, v)
		return t.part.with(r, nil, schema.OfMap(m)), nil
	}
	updated, ok := t.schemas.Get(s)
	if !ok {
		var err error
		if updated, err = schema.NewStruct().Field(t.name, s).Build(); err != nil {
			return nil, err
		}
		t.schemas.Put(s, updated)
	}
	to := schema.NewStructValue(updated)
	if err := to.PutAt(0, v); err != nil {
		return nil, err
	}
	return t.part.with(r, updated, schema.OfStruct(to)), nil
}

func (t *hoistField) Close() error { return nil }
