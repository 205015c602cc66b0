package api

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/moldau-io/moldau/runtime/herder"
	"github.com/moldau-io/moldau/runtime/state"
)

// Headers that sign requests between workers (KIP-507).
const (
	SignatureHeader = "X-Connect-Authorization"
	AlgorithmHeader = "X-Connect-Request-Signature-Algorithm"
)

type taskInfo struct {
	ID     taskID            `json:"id"`
	Config map[string]string `json:"config"`
}

func (a *API) getTasks(r *http.Request) (int, any, error) {
	tasks, err := a.o.Herder.Tasks(param(r, "connector"))
	if err != nil {
		return 0, nil, err
	}
	var whole map[string]string
	if info, err := a.o.Herder.Connector(param(r, "connector")); err == nil {
		whole = info.Config
	}
	out := []taskInfo{}
	for _, t := range tasks {
		out = append(out, taskInfo{taskID{t.ID.Connector, t.ID.Task}, a.masked(t.Config, whole)})
	}
	return http.StatusOK, out, nil
}

// taskParam reads the task's number; what is none matches no resource.
func taskParam(r *http.Request) (state.TaskID, error) {
	n, err := strconv.ParseInt(param(r, "task"), 10, 32)
	if err != nil {
		return state.TaskID{}, &statusError{http.StatusNotFound, "HTTP 404 Not Found", r.Method != http.MethodGet && r.Method != http.MethodHead}
	}
	return state.TaskID{Connector: param(r, "connector"), Task: int(n)}, nil
}

func (a *API) getTaskStatus(r *http.Request) (int, any, error) {
	id, err := taskParam(r)
	if err != nil {
		return 0, nil, err
	}
	s, err := a.o.Herder.TaskStatus(id)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, taskStateOf(s), nil
}

func (a *API) restartTask(r *http.Request, _ []byte) (int, any, error) {
	id, err := taskParam(r)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, a.o.Herder.RestartTask(r.Context(), id)
}

// putTaskConfigs takes task configurations from the worker that runs the connector.
func (a *API) putTaskConfigs(r *http.Request, body []byte) (int, any, error) {
	sig, err := signature(r, body)
	if err != nil {
		return 0, nil, err
	}
	var tasks []map[string]string
	err = decode(body, func(d *json.Decoder) error { return d.Decode(&tasks) })
	if err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, a.o.Herder.PutTaskConfigs(r.Context(), param(r, "connector"), tasks, sig)
}

// fence does a round of zombie fencing for another worker.
func (a *API) fence(r *http.Request, body []byte) (int, any, error) {
	sig, err := signature(r, body)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, a.o.Herder.Fence(r.Context(), param(r, "connector"), sig)
}

func signature(r *http.Request, body []byte) (*herder.Signature, error) {
	mac, algorithm := r.Header.Get(SignatureHeader), r.Header.Get(AlgorithmHeader)
	if mac == "" || algorithm == "" {
		return nil, nil
	}
	b, err := base64.StdEncoding.DecodeString(mac)
	if err != nil {
		return nil, badRequest("The header " + SignatureHeader + " is not base64")
	}
	if _, ok := herder.NewMAC(algorithm, nil); !ok {
		return nil, badRequest(algorithm + " is not a known signature algorithm")
	}
	return &herder.Signature{Algorithm: algorithm, MAC: b, Body: body}, nil
}
