package node

import (
	"fmt"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/moldau-io/moldau/api"
	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/runtime/metrics"
)

// withMetrics serves /metrics beside the API. Where there are users, it is for those
// who may view all connectors.
func (n *node) withMetrics(rest *api.API, next http.Handler) (http.Handler, error) {
	protocol := ""
	if k := n.settings.Cluster; k != nil {
		protocol = k.Protocol
	}
	registry := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		metrics.New(metrics.Sources{
			Herder: n.herder, Tasks: n.worker.Stats, Totals: n.worker.Totals, Group: n.rebalances, Protocol: protocol,
			WorkerID: n.id, Version: connect.Version, Commit: n.o.Commit,
		}),
	} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("registering metrics: %w", err)
		}
	}
	page := rest.Guard(true, promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(n.logger("metrics").Handler(), slog.LevelError), ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4,
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			page.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	}), nil
}
