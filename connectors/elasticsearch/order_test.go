package elasticsearch

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
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

func TestNullValues(t *testing.T) {
	null := record("t", 1, str("k0"), schema.Null())
	bubble(t, "delete", func(t *testing.T) {
		f := start(t, nil, nil, nil, map[string]string{keyNullValues: "delete", keySchemaIgnore: "false", keyTopicsSchema: "t"})
		f.put(records(0, 1)[0], null, record("t", 2, schema.Null(), schema.Null()), record("t", 3, str("never"), schema.Null()))
		f.mustSettle()
		if len(f.es.Docs("t")) != 0 || f.committed(4) != 4 {
			t.Errorf("%d documents, %d committed", len(f.es.Docs("t")), f.committed(4))
		}
		f.put(records(0, 1)...) // delivered again: it stays deleted
		f.mustSettle()
		if len(f.es.Docs("t")) != 0 {
			t.Error("a deleted document has come back")
		}
		f.stop()
	})
	bubble(t, "delete needs no mapping", func(t *testing.T) {
		f := start(t, nil, nil, nil, map[string]string{keyNullValues: "delete", keySchemaIgnore: "false"})
		f.put(null)
		f.mustSettle()
		f.stop()
	})
	bubble(t, "ignore", func(t *testing.T) {
		errant := &connecttest.Errant{}
		f := start(t, nil, nil, errant, map[string]string{keyNullValues: "ignore"})
		f.put(null)
		if f.committed(2) != 2 || len(f.es.Requests()) != 0 || len(errant.Reports()) != 1 || errs.String(errant.Reports()[0].Err) != errs.ClassConnect+": Cannot write null valued record." {
			t.Errorf("%d committed, %d requests, reports %v", f.committed(2), len(f.es.Requests()), errant.Reports())
		}
		f.stop()
	})
	bubble(t, "fail", func(t *testing.T) {
		f := start(t, nil, nil, nil, nil)
		if err := f.Put(t.Context(), []*connect.Record{null}); err == nil || !strings.Contains(err.Error(), "has a null value") {
			t.Errorf("got %v", err)
		}
		f.stop()
	})
}

// Whatever comes again, and in whichever order requests arrive, the last state of
// each key is what is in the index.
func TestRedeliveryAndReordering(t *testing.T) {
	for _, method := range []string{methodInsert, methodUpsert} {
		for seed := range uint64(30) {
			bubble(t, fmt.Sprintf("%s %d", method, seed), func(t *testing.T) {
				var mu sync.Mutex
				rnd := rand.New(rand.NewPCG(seed, 5))
				chance := func(n int) int { mu.Lock(); defer mu.Unlock(); return rnd.IntN(n) }
				es := estest.New()
				es.OnItem = func(estest.Item) *estest.Reject {
					if chance(12) == 0 {
						return &estest.Reject{Status: 429, Type: "es_rejected_execution_exception", Reason: "queue full"}
					}
					return nil
				}
				shuffle := func(r *http.Request) (*http.Response, error) {
					<-time.After(time.Duration(chance(50)) * time.Millisecond)
					if r.URL.Path == "/_bulk" && chance(10) == 0 {
						if chance(2) == 0 { // carried out, but the answer is lost
							rec := httptest.NewRecorder()
							es.ServeHTTP(rec, r.Clone(r.Context()))
						}
						return nil, syscall.ECONNRESET
					}
					return nil, nil
				}
				f := start(t, es, shuffle, nil, map[string]string{
					keyWriteMethod: method, keyNullValues: "delete", keyBatch: "7", keyInFlight: "4", keyRetries: "1000", keyBackoff: "1",
				})
				const n = 300
				all := make([]*connect.Record, n)
				for i := range all {
					value := mapOf(str("n"), schema.OfInt64(int64(i)), str(fmt.Sprintf("f%d", chance(3))), schema.OfInt64(int64(i)))
					if chance(6) == 0 {
						value = schema.Null()
					}
					all[i] = record("t", int64(i), str(fmt.Sprintf("k%d", chance(9))), value)
				}
				for from := 0; from < n; {
					to := min(from+1+chance(40), n)
					f.put(all[from:to]...)
					if from = to; from < n && chance(4) == 0 {
						from = int(max(f.committed(int64(from)), 0)) // the task starts again where it had committed
					}
				}
				f.mustSettle()
				if got := f.committed(n); got != n {
					t.Errorf("%d is committed", got)
				}
				want := map[string]map[string]any{}
				for _, r := range all {
					key := r.Key.Str()
					if r.Value.IsNull() {
						delete(want, key)
						continue
					}
					if want[key] == nil || method == methodInsert {
						want[key] = map[string]any{}
					}
					for k, v := range r.Value.Map().All() {
						want[key][k.Str()] = float64(v.Int64())
					}
				}
				have := es.Docs("t")
				if len(have) != len(want) {
					t.Errorf("%d documents, want %d", len(have), len(want))
				}
				for id, source := range want {
					if fmt.Sprint(have[id].Source) != fmt.Sprint(source) {
						t.Errorf("%s is %v, want %v", id, have[id].Source, source)
					}
				}
				f.stop()
			})
		}
	}
}

