package client

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
)

// Info is a connector as GET /connectors/{name} shows it.
type Info struct {
	Name   string            `json:"name"`
	Config map[string]string `json:"config"`
	Type   string            `json:"type"`
}

// State is the state of a connector's instance or of a task.
type State struct {
	State    string `json:"state"`
	WorkerID string `json:"worker_id"`
	Version  string `json:"version,omitempty"`
	Trace    string `json:"trace,omitempty"`
}

// TaskState is the state of a task.
type TaskState struct {
	ID int `json:"id"`
	State
}

// ConnectorStatus is what GET /connectors/{name}/status answers.
type ConnectorStatus struct {
	Name      string      `json:"name"`
	Type      string      `json:"type"`
	Connector State       `json:"connector"`
	Tasks     []TaskState `json:"tasks"`
}

// Expanded is a connector in the answer to GET /connectors?expand=…; what was not
// asked for is nil.
type Expanded struct {
	Info   *Info            `json:"info,omitempty"`
	Status *ConnectorStatus `json:"status,omitempty"`
}

// Names returns the names of all connectors, sorted.
func (c *REST) Names(ctx context.Context) ([]string, error) {
	var names []string
	_, err := c.Do(ctx, http.MethodGet, "/connectors", nil, &names)
	slices.Sort(names)
	return names, err
}

// Connectors returns all connectors with what is asked for: "info", "status". Servers
// that know no expand (before 2.3) are asked for each connector; one that goes away
// meanwhile is left out.
func (c *REST) Connectors(ctx context.Context, expand ...string) (map[string]Expanded, error) {
	var raw json.RawMessage
	if _, err := c.Do(ctx, http.MethodGet, "/connectors?"+url.Values{"expand": expand}.Encode(), nil, &raw); err != nil {
		return nil, err
	}
	out := map[string]Expanded{}
	var names []string
	if json.Unmarshal(raw, &names) != nil {
		return out, decodeAnswer(http.MethodGet, "/connectors", raw, &out)
	}
	for _, name := range names {
		var e Expanded
		var err error
		if slices.Contains(expand, "info") {
			e.Info, err = c.Connector(ctx, name)
		}
		if err == nil && slices.Contains(expand, "status") {
			e.Status, err = c.ConnectorStatus(ctx, name)
		}
		switch {
		case err == nil:
			out[name] = e
		case Status(err) != http.StatusNotFound:
			return nil, err
		}
	}
	return out, nil
}

// Connector returns one connector.
func (c *REST) Connector(ctx context.Context, name string) (*Info, error) {
	out := &Info{}
	_, err := c.Do(ctx, http.MethodGet, connectorPath(name), nil, out)
	return out, err
}

// ConnectorStatus returns the state of a connector and its tasks.
func (c *REST) ConnectorStatus(ctx context.Context, name string) (*ConnectorStatus, error) {
	out := &ConnectorStatus{}
	_, err := c.Do(ctx, http.MethodGet, connectorPath(name, "status"), nil, out)
	return out, err
}

// Create makes a connector; state is the state to begin in (KIP-980), "" for RUNNING.
func (c *REST) Create(ctx context.Context, name string, config map[string]string, state string) error {
	body := map[string]any{"name": name, "config": config}
	if state != "" {
		body["initial_state"] = state
	}
	_, err := c.Do(ctx, http.MethodPost, "/connectors", body, nil)
	return err
}

// PutConfig makes a connector or replaces its configuration.
func (c *REST) PutConfig(ctx context.Context, name string, config map[string]string) error {
	_, err := c.Do(ctx, http.MethodPut, connectorPath(name, "config"), config, nil)
	return err
}

// PatchConfig changes single settings; nil takes one away (KIP-477). Servers that do
// not know it (before 3.8) get the whole configuration, which current is.
func (c *REST) PatchConfig(ctx context.Context, name string, patch map[string]*string, current map[string]string) error {
	_, err := c.Do(ctx, http.MethodPatch, connectorPath(name, "config"), patch, nil)
	if s := Status(err); s != http.StatusMethodNotAllowed && s != http.StatusNotImplemented {
		return err
	}
	return c.PutConfig(ctx, name, Patched(current, patch))
}

