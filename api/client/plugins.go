package client

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// Plugin is an entry of GET /connector-plugins.
type Plugin struct {
	Class   string `json:"class"`
	Type    string `json:"type"`
	Version string `json:"version,omitempty"`
}

// KeyInfo defines one setting of a plugin.
type KeyInfo struct {
	Name          string   `json:"name"`
	Type          string   `json:"type"`
	Required      bool     `json:"required"`
	Default       *string  `json:"default_value"`
	Importance    string   `json:"importance"`
	Documentation string   `json:"documentation"`
	Group         *string  `json:"group"`
	Width         string   `json:"width"`
	DisplayName   string   `json:"display_name"`
	Dependents    []string `json:"dependents"`
	Order         int      `json:"order"`
}

// ValueInfo is what validation says of one setting.
type ValueInfo struct {
	Name        string   `json:"name"`
	Value       *string  `json:"value"`
	Recommended []string `json:"recommended_values"`
	Errors      []string `json:"errors"`
	Visible     bool     `json:"visible"`
}

// ConfigInfo is one setting in the answer to a validation. Definition is nil for a
// setting that is not defined.
type ConfigInfo struct {
	Definition *KeyInfo  `json:"definition"`
	Value      ValueInfo `json:"value"`
}

// Validation is the answer to a validation.
type Validation struct {
	Name       string       `json:"name"`
	ErrorCount int          `json:"error_count"`
	Groups     []string     `json:"groups"`
	Configs    []ConfigInfo `json:"configs"`
}

// Plugins lists connectors or, with all, transforms, predicates and converters, too;
// servers before 3.2 list connectors in any case.
func (c *REST) Plugins(ctx context.Context, all bool) ([]Plugin, error) {
	path := "/connector-plugins"
	if all {
		path += "?connectorsOnly=false"
	}
	var out []Plugin
	_, err := c.Do(ctx, http.MethodGet, path, nil, &out)
	return out, err
}

// PluginConfig returns the settings a plugin has (KIP-769).
func (c *REST) PluginConfig(ctx context.Context, class string) ([]KeyInfo, error) {
	var out []KeyInfo
	_, err := c.Do(ctx, http.MethodGet, "/connector-plugins/"+url.PathEscape(class)+"/config", nil, &out)
	return out, err
}

// Validate checks a configuration, which must have a connector.class.
func (c *REST) Validate(ctx context.Context, config map[string]string) (*Validation, error) {
	out := &Validation{}
	class := strings.TrimSpace(config["connector.class"])
	_, err := c.Do(ctx, http.MethodPut, "/connector-plugins/"+url.PathEscape(class)+"/config/validate", config, out)
	return out, err
}

// Root is what GET / answers.
type Root struct {
	Version   string `json:"version"`
	Commit    string `json:"commit"`
	ClusterID string `json:"kafka_cluster_id"`
}

// Root describes the worker.
func (c *REST) Root(ctx context.Context) (*Root, error) {
	out := &Root{}
	_, err := c.Do(ctx, http.MethodGet, "/", nil, out)
	return out, err
}

// Health is what GET /health answers (KIP-1017).
type Health struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

// Health asks a worker whether it is well. Servers that do not know that (before 3.9)
// are well if they answer GET /.
func (c *REST) Health(ctx context.Context) (*Health, error) {
	out := &Health{}
	status, _, answer, err := c.once(ctx, http.MethodGet, "/health", nil, false)
	switch {
	case err != nil:
		return nil, err
	case status == http.StatusNotFound:
		if _, err := c.Root(ctx); err != nil {
			return nil, err
		}
		return &Health{"healthy", "The worker answers. It has no /health, which came with Kafka 3.9."}, nil
	case status == http.StatusOK, status == http.StatusServiceUnavailable, status == http.StatusInternalServerError:
		if decodeAnswer(http.MethodGet, "/health", answer, out) == nil && out.Status != "" {
			return out, nil
		}
	}
	return nil, statusError(http.MethodGet, "/health", status, answer)
}

// LoggerLevel is the level of one logger; LastModified is in milliseconds since 1970,
// nil if it was never changed.
type LoggerLevel struct {
	Level        string `json:"level"`
	LastModified *int64 `json:"last_modified"`
}

// Loggers returns the loggers of the worker and their levels (KIP-495).
func (c *REST) Loggers(ctx context.Context) (map[string]LoggerLevel, error) {
	var out map[string]LoggerLevel
	_, err := c.Do(ctx, http.MethodGet, "/admin/loggers", nil, &out)
	return out, err
}

// SetLogger sets a level on the worker or, with cluster, on all (KIP-976), and returns
// the names of the loggers that changed, none for a cluster.
func (c *REST) SetLogger(ctx context.Context, name, level string, cluster bool) ([]string, error) {
	path := "/admin/loggers/" + url.PathEscape(name)
	if cluster {
		path += "?scope=cluster"
	}
	var out []string
	_, err := c.Do(ctx, http.MethodPut, path, map[string]string{"level": level}, &out)
	return out, err
}
