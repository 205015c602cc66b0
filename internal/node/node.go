// Package node puts one worker process together: settings, stores, group, herder,
// worker, REST API and, for development, an embedded broker.
//
// It wires and decides nothing; commands and in-process tests start nodes with it.
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moldau-io/moldau/api"
	"github.com/moldau-io/moldau/api/client"
	"github.com/moldau-io/moldau/internal/logging"
	"github.com/moldau-io/moldau/plugins"
	"github.com/moldau-io/moldau/runtime/group"
	"github.com/moldau-io/moldau/runtime/herder"
	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/runtime/metrics"
	"github.com/moldau-io/moldau/runtime/settings"
	"github.com/moldau-io/moldau/runtime/state"
	"github.com/moldau-io/moldau/runtime/store"
	"github.com/moldau-io/moldau/runtime/validate"
	"github.com/moldau-io/moldau/runtime/worker"
	"github.com/moldau-io/moldau/ui"
)

const (
	// requestTimeout bounds REST requests, healthTimeout those for /health
	// (RestServer.DEFAULT_REST_REQUEST_TIMEOUT_MS and DEFAULT_HEALTH_CHECK_TIMEOUT_MS).
	requestTimeout = 90 * time.Second
	healthTimeout  = 10 * time.Second
	// rebalanceWait is how long a request waits for a rebalance before it is refused.
	rebalanceWait = 30 * time.Second
	// maxBody is the largest body of a REST request, in bytes.
	maxBody = 32 << 20
	// stopMargin is what shutting down may take beyond the tasks' own time.
	stopMargin = 10 * time.Second
	// drainTime is how long requests under way may take to end when the worker stops.
	drainTime = 5 * time.Second
)

// Options say what kind of worker to run.
type Options struct {
	// Props are the worker's settings in Connect's keys.
	Props map[string]string
	// Mode is distributed or standalone. Solo makes a distributed worker that is a
	// group of its own and joins none, for development.
	Mode settings.Mode
	Solo bool
	// Plugins are what can be run.
	Plugins *plugins.Registry
	// Levels and LogTo make loggers.
	Levels *logging.Levels
	LogTo  slog.Handler
	// Commit is shown by GET /.
	Commit string
	// Connectors are created at start, in standalone mode.
	Connectors []settings.ConnectorFile
	// Ready is called once the worker serves, with what it listens on.
	Ready func(Addresses)
	// Dial connects to brokers; nil dials TCP. For tests.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Addresses are where a worker can be reached.
type Addresses struct {
	// REST is the advertised URL, with a slash at its end.
	REST string
	// Bound are the addresses of the listeners, in their order.
	Bound []string
}

// node is a worker process under construction; close undoes what was done, in
// reverse order.
type node struct {
	o        Options
	log      *slog.Logger
	settings *settings.Worker
	clients  *clients
	admin    *kafka.Admin
	worker   *worker.Worker
	herder   *herder.Herder
	offsets  store.OffsetStore
	server   *api.Server
	// member is the membership in a group of workers, nil for a group of one.
	member *group.Member
	// rebalances counts what the member does.
	rebalances *metrics.Group
	url        string
	id         string
}

// Run runs a worker until ctx ends and everything has stopped in order.
func Run(ctx context.Context, o Options) (err error) {
	n := &node{o: o, log: o.Levels.Logger(o.LogTo, "org.apache.kafka.connect")}
	if n.settings, err = settings.LoadWorker(ctx, o.Mode, o.Props, settings.WorkerOptions{Plugins: settings.Catalogue(o.Plugins), Logger: n.log}); err != nil {
		// Connect's text for a class that is not there does not say what there is.
		if strings.HasSuffix(err.Error(), " could not be found.") {
			err = fmt.Errorf("%w 'moldau version --plugins' lists what there is", err)
		}
		return err
	}
	defer func() { err = errors.Join(err, n.settings.Close()) }()
	for _, key := range n.settings.Unknown {
		n.log.Warn("a setting is not known and has no effect", "key", key)
	}
	if err := n.checkConverters(); err != nil {
		return err
	}
	n.server = api.NewServer(n.logger("rest"))
	defer func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopMargin)
		defer cancel()
		err = errors.Join(err, n.server.Shutdown(stop))
	}()
	addresses, err := n.listen()
	if err != nil {
		return err
	}
	n.clients = newClients(n.settings, o.Dial, n.logger("clients"))
	if n.admin, err = n.clients.workerAdmin(n.id); err != nil {
		return err
	}
	defer n.admin.Close()
	cluster, err := n.admin.ClusterID(ctx)
	if err != nil {
		return fmt.Errorf("cannot reach Kafka at bootstrap.servers=%s: %w; check that the broker runs and that the address is right",
			strings.Join(n.settings.BootstrapServers, ","), err)
	}
	if err := n.build(cluster); err != nil {
		return err
	}
	return n.run(ctx, addresses)
}

