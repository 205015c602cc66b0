package transforms

import (
	"context"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
)

// dropHeaders removes headers by name (DropHeaders).
type dropHeaders struct{ names map[string]bool }

// NewDropHeaders makes a DropHeaders.
func NewDropHeaders() connect.Transform { return &dropHeaders{} }

func (t *dropHeaders) ConfigDef() *cd.Def {
	return cd.New(cd.Required("headers", cd.List, cd.High, "The name of the headers to be removed.").WithValidator(cd.NonEmptyList()))
}

func (t *dropHeaders) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	t.names = setOf(c.List("headers"))
	return nil
}

func (t *dropHeaders) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	dropped := 0
	for i := range r.Headers {
		if t.names[r.Headers[i].Key] {
			dropped++
		}
	}
	if dropped == 0 {
		return r, nil
	}
	c := r.Copy()
	c.Headers = make(connect.Headers, 0, len(r.Headers)-dropped)
	for i := range r.Headers {
		if !t.names[r.Headers[i].Key] {
			c.Headers = append(c.Headers, r.Headers[i])
		}
	}
	return c, nil
}

func (t *dropHeaders) Close() error { return nil }