// Requests that write the same document in upsert mode do not overlap.
func TestUpsertOrder(t *testing.T) {
	bubble(t, "requests", func(t *testing.T) {
		g := &gate{}
		f := start(t, nil, g.hold, nil, map[string]string{keyWriteMethod: "UPSERT", keyBatch: "1"})
		f.put(record("t", 0, str("a"), doc(1)), record("t", 1, str("b"), doc(1)))
		done := make(chan error, 1)
		go func() {
			done <- f.Put(t.Context(), []*connect.Record{record("t", 2, str("a"), doc(2)), record("t", 3, str("c"), doc(1))})
		}()
		synctest.Wait()
		if got := fmt.Sprint(g.ids()); got != "[a b]" || f.bulk.inFlight != 2 {
			t.Errorf("requests %s under way", got)
		}
		g.release("b")
		synctest.Wait()
		if f.bulk.inFlight != 1 {
			t.Errorf("%d requests under way after another document's came back", f.bulk.inFlight)
		}
		g.releaseAll()
		if err := <-done; err != nil {
			t.Error(err)
		}
		f.mustSettle()
		if d := f.es.Docs("t")["a"]; d.Source["n"] != 2.0 {
			t.Errorf("a is %v", d.Source)
		}
		f.stop()
	})
	bubble(t, "what was written out of turn is written again", func(t *testing.T) {
		es, first := estest.New(), true
		es.OnItem = func(i estest.Item) *estest.Reject {
			if i.ID == "a" && first {
				first = false
				return &estest.Reject{Status: 429, Type: "es_rejected_execution_exception", Reason: "queue full"}
			}
			return nil
		}
		f := start(t, es, nil, nil, map[string]string{keyWriteMethod: "UPSERT"})
		f.put(record("t", 0, str("a"), doc(1)), record("t", 1, str("b"), doc(1)), record("t", 2, str("a"), doc(2)))
		f.mustSettle()
		if got := sizes(es); !slices.Equal(got, []int{3, 2}) || es.Docs("t")["a"].Source["n"] != 2.0 {
			t.Errorf("batches %v, a is %v", got, es.Docs("t")["a"].Source)
		}
		f.stop()
	})
	bubble(t, "a conflict is tried again", func(t *testing.T) {
		es, n := estest.New(), 0
		es.OnItem = func(estest.Item) *estest.Reject {
			if n++; n <= 2 {
				return &estest.Reject{Status: 409, Type: "version_conflict_engine_exception", Reason: "required seqNo"}
			}
			return nil
		}
		f := start(t, es, nil, nil, map[string]string{keyWriteMethod: "UPSERT"})
		f.put(record("t", 0, str("a"), doc(1)))
		f.mustSettle()
		if es.Docs("t")["a"].Source["n"] != 1.0 {
			t.Errorf("a is %v", es.Docs("t")["a"])
		}
		f.stop()
	})
	bubble(t, "nothing is under way when partitions are given away", func(t *testing.T) {
		g := &gate{}
		f := start(t, nil, g.hold, nil, map[string]string{keyWriteMethod: "UPSERT", keyLinger: "60000"})
		f.put(record("t", 0, str("a"), doc(1)))
		done := make(chan error, 1)
		go func() { done <- f.Close(t.Context(), []connect.TopicPartition{f.tp}) }()
		synctest.Wait()
		select {
		case <-done:
			t.Error("Close does not wait")
		default:
		}
		g.releaseAll()
		if err := <-done; err != nil || len(f.es.Docs("t")) != 1 {
			t.Errorf("%v, %d documents", err, len(f.es.Docs("t")))
		}
		f.stop()
	})
}