func (n *node) logger(name string) *slog.Logger {
	return n.o.Levels.Logger(n.o.LogTo, "org.apache.kafka.connect."+name)
}

// listen opens the listeners, so that a port in use is found out first; they answer
// once the worker is built.
func (n *node) listen() (Addresses, error) {
	rest := n.settings.REST
	var a Addresses
	var ports []int
	for _, l := range rest.Listeners {
		addr, err := n.open("listeners", l, false)
		if err != nil {
			return a, err
		}
		ports = append(ports, addr.(*net.TCPAddr).Port)
		a.Bound = append(a.Bound, addr.String())
	}
	for _, l := range rest.Admin {
		if _, err := n.open("admin.listeners", l, true); err != nil {
			return a, err
		}
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	scheme, advertised, port := rest.Advertised(ports, host)
	n.id = net.JoinHostPort(advertised, strconv.Itoa(port))
	a.REST = scheme + "://" + n.id + "/"
	n.url = a.REST
	return a, nil
}

func (n *node) open(setting string, l settings.Listener, admin bool) (net.Addr, error) {
	config, err := n.serverTLS(setting, l)
	if err != nil {
		return nil, err
	}
	return n.server.Listen(setting, l.Text, config, admin)
}

// build makes all parts; nothing of them runs yet.
func (n *node) build(cluster string) error {
	s := n.settings
	configs, offsets, statuses, err := n.stores()
	if err != nil {
		return err
	}
	n.offsets = offsets
	n.worker = worker.New(worker.Options{
		Plugins: n.o.Plugins, Clients: n.clients, Providers: s.Providers(), Converters: s.Converters(), Chain: n.chain, Offsets: offsets, Logger: n.logger("runtime"),
		Props: s.Config.Originals(), Bootstrap: strings.Join(s.BootstrapServers, ","), GroupID: n.groupID(), ExactlyOnce: s.ExactlyOnceSource(),
		TopicCreation: s.TopicCreation, TopicTracking: s.TopicTracking, GracefulTimeout: s.TaskShutdownTimeout,
		FlushInterval: s.OffsetFlushInterval, FlushTimeout: s.OffsetFlushTimeout,
		OverridePolicy: n.checkOverrides, StuckAfter: s.Own.StuckAfter,
		TTLRestart: func(connector string) { n.restartForSecrets(connector) },
	})
	validator := validate.New(validate.Options{Plugins: n.o.Plugins, Settings: s})
	transport, err := n.peerTransport()
	if err != nil {
		return err
	}
	peers := &client.Peers{HTTP: &http.Client{Timeout: requestTimeout, Transport: transport}}
	o := herder.Options{
		WorkerID: n.id, GroupID: n.groupID(), ClusterID: cluster, Configs: configs, Statuses: statuses, Worker: n.worker, Peers: peers,
		Validator: validator, Logger: n.logger("runtime.distributed"), SyncTimeout: 30 * time.Second, RebalanceWait: rebalanceWait,
		ExactlyOnce: s.ExactlyOnceSource(), LoggerLevel: func(logger, level string) { n.o.Levels.Set(logger, level) },
	}
	if k := s.Cluster; k != nil {
		o.Core = herder.CoreConfig{KeyTTL: k.KeyTTL, MaxDelay: k.RebalanceDelay, UnsyncBackoff: k.UnsyncBackoff}
		o.SyncTimeout, o.KeyAlgorithm, o.KeySize, o.SignatureAlgorithms = k.SyncTimeout, k.KeyAlgorithm, (k.KeySize+7)/8, k.VerificationAlgorithms
		peers.Algorithm = k.SignatureAlgorithm
	}
	if o.Group, err = n.group(); err != nil {
		return err
	}
	n.herder = herder.New(o)
	n.worker.Bind(n.herder)
	control, err := n.access()
	if err != nil {
		return err
	}
	rest := api.New(api.Options{
		Access: control, Alone: n.member == nil, Audit: n.logger("rest.audit"),
		Herder: n.herder, Validator: validator, Plugins: n.o.Plugins, Levels: n.o.Levels, Forwarder: peers, Logger: n.logger("rest"),
		Commit: n.o.Commit, RequestTimeout: requestTimeout, HealthTimeout: healthTimeout, MaxBody: maxBody, Stats: n.stats, Restarts: n.restarts, Draining: n.server.Draining(), MaskSecrets: s.Own.MaskSecrets,
		TopicTracking: s.TopicTracking, TopicReset: s.TopicTrackingReset,
	})
	public := rest.Handler()
	if s.REST.AdminOff || len(s.REST.Admin) > 0 {
		public = rest.ConnectHandler()
	}
	if s.Own.Metrics {
		if public, err = n.withMetrics(rest, public); err != nil {
			return err
		}
	}
	handler, err := n.middleware(n.withUI(rest, public))
	if err != nil {
		return err
	}
	n.server.Serve(handler, rest.AdminHandler())
	return nil
}

// middleware is for the listeners of the API; those for admin alone have none of it.
func (n *node) middleware(h http.Handler) (http.Handler, error) {
	rest := n.settings.REST
	return api.CORS(rest.AllowOrigin, rest.AllowMethods, api.ResponseHeaders(rest.Headers, h))
}

func (n *node) withUI(rest *api.API, next http.Handler) http.Handler {
	if !n.settings.Own.UI {
		return next
	}
	page := rest.Guard(false, ui.Handler())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/ui":
			http.Redirect(w, r, "/ui/", http.StatusMovedPermanently)
		case strings.HasPrefix(r.URL.Path, "/ui/"):
			page.ServeHTTP(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// groupID is the workers' group; a standalone worker has none.
func (n *node) groupID() string {
	if n.settings.Cluster == nil {
		return ""
	}
	return n.settings.Cluster.GroupID
}

func (n *node) checkOverrides(_ string, overrides map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(overrides)) {
		if text := n.settings.Overrides.Check(key); text != "" {
			return errors.New(text)
		}
	}
	return nil
}

// checkConverters finds unknown converters before anything starts.
func (n *node) checkConverters() error {
	for _, c := range []struct {
		key  string
		kind plugins.Kind
		is   settings.ConverterSettings
	}{
		{"key.converter", plugins.Converter, n.settings.Key},
		{"value.converter", plugins.Converter, n.settings.Value},
		{"header.converter", plugins.HeaderConverter, n.settings.Header},
	} {
		if _, ok := n.o.Plugins.Find(c.kind, c.is.Class); !ok {
			return fmt.Errorf("%s=%s is not a known %s; 'moldau version --plugins' lists what there is", c.key, c.is.Class, strings.ReplaceAll(string(c.kind), "_", " "))
		}
	}
	return nil
}

// run runs the worker until ctx ends.
func (n *node) run(ctx context.Context, addresses Addresses) (err error) {
	if err := n.offsets.Start(ctx); err != nil {
		return fmt.Errorf("reading stored offsets: %w", err)
	}
	defer func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopMargin)
		defer cancel()
		err = errors.Join(err, n.worker.Wait(stop), n.offsets.Stop(stop))
	}()
	// Requests under way end before the herder stops, which they need.
	inner, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		select {
		case <-ctx.Done():
			n.drain(ctx)
			cancel(ctx.Err())
		case <-inner.Done():
		}
	}()
	started := make(chan struct{})
	go func() {
		defer close(started)
		if err := n.start(inner, addresses); err != nil && inner.Err() == nil {
			cancel(err)
		}
	}()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if n.member == nil {
			return
		}
		select {
		case <-n.member.Failed():
			cancel(n.member.Err())
		case <-inner.Done():
		}
	}()
	err = n.herder.Run(inner, func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(context.WithoutCancel(ctx), n.settings.TaskShutdownTimeout+stopMargin)
	})
	cancel(nil)
	<-drained
	<-started
	<-watched
	if cause := context.Cause(inner); ctx.Err() == nil && cause != nil && !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	return err
}

