package elasticsearch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/connecttest"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/internal/estest"
)

func refuse(status int, body string, header ...string) *http.Response {
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

const rejected = `{"error":{"type":"es_rejected_execution_exception","reason":"rejected execution of coordinating operation"},"status":429}`

// A request that fails is tried again, with waits that grow, so often and no more.
func TestRequestRetries(t *testing.T) {
	for name, outcome := range map[string]func() (*http.Response, error){
		"429":     func() (*http.Response, error) { return refuse(429, rejected), nil },
		"500":     func() (*http.Response, error) { return refuse(500, "oops"), nil },
		"503":     func() (*http.Response, error) { return refuse(503, ""), nil },
		"refused": func() (*http.Response, error) { return nil, syscall.ECONNREFUSED },
		"reset":   func() (*http.Response, error) { return nil, syscall.ECONNRESET },
		"cut":     func() (*http.Response, error) { return nil, io.ErrUnexpectedEOF },
	} {
		bubble(t, name+", then success", func(t *testing.T) {
			n := 0
			f := start(t, nil, func(r *http.Request) (*http.Response, error) {
				if r.URL.Path != "/_bulk" {
					return nil, nil
				}
				if n++; n <= 5 {
					return outcome()
				}
				return nil, nil
			}, nil, map[string]string{keyBackoff: "100"})
			begin := time.Now()
			f.put(records(0, 3)...)
			f.mustSettle()
			if len(f.es.Docs("t")) != 3 || f.committed(3) != 3 {
				t.Errorf("%d documents", len(f.es.Docs("t")))
			}
			if d := time.Since(begin); d > 100*(2+4+8+16+32+1)*time.Millisecond {
				t.Errorf("took %v", d)
			}
			f.stop()
		})
	}
	for name, c := range map[string]struct {
		outcome func() (*http.Response, error)
		want    string
	}{
		"429":     {func() (*http.Response, error) { return refuse(429, rejected), nil }, "ElasticsearchStatusException[Elasticsearch exception [type=es_rejected_execution_exception, reason=rejected execution of coordinating operation]]' after 3 attempt(s)"},
		"refused": {func() (*http.Response, error) { return nil, syscall.ECONNREFUSED }, "'java.net.ConnectException: Connection refused' after 3 attempt(s)"},
	} {
		bubble(t, name+" to the end", func(t *testing.T) {
			n := 0
			f := start(t, nil, func(r *http.Request) (*http.Response, error) {
				if r.URL.Path != "/_bulk" {
					return nil, nil
				}
				n++
				return c.outcome()
			}, nil, map[string]string{keyRetries: "2"})
			f.put(records(0, 3)...)
			err := f.settle()
			if err == nil || n != 3 {
				t.Fatalf("%v after %d requests", err, n)
			}
			trace := errs.Trace(err)
			if !strings.HasPrefix(trace, "org.apache.kafka.connect.errors.ConnectException: Bulk request failed\nCaused by: org.apache.kafka.connect.errors.ConnectException: Failed to execute bulk request due to ") ||
				!strings.Contains(trace, c.want) || !strings.Contains(trace, keyURL+"=http://es:9200") {
				t.Errorf("trace %s", trace)
			}
			if got := f.committed(3); got != -1 {
				t.Errorf("%d is committed", got)
			}
			f.stop()
		})
	}
	bubble(t, "a status that will not change", func(t *testing.T) {
		n := 0
		f := start(t, nil, func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != "/_bulk" {
				return nil, nil
			}
			n++
			return refuse(401, `{"error":{"type":"security_exception","reason":"unable to authenticate user"}}`), nil
		}, nil, nil)
		f.put(records(0, 3)...)
		if err := f.settle(); err == nil || n != 1 || !strings.Contains(errs.Trace(err), keyUsername) || !strings.Contains(errs.Trace(err), "unable to authenticate user") {
			t.Errorf("%v after %d requests", errs.Trace(err), n)
		}
		f.stop()
	})
	bubble(t, "creating the index", func(t *testing.T) {
		n := 0
		f := start(t, nil, func(*http.Request) (*http.Response, error) {
			if n++; n <= 2 {
				return nil, syscall.ECONNREFUSED
			}
			return nil, nil
		}, nil, nil)
		f.put(records(0, 1)...)
		f.mustSettle()
		f.stop()
	})
}

func TestItemRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		es := estest.New()
		tries := map[string]int{}
		es.OnItem = func(i estest.Item) *estest.Reject {
			tries[i.ID]++
			switch {
			case i.ID == "k1" && tries[i.ID] <= 3:
				return &estest.Reject{Status: 429, Type: "es_rejected_execution_exception", Reason: "queue full"}
			case i.ID == "k3" && tries[i.ID] <= 1:
				return &estest.Reject{Status: 503, Type: "unavailable_shards_exception", Reason: "not now"}
			}
			return nil
		}
		f := start(t, es, nil, nil, nil)
		f.put(records(0, 5)...)
		f.mustSettle()
		if got := sizes(es); !slices.Equal(got, []int{5, 2, 1, 1}) || len(es.Docs("t")) != 5 {
			t.Errorf("batches %v, %d documents", got, len(es.Docs("t")))
		}
		es.OnItem = func(i estest.Item) *estest.Reject {
			if i.ID == "k7" {
				return &estest.Reject{Status: 429, Type: "es_rejected_execution_exception", Reason: "queue full"}
			}
			return nil
		}
		f.put(records(5, 5)...)
		err := f.settle()
		if err == nil || !strings.Contains(errs.Trace(err), "queue full") || !strings.Contains(errs.Trace(err), "after 6 attempt(s)") {
			t.Errorf("got %v", err)
		}
		if got := f.committed(10); got != 7 {
			t.Errorf("%d is committed, want 7", got)
		}
		f.stop()
	})
}

func TestFailedItems(t *testing.T) {
	malformed := func(i estest.Item) *estest.Reject {
		if i.ID == "k1" {
			return &estest.Reject{Status: 400, Type: "mapper_parsing_exception", Reason: "failed to parse field [n]"}
		}
		return nil
	}
	for _, c := range []struct {
		policy string
		fails  bool
		errant bool
	}{{"ignore", false, true}, {"WARN", false, true}, {"warn", false, false}, {"fail", true, true}, {"fail", true, false}} {
		bubble(t, fmt.Sprintf("malformed, %s, reporter %v", c.policy, c.errant), func(t *testing.T) {
			es := estest.New()
			es.OnItem = malformed
			var errant *connecttest.Errant
			if c.errant {
				errant = &connecttest.Errant{}
			}
			f := start(t, es, nil, errant, map[string]string{keyMalformed: c.policy})
			f.put(records(0, 3)...)
			err := f.settle()
			if c.fails != (err != nil) {
				t.Fatalf("got %v", err)
			}
			if c.fails {
				trace := errs.Trace(err)
				if !strings.HasPrefix(trace, "org.apache.kafka.connect.errors.ConnectException: Indexing record failed. Please check DLQ topic for errors.\n") ||
					!strings.Contains(trace, "type=mapper_parsing_exception, reason=failed to parse field [n]") || !strings.Contains(trace, "partition=3 offset=1") || !strings.Contains(trace, keyMalformed) {
					t.Errorf("trace %s", trace)
				}
			}
			if want := map[bool]int64{true: 1, false: 3}[c.fails]; f.committed(3) != want {
				t.Errorf("%d is committed, want %d", f.committed(3), want)
			}
			if len(es.Docs("t")) != 2 {
				t.Errorf("%d documents", len(es.Docs("t")))
			}
			if c.errant {
				reports := errant.Reports()
				want := "io.confluent.connect.elasticsearch.ElasticsearchClient$ReportingException: Indexing failed: ElasticsearchException[Elasticsearch exception [type=mapper_parsing_exception, reason=failed to parse field [n]]]"
				if len(reports) != 1 || reports[0].Record.Offset != 1 || errs.String(reports[0].Err) != want {
					t.Errorf("reports %+v", reports)
				}
			}
			f.stop()
		})
	}
	bubble(t, "of another kind", func(t *testing.T) {
		es, errant := estest.New(), &connecttest.Errant{}
		es.OnItem = func(i estest.Item) *estest.Reject {
			return &estest.Reject{Status: 404, Type: "index_not_found_exception", Reason: "no such index"}
		}
		f := start(t, es, nil, errant, map[string]string{keyMalformed: "ignore"})
		f.put(records(0, 1)...)
		if err := f.settle(); err == nil || !strings.Contains(errs.Trace(err), "no such index") || len(errant.Reports()) != 1 {
			t.Errorf("got %v, %d reports", err, len(errant.Reports()))
		}
		f.stop()
	})
	bubble(t, "the report fails", func(t *testing.T) {
		es := estest.New()
		es.OnItem = malformed
		f := start(t, es, nil, &connecttest.Errant{Fail: errors.New("no dead letter topic")}, map[string]string{keyMalformed: "ignore"})
		f.put(records(0, 3)...)
		if err := f.settle(); err == nil || !strings.Contains(err.Error(), "no dead letter topic") {
			t.Errorf("got %v", err)
		}
		if got := f.committed(3); got > 1 {
			t.Errorf("%d is committed", got)
		}
		f.stop()
	})
}

