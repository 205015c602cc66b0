package transforms

import (
	"context"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
)

// filter drops every record it is given; a predicate chooses them (Filter).
type filter struct{}

// NewFilter makes a Filter.
func NewFilter() connect.Transform { return filter{} }

func (filter) ConfigDef() *cd.Def                { return cd.New() }
func (filter) Configure(map[string]string) error { return nil }
func (filter) Close() error                      { return nil }

func (filter) Apply(context.Context, *connect.Record) (*connect.Record, error) { return nil, nil }
