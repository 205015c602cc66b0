package datagen

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/connecttest"
	"github.com/moldau-io/moldau/connect/schema"
)

func TestConformance(t *testing.T) {
	for _, template := range templates() {
		t.Run(template, func(t *testing.T) {
			connecttest.Source{
				New: func() connect.SourceConnector { return New() },
				Config: map[string]string{
					keyTopic: "t", keyTemplate: template, keyRate: "0", keyCount: "500", keyBatch: "7", keyStart: "1700000000000", "tasks.max": "3",
				},
				Want: 500,
			}.Run(t)
		})
	}
}

func start(t *testing.T, extra map[string]string) []*task {
	t.Helper()
	p := map[string]string{keyTopic: "t", keyTemplate: templateText, keyRate: "0"}
	for k, v := range extra {
		p[k] = v
	}
	c := New()
	if err := c.Start(t.Context(), &connecttest.ConnectorContext{}, p); err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(p["tasks.max"])
	if err != nil {
		n = 1
	}
	configs, err := c.TaskConfigs(n)
	if err != nil {
		t.Fatal(err)
	}
	var out []*task
	for _, cfg := range configs {
		tk := &task{}
		if err := tk.Start(t.Context(), connecttest.NewSourceContext(t), cfg); err != nil {
			t.Fatal(err)
		}
		out = append(out, tk)
	}
	return out
}

// The tasks make each record once between them, and as many as asked for.
func TestTasksShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := map[string]int{}
		for _, tk := range start(t, map[string]string{keyTemplate: templateOrders, keyCount: "100", "tasks.max": "7"}) {
			for {
				records, err := tk.Poll(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if len(records) == 0 {
					break
				}
				for _, r := range records {
					seen[connecttest.Show(r.Key)]++
				}
			}
		}
		if len(seen) != 100 {
			t.Errorf("%d different records", len(seen))
		}
		for k, n := range seen {
			if n != 1 {
				t.Errorf("record %s came %d times", k, n)
			}
		}
	})
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin, n := time.Now(), 0
		tk := start(t, map[string]string{keyRate: "50", "tasks.max": "1"})[0]
		for time.Since(begin) < 10*time.Second {
			records, err := tk.Poll(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			n += len(records)
		}
		if n < 495 || n > 505 {
			t.Errorf("%d records in ten seconds at fifty a second", n)
		}
		// A task that was kept from working does not make up for all of it.
		<-time.After(time.Hour)
		records, err := tk.Poll(t.Context())
		if err != nil || len(records) > 51 {
			t.Errorf("%d records after a pause, %v", len(records), err)
		}
	})
}

func TestKeysAndSize(t *testing.T) {
	tk := start(t, map[string]string{keyKeys: "3", keySize: "123", keySeed: "9"})[0]
	keys := map[string]bool{}
	for _, r := range connecttest.PollN(t, tk, 30) {
		keys[r.Key.Str()] = true
		if len(r.Value.Str()) != 123 || strings.Trim(r.Value.Str(), "abcdefghijklmnop") != "" {
			t.Fatalf("value %q", r.Value.Str())
		}
	}
	if fmt.Sprint(keys) != "map[key-0:true key-1:true key-2:true]" {
		t.Errorf("keys %v", keys)
	}
	if r := connecttest.PollN(t, start(t, map[string]string{keyKeys: "0", keyTemplate: templateUsers})[0], 1)[0]; !r.Key.IsNull() || r.KeySchema != nil {
		t.Errorf("key %s", connecttest.Show(r.Key))
	}
}

func TestBadSettings(t *testing.T) {
	for key, value := range map[string]string{
		keyTopic: "", keyTemplate: "cats", keyCount: "-2", keySize: "0", keyBatch: "many", keyRate: "fast", keySeed: "1.5",
	} {
		err := New().Start(t.Context(), &connecttest.ConnectorContext{}, map[string]string{keyTopic: "t", key: value})
		if err == nil || !strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), value) {
			t.Errorf("%s=%s: %v", key, value, err)
		}
	}
	wrong := New().ValidateConfig(t.Context(), map[string]string{keyTopic: "t", keyRate: "-1"})
	if len(wrong[keyRate]) != 1 || !strings.Contains(wrong[keyRate][0], "-1") {
		t.Errorf("a negative rate: %v", wrong)
	}
}

