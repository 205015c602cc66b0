package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/moldau-io/moldau/api/access"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/herder"
	"github.com/moldau-io/moldau/runtime/state"
)

type taskID struct {
	Connector string `json:"connector"`
	Task      int    `json:"task"`
}

type connectorInfo struct {
	Name   string            `json:"name"`
	Config map[string]string `json:"config"`
	Tasks  []taskID          `json:"tasks"`
	Type   string            `json:"type"`
}

func infoOf(i herder.Info) connectorInfo {
	out := connectorInfo{Name: i.Name, Config: i.Config, Tasks: []taskID{}, Type: i.Type}
	for _, id := range i.Tasks {
		out.Tasks = append(out.Tasks, taskID{id.Connector, id.Task})
	}
	return out
}

type stateBody struct {
	State    string  `json:"state"`
	WorkerID string  `json:"worker_id"`
	Trace    string  `json:"trace,omitempty"`
	Version  *string `json:"version,omitempty"`
}

type taskState struct {
	ID int `json:"id"`
	stateBody
}

type connectorState struct {
	Name      string      `json:"name"`
	Connector stateBody   `json:"connector"`
	Tasks     []taskState `json:"tasks"`
	Type      string      `json:"type"`
}

func optional(s string, has bool) *string {
	if !has {
		return nil
	}
	return &s
}

func taskStateOf(t state.TaskStatus) taskState {
	return taskState{t.ID.Task, stateBody{string(t.State), t.WorkerID, t.Trace, optional(t.Version, t.HasVersion)}}
}

func stateOf(s herder.StateInfo) connectorState {
	c := s.Connector
	out := connectorState{
		Name: s.Name, Connector: stateBody{string(c.State), c.WorkerID, c.Trace, optional(c.Version, c.HasVersion)},
		Tasks: []taskState{}, Type: s.Type,
	}
	for _, t := range s.Tasks {
		out.Tasks = append(out.Tasks, taskStateOf(t))
	}
	return out
}

func (a *API) listConnectors(r *http.Request) (int, any, error) {
	names := slices.DeleteFunc(slices.Clone(a.o.Herder.Connectors()), func(name string) bool { return !a.visible(r.Context(), name) })
	expand, ok := r.URL.Query()["expand"]
	if !ok {
		if names == nil {
			names = []string{}
		}
		return http.StatusOK, names, nil
	}
	out := map[string]map[string]any{}
	for _, name := range names {
		parts := map[string]any{}
		var err error
		for _, e := range expand {
			switch e {
			case "status":
				var s herder.StateInfo
				if s, err = a.o.Herder.Status(name); err == nil {
					parts["status"] = stateOf(s)
				}
			case "info":
				var i herder.Info
				if i, err = a.o.Herder.Connector(name); err == nil {
					parts["info"] = a.info(i)
				}
			}
			if err != nil {
				break
			}
		}
		// A connector that is gone or has no status yet is left out, as a whole.
		if err == nil {
			out[name] = parts
		}
	}
	return http.StatusOK, out, nil
}

// createRequest is the body of POST /connectors.
type createRequest struct {
	Name   string
	Config map[string]*string
	Target state.TargetState
}

func (c *createRequest) read(d *json.Decoder) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return fmt.Errorf("an object is expected, not %v", t)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		switch key {
		case "name":
			var name any
			if err := d.Decode(&name); err != nil {
				return err
			}
			if name != nil {
				switch v := name.(type) {
				case string:
					c.Name = v
				case json.Number, bool:
					c.Name = fmt.Sprint(v)
				default:
					return errors.New("name must be a string")
				}
			}
		case "config":
			if c.Config, err = readStrings(d); err != nil {
				return err
			}
		case "initial_state":
			var text *string
			if err := d.Decode(&text); err != nil {
				return err
			}
			if text != nil {
				if c.Target, err = initialState(*text); err != nil {
					return err
				}
			}
		default:
			return fmt.Errorf("Unrecognized field \"%v\", not marked as ignorable (3 known properties: \"name\", \"config\", \"initial_state\")", key)
		}
	}
	_, err = d.Token()
	return err
}

