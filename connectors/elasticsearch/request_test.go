package elasticsearch

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/connecttest"
	"github.com/moldau-io/moldau/connect/schema"
)

func testSettings(t *testing.T, extra map[string]string) *settings {
	t.Helper()
	p := map[string]string{keyURL: "http://localhost:9200", keySchemaIgnore: "true"}
	maps.Copy(p, extra)
	set, err := parse(p)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func record(topic string, offset int64, key, value schema.Value) *connect.Record {
	return connecttest.SinkRecord(topic, 3, offset, connect.SchemaAndValue{Value: key}, connect.SchemaAndValue{Value: value})
}

func TestRequestLines(t *testing.T) {
	doc := mapOf(str("a"), schema.OfInt64(1))
	routed := record("routed", 7, str("k"), doc)
	routed.Original.Topic = "origin"
	headers := record("t", 7, str("k"), doc)
	headers.Headers = connect.Headers{}.With("v", nil, str("41")).With("v", nil, schema.OfInt32(42))
	stream := map[string]string{keyStreamType: "logs", keyStreamDataset: "app", keyKeyIgnore: "true"}
	with := func(m map[string]string, kv ...string) map[string]string {
		out := maps.Clone(m)
		for i := 0; i < len(kv); i += 2 {
			out[kv[i]] = kv[i+1]
		}
		return out
	}
	delete := map[string]string{keyNullValues: "delete"}
	boolKey := record("t", 7, schema.OfBoolean(true), doc)
	structKey := record("t", 7, schema.Null(), doc)
	structKey.KeySchema = schema.NewStruct().Field("id", schema.Of(schema.Int32)).MustBuild()
	structKey.Key = schema.OfStruct(schema.StructOf(structKey.KeySchema, []schema.Value{schema.OfInt32(1)}))
	stamped := record("T", 7, schema.Null(), mapOf(str("at"), str("2026"), str("@timestamp"), str("old"), str("n"), schema.OfArray([]schema.Value{mapOf(str("@timestamp"), str("inner,"))})))
	for _, c := range []struct {
		name  string
		extra map[string]string
		r     *connect.Record
		want  string // lines, "" for nothing, or an error after "!"
	}{
		{"key and version", nil, record("T-x", 7, str("k\"1"), doc), `{"index":{"_index":"t-x","_id":"k\"1","version_type":"external","version":7}}` + "\n" + `{"a":1}` + "\n"},
		{"number as key", nil, record("t", 0, schema.OfInt8(-5), doc), `{"index":{"_index":"t","_id":"-5","version_type":"external","version":0}}` + "\n" + `{"a":1}` + "\n"},
		{"key ignored", map[string]string{keyKeyIgnore: "true"}, record("Top.ic", 7, str("k"), doc), `{"index":{"_index":"top.ic","_id":"Top.ic+3+7"}}` + "\n" + `{"a":1}` + "\n"},
		{"key ignored for the topic", map[string]string{keyTopicsKey: "x,t"}, record("t", 7, schema.Null(), doc), `{"index":{"_index":"t","_id":"t+3+7"}}` + "\n" + `{"a":1}` + "\n"},
		{"routed", map[string]string{keyKeyIgnore: "true"}, routed, `{"index":{"_index":"routed","_id":"origin+3+7"}}` + "\n" + `{"a":1}` + "\n"},
		{"ids of Elasticsearch's", map[string]string{keyAutoIDs: "true"}, record("t", 7, str("k"), doc), `{"index":{"_index":"t"}}` + "\n" + `{"a":1}` + "\n"},
		{"version header", map[string]string{keyVersionHeader: "v"}, headers, `{"index":{"_index":"t","_id":"k","version_type":"external","version":42}}` + "\n" + `{"a":1}` + "\n"},
		{"version header missing", map[string]string{keyVersionHeader: "w"}, headers, "!record from topic=t partition=3 offset=7 has no header 'w' (external.version.header=w wants one with a number)"},
		{"upsert", map[string]string{keyWriteMethod: "upsert"}, record("t", 7, str("k"), doc), `{"update":{"_index":"t","_id":"k","retry_on_conflict":5}}` + "\n" + `{"doc":{"a":1},"doc_as_upsert":true}` + "\n"},
		{"upsert with few requests", map[string]string{keyWriteMethod: "UPSERT", keyInFlight: "2"}, record("t", 7, str("k"), doc), `{"update":{"_index":"t","_id":"k","retry_on_conflict":2}}` + "\n" + `{"doc":{"a":1},"doc_as_upsert":true}` + "\n"},
		{"delete", delete, record("t", 7, str("k"), schema.Null()), `{"delete":{"_index":"t","_id":"k","version_type":"external","version":7}}` + "\n"},
		{"delete without key", delete, record("t", 7, schema.Null(), schema.Null()), ""},
		{"delete in upsert mode", with(delete, keyWriteMethod, "UPSERT"), record("t", 7, str("k"), schema.Null()), `{"delete":{"_index":"t","_id":"k"}}` + "\n"},
		{"null ignored", map[string]string{keyNullValues: "IGNORE"}, record("t", 7, str("k"), schema.Null()), ""},
		{"null fails", nil, record("t", 7, str("k"), schema.Null()), "!record from topic=t partition=3 offset=7 has a null value (to ignore future records like this change the configuration property 'behavior.on.null.values' from 'FAIL' to 'IGNORE')"},
		{"data stream", stream, record("T", 7, schema.Null(), doc), `{"create":{"_index":"logs-app-t","_id":"T+3+7"}}` + "\n" + `{"a":1,"@timestamp":1700000000007}` + "\n"},
		{"data stream, empty document", stream, record("T", 7, schema.Null(), mapOf()), `{"create":{"_index":"logs-app-t","_id":"T+3+7"}}` + "\n" + `{"@timestamp":1700000000007}` + "\n"},
		{"data stream with key", with(stream, keyKeyIgnore, "false"), record("T", 7, str("k"), doc), `{"create":{"_index":"logs-app-t","_id":"k"}}` + "\n" + `{"a":1,"@timestamp":1700000000007}` + "\n"},
		{"data stream, time of a field", with(stream, keyStreamTime, "none,at", keyStreamSpace, "prod"), stamped,
			`{"create":{"_index":"logs-app-prod","_id":"T+3+7"}}` + "\n" + `{"at":"2026","@timestamp":"2026","n":[{"@timestamp":"inner,"}]}` + "\n"},
		{"data stream, no such field", with(stream, keyStreamTime, "none"), record("T", 7, schema.Null(), doc), `{"create":{"_index":"logs-app-t","_id":"T+3+7"}}` + "\n" + `{"a":1}` + "\n"},
		{"data stream, no object", stream, record("T", 7, schema.Null(), schema.OfInt64(5)), "!Top level payload contains data of Json type NUMBER. Required Json object."},
		{"null key", nil, record("t", 7, schema.Null(), doc), "!Key is used as document id and can not be null. (record from topic=t partition=3 offset=7; set key.ignore=true to make ids of topic, partition and offset)"},
		{"empty key", nil, record("t", 7, str(""), doc), "!Key is used as document id and can not be empty. (record from topic=t partition=3 offset=7; set key.ignore=true to make ids of topic, partition and offset)"},
		{"boolean key", nil, boolKey, "!BOOLEAN is not supported as the document id. (record from topic=t partition=3 offset=7; use a key of a number or a string, such as with the transform ExtractField$Key, or set key.ignore=true)"},
		{"struct key", nil, structKey, "!STRUCT is not supported as the document id. (record from topic=t partition=3 offset=7; use a key of a number or a string, such as with the transform ExtractField$Key, or set key.ignore=true)"},
		{"long key", nil, record("t", 7, str(strings.Repeat("k", 513)), doc), "!Key is used as document id and is 513 bytes long; Elasticsearch takes no more than 512 (record from topic=t partition=3 offset=7) (set key.ignore=true, or make the key shorter with a transform)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := testSettings(t, c.extra)
			target, err := set.target(c.r.Topic)
			if err != nil {
				t.Fatal(err)
			}
			got, w, err := set.write(nil, target, c.r)
			if want, ok := strings.CutPrefix(c.want, "!"); ok {
				if err == nil || err.Error() != want {
					t.Errorf("error %v\nwant  %s", err, want)
				}
				return
			}
			if err != nil || string(got) != c.want || w.skip != (c.want == "") {
				t.Errorf("got  %s, %v\nwant %s", got, err, c.want)
			}
			for line := range strings.Lines(string(got)) {
				if !json.Valid([]byte(line)) {
					t.Errorf("%s is not JSON", line)
				}
			}
		})
	}
}