// The events have the shape of Wikimedia's, with all of its oddities, and do not
// change from run to run.
func TestWikipedia(t *testing.T) {
	a, b, other := NewWikipedia(5, nil), NewWikipedia(5, nil), NewWikipedia(6, nil)
	types, params, nonASCII, withoutID := map[string]int{}, map[byte]int{}, 0, 0
	keys := map[string]bool{}
	const n = 5000
	var last time.Time
	for i := range int64(n) {
		c := a.At(i)
		if !bytes.Equal(c.Data, b.At(i).Data) || bytes.Equal(c.Data, other.At(i).Data) {
			t.Fatalf("event %d does not depend on the seed alone", i)
		}
		if bytes.ContainsAny(c.Data, "\r\n") || len(c.Data) < 500 || len(c.Data) > 5000 {
			t.Fatalf("event %d: %s", i, c.Data)
		}
		var e struct {
			Meta struct {
				ID     string    `json:"id"`
				DT     time.Time `json:"dt"`
				Offset int64     `json:"offset"`
				URI    string    `json:"uri"`
			} `json:"meta"`
			ID     *int64          `json:"id"`
			Type   string          `json:"type"`
			Title  string          `json:"title"`
			Wiki   string          `json:"wiki"`
			Params json.RawMessage `json:"log_params"`
		}
		if err := json.Unmarshal(c.Data, &e); err != nil {
			t.Fatalf("event %d is not JSON: %v\n%s", i, err, c.Data)
		}
		if e.Meta.ID != c.Key || e.Meta.Offset != i || !e.Meta.DT.Equal(c.Time) || c.Time.Before(last) || e.Title == "" || e.Wiki == "" || e.Meta.URI == "" {
			t.Fatalf("event %d: %s", i, c.Data)
		}
		last = c.Time
		keys[c.Key] = true
		types[e.Type]++
		if e.ID == nil {
			withoutID++
		}
		if len(e.Params) > 0 {
			params[e.Params[0]]++
		}
		if !isASCII(c.Data) {
			nonASCII++
		}
		if back, ok := ParseStreamID(c.ID); !ok || back != i {
			t.Fatalf("id %s leads to %d", c.ID, back)
		}
	}
	if len(keys) != n || len(types) != 4 || types["edit"] < n/2 || types["categorize"] < n/4 || params['{'] == 0 || params['['] == 0 || withoutID == 0 {
		t.Errorf("%d keys, types %v, log_params %v, %d without id", len(keys), types, params, withoutID)
	}
	if nonASCII < n/4 || nonASCII > n*3/5 {
		t.Errorf("%d of %d events are not ASCII", nonASCII, n)
	}
	for _, id := range []string{"", "x", "[]", `[{"topic":"eqiad.mediawiki.recentchange","partition":0,"offset":5}]`} {
		if _, ok := ParseStreamID(id); ok {
			t.Errorf("id %q is taken", id)
		}
	}
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c > 0x7f {
			return false
		}
	}
	return true
}

func TestStructTemplatesFitTheirSchemas(t *testing.T) {
	for _, template := range []string{templateOrders, templateUsers} {
		for _, r := range connecttest.PollN(t, start(t, map[string]string{keyTemplate: template})[0], 50) {
			if err := schema.ValidateValue(r.ValueSchema, r.Value); err != nil {
				t.Fatalf("%s: %v", template, err)
			}
		}
	}
}

func BenchmarkWikipedia(b *testing.B) {
	w := NewWikipedia(1, nil)
	b.ReportAllocs()
	for n := int64(0); b.Loop(); n++ {
		w.At(n)
	}
}