// drain takes no more requests and lets those under way end.
func (n *node) drain(ctx context.Context) {
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := n.server.Shutdown(stop); err != nil {
		n.log.Warn("requests under way were cut off", "err", err)
	}
}

// targets are the first target states by what a connector's file calls them.
var targets = map[string]state.TargetState{"RUNNING": state.TargetStarted, "PAUSED": state.TargetPaused, "STOPPED": state.TargetStopped}

// start waits until the herder serves, creates a standalone worker's connectors and
// says that the worker is ready.
func (n *node) start(ctx context.Context, addresses Addresses) error {
	for !n.herder.Ready() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
	for _, c := range n.o.Connectors {
		if _, _, err := n.herder.PutConnector(ctx, c.Name, c.Config, targets[c.State], true); err != nil {
			return fmt.Errorf("creating connector %q: %w", c.Name, err)
		}
	}
	if n.o.Ready != nil {
		n.o.Ready(addresses)
	}
	return nil
}

// restartForSecrets restarts a connector and its tasks when a secret's time is over.
func (n *node) restartForSecrets(connector string) {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	n.log.Info("a secret's time is over; restarting", "connector", connector)
	if err := n.herder.RestartLocally(ctx, connector); err != nil {
		n.log.Error("cannot restart a connector whose secrets have expired", "connector", connector, "err", err)
	}
}

