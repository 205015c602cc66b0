package transforms

import (
	"context"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/schema"
)

// insertHeader adds a header with a fixed value (InsertHeader).
type insertHeader struct{ header connect.Header }

// NewInsertHeader makes an InsertHeader.
func NewInsertHeader() connect.Transform { return &insertHeader{} }

func (t *insertHeader) ConfigDef() *cd.Def {
	return cd.New(
		cd.Required("header", cd.String, cd.High, "The name of the header.").WithValidator(cd.NonNull()),
		cd.Required("value.literal", cd.String, cd.High,
			"The literal value that is to be set as the header value on all records.").WithValidator(cd.NonNull()),
	)
}

func (t *insertHeader) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	t.header.Key = c.String("header")
	// The text null gives no value; the header then holds null without a schema.
	t.header.Schema, t.header.Value, _, err = schema.ParseString(c.String("value.literal"))
	return err
}

func (t *insertHeader) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	c := r.Copy()
	c.Headers = r.Headers.With(t.header.Key, t.header.Schema, t.header.Value)
	return c, nil
}

func (t *insertHeader) Close() error { return nil }
