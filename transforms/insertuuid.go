package transforms

import (
	"context"

	"github.com/google/uuid"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// insertUUID adds a random UUID as a field.
type insertUUID struct {
	part  Part
	field string
	plans *schema.Cache[*schema.Schema, *edited]
	arena schema.Arena
	make  func() (string, error)
}

// NewInsertUUID makes an InsertUuid.
func NewInsertUUID(part Part) connect.Transform {
	return &insertUUID{part: part, make: func() (string, error) {
		id, err := uuid.NewRandom()
		return id.String(), err
	}}
}

func (t *insertUUID) ConfigDef() *cd.Def {
	return cd.New(cd.Optional("uuid.field.name", cd.String, "uuid", cd.High, "Name of the field that holds the UUID.").
		WithValidator(cd.NonEmptyString()))
}

func (t *insertUUID) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	t.field = c.String("uuid.field.name")
	t.plans = schema.NewCache[*schema.Schema, *edited](cacheSize)
	return nil
}

func (t *insertUUID) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	s, v := t.part.of(r)
	if v.IsNull() {
		return r, nil
	}
	id, err := t.make()
	if err != nil {
		return nil, errs.Wrap(errs.ClassConnect, err, "make a UUID: "+err.Error())
	}
	if v.Kind() == schema.KindMap {
		to := v.Map().Clone()
		to.PutString(t.field, schema.OfString(id))
		return t.part.with(r, s, schema.OfMap(to)), nil
	}
	from, err := requireStruct(v, "inserting a UUID")
	if err != nil {
		return nil, err
	}
	plan, ok := t.plans.Get(from.Schema())
	if !ok {
		if plan, err = editSchema(from.Schema(), []string{t.field}, []*schema.Schema{schema.Of(schema.String)}); err != nil {
			return nil, err
		}
		t.plans.Put(from.Schema(), plan)
	}
	return t.part.with(r, plan.schema, plan.apply(&t.arena, from, []schema.Value{schema.OfString(id)})), nil
}

func (t *insertUUID) Close() error { return nil }
