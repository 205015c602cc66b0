package api

import (
	"net/http"
	"strings"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/internal/logging"
)

type loggerLevel struct {
	Level        string `json:"level"`
	LastModified *int64 `json:"last_modified"`
}

func levelOf(l logging.Level) loggerLevel {
	out := loggerLevel{Level: l.Name}
	if !l.Modified.IsZero() {
		ms := l.Modified.UnixMilli()
		out.LastModified = &ms
	}
	return out
}

func (a *API) listLoggers(*http.Request) (int, any, error) {
	out := map[string]loggerLevel{}
	for name, l := range a.o.Levels.All() {
		out[name] = levelOf(l)
	}
	return http.StatusOK, out, nil
}

func (a *API) getLogger(r *http.Request) (int, any, error) {
	name := param(r, "logger")
	l, ok := a.o.Levels.Get(name)
	if !ok {
		return 0, nil, errs.New(errs.ClassNotFound, "Logger "+name+" not found.")
	}
	return http.StatusOK, levelOf(l), nil
}

// setLogger sets a level on this worker or, with scope=cluster, on all (KIP-976).
func (a *API) setLogger(r *http.Request) (int, any, error) {
	body, err := readBody(r)
	if err != nil {
		return 0, nil, err
	}
	given, err := objectOfStrings(body)
	if err != nil {
		return 0, nil, err
	}
	wanted := given["level"]
	switch {
	case wanted == nil:
		return 0, nil, badRequest("Desired 'level' parameter was not specified in request.")
	case *wanted == "":
		return 0, nil, errs.IllegalArgument("Illegal null or empty Level name.")
	}
	level, ok := logging.Canonical(*wanted)
	if !ok {
		return 0, nil, errs.New(errs.ClassNotFound, "invalid log level '"+*wanted+"'.")
	}
	name := param(r, "logger")
	if strings.EqualFold(r.URL.Query().Get("scope"), "cluster") {
		return http.StatusNoContent, nil, a.o.Herder.SetClusterLoggerLevel(r.Context(), name, level)
	}
	return http.StatusOK, a.o.Levels.Set(name, level), nil
}
