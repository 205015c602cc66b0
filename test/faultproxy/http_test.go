package faultproxy

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moldau-io/moldau/internal/estest"
)

func TestHTTP(t *testing.T) {
	es := estest.New()
	var served atomic.Int32
	es.OnRequest = func(http.ResponseWriter, estest.Request) bool {
		served.Add(1)
		return false
	}
	server := httptest.NewServer(es)
	defer server.Close()
	p, err := StartHTTP(strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}()
	send := func(body string) (int, string) {
		t.Helper()
		resp, err := http.Post(p.URL()+"/_bulk", "application/x-ndjson", strings.NewReader(body))
		if err != nil {
			return 0, err.Error()
		}
		defer func() { _ = resp.Body.Close() }()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	one := func(id string) string { return `{"index":{"_index":"i","_id":"` + id + `"}}` + "\n{}\n" }
	for _, c := range []struct {
		name   string
		fault  HTTPFault
		status int
		passed int32
		docs   int
	}{
		{"healed", HTTPFault{}, 200, 1, 1},
		{"refused", HTTPFault{Refuse: 429}, 429, 0, 0},
		{"lost", HTTPFault{Lose: 503}, 503, 1, 1},
		{"dropped", HTTPFault{Drop: true}, 0, 1, 1},
		{"slow", HTTPFault{Slow: time.Millisecond}, 200, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			served.Store(0)
			p.Fail(c.fault)
			if status, text := send(one(c.name)); status != c.status || strings.HasPrefix(text, "{") != (status > 0) {
				t.Errorf("status %d: %s", status, text)
			}
			if _, there := es.Docs("i")[c.name]; served.Load() != c.passed || there != (c.docs > 0) {
				t.Errorf("%d requests were passed on, document there: %v", served.Load(), there)
			}
		})
	}
	if p.Hit() != 4 {
		t.Errorf("%d requests met a fault, want 4", p.Hit())
	}

	// Half of the items of each request, in turn, so that sending again succeeds.
	p.Fail(HTTPFault{Items: 429})
	status, text := send(one("a") + `{"delete":{"_index":"i","_id":"x"}}` + "\n" + one("c"))
	if docs := es.Docs("i"); status != 200 || docs["a"].Version != 1 || docs["c"].Version != 1 ||
		!strings.Contains(text, `"errors":true`) || strings.Count(text, `"status":201`) != 2 || strings.Count(text, `"delete":{"status":429`) != 1 {
		t.Errorf("status %d: %s", status, text)
	}
	if status, text = send(one("d")); status != 200 || !strings.Contains(text, `"status":429`) || len(es.Docs("i")["d"].Source) > 0 {
		t.Errorf("status %d: %s", status, text)
	}
	if status, text = send(one("d")); status != 200 || !strings.Contains(text, `"status":201`) || strings.Contains(text, "429") {
		t.Errorf("status %d: %s", status, text)
	}

	server.Close()
	p.Heal()
	if status, text = send(one("e")); status != 0 {
		t.Errorf("status %d: %s", status, text)
	}
}
