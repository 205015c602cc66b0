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
	// Stuck says that one Poll or Put has taken longer than moldau.task.stuck.after.ms.
	Stuck bool `json:"stuck,omitempty"`
}

// Restarts are those of failed tasks by themselves (moldau.task.restart.policy), on one
// worker, beyond Connect's API.
type Restarts struct {
	Worker string                  `json:"worker"`
	Tasks  map[string]TaskRestarts `json:"tasks"`
}

// TaskRestarts are the latest of one task, since it was last started by request.
type TaskRestarts struct {
	Connector string    `json:"connector"`
	Task      int       `json:"task"`
	Restarts  []Restart `json:"restarts"`
}

// Restart is one of them. FailedAt is in milliseconds since 1970; After is the wait
// before the restart in milliseconds; InARow counts from 1.
type Restart struct {
	FailedAt int64  `json:"failed_at"`
	After    int64  `json:"restarted_after_ms"`
	InARow   int    `json:"in_a_row"`
	Error    string `json:"error"`
}

func (a *API) restarts(r *http.Request) (int, any, error) {
	if a.o.Restarts == nil {
		return http.StatusOK, Restarts{Tasks: map[string]TaskRestarts{}}, nil
	}
	s := a.o.Restarts()
	maps.DeleteFunc(s.Tasks, func(_ string, t TaskRestarts) bool { return !a.visible(r.Context(), t.Connector) })
	return http.StatusOK, s, nil
}

func (a *API) stats(r *http.Request) (int, any, error) {
	if a.o.Stats == nil {
		return http.StatusOK, Stats{Tasks: map[string]TaskStats{}}, nil
	}
	s := a.o.Stats()
	maps.DeleteFunc(s.Tasks, func(_ string, t TaskStats) bool { return !a.visible(r.Context(), t.Connector) })
	return http.StatusOK, s, nil
}
