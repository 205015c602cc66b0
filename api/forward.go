package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/moldau-io/moldau/runtime/herder"
)

// Forwarder sends a request on to another worker.
type Forwarder interface {
	Forward(ctx context.Context, method, url string, header http.Header, body []byte) (status int, answer []byte, err error)
}

// forwarded is the answer of another worker.
type forwarded struct{ raw []byte }

// MarshalJSON returns the answer as it came.
func (f forwarded) MarshalJSON() ([]byte, error) { return f.raw, nil }

// forwarding hands a request that another worker must serve to that worker. Two
// hops are made at most: the first worker lets the second ask once more
// (HerderRequestHandler.completeOrForwardRequest).
func (a *API) forwarding(serve func(r *http.Request, body []byte) (int, any, error)) handler {
	return func(r *http.Request) (int, any, error) {
		body, err := readBody(r)
		if err != nil {
			return 0, nil, err
		}
		status, answer, err := serve(r, body)
		var elsewhere *herder.ForwardError
		if !errors.As(err, &elsewhere) {
			return status, answer, err
		}
		query := r.URL.Query()
		given, hop := query["forward"]
		if hop && !strings.EqualFold(given[0], "true") {
			return 0, nil, &statusError{http.StatusConflict, conflictMessage, false}
		}
		if elsewhere.URL == "" {
			return 0, nil, &statusError{http.StatusConflict, noLeaderMessage, false}
		}
		query.Set("forward", "false")
		if !hop {
			query.Set("forward", "true")
		}
		target := strings.TrimSuffix(elsewhere.URL, "/") + r.URL.RawPath + "?" + query.Encode()
		status, raw, err := a.o.Forwarder.Forward(r.Context(), r.Method, target, r.Header, forwardedBody(r.Context(), body))
		if err != nil {
			return 0, nil, err
		}
		if len(raw) == 0 {
			return status, nil, nil
		}
		if status == http.StatusCreated {
			return status, located{strings.TrimSuffix(strings.TrimSuffix(r.URL.RawPath, "/config"), "/"), forwarded{raw}}, nil
		}
		return status, forwarded{raw}, nil
	}
}
