package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/runtime/herder"
)

type serverInfo struct {
	Version   string `json:"version"`
	Commit    string `json:"commit"`
	ClusterID string `json:"kafka_cluster_id"`
}

func (a *API) root(*http.Request) (int, any, error) {
	return http.StatusOK, serverInfo{connect.Version, a.o.Commit, a.o.Herder.ClusterID()}, nil
}

type workerStatus struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

// health says whether the worker has started and its herder answers (KIP-1017).
func (a *API) health(r *http.Request) (int, any, error) {
	ctx, cancel := context.WithTimeout(r.Context(), a.o.HealthTimeout)
	defer cancel()
	err := a.o.Herder.Health(ctx)
	if err == nil && a.o.Herder.Ready() {
		return http.StatusOK, workerStatus{"healthy", "Worker has completed startup and is ready to handle requests."}, nil
	}
	details := ""
	var timeout *herder.TimeoutError
	if errors.As(err, &timeout) {
		details = timeout.Summary()
	}
	if !a.o.Herder.Ready() {
		return http.StatusServiceUnavailable, workerStatus{"starting", join("Worker is still starting up.", details)}, nil
	}
	if timeout != nil {
		return http.StatusInternalServerError, workerStatus{"unhealthy", join("Worker was unable to handle this request and may be unable to handle other requests.", details)}, nil
	}
	return 0, nil, err
}

func join(text, details string) string {
	if details == "" {
		return text
	}
	return text + " " + details
}
