package sse

import (
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/connecttest"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/internal/sseserver"
)

func TestRecords(t *testing.T) {
	const data = `{"meta":{"id":"k1","dt":"2026-02-18T14:54:14.407Z","list":[{"a":7}]},"n":12345678901234567,"f":1.5,"b":true,"z":null,"big":123456789012345678901234567890,"é":"日本"}`
	text := func(s string) schema.Value { return schema.OfString(s) }
	for _, c := range []struct {
		name  string
		extra map[string]string
		event event
		check func(t *testing.T, r *connect.Record)
	}{
		{"envelope", nil, event{name: "x", id: "7", hasID: true, data: []byte("d")}, func(t *testing.T, r *connect.Record) {
			want := `Struct{event="x", id="7", data="d"}`
			if got := connecttest.Show(r.Value); got != want {
				t.Errorf("value %s, want %s", got, want)
			}
			if r.ValueSchema.Name() != "com.github.cjmatta.kafka.connect.sse.ServerSentEvent" || r.KeySchema != nil || !r.Key.IsNull() || r.Timestamp != connect.NoTimestamp || r.Topic != "t" {
				t.Errorf("record %+v", r)
			}
		}},
		{"envelope without name and id", nil, event{data: []byte("")}, func(t *testing.T, r *connect.Record) {
			if got := connecttest.Show(r.Value); got != `Struct{event="message", id=null, data=""}` {
				t.Errorf("value %s", got)
			}
		}},
		{"data", map[string]string{keyValueMode: modeData}, event{data: []byte("d\ne")}, func(t *testing.T, r *connect.Record) {
			if !r.Value.Equal(text("d\ne")) || r.ValueSchema.Type() != schema.String {
				t.Errorf("value %s", connecttest.Show(r.Value))
			}
		}},
		{"json", map[string]string{keyValueMode: modeJSON}, event{data: []byte(data)}, func(t *testing.T, r *connect.Record) {
			want := `{"meta": {"id": "k1", "dt": "2026-02-18T14:54:14.407Z", "list": [{"a": int64(7)}]}, "n": int64(12345678901234567), "f": float64(1.5), "b": true, "z": null, "big": float64(1.2345678901234568e+29), "é": "日本"}`
			if got := connecttest.Show(r.Value); got != want || r.ValueSchema != nil {
				t.Errorf("value %s\nwant  %s", got, want)
			}
		}},
		{"key by id", map[string]string{keyKeyFrom: fromID}, event{id: "9", hasID: true, data: []byte("d")}, func(t *testing.T, r *connect.Record) {
			if !r.Key.Equal(text("9")) || r.KeySchema.Type() != schema.String {
				t.Errorf("key %s", connecttest.Show(r.Key))
			}
		}},
		{"key by path, time by pointer", map[string]string{keyKeyFrom: "meta.id", keyTimestampFrom: "/meta/dt"}, event{data: []byte(data)}, func(t *testing.T, r *connect.Record) {
			if !r.Key.Equal(text("k1")) || r.Timestamp != 1771426454407 {
				t.Errorf("key %s, timestamp %d", connecttest.Show(r.Key), r.Timestamp)
			}
		}},
		{"key within an array", map[string]string{keyKeyFrom: "/meta/list/0/a"}, event{data: []byte(data)}, func(t *testing.T, r *connect.Record) {
			if !r.Key.Equal(schema.OfInt64(7)) || r.KeySchema.Type() != schema.Int64 {
				t.Errorf("key %s", connecttest.Show(r.Key))
			}
		}},
		{"absent fields", map[string]string{keyKeyFrom: "meta.none.deeper", keyTimestampFrom: "b"}, event{data: []byte(data)}, func(t *testing.T, r *connect.Record) {
			if !r.Key.IsNull() || r.KeySchema != nil || r.Timestamp != connect.NoTimestamp {
				t.Errorf("key %s, timestamp %d", connecttest.Show(r.Key), r.Timestamp)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := newConverter(testSettings(t, c.extra)).record(item{event: c.event})
			if err != nil {
				t.Fatal(err)
			}
			c.check(t, r)
			if r.ValueSchema != nil {
				if err := schema.ValidateValue(r.ValueSchema, r.Value); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestMillis(t *testing.T) {
	for _, c := range []struct {
		in   schema.Value
		want int64
		ok   bool
	}{
		{schema.OfString("2021-08-27T13:20:11Z"), 1630070411000, true},
		{schema.OfString("2021-08-27T15:20:11.5+02:00"), 1630070411500, true},
		{schema.OfString("2021-08-27 13:20:11"), 1630070411000, true},
		{schema.OfString("yesterday"), 0, false},
		{schema.OfInt64(1630070411), 1630070411000, true},
		{schema.OfInt64(1630070411500), 1630070411500, true},
		{schema.OfFloat64(1630070411.25), 1630070411250, true},
		{schema.OfBoolean(true), 0, false},
	} {
		if got, ok := millis(c.in); got != c.want || ok != c.ok {
			t.Errorf("%s: %d, %v", connecttest.Show(c.in), got, ok)
		}
	}
}

func TestMalformedEvents(t *testing.T) {
	feed := sseserver.Recorded(
		sseserver.Event{ID: "1", Data: []byte(`{"a":1}`)}, sseserver.Event{ID: "2", Data: []byte(`{"a":`)}, sseserver.Event{ID: "3", Data: []byte(`{"a":3}`)})
	_, uri := serve(t, feed, sseserver.Options{})
	t.Run("fail", func(t *testing.T) {
		tk := startTask(t, &connecttest.Offsets{}, props(uri, map[string]string{keyValueMode: modeJSON}))
		if r := connecttest.PollN(t, tk, 1); len(r) != 1 {
			t.Errorf("%d records before the malformed one", len(r))
		}
		_, err := tk.Poll(t.Context())
		if err == nil {
			t.Fatal("no error")
		}
		for _, part := range []string{`event "2"`, uri, "value.mode=json", keyMalformed + "=warn", "unexpected EOF"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q does not say %q", err, part)
			}
		}
	})
	for _, mode := range []string{malformedWarn, malformedIgnore} {
		t.Run(mode, func(t *testing.T) {
			tk := startTask(t, &connecttest.Offsets{}, props(uri, map[string]string{keyKeyFrom: "a", keyMalformed: mode}))
			if got := connecttest.PollN(t, tk, 2); len(got) != 2 || !got[1].Key.Equal(schema.OfInt64(3)) {
				t.Errorf("got %d records", len(got))
			}
		})
	}
}

func FuzzParseJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5,null,true,"x"]}`, `[]`, `"x"`, `1e400`, `{"a":1,"a":2}`, `[[[[`, `{"a"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		v, err := parseJSON([]byte(in))
		if err != nil && !v.IsNull() {
			t.Errorf("a value and an error for %q", in)
		}
		path{"a", "b", "0"}.find(v)
	})
}