func (n *node) restarts() api.Restarts {
	out := api.Restarts{Worker: n.id, Tasks: map[string]api.TaskRestarts{}}
	for id, events := range n.worker.Restarts() {
		r := api.TaskRestarts{Connector: id.Connector, Task: id.Task}
		for _, e := range events {
			r.Restarts = append(r.Restarts, api.Restart{FailedAt: e.At.UnixMilli(), After: e.After.Milliseconds(), InARow: e.Count, Error: e.Error})
		}
		out.Tasks[id.String()] = r
	}
	return out
}

func (n *node) stats() api.Stats {
	out := api.Stats{Worker: n.id, Tasks: map[string]api.TaskStats{}}
	for _, t := range n.worker.Stats() {
		s := api.TaskStats{
			Connector: t.ID.Connector, Task: t.ID.Task, Phase: string(t.Stats.Phase), Records: t.Stats.RecordsWritten, Read: t.Stats.RecordsRead,
			Errors: t.Stats.RecordErrors, Skipped: t.Stats.RecordsSkipped, Retries: t.Stats.Retries, DeadLetters: t.Stats.DeadLetters,
			InFlight: t.Stats.BytesInFlight, Stuck: t.Stuck,
		}
		if t.Stats.Partitions > 0 {
			s.Lag = &t.Stats.Lag
		}
		out.Tasks[t.ID.String()] = s
	}
	return out
}