func TestNames(t *testing.T) {
	for topic, want := range map[string]string{
		"Topic": "topic", "-topic": "topic", "_topic": "topic", "__topic": "_topic", ".": "dot", "..": "dotdot", "a.b": "a.b",
		strings.Repeat("x", 300): strings.Repeat("x", 255),
	} {
		if got := indexName(topic); got != want {
			t.Errorf("%s becomes %s, want %s", topic, got, want)
		}
	}
	set := testSettings(t, map[string]string{keyStreamType: "LOGS", keyStreamDataset: "d", keyStreamSpace: "n_${topic}"})
	if got := set.streamName("TopiC"); got != "logs-d-n_topic" {
		t.Errorf("stream %s", got)
	}
	if got := set.streamName(strings.Repeat("x", 200)); len(got) != len("logs-d-")+100 {
		t.Errorf("stream of %d characters", len(got))
	}
	mapped := testSettings(t, map[string]string{keyExternal: "index", keyMapping: "a:One, b : Two", keyTopics: "a,b"})
	if got, err := mapped.resource("b"); got != "Two" || err != nil {
		t.Errorf("b goes to %s, %v", got, err)
	}
	if _, err := mapped.resource("c"); err == nil || !strings.Contains(err.Error(), "Topic 'c' is not mapped to any resource.") || !strings.Contains(err.Error(), keyMapping) {
		t.Errorf("c: %v", err)
	}
}

func BenchmarkWrite(b *testing.B) {
	set, err := parse(map[string]string{keyURL: "http://localhost:9200", keySchemaIgnore: "true"})
	if err != nil {
		b.Fatal(err)
	}
	target, err := set.target("topic")
	if err != nil {
		b.Fatal(err)
	}
	r := record("topic", 1234567, str("key-123"), mapOf(str("name"), str("value of the field"), str("n"), schema.OfInt64(12345), str("flag"), schema.OfBoolean(true)))
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		if buf, _, err = set.write(buf[:0], target, r); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(buf)))
}
