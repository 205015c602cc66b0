// Package chain builds a connector's transforms and predicates from its
// configuration and applies them in order (ConnectorConfig.transformationStages,
// TransformationStage).
//
// Whether the keys of a configuration are right as such is checked before, by
// runtime/settings; what happens to records that fail is decided by runtime/task.
package chain

import (
	"context"
	"errors"
	"fmt"

	"github.com/moldau-io/moldau/connect"
)

// Stage is one transform, applied to the records its predicate selects.
type Stage struct {
	// Alias is the transform's name in the configuration.
	Alias string
	// Class and Version are those of the plugin.
	Class, Version string
	// Predicate is the predicate's alias, "" for none; PredicateClass and
	// PredicateVersion are those of its plugin.
	Predicate, PredicateClass, PredicateVersion string
	// Negate turns the predicate around.
	Negate bool

	transform connect.Transform
	predicate connect.Predicate
}

// Chain is a connector's transforms in order. It is used by one goroutine at a time.
type Chain struct{ stages []Stage }

// Len is the number of stages.
func (c *Chain) Len() int { return len(c.stages) }

// Stages returns the stages in order. They must not be changed.
func (c *Chain) Stages() []Stage { return c.stages }

// Class returns the Java class name of a stage's transform.
func (c *Chain) Class(stage int) string { return c.stages[stage].Class }

// Apply returns the record that takes r's place, or nil where a transform dropped
// it. stage is the one, from 0, that failed or dropped the record, and 0 otherwise.
// The error is the plugin's own.
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

// Selects says whether a stage's predicate lets its transform have the record, for
// tools that show each step.
func (c *Chain) Selects(stage int, r *connect.Record) (bool, error) {
	return c.stages[stage].selects(r)
}

func (s *Stage) apply(ctx context.Context, r *connect.Record) (out *connect.Record, err error) {
	selected, err := s.selects(r)
	if err != nil || !selected {
		return r, err
	}
	defer guard(&err, "transform", s.Alias, s.Class)
	return s.transform.Apply(ctx, r)
}

func (s *Stage) selects(r *connect.Record) (selected bool, err error) {
	if s.predicate == nil {
		return true, nil
	}
	defer guard(&err, "predicate", s.Predicate, s.PredicateClass)
	holds, err := s.predicate.Test(r)
	return holds != s.Negate, err
}

// Close closes all transforms and predicates and returns their errors.
func (c *Chain) Close() error {
	var all []error
	for i := range c.stages {
		all = append(all, c.stages[i].close())
	}
	return errors.Join(all...)
}

func (s *Stage) close() (err error) {
	if s.transform != nil {
		if err = s.transform.Close(); err != nil {
			err = fmt.Errorf("closing transform %s: %w", s.Alias, err)
		}
	}
	if s.predicate != nil {
		if err2 := s.predicate.Close(); err2 != nil {
			err = errors.Join(err, fmt.Errorf("closing predicate %s: %w", s.Predicate, err2))
		}
	}
	return err
}
