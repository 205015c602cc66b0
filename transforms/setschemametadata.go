package transforms

import (
	"context"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// setSchemaMetadata sets a struct schema's name and version (SetSchemaMetadata).
type setSchemaMetadata struct {
	part        Part
	name        *string
	version     *int32
	withDefault bool
	schemas     *schema.Cache[*schema.Schema, *schema.Schema]
	arena       schema.Arena
}

// NewSetSchemaMetadata makes a SetSchemaMetadata.
func NewSetSchemaMetadata(part Part) connect.Transform { return &setSchemaMetadata{part: part} }

func (t *setSchemaMetadata) ConfigDef() *cd.Def {
	return cd.New(
		cd.Optional("schema.name", cd.String, nil, cd.High, "Schema name to set."),
		cd.Optional("schema.version", cd.Int, nil, cd.High, "Schema version to set."),
		replaceNullKey(),
	)
}

func (t *setSchemaMetadata) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	t.name, t.version = nil, nil
	if name, ok := c.StringOK("schema.name"); ok {
		t.name = &name
	}
	if !c.IsNull("schema.version") {
		version := c.Int("schema.version")
		t.version = &version
	}
	if t.name == nil && t.version == nil {
		return errs.Config("Neither schema name nor version configured")
	}
	t.withDefault = c.Bool("replace.null.with.default")
	t.schemas = schema.NewCache[*schema.Schema, *schema.Schema](cacheSize)
	return nil
}

func (t *setSchemaMetadata) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	s, v := t.part.of(r)
	if s == nil {
		if v.IsNull() {
			return r, nil
		}
		return nil, errs.Data("Schema required for [updating schema metadata]")
	}
	updated, ok := t.schemas.Get(s)
	if !ok {
		if _, err := s.FieldsOrError(); err != nil {
			return nil, err
		}
		updated = s.Renamed(t.name, t.version)
		t.schemas.Put(s, updated)
	}
	if v.Kind() == schema.KindStruct {
		from := v.Struct()
		fields := updated.Fields()
		to := t.arena.Struct(updated, t.arena.Values(len(fields)))
		for i := range fields {
			if err := keep(to, i, &fields[i], fieldValue(from, i, t.withDefault)); err != nil {
				return nil, err
			}
		}
		v = schema.OfStruct(to)
	}
	return t.part.with(r, updated, v), nil
}

func (t *setSchemaMetadata) Close() error { return nil }
