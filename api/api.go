package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/moldau-io/moldau/api/access"
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
	// Access says who may do what; nil lets everybody do everything.
	Access *access.Control
	// Alone says that there are no other workers. What only they use is then for users
	// with the role admin: nothing is signed.
	Alone bool
	// Audit takes a line for each request that is meant to change something; nil takes none.
	Audit *slog.Logger
	// MaskSecrets hides secrets of connectors' configurations, and keeps those that are
	// written back hidden.
	MaskSecrets bool
	// Commit is what GET / shows as the commit.
	Commit string
	// RequestTimeout bounds requests, HealthTimeout those for /health.
	RequestTimeout, HealthTimeout time.Duration
	// MaxBody bounds bodies, in bytes.
	MaxBody int64
	// Draining is closed when the server begins to stop: what waits then answers.
	Draining <-chan struct{}
	// Stats are what the tasks on this worker have done; nil shows none.
	Stats func() Stats
	// Restarts are those of failed tasks by themselves; nil shows none.
	Restarts func() Restarts
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
func (a *API) AdminHandler() http.Handler {
	if a.o.Access != nil && !a.o.Access.Admin {
		o := a.o
		o.Access = nil
		a = New(o)
	}
	return a.bounded(a.router(a.adminRoutes()))
}

func (a *API) connectRoutes() []route {
	const c = "/connectors/{connector}"
	waits := []string{"wait", "timeout"}
	return []route{
		{http.MethodGet, "/", access.None, a.root, nil},
		{http.MethodGet, "/health", access.None, a.health, nil},
		{http.MethodGet, "/openapi.json", access.None, a.openAPI, nil},

		{http.MethodGet, "/connectors", access.View, a.listConnectors, []string{"expand"}},
		{http.MethodPost, "/connectors", access.Edit, a.forwarding(a.createConnector), waits},
		{http.MethodGet, c, access.View, a.getConnector, nil},
		{http.MethodDelete, c, access.Edit, a.forwarding(a.deleteConnector), nil},
		{http.MethodGet, c + "/config", access.View, a.getConfig, nil},
		{http.MethodPut, c + "/config", access.Edit, a.forwarding(a.unmasking(a.putConfig)), waits},
		{http.MethodPatch, c + "/config", access.Edit, a.forwarding(a.unmasking(a.patchConfig)), waits},
		{http.MethodGet, c + "/status", access.View, a.getStatus, nil},
		{http.MethodGet, c + "/topics", access.View, a.getTopics, nil},
		{http.MethodPut, c + "/topics/reset", access.Operate, a.resetTopics, nil},
		{http.MethodPut, c + "/pause", access.Operate, a.pause, nil},
		{http.MethodPut, c + "/resume", access.Operate, a.resume, nil},
		{http.MethodPut, c + "/stop", access.Operate, a.forwarding(a.stop), nil},
		{http.MethodPost, c + "/restart", access.Operate, a.forwarding(a.restart), append([]string{"includeTasks", "onlyFailed"}, waits...)},
		{http.MethodGet, c + "/offsets", access.View, a.getOffsets, nil},
		{http.MethodPatch, c + "/offsets", access.Edit, a.forwarding(a.alterOffsets), nil},
		{http.MethodDelete, c + "/offsets", access.Edit, a.forwarding(a.resetOffsets), nil},
		{http.MethodGet, c + "/tasks", access.View, a.getTasks, nil},
		{http.MethodPost, c + "/tasks", peer, a.forwarding(a.putTaskConfigs), nil},
		{http.MethodPut, c + "/fence", peer, a.forwarding(a.fence), nil},
		{http.MethodGet, c + "/tasks/{task}/status", access.View, a.getTaskStatus, nil},
		{http.MethodPost, c + "/tasks/{task}/restart", access.Operate, a.forwarding(a.restartTask), nil},

		{http.MethodGet, "/connector-plugins", access.View, a.listPlugins, []string{"connectorsOnly"}},
		{http.MethodGet, "/connector-plugins/{plugin}/config", access.View, a.pluginConfig, []string{"version"}},
		{http.MethodPut, "/connector-plugins/{plugin}/config/validate", access.Edit, a.validate, nil},

		{http.MethodGet, "/moldau/v1/stats", access.View, a.stats, nil},
		{http.MethodGet, "/moldau/v1/restarts", access.View, a.restarts, nil},
	}
}

func (a *API) adminRoutes() []route {
	return []route{
		{http.MethodGet, "/admin/loggers", access.View, a.listLoggers, nil},
		{http.MethodGet, "/admin/loggers/{logger}", access.View, a.getLogger, nil},
		{http.MethodPut, "/admin/loggers/{logger}", access.Admin, a.setLogger, []string{"scope"}},
	}
}
