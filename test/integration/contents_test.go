//go:build integration

package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// topicValues are the values of a topic's committed records at this time, a line each,
// in the order of their offsets within a partition.
func topicValues(t testing.TB, topic string) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, r := range topicRecords(t, topic) {
		out.Write(r.Value)
		out.WriteByte('\n')
	}
	return out.Bytes()
}

// topicRecords are a topic's committed records at this time, in the order of their
// offsets within a partition.
func topicRecords(t testing.TB, topic string) (out []*kgo.Record) {
	t.Helper()
	// The last offset of a partition may be a transaction's mark.
	cl := client(t, kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ends, err := kadm.NewClient(cl).ListCommittedOffsets(ctx, topic)
	if err := errors.Join(err, ends.Error()); err != nil {
		t.Fatal(err)
	}
	left := map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition] = o.Offset
		}
	})
	for len(left) > 0 {
		fetched := cl.PollFetches(ctx)
		if err := errors.Join(fetched.Err(), ctx.Err()); err != nil {
			t.Fatalf("reading %s, of which %v is left: %v", topic, left, err)
		}
		fetched.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				out = append(out, r)
			}
			if end, ok := left[r.Partition]; ok && r.Offset+1 >= end {
				delete(left, r.Partition)
			}
		})
	}
	return out
}

// documents are the sources of an index's documents, a line each, by their number
// "id".
func documents(t testing.TB, name string) []byte {
	t.Helper()
	index(t, http.MethodPost, "/"+name+"/_refresh", "")
	var out bytes.Buffer
	for after := ""; ; {
		query := `{"size":10000,"track_total_hits":false,"sort":["id","_doc"]` + after + `}`
		hits := index(t, http.MethodPost, "/"+name+"/_search", query)["hits"].(map[string]any)["hits"].([]any)
		if len(hits) == 0 {
			return out.Bytes()
		}
		for _, h := range hits {
			source := h.(map[string]any)["_source"].(map[string]any)
			fmt.Fprintf(&out, "{\"id\":%.0f}\n", source["id"])
			last, err := json.Marshal(h.(map[string]any)["sort"])
			if err != nil {
				t.Fatal(err)
			}
			after = `,"search_after":` + string(last)
		}
	}
}
