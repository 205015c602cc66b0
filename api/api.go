package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/moldau-io/moldau/internal/logging"
	"github.com/moldau-io/moldau/plugins"
)

// Options are what the API works with.
type Options struct {
	Herder    Herder
	Validator Validator
	Plugins   *plugins.Registry
	Levels    *logging.Levels
	Forwarder Forwarder
	Logger    *slog.Logger
	// Commit is what GET / shows as the commit.
	Commit string
	// RequestTimeout bounds requests, HealthTimeout those for /health.
	RequestTimeout, HealthTimeout time.Duration
	// MaxBody bounds bodies, in bytes.
	MaxBody int64
	// Stats are what the tasks on this worker have done; nil shows none.
	Stats func() Stats
	// TopicTracking and TopicReset are topic.tracking.enable and .allow.reset.
	TopicTracking, TopicReset bool
}

// API is the REST API of a worker.
type API struct {
	o   Options
	log *slog.Logger
}

// New returns the API.
func New(o Options) *API { return &API{o: o, log: o.Logger} }

func (a *API) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, a.o.RequestTimeout)
}

// Handler serves the public API and the requests of other workers.
func (a *API) Handler() http.Handler {
	return a.bounded(a.router(append(a.connectRoutes(), a.adminRoutes()...)))
}

// ConnectHandler serves all but the admin resources, for listeners that have none.
func (a *API) ConnectHandler() http.Handler { return a.bounded(a.router(a.connectRoutes())) }

// AdminHandler serves the admin resources alone (admin.listeners).
func (a *API) AdminHandler() http.Handler { return a.bounded(a.router(a.adminRoutes())) }

func (a *API) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, a.o.MaxBody)
		next.ServeHTTP(w, r)
	})
}

func (a *API) connectRoutes() []route {
	const c = "/connectors/{connector}"
	return []route{
		{http.MethodGet, "/", a.root, nil},
		{http.MethodGet, "/health", a.health, nil},
		{http.MethodGet, "/openapi.json", a.openAPI, nil},

		{http.MethodGet, "/connectors", a.listConnectors, []string{"expand"}},
		{http.MethodPost, "/connectors", a.forwarding(a.createConnector), nil},
		{http.MethodGet, c, a.getConnector, nil},
		{http.MethodDelete, c, a.forwarding(a.deleteConnector), nil},
		{http.MethodGet, c + "/config", a.getConfig, nil},
		{http.MethodPut, c + "/config", a.forwarding(a.putConfig), nil},
		{http.MethodPatch, c + "/config", a.forwarding(a.patchConfig), nil},
		{http.MethodGet, c + "/status", a.getStatus, nil},
		{http.MethodGet, c + "/topics", a.getTopics, nil},
		{http.MethodPut, c + "/topics/reset", a.resetTopics, nil},
		{http.MethodPut, c + "/pause", a.pause, nil},
		{http.MethodPut, c + "/resume", a.resume, nil},
		{http.MethodPut, c + "/stop", a.forwarding(a.stop), nil},
		{http.MethodPost, c + "/restart", a.forwarding(a.restart), []string{"includeTasks", "onlyFailed"}},
		{http.MethodGet, c + "/offsets", a.getOffsets, nil},
		{http.MethodPatch, c + "/offsets", a.forwarding(a.alterOffsets), nil},
		{http.MethodDelete, c + "/offsets", a.forwarding(a.resetOffsets), nil},
		{http.MethodGet, c + "/tasks", a.getTasks, nil},
		{http.MethodPost, c + "/tasks", a.forwarding(a.putTaskConfigs), nil},
		{http.MethodPut, c + "/fence", a.forwarding(a.fence), nil},
		{http.MethodGet, c + "/tasks/{task}/status", a.getTaskStatus, nil},
		{http.MethodPost, c + "/tasks/{task}/restart", a.forwarding(a.restartTask), nil},

		{http.MethodGet, "/connector-plugins", a.listPlugins, []string{"connectorsOnly"}},
		{http.MethodGet, "/connector-plugins/{plugin}/config", a.pluginConfig, []string{"version"}},
		{http.MethodPut, "/connector-plugins/{plugin}/config/validate", a.validate, nil},

		{http.MethodGet, "/moldau/v1/stats", a.stats, nil},
	}
}

func (a *API) adminRoutes() []route {
	return []route{
		{http.MethodGet, "/admin/loggers", a.listLoggers, nil},
		{http.MethodGet, "/admin/loggers/{logger}", a.getLogger, nil},
		{http.MethodPut, "/admin/loggers/{logger}", a.setLogger, []string{"scope"}},
	}
}
