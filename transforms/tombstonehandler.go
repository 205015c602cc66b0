package transforms

import (
	"context"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
)

// tombstoneHandler decides what becomes of records whose value is null.
type tombstoneHandler struct{ fail bool }

// NewTombstoneHandler makes a TombstoneHandler.
func NewTombstoneHandler() connect.Transform { return &tombstoneHandler{} }

func (t *tombstoneHandler) ConfigDef() *cd.Def {
	return cd.New(cd.Required("behavior", cd.String, cd.Medium,
		"What to do with records whose value is null: drop_silent and drop_warn drop them, which the task's metrics count; fail fails them.").
		WithValidator(cd.CaseInsensitiveValidString("drop_silent", "drop_warn", "fail")))
}

func (t *tombstoneHandler) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	t.fail = c.String("behavior")[0]|0x20 == 'f'
	return nil
}

func (t *tombstoneHandler) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	switch {
	case !r.Value.IsNull():
		return r, nil
	case t.fail:
		return nil, errs.Data("The record's value is null, which behavior=fail refuses")
	}
	return nil, nil
}

func (t *tombstoneHandler) Close() error { return nil }
