package api

import (
	"maps"
	"net/http"
)

// Stats are the counters of the tasks on one worker, beyond Connect's API.
type Stats struct {
	Worker string               `json:"worker"`
	Tasks  map[string]TaskStats `json:"tasks"`
}

// TaskStats are the counters of one task since it started. Lag is how many records
// a sink has not read yet.
type TaskStats struct {
	Connector   string `json:"connector"`
	Task        int    `json:"task"`
	Phase       string `json:"phase"`
	Records     int64  `json:"records"`
	Read        int64  `json:"read"`
	Lag         *int64 `json:"lag,omitempty"`
	Errors      int64  `json:"errors"`
	Skipped     int64  `json:"skipped"`
	Retries     int64  `json:"retries"`
	DeadLetters int64  `json:"dead_letters"`
	InFlight    int64  `json:"bytes_in_flight"`
}

func (a *API) stats(r *http.Request) (int, any, error) {
	if a.o.Stats == nil {
		return http.StatusOK, Stats{Tasks: map[string]TaskStats{}}, nil
	}
	s := a.o.Stats()
	maps.DeleteFunc(s.Tasks, func(_ string, t TaskStats) bool { return !a.visible(r.Context(), t.Connector) })
	return http.StatusOK, s, nil
}