func initialState(text string) (state.TargetState, error) {
	var target state.TargetState
	switch strings.ToUpper(text) {
	case "RUNNING":
		target = state.TargetStarted
	case "PAUSED":
		target = state.TargetPaused
	case "STOPPED":
		target = state.TargetStopped
	default:
		return "", fmt.Errorf("initial_state is %q; it can be RUNNING, PAUSED or STOPPED", text)
	}
	return target, nil
}

func (a *API) createConnector(r *http.Request, body []byte) (int, any, error) {
	var c createRequest
	if err := decode(body, c.read); err != nil {
		return 0, nil, err
	}
	if c.Config == nil {
		return 0, nil, errs.New(errs.ClassNullPointer, "The request has no \"config\"")
	}
	name := strings.TrimSpace(c.Name)
	who := callerOf(r.Context())
	who.connector = name
	if err := a.authorizeConnector(who, name, access.Edit); err != nil {
		return 0, nil, err
	}
	if _, err := a.unmask(name, c.Config); err != nil {
		return 0, nil, err
	}
	config, err := a.named(r.Context(), name, c.Config)
	if err != nil {
		return 0, nil, err
	}
	waits, err := a.waitFor(r, name)
	if err != nil {
		return 0, nil, err
	}
	info, _, err := a.o.Herder.PutConnector(r.Context(), name, config, c.Target, false)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, located{"/connectors/" + pathEscape(name), waits.or(r, a.info(info))}, nil
}

// named gives a configuration its name, which must not be another. Null values are
// errors that validation words.
func (a *API) named(ctx context.Context, name string, config map[string]*string) (map[string]string, error) {
	if included := config["name"]; included != nil && *included != name {
		return nil, badRequest("Connector name configuration (" + *included + ") doesn't match connector name in the URL (" + name + ")")
	}
	for _, value := range config {
		if value == nil {
			full := maps.Clone(config)
			full["name"] = &name
			return nil, a.o.Validator.CheckNullable(ctx, full)
		}
	}
	out := plain(config)
	out["name"] = name
	return out, nil
}

// pathEscape writes a name as UriBuilder does.
func pathEscape(name string) string { return strings.ReplaceAll(url.PathEscape(name), "+", "%2B") }