// Patched is a configuration with a patch over it.
func Patched(config map[string]string, patch map[string]*string) map[string]string {
	out := maps.Clone(config)
	if out == nil {
		out = map[string]string{}
	}
	for k, v := range patch {
		if v == nil {
			delete(out, k)
		} else {
			out[k] = *v
		}
	}
	return out
}

// Delete deletes a connector.
func (c *REST) Delete(ctx context.Context, name string) error {
	_, err := c.Do(ctx, http.MethodDelete, connectorPath(name), nil, nil)
	return err
}

// Pause, Resume and Stop set the state a connector is to be in (KIP-875).
func (c *REST) Pause(ctx context.Context, name string) error {
	_, err := c.Do(ctx, http.MethodPut, connectorPath(name, "pause"), nil, nil)
	return err
}

// Resume sets a connector going again.
func (c *REST) Resume(ctx context.Context, name string) error {
	_, err := c.Do(ctx, http.MethodPut, connectorPath(name, "resume"), nil, nil)
	return err
}

// Stop ends a connector's tasks and keeps its configuration and offsets.
func (c *REST) Stop(ctx context.Context, name string) error {
	_, err := c.Do(ctx, http.MethodPut, connectorPath(name, "stop"), nil, nil)
	return err
}

// Restart restarts a connector's instance and, with tasks, its tasks; with onlyFailed
// those alone that failed (KIP-745).
func (c *REST) Restart(ctx context.Context, name string, tasks, onlyFailed bool) error {
	path := connectorPath(name, "restart")
	query := url.Values{}
	if tasks {
		query.Set("includeTasks", "true")
	}
	if onlyFailed {
		query.Set("onlyFailed", "true")
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	_, err := c.Do(ctx, http.MethodPost, path, nil, nil)
	return err
}

// RestartTask restarts one task.
func (c *REST) RestartTask(ctx context.Context, name, task string) error {
	_, err := c.Do(ctx, http.MethodPost, connectorPath(name, "tasks", url.PathEscape(task), "restart"), nil, nil)
	return err
}

// Offset is what a connector has stored for one partition of its source, or committed
// for one of a topic. A nil Offset, when written, forgets it.
type Offset struct {
	Partition map[string]any `json:"partition"`
	Offset    map[string]any `json:"offset"`
}

type offsetsBody struct {
	Offsets []Offset `json:"offsets"`
}

type message struct {
	Message string `json:"message"`
}

// Offsets returns a connector's offsets (KIP-875).
func (c *REST) Offsets(ctx context.Context, name string) ([]Offset, error) {
	var out offsetsBody
	_, err := c.Do(ctx, http.MethodGet, connectorPath(name, "offsets"), nil, &out)
	return out.Offsets, err
}

// AlterOffsets writes offsets of a stopped connector and returns what the server says.
func (c *REST) AlterOffsets(ctx context.Context, name string, offsets []Offset) (string, error) {
	var out message
	_, err := c.Do(ctx, http.MethodPatch, connectorPath(name, "offsets"), offsetsBody{offsets}, &out)
	return out.Message, err
}

// ResetOffsets forgets all offsets of a stopped connector and returns what the server
// says.
func (c *REST) ResetOffsets(ctx context.Context, name string) (string, error) {
	var out message
	_, err := c.Do(ctx, http.MethodDelete, connectorPath(name, "offsets"), nil, &out)
	return out.Message, err
}

// Topics returns the topics a connector has used, sorted (KIP-558).
func (c *REST) Topics(ctx context.Context, name string) ([]string, error) {
	var out map[string]struct {
		Topics []string `json:"topics"`
	}
	_, err := c.Do(ctx, http.MethodGet, connectorPath(name, "topics"), nil, &out)
	topics := slices.Clone(out[name].Topics)
	slices.Sort(topics)
	return topics, err
}

// ResetTopics forgets which topics a connector has used.
func (c *REST) ResetTopics(ctx context.Context, name string) error {
	_, err := c.Do(ctx, http.MethodPut, connectorPath(name, "topics", "reset"), nil, nil)
	return err
}
