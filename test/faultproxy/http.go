package faultproxy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// HTTPFault is what is done to requests.
type HTTPFault struct {
	// Refuse is the status that every request gets, none is passed on; 0 for none.
	Refuse int
	// Lose passes requests on and gives this status instead of the answer: what was
	// asked for is done, and the client hears otherwise. 0 for none.
	Lose int
	// Drop passes requests on and ends the connection instead of answering.
	Drop bool
	// Items is the status that every other item of Elasticsearch's bulk requests gets;
	// the others are passed on. 0 for none.
	Items int
	// Slow is how long each answer is held back.
	Slow time.Duration
}

// HTTP is a proxy for requests rather than connections: it does what busy servers, and
// proxies before them, do. All methods can be called at any time by any goroutine.
type HTTP struct {
	target   string
	listener net.Listener
	server   *http.Server
	client   *http.Transport
	served   chan error
	end      chan struct{} // closed by Close

	mu    sync.Mutex
	fault HTTPFault
	hit   int
	items int // of bulk requests, while Items is set
}

// StartHTTP listens on a free port of 127.0.0.1 and passes requests on to target, a host
// and port that need not answer yet: then the proxy ends the client's connection.
func StartHTTP(target string) (*HTTP, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("faultproxy: %w", err)
	}
	p := &HTTP{target: target, listener: l, client: &http.Transport{DisableCompression: true}, served: make(chan error, 1), end: make(chan struct{})}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: time.Minute}
	go func() { p.served <- p.server.Serve(l) }()
	return p, nil
}

// URL is where clients send requests, without a slash at its end.
func (p *HTTP) URL() string { return "http://" + p.listener.Addr().String() }

// Fail does this to requests from now on, and no longer what was done before.
func (p *HTTP) Fail(f HTTPFault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = f
}

// Heal ends all faults.
func (p *HTTP) Heal() { p.Fail(HTTPFault{}) }

// Hit is how many requests met a fault so far.
func (p *HTTP) Hit() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hit
}

// Close ends the proxy and every request, and waits for its goroutines.
func (p *HTTP) Close() error {
	close(p.end)
	err := p.server.Close()
	if served := <-p.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	p.client.CloseIdleConnections()
	return err
}

// ServeHTTP passes a request on, or does what the fault says.
func (p *HTTP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	fault := p.fault
	if fault != (HTTPFault{}) {
		p.hit++
	}
	p.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has gone
	}
	var resp *reply
	switch {
	case fault.Refuse > 0:
		resp = refusal(fault.Refuse)
	case fault.Items > 0 && strings.HasSuffix(r.URL.Path, "/_bulk"):
		resp = p.bulk(r, body, fault.Items)
	default:
		resp = p.pass(r, body)
	}
	if fault.Lose > 0 {
		resp = refusal(fault.Lose)
	}
	if fault.Slow > 0 {
		held := time.NewTimer(fault.Slow)
		defer held.Stop()
		select {
		case <-held.C:
		case <-r.Context().Done():
			return
		case <-p.end:
			return
		}
	}
	if resp == nil || fault.Drop {
		panic(http.ErrAbortHandler) // this is how a handler ends a connection
	}
	for k, v := range resp.header {
		w.Header()[k] = v
	}
	w.WriteHeader(resp.status)
	_, _ = w.Write(resp.body) // a client that has gone does not want it
}

type reply struct {
	status int
	header http.Header
	body   []byte
}

// refusal is what Elasticsearch says when it has no room, or what a proxy before it
// says.
func refusal(status int) *reply {
	kind := "es_rejected_execution_exception"
	if status != http.StatusTooManyRequests {
		kind = "unavailable_exception"
	}
	return &reply{status, http.Header{"Content-Type": {"application/json"}, "X-Elastic-Product": {"Elasticsearch"}},
		fmt.Appendf(nil, `{"error":{"type":%q,"reason":"refused by the fault proxy"},"status":%d}`, kind, status)}
}

// pass sends a request on and returns the answer, nil for none.
func (p *HTTP) pass(r *http.Request, body []byte) *reply {
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host, out.RequestURI = "http", p.target, ""
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp, err := p.client.RoundTrip(out)
	if err != nil {
		return nil
	}
	defer func() { _ = resp.Body.Close() }() // it was read to its end, or is of no use
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil
	}
	return &reply{resp.StatusCode, resp.Header, answer}
}

// bulk passes every other item of a bulk request on, and refuses the rest.
func (p *HTTP) bulk(r *http.Request, body []byte, status int) *reply {
	var ops []string // by item
	var refused []bool
	var rest []byte
	lines := bytes.SplitAfter(body, []byte("\n"))
	for i := 0; i < len(lines) && len(lines[i]) > 0; i++ {
		var action map[string]json.RawMessage
		if err := json.Unmarshal(lines[i], &action); err != nil || len(action) != 1 {
			return p.pass(r, body) // compressed, or wrong
		}
		item := lines[i]
		for op := range action {
			ops = append(ops, op)
			if op != "delete" && i+1 < len(lines) {
				i++
				item = append(bytes.Clone(item), lines[i]...)
			}
		}
		p.mu.Lock()
		p.items++
		refuse := p.items%2 == 0
		p.mu.Unlock()
		refused = append(refused, refuse)
		if !refuse {
			rest = append(rest, item...)
		}
	}
	var done struct {
		Took  int               `json:"took"`
		Items []json.RawMessage `json:"items"`
		// Errors says that an item has failed.
		Errors bool `json:"errors"`
	}
	header := refusal(status).header
	if len(rest) > 0 {
		resp := p.pass(r, rest)
		if resp == nil || resp.status != http.StatusOK || json.Unmarshal(resp.body, &done) != nil {
			return resp
		}
		header = resp.header.Clone()
	}
	var items []json.RawMessage
	for i, op := range ops {
		switch {
		case refused[i]:
			done.Errors = true
			items = append(items, fmt.Appendf(nil, `{%q:{"status":%d,"error":{"type":"es_rejected_execution_exception","reason":"refused by the fault proxy"}}}`, op, status))
		case len(done.Items) == 0:
			return nil // fewer answers than items
		default:
			items, done.Items = append(items, done.Items[0]), done.Items[1:]
		}
	}
	done.Items = items
	answer, err := json.Marshal(done)
	if err != nil {
		return nil
	}
	header.Del("Transfer-Encoding")
	header.Set("Content-Length", strconv.Itoa(len(answer)))
	return &reply{http.StatusOK, header, answer}
}
