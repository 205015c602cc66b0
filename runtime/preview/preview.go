// Package preview runs records through a connector's transforms, and converters where
// asked to, without a cluster, and prints what comes out or where and why it fails. It
// is what `moldau preview` does; flags and files are not its business, and records
// are read and written in the notation of the package below it.
package preview

import (
	"context"
	"errors"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/plugins"
	"github.com/moldau-io/moldau/runtime/chain"
	"github.com/moldau-io/moldau/runtime/preview/notation"
	"github.com/moldau-io/moldau/runtime/settings"
)

// Engine previews. It is for one goroutine at a time.
type Engine struct {
	registry *plugins.Registry
	catalog  settings.Plugins
	codec    *notation.Codec
	now      func() time.Time
}

// New returns an engine over the plugins of a registry. now gives the timestamps of
// records that have none of their own.
func New(registry *plugins.Registry, now func() time.Time) *Engine {
	return &Engine{registry: registry, catalog: settings.Catalogue(registry), codec: notation.New(), now: now}
}

// ConfigError says that a connector's configuration is wrong.
type ConfigError struct {
	// Phase is "validate" for a setting that is wrong as such, or "configure" for a
	// transform or predicate that refuses its settings.
	Phase string
	// Err is Connect's exception, or its cause where WrappedBy names the class around it.
	Err       error
	WrappedBy string
	// Direct is what the plugin itself says when it is given its settings alone, nil for nothing.
	Direct error
}

// Error returns the exception's text.
func (e *ConfigError) Error() string { return e.Err.Error() }

// Unwrap returns the exception.
func (e *ConfigError) Unwrap() error { return e.Err }

// build checks a configuration and makes its chain, as a worker does when it starts a task.
func (e *Engine) build(props map[string]string) (*chain.Chain, *settings.Connector, *ConfigError) {
	connector, err := settings.ParseConnector(e.catalog, props)
	if err != nil {
		return nil, nil, &ConfigError{Phase: "validate", Err: err, Direct: e.direct(props)}
	}
	c, err := chain.Build(props, e.registry)
	if err == nil {
		return c, connector, nil
	}
	failure := &ConfigError{Phase: "configure", Err: err, Direct: e.direct(props)}
	if cause := errors.Unwrap(err); cause != nil {
		failure.Err, failure.WrappedBy = cause, errs.Class(err)
	}
	return nil, nil, failure
}

// complete adds the settings that each connector must have, where they are missing.
func complete(props map[string]string) map[string]string {
	out := map[string]string{"name": "preview", "connector.class": "preview"}
	for k, v := range props {
		out[k] = v
	}
	return out
}

// outcome is what became of a record.
type outcome struct {
	record *connect.Record // nil when it was dropped
	stage  int             // where it failed
	err    error
}

func apply(ctx context.Context, c *chain.Chain, r *connect.Record) (o outcome) {
	o.record, o.stage, o.err = c.Apply(ctx, r)
	return o
}
