// Package client talks to the REST API of a worker, Moldau's or Apache's: the
// requests workers send each other, and those of the command line.
package client

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/moldau-io/moldau/api"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/herder"
	"github.com/moldau-io/moldau/runtime/state"
)

// maxAnswer bounds what is read of another worker's answer, in bytes.
const maxAnswer = 64 << 20

// Peers sends the requests that workers send each other. It is safe for concurrent use.
type Peers struct {
	HTTP *http.Client
	// Algorithm is inter.worker.signature.algorithm.
	Algorithm string
}

// Forward sends a client's request on to another worker and returns its answer,
// whatever the status.
func (p *Peers) Forward(ctx context.Context, method, target string, header http.Header, body []byte) (int, []byte, error) {
	h := http.Header{}
	for _, name := range []string{"Authorization", api.SignatureHeader, api.AlgorithmHeader} {
		if v := header.Get(name); v != "" {
			h.Set(name, v)
		}
	}
	return p.send(ctx, method, target, h, body)
}

func (p *Peers) send(ctx context.Context, method, target string, header http.Header, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return 0, nil, errs.Wrap(errs.ClassConnect, err, "IO Error trying to forward REST request")
	}
	req.Header = header
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	resp, err := p.HTTP.Do(req)
	if err != nil {
		return 0, nil, errs.Wrap(errs.ClassConnect, err, "IO Error trying to forward REST request: "+err.Error())
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if closeErr := resp.Body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return 0, nil, errs.Wrap(errs.ClassConnect, err, "IO Error trying to forward REST request: "+err.Error())
	}
	return resp.StatusCode, answer, nil
}

// PutTaskConfigs hands task configurations to the leader, signed where the group
// asks for it.
func (p *Peers) PutTaskConfigs(ctx context.Context, leaderURL, connector string, tasks []map[string]string, key *state.SessionKey) error {
	body, err := json.Marshal(tasks)
	if err != nil {
		return fmt.Errorf("writing the task configurations of %s: %w", connector, err)
	}
	return p.internal(ctx, http.MethodPost, leaderURL, connector, "tasks", body, key)
}

// Fence asks the leader for a round of zombie fencing.
func (p *Peers) Fence(ctx context.Context, leaderURL, connector string, key *state.SessionKey) error {
	return p.internal(ctx, http.MethodPut, leaderURL, connector, "fence", nil, key)
}

func (p *Peers) internal(ctx context.Context, method, leaderURL, connector, what string, body []byte, key *state.SessionKey) error {
	if leaderURL == "" {
		return errs.Connect("Request to leader to reconfigure connector tasks failed because the URL of the leader's REST interface is empty!")
	}
	header := http.Header{}
	if key != nil {
		sig, err := herder.Sign(*key, p.Algorithm, body)
		if err != nil {
			return err
		}
		header.Set(api.SignatureHeader, base64.StdEncoding.EncodeToString(sig.MAC))
		header.Set(api.AlgorithmHeader, sig.Algorithm)
	}
	target := strings.TrimSuffix(leaderURL, "/") + "/connectors/" + url.PathEscape(connector) + "/" + what
	status, answer, err := p.send(ctx, method, target, header, body)
	if err != nil {
		return err
	}
	if status >= http.StatusBadRequest {
		var e struct {
			Message string `json:"message"`
		}
		if json.Unmarshal(answer, &e) != nil || e.Message == "" {
			e.Message = fmt.Sprintf("the leader at %s answered %s %s with status %d", leaderURL, method, what, status)
		}
		return &herder.StatusError{Status: status, Message: e.Message}
	}
	return nil
}
