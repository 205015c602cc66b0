package chain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/plugins"
)

// Build makes the chain of a connector configuration that passed validation
// (settings.ParseConnector). What goes wrong is a ConnectException around the
// plugin's own error, as in Connect.
func Build(props map[string]string, registry *plugins.Registry) (*Chain, error) {
	transforms, err := aliases(props, "transforms")
	if err != nil {
		return nil, err
	}
	predicates, err := aliases(props, "predicates")
	if err != nil {
		return nil, err
	}
	c := &Chain{}
	for _, alias := range transforms {
		var s Stage
		err := s.build(alias, props, predicates, registry)
		c.stages = append(c.stages, s)
		if err == nil {
			continue
		}
		wrapped := wrap(err)
		if err := c.Close(); err != nil {
			wrapped = wrapped.WithHint("closing the transforms before it failed too: %v", err)
		}
		return nil, wrapped
	}
	return c, nil
}

// wrap is new ConnectException(cause).
func wrap(cause error) *errs.Error {
	return errs.Wrap(errs.ClassConnect, cause, "%s", errs.String(cause))
}

func aliases(props map[string]string, key string) ([]string, error) {
	text, ok := props[key]
	if !ok {
		return nil, nil
	}
	list, err := configdef.ParseType(key, text, configdef.List)
	if err != nil {
		return nil, err
	}
	names, _ := list.([]string)
	return names, nil
}

// build makes the transform and its predicate. What is made before an error stays in
// s, to be closed.
func (s *Stage) build(alias string, props map[string]string, predicates []string, registry *plugins.Registry) (err error) {
	prefix := "transforms." + alias + "."
	s.Alias = alias
	p, err := find(registry, plugins.Transformation, prefix, props)
	if err != nil {
		return wrap(err)
	}
	s.Class, s.Version = p.Class, p.Version
	defer guard(&err, "configuring transform", alias, p.Class)
	if s.transform, err = p.NewTransform(); err != nil {
		return err
	}
	config := withPrefix(props, prefix)
	predicate, conditional := config["predicate"]
	s.Negate = strings.EqualFold(config["negate"], "true")
	delete(config, "predicate")
	delete(config, "negate")
	if err := s.transform.Configure(config); err != nil || !conditional {
		return err
	}
	s.Predicate = predicate
	prefix = "predicates." + predicate + "."
	if !slices.Contains(predicates, predicate) {
		return wrap(errs.Config("Unknown configuration '"+prefix+"plugin.version'").
			WithHint("add %s to predicates", predicate))
	}
	q, err := find(registry, plugins.Predicate, prefix, props)
	if err != nil {
		return wrap(err)
	}
	s.PredicateClass, s.PredicateVersion = q.Class, q.Version
	if s.predicate, err = q.NewPredicate(); err != nil {
		return err
	}
	return s.predicate.Configure(withPrefix(props, prefix))
}

func find(registry *plugins.Registry, kind plugins.Kind, prefix string, props map[string]string) (plugins.Plugin, error) {
	class := props[prefix+"type"]
	p, ok := registry.Find(kind, class)
	if !ok {
		return p, errs.InvalidValue(prefix+"type", class, "Class "+class+" could not be found.")
	}
	return p, nil
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

// guard turns a plugin's panic into an error that names it; it is deferred.
func guard(err *error, what, alias, class string) {
	switch p := recover().(type) {
	case nil:
	case error:
		*err = errs.Wrap(errs.ClassConnect, p, "panic in "+what+" "+alias+" ("+class+"): "+p.Error())
	default:
		*err = errs.Connect("panic in %s %s (%s): %v", what, alias, class, fmt.Sprint(p))
	}
}
