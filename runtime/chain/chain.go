// Package chain builds a connector's transforms and predicates from its
// configuration and applies them in order (ConnectorConfig.transformationStages,
// TransformationStage).
//
// Whether the keys of a configuration are right as such is checked before, by
// runtime/settings; what happens to records that fail is decided by runtime/task.
package chain

import (
	"context"
	"fmt"
	"strings"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/plugins"
)

// Stage is one transform, applied to the records its predicate selects.
type Stage struct {
	// Alias is the transform's name in the configuration.
	Alias string
	// Class is the Java class name.
	Class string
	// Predicate is the predicate's alias, "" for none.
	Predicate string
	// Negate turns the predicate around.
	Negate bool

	transform connect.Transform
	predicate connect.Predicate
}

// Chain is a connector's transforms in order. It is used by one goroutine at a time.
type Chain struct{ stages []Stage }

// ConfigureError is an error of a plugin's own configuration, wrapped as Connect
// wraps it: the text is that of ConnectException(cause).
type ConfigureError struct {
	// Alias is the transform whose stage could not be made.
	Alias string
	err   *errs.Error
}

// Error returns the cause in Java's form, as the exception's message has it.
func (e *ConfigureError) Error() string { return e.err.Error() }

// Unwrap returns the labelled ConnectException, whose cause is the plugin's error.
func (e *ConfigureError) Unwrap() error { return e.err }

// Build makes the chain of a connector configuration that passed validation. An
// error of a plugin is a *ConfigureError.
func Build(props map[string]string, registry *plugins.Registry) (*Chain, error) {
	list, err := configdef.ParseType("transforms", props["transforms"], configdef.List)
	if err != nil {
		return nil, err
	}
	aliases, ok := list.([]string)
	if !ok {
		return nil, errs.InvalidValue("transforms", props["transforms"], "Expected a comma separated list.")
	}
	c := &Chain{}
	for _, alias := range aliases {
		stage, err := build(alias, props, registry)
		if err != nil {
			if closeErr := c.Close(); closeErr != nil {
				err = fmt.Errorf("%w (and closing those before it: %v)", err, closeErr)
			}
			return nil, &ConfigureError{alias, errs.Wrap(errs.ClassConnect, err, errs.String(err))}
		}
		c.stages = append(c.stages, stage)
	}
	return c, nil
}

func build(alias string, props map[string]string, registry *plugins.Registry) (s Stage, err error) {
	prefix := "transforms." + alias + "."
	class := props[prefix+"type"]
	p, ok := registry.Find(plugins.Transformation, class)
	if !ok {
		return s, errs.InvalidValue(prefix+"type", class, "Class "+class+" could not be found.")
	}
	s = Stage{Alias: alias, Class: p.Class}
	if s.transform, err = p.NewTransform(); err != nil {
		return s, err
	}
	config := withPrefix(props, prefix)
	predicate, selects := config["predicate"]
	s.Negate = strings.EqualFold(config["negate"], "true")
	delete(config, "predicate")
	delete(config, "negate")
	if err := s.transform.Configure(config); err != nil {
		return s, err
	}
	if !selects {
		return s, nil
	}
	s.Predicate = predicate
	key := "predicates." + predicate + "."
	if _, ok := props[key+"type"]; !ok {
		return s, errs.Config("Unknown configuration '%splugin.version'", key)
	}
	q, ok := registry.Find(plugins.Predicate, props[key+"type"])
	if !ok {
		return s, errs.InvalidValue(key+"type", props[key+"type"], "Class "+props[key+"type"]+" could not be found.")
	}
	if s.predicate, err = q.NewPredicate(); err != nil {
		return s, err
	}
	return s, s.predicate.Configure(withPrefix(props, key))
}

func withPrefix(props map[string]string, prefix string) map[string]string {
	out := map[string]string{}
	for k, v := range props {
		if rest, ok := strings.CutPrefix(k, prefix); ok && rest != "" {
			out[rest] = v
		}
	}
	return out
}

// Len is the number of stages.
func (c *Chain) Len() int { return len(c.stages) }

// Stages returns the stages in order. They must not be changed.
func (c *Chain) Stages() []Stage { return c.stages }

// Class returns the Java class name of a stage's transform.
func (c *Chain) Class(stage int) string { return c.stages[stage].Class }

// Apply returns the record that takes r's place, or nil where a transform dropped
// it. On an error, stage is the one that failed, from 0.
func (c *Chain) Apply(ctx context.Context, r *connect.Record) (out *connect.Record, stage int, err error) {
	for i := range c.stages {
		if r, err = c.stages[i].apply(ctx, r); err != nil || r == nil {
			return nil, i, err
		}
	}
	return r, 0, nil
}

// ApplyStage applies one stage alone, for tools that show each step.
func (c *Chain) ApplyStage(ctx context.Context, stage int, r *connect.Record) (*connect.Record, error) {
	return c.stages[stage].apply(ctx, r)
}

// apply turns a plugin's panic into an error that names it.
func (s *Stage) apply(ctx context.Context, r *connect.Record) (out *connect.Record, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, err = nil, errs.Connect("panic in transform %s (%s): %v", s.Alias, s.Class, p)
		}
	}()
	if s.predicate != nil {
		selected, err := s.predicate.Test(r)
		if err != nil {
			return nil, err
		}
		if selected == s.Negate {
			return r, nil
		}
	}
	return s.transform.Apply(ctx, r)
}

// Close closes all transforms and predicates and returns the first error.
func (c *Chain) Close() error {
	var first error
	for i := range c.stages {
		s := &c.stages[i]
		if err := s.transform.Close(); err != nil && first == nil {
			first = fmt.Errorf("closing transform %s: %w", s.Alias, err)
		}
		if s.predicate != nil {
			if err := s.predicate.Close(); err != nil && first == nil {
				first = fmt.Errorf("closing predicate %s: %w", s.Predicate, err)
			}
		}
	}
	return first
}
