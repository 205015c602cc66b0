package api

import (
	"errors"
	"net/http"
	"strings"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/plugins"
	"github.com/moldau-io/moldau/runtime/herder"
)

type pluginInfo struct {
	Class   string `json:"class"`
	Type    string `json:"type"`
	Version string `json:"version,omitempty"`
}

func (a *API) listPlugins(r *http.Request) (int, any, error) {
	kinds := []plugins.Kind{plugins.Sink, plugins.Source}
	if only, ok := r.URL.Query()["connectorsOnly"]; ok && !strings.EqualFold(only[0], "true") {
		kinds = append(kinds, plugins.Transformation, plugins.Predicate, plugins.Converter, plugins.HeaderConverter)
	}
	out := []pluginInfo{}
	for _, p := range a.o.Plugins.List(kinds...) {
		out = append(out, pluginInfo{p.Class, string(p.Kind), p.Version})
	}
	return http.StatusOK, out, nil
}

func (a *API) pluginConfig(r *http.Request) (int, any, error) {
	version := r.URL.Query().Get("version")
	keys, err := a.o.Validator.PluginConfig(r.Context(), param(r, "plugin"), version)
	return http.StatusOK, keys, err
}

func (a *API) validate(r *http.Request) (int, any, error) {
	body, err := readBody(r)
	if err != nil {
		return 0, nil, err
	}
	given, err := objectOfStrings(body)
	if err != nil {
		return 0, nil, err
	}
	if name := given["name"]; name != nil && a.visible(r.Context(), *name) {
		if _, err := a.unmask(*name, given); err != nil {
			return 0, nil, err
		}
	}
	plugin := param(r, "plugin")
	if class := given["connector.class"]; class != nil && !strings.HasSuffix(withoutSuffix(*class), withoutSuffix(plugin)) {
		return 0, nil, badRequest("Included connector type " + *class + " does not match request type " + plugin)
	}
	infos, err := a.o.Validator.Validate(r.Context(), given)
	var timeout *herder.TimeoutError
	if errors.As(err, &timeout) {
		return 0, nil, err
	}
	if err != nil {
		// Connect does not unwrap the error here: the class is part of the message.
		return 0, nil, &statusError{http.StatusInternalServerError, errs.String(err), false}
	}
	return http.StatusOK, infos, nil
}

func withoutSuffix(class string) string {
	const suffix = "Connector"
	if len(class) > len(suffix) {
		return strings.TrimSuffix(class, suffix)
	}
	return class
}