func TestInvalidRecords(t *testing.T) {
	bad := record("t", 1, schema.Null(), doc(1))
	bubble(t, "dropped", func(t *testing.T) {
		errant := &connecttest.Errant{}
		f := start(t, nil, nil, errant, map[string]string{keyDropInvalid: "true"})
		f.put(records(0, 1)[0], bad, records(2, 1)[0])
		f.mustSettle()
		if f.committed(3) != 3 || len(f.es.Docs("t")) != 2 || len(errant.Reports()) != 1 {
			t.Errorf("%d committed, %d documents, %d reports", f.committed(3), len(f.es.Docs("t")), len(errant.Reports()))
		}
		f.stop()
	})
	bubble(t, "failing", func(t *testing.T) {
		errant := &connecttest.Errant{}
		f := start(t, nil, nil, errant, nil)
		err := f.Put(t.Context(), []*connect.Record{records(0, 1)[0], bad})
		if err == nil || errs.Class(err) != errs.ClassData || len(errant.Reports()) != 1 {
			t.Errorf("got %v, %d reports", err, len(errant.Reports()))
		}
		if got := f.committed(2); got != 1 {
			t.Errorf("%d is committed", got)
		}
		f.stop()
	})
	bubble(t, "version header that is no number", func(t *testing.T) {
		f := start(t, nil, nil, nil, map[string]string{keyVersionHeader: "v", keyDropInvalid: "true"})
		r := record("t", 1, str("k"), doc(1))
		r.Headers = r.Headers.With("v", nil, str("secret"))
		err := f.Put(t.Context(), []*connect.Record{r})
		if err == nil || err.Error() != "Error converting external version header 'v' to long for record from topic=t partition=3 offset=1" {
			t.Errorf("got %v", err)
		}
		f.stop()
	})
}

// A request that is too large, or refused for one of its documents, is divided.
func TestRefusedRequests(t *testing.T) {
	bubble(t, "too large", func(t *testing.T) {
		es := estest.New()
		es.OnRequest = func(w http.ResponseWriter, r estest.Request) bool {
			if len(r.Body) > 4000 {
				w.WriteHeader(http.StatusRequestEntityTooLarge)
				return true
			}
			return false
		}
		f := start(t, es, nil, nil, map[string]string{keyMalformed: "warn"})
		var rs []*connect.Record
		for i := range 20 {
			size := 500
			if i == 7 {
				size = 5000 // too large on its own
			}
			rs = append(rs, record("t", int64(i), str(fmt.Sprint(i)), mapOf(str("x"), str(strings.Repeat("y", size)))))
		}
		f.put(rs...)
		f.mustSettle()
		if len(es.Docs("t")) != 19 || f.committed(20) != 20 {
			t.Errorf("%d documents, %d committed", len(es.Docs("t")), f.committed(20))
		}
		f.stop()
	})
	bubble(t, "one bad record", func(t *testing.T) {
		es := estest.New()
		es.OnRequest = func(w http.ResponseWriter, r estest.Request) bool {
			if bytes.Contains(r.Body, []byte(`"_id":"k5"`)) {
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprint(w, `{"error":{"type":"illegal_argument_exception","reason":"that one"}}`)
				return true
			}
			return false
		}
		f := start(t, es, nil, nil, nil)
		f.put(records(0, 9)...)
		err := f.settle()
		if err == nil || !strings.Contains(errs.Trace(err), "that one") || !strings.Contains(errs.Trace(err), "offset=5") {
			t.Errorf("got %v", err)
		}
		if got := f.committed(9); got != 5 {
			t.Errorf("%d is committed", got)
		}
		f.stop()
	})
}