func (a *API) getConnector(r *http.Request) (int, any, error) {
	info, err := a.o.Herder.Connector(param(r, "connector"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, a.info(info), nil
}

func (a *API) deleteConnector(r *http.Request, _ []byte) (int, any, error) {
	return http.StatusNoContent, nil, a.o.Herder.DeleteConnector(r.Context(), param(r, "connector"))
}

func (a *API) getConfig(r *http.Request) (int, any, error) {
	info, err := a.o.Herder.Connector(param(r, "connector"))
	return http.StatusOK, a.masked(info.Config, info.Config), err
}

func (a *API) putConfig(r *http.Request, body []byte) (int, any, error) {
	given, err := objectOfStrings(body)
	if err != nil {
		return 0, nil, err
	}
	name := param(r, "connector")
	config, err := a.named(r.Context(), name, given)
	if err != nil {
		return 0, nil, err
	}
	waits, err := a.waitFor(r, name)
	if err != nil {
		return 0, nil, err
	}
	info, created, err := a.o.Herder.PutConnector(r.Context(), name, config, "", true)
	if err != nil {
		return 0, nil, err
	}
	answer := waits.or(r, a.info(info))
	if created {
		return http.StatusCreated, located{"/connectors/" + pathEscape(name), answer}, nil
	}
	return http.StatusOK, answer, nil
}

func objectOfStrings(body []byte) (map[string]*string, error) {
	var m map[string]*string
	err := decode(body, func(d *json.Decoder) (err error) {
		m, err = readStrings(d)
		return err
	})
	if err == nil && m == nil {
		err = errs.New(errs.ClassNullPointer, "The request's body is null")
	}
	return m, err
}

// isNothing says whether a body is empty or null.
func isNothing(body []byte) bool {
	b := bytes.TrimSpace(body)
	return len(b) == 0 || string(b) == "null"
}

func (a *API) patchConfig(r *http.Request, body []byte) (int, any, error) {
	patch, err := objectOfStrings(body)
	if err != nil {
		// Connect asks for the connector first where there is no patch at all.
		if _, unknown := a.o.Herder.Status(param(r, "connector")); unknown != nil && isNothing(body) {
			err = errs.New(errs.ClassNotFound, "Connector %s not found", param(r, "connector"))
		}
		return 0, nil, err
	}
	waits, err := a.waitFor(r, param(r, "connector"))
	if err != nil {
		return 0, nil, err
	}
	info, err := a.o.Herder.PatchConnector(r.Context(), param(r, "connector"), patch)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, waits.or(r, a.info(info)), nil
}

func (a *API) getStatus(r *http.Request) (int, any, error) {
	s, err := a.o.Herder.Status(param(r, "connector"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, stateOf(s), nil
}

type topicsInfo struct {
	Topics []string `json:"topics"`
}

func (a *API) getTopics(r *http.Request) (int, any, error) {
	if !a.o.TopicTracking {
		return 0, nil, &statusError{http.StatusForbidden, "Topic tracking is disabled.", false}
	}
	name := param(r, "connector")
	return http.StatusOK, map[string]topicsInfo{name: {a.o.Herder.ActiveTopics(name)}}, nil
}

func (a *API) resetTopics(r *http.Request) (int, any, error) {
	switch {
	case !a.o.TopicTracking:
		return 0, nil, &statusError{http.StatusForbidden, "Topic tracking is disabled.", false}
	case !a.o.TopicReset:
		return 0, nil, &statusError{http.StatusForbidden, "Topic tracking reset is disabled.", false}
	}
	return http.StatusAccepted, nil, a.o.Herder.ResetActiveTopics(r.Context(), param(r, "connector"))
}

func (a *API) pause(r *http.Request) (int, any, error) {
	return http.StatusAccepted, nil, a.o.Herder.Pause(r.Context(), param(r, "connector"))
}

func (a *API) resume(r *http.Request) (int, any, error) {
	return http.StatusAccepted, nil, a.o.Herder.Resume(r.Context(), param(r, "connector"))
}

func (a *API) stop(r *http.Request, _ []byte) (int, any, error) {
	return http.StatusNoContent, nil, a.o.Herder.Stop(r.Context(), param(r, "connector"))
}

// boolean reads a query parameter as Java's Boolean.valueOf does.
func boolean(r *http.Request, name string) bool {
	return strings.EqualFold(r.URL.Query().Get(name), "true")
}

func (a *API) restart(r *http.Request, _ []byte) (int, any, error) {
	req := state.RestartRequest{Connector: param(r, "connector"), OnlyFailed: boolean(r, "onlyFailed"), IncludeTasks: boolean(r, "includeTasks")}
	waits, err := a.waitFor(r, req.Connector)
	if err != nil {
		return 0, nil, err
	}
	if req.ConnectorOnly() {
		err := a.o.Herder.RestartConnector(r.Context(), req.Connector)
		if err != nil || waits == nil {
			return http.StatusNoContent, nil, err
		}
		waits.mark.Restarted = &herder.StateInfo{Connector: state.ConnectorStatus{State: state.Restarting}}
		return http.StatusOK, waits.state(r), nil
	}
	s, err := a.o.Herder.Restart(r.Context(), req)
	if err != nil {
		return 0, nil, err
	}
	if waits != nil {
		waits.mark.Restarted = &s
		return http.StatusOK, waits.state(r), nil
	}
	return http.StatusAccepted, stateOf(s), nil
}
