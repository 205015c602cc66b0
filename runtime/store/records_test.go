package store

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/runtime/state"
)

type sample struct{ topic, key, value string }

// samples are records that Apache Kafka Connect wrote.
func samples(t testing.TB, topic string) []sample {
	t.Helper()
	b, err := os.ReadFile("testdata/apache.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var all []sample
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) == 3 && f[0] == topic {
			all = append(all, sample{f[0], f[1], f[2]})
		}
	}
	if len(all) == 0 {
		t.Fatalf("no samples of %s", topic)
	}
	return all
}

func (s sample) bytes() []byte {
	if s.value == "" {
		return nil
	}
	return []byte(s.value)
}

// encodeRecord is the inverse of decodeConfig.
func encodeRecord(t testing.TB, r any) record {
	switch r := r.(type) {
	case connectorRecord:
		if r.config == nil {
			return record{key: connectorPrefix + r.connector}
		}
		return encodeConnector(r.connector, *r.config)
	case taskRecord:
		return encodeTask(r.id, r.config)
	case commitRecord:
		return encodeCommit(r.connector, r.tasks)
	case targetRecord:
		if r.target == "" {
			return record{key: targetStatePrefix + r.connector}
		}
		return encodeTarget(r.connector, r.target)
	case taskCountRecord:
		return encodeTaskCount(r.connector, r.tasks)
	case sessionKeyRecord:
		return encodeSessionKey(r.key)
	case restartRecord:
		return encodeRestart(r.request)
	case loggerRecord:
		return encodeLogger(r.logger, r.level)
	}
	t.Fatalf("a record of type %T", r)
	return record{}
}

func TestConfigRecordsAreThoseOfApache(t *testing.T) {
	for _, s := range samples(t, "configs") {
		r, err := decodeConfig(&s.key, s.bytes())
		if err != nil {
			t.Errorf("%s: %v", s.key, err)
			continue
		}
		got := encodeRecord(t, r)
		want := s.value
		if strings.HasPrefix(want, `{"properties":`) {
			want = sortProperties(t, want) // Java's order is that of its hash maps
		}
		if got.key != s.key || string(got.value) != want || (got.value == nil) != (s.value == "") {
			t.Errorf("%s: wrote %s=%s, Apache %s", s.key, got.key, got.value, want)
		}
	}
}

func sortProperties(t testing.TB, value string) string {
	var v struct {
		Properties map[string]*string `json:"properties"`
	}
	if err := json.Unmarshal([]byte(value), &v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v) // sorts the keys of maps
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestStatusRecordsAreThoseOfApache(t *testing.T) {
	for _, s := range samples(t, "status") {
		k, err := parseStatusKey([]byte(s.key))
		if err != nil {
			t.Errorf("%s: %v", s.key, err)
			continue
		}
		if k.String() != s.key {
			t.Errorf("key %s became %s", s.key, k)
		}
		if s.value == "" {
			continue
		}
		var got []byte
		if k.kind == topicKind {
			st, err := decodeTopicStatus(s.bytes())
			if err != nil || st.Connector != k.connector || st.Topic != k.topic {
				t.Errorf("%s: %+v, %v", s.key, st, err)
			}
			got = encodeTopicStatus(st)
		} else {
			st, err := decodeStatus(s.bytes())
			if err != nil {
				t.Errorf("%s: %v", s.key, err)
			}
			got = st.encode()
		}
		if string(got) != s.value {
			t.Errorf("%s: wrote %s, Apache %s", s.key, got, s.value)
		}
	}
	if b := (status{state: state.Destroyed}).encode(); b != nil {
		t.Errorf("a destroyed instance is written as %s", b)
	}
}

func TestOffsetRecordsAreThoseOfApache(t *testing.T) {
	for _, s := range samples(t, "offsets") {
		connector, partition, err := decodeOffsetKey([]byte(s.key))
		if err != nil {
			t.Fatal(err)
		}
		offset, err := decodeOffset(s.bytes())
		if err != nil {
			t.Fatal(err)
		}
		key, err := encodeOffsetKey(connector, partition)
		if err != nil || string(key) != s.key {
			t.Errorf("wrote %s, %v, Apache %s", key, err, s.key)
		}
		value, err := encodeOffset(offset)
		if err != nil || string(value) != s.value || (value == nil) != (s.value == "") {
			t.Errorf("wrote %s, %v, Apache %s", value, err, s.value)
		}
	}
}

// mapOf makes a map of alternating keys and values.
func mapOf(keyValues ...any) *schema.MapValue {
	m := schema.NewMap(len(keyValues) / 2)
	for i := 0; i < len(keyValues); i += 2 {
		m.PutString(keyValues[i].(string), valueOf(keyValues[i+1]))
	}
	return m
}

func valueOf(v any) schema.Value {
	switch v := v.(type) {
	case nil:
		return schema.Value{}
	case int:
		return schema.OfInt64(int64(v))
	case int32:
		return schema.OfInt32(v)
	case float32:
		return schema.OfFloat32(v)
	case float64:
		return schema.OfFloat64(v)
	case bool:
		return schema.OfBoolean(v)
	case string:
		return schema.OfString(v)
	case []byte:
		return schema.OfBytes(v)
	case schema.Value:
		return v
	}
	panic("unknown type")
}

// TestOffsetValues has values as JsonConverter writes them.
func TestOffsetValues(t *testing.T) {
	for _, c := range []struct {
		m    *schema.MapValue
		want string
	}{
		{mapOf(), `{}`},
		{mapOf("b", 1, "a", int32(-2)), `{"b":1,"a":-2}`},
		{mapOf("n", nil, "t", true, "f", false), `{"n":null,"t":true,"f":false}`},
		{mapOf("d", 1.0, "e", 1e300, "f", float32(0.1), "g", 0.001), `{"d":1.0,"e":1.0E300,"f":0.1,"g":0.001}`},
		{mapOf("s", "a\"\\/\b\f\n\r\t\x00\x1f\x7fé€😀<&>\u2028"), `{"s":"a\"\\/\b\f\n\r\t\u0000\u001F` + "\x7fé€😀<&>\u2028" + `"}`},
		{mapOf("b", []byte{0, 1, 255}), `{"b":"AAH/"}`},
	} {
		got, err := encodeOffset(c.m)
		if err != nil || string(got) != c.want {
			t.Errorf("wrote %s, %v, want %s", got, err, c.want)
		}
	}
	for want, m := range map[string]*schema.MapValue{
		"Offsets may only contain primitive types as values, but field a contains MAP":                        mapOf("a", schema.OfMap(mapOf())),
		"Offsets may only contain primitive types as values, but field a contains ARRAY":                      mapOf("a", schema.OfArray(nil)),
		"Offsets may only contain primitive types as values, but field a contains class java.util.Date":       mapOf("a", schema.OfDate(1)),
		"Offsets may only contain primitive types as values, but field a contains class java.math.BigDecimal": mapOf("a", schema.OfDecimal(&schema.DecimalValue{})),
	} {
		if _, err := encodeOffset(m); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if _, err := encodeOffsetKey("c", m); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	m := schema.NewMap(1)
	m.Put(schema.OfInt32(1), schema.OfInt32(1))
	if _, err := encodeOffset(m); err == nil || err.Error() != "Offsets may only use String keys" {
		t.Errorf("got %v", err)
	}
}

func TestParseJSON(t *testing.T) {
	for text, want := range map[string]schema.Value{
		`null`:                         {},
		` {"a" : [1 , 2.5e1,"x"] } `:   schema.OfMap(mapOf("a", schema.OfArray([]schema.Value{schema.OfInt64(1), schema.OfFloat64(25), schema.OfString("x")}))),
		`{"a":1,"a":2}`:                schema.OfMap(mapOf("a", 2)),
		`"\u0041\u00e9\ud83d\ude00\/"`: schema.OfString("Aé😀/"),
		`"\ud83d"`:                     schema.OfString("\ufffd"),
		`"\ud83d\u0041"`:               schema.OfString("\ufffdA"),
		`-9223372036854775808`:         schema.OfInt64(-1 << 63),
		`18446744073709551617`:         schema.OfInt64(1),
		`-18446744073709551617`:        schema.OfInt64(-1),
		`true`:                         schema.OfBoolean(true),
		`1 trailing`:                   schema.OfInt64(1),
	} {
		if got, err := parseJSON([]byte(text)); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{``, ` `, `{`, `[1`, `{"a"`, `{"a":`, `{a:1}`, `nul`, `nulls`, `01`, `1.`, `.5`, `1e`, `+1`, `"a`, `"\x"`, `"\u12"`, "\"\n\"",
		"\"\xff\"", `NaN`, strings.Repeat("[", 2000), `[1,]`, strings.Repeat("1", 2000)} {
		if v, err := parseJSON([]byte(text)); err == nil {
			t.Errorf("%q was read as %v", text, v)
		}
	}
}

// TestCorruptConfigRecords names the reason for each record that is skipped.
func TestCorruptConfigRecords(t *testing.T) {
	for _, c := range []struct{ key, value, want string }{
		{"connector-a", `{`, "not JSON: unexpected end"},
		{"connector-a", `[]`, "the value is not an object but array"},
		{"connector-a", `{"properties":1}`, "field 'properties' is not an object but int64"},
		{"connector-a", `{"properties":{"a":1}}`, "property 'a' is not a string but int64"},
		{"task-a", `{}`, `the key "task-a" is not that of a task`},
		{"task-a-x", `{}`, `the key "task-a-x" is not that of a task`},
		{"task-a-0", "", "the value is not an object but null"},
		{"commit-a", `{"tasks":"1"}`, "field 'tasks' is not an integer but string"},
		{"commit-a", `{"tasks":-1}`, "field 'tasks' is -1"},
		{"commit-a", `{"tasks":1e9}`, "field 'tasks' is not an integer but float64"},
		{"commit-a", `{"tasks":99999999999}`, "field 'tasks' is 99999999999"},
		{"commit-a", "", "the value is not an object but null"},
		{"target-state-a", `{"state":1}`, "field 'state' is not a string but int64"},
		{"target-state-a", `{"state.v2":"FLYING"}`, `unknown target state "FLYING"`},
		{"target-state-a", `"PAUSED"`, "the value is not an object but string"},
		{"tasks-fencing-a", `{}`, "field 'task-count' is not an integer but null"},
		{"session-key", "", "the value is not an object but null"},
		{"session-key", `{"key":"!!","algorithm":"HmacSHA256","creation-timestamp":1}`, "field 'key' is not base64"},
		{"session-key", `{"key":"","algorithm":"HmacSHA256","creation-timestamp":1}`, "field 'key' is not base64"},
		{"session-key", `{"key":"AAAA","creation-timestamp":1}`, "field 'algorithm' is not a string but null"},
		{"session-key", `{"key":"AAAA","algorithm":"x","creation-timestamp":"1"}`, "field 'creation-timestamp' is not an integer but string"},
		{"restart-connector-a", `7`, "the value is not an object but int64"},
		{"logger-cluster-a", `{"level":null}`, "field 'level' is not a string but null"},
		{"something", `{}`, `unknown key "something"`},
	} {
		s := sample{key: c.key, value: c.value}
		if _, err := decodeConfig(&s.key, s.bytes()); err == nil || err.Error() != c.want {
			t.Errorf("%s=%s: %v, want %s", c.key, c.value, err, c.want)
		}
	}
	if _, err := decodeConfig(nil, nil); err == nil || err.Error() != "the key is null" {
		t.Errorf("null key: %v", err)
	}
	// Records of older workers, and fields that are left out.
	for _, c := range []struct {
		key, value string
		want       any
	}{
		{"target-state-a", `{"state":"PAUSED"}`, targetRecord{"a", state.TargetPaused}},
		{"target-state-a", `{"state":"PAUSED","state.v2":5}`, targetRecord{"a", state.TargetPaused}},
		{"target-state-a", `null`, targetRecord{connector: "a"}},
		{"restart-connector-a", `{"only-failed":true}`, restartRecord{state.RestartRequest{Connector: "a", OnlyFailed: true}}},
		{"restart-connector-a", `{"only-failed":"x","include-tasks":true}`, restartRecord{state.RestartRequest{Connector: "a", IncludeTasks: true}}},
		{"task-a-b--7", `{"properties":{}}`, taskRecord{state.TaskID{Connector: "a-b-", Task: 7}, state.NewConfig(nil)}},
	} {
		got, err := decodeConfig(&c.key, []byte(c.value))
		if err != nil {
			t.Errorf("%s=%s: %v", c.key, c.value, err)
			continue
		}
		if r, ok := got.(taskRecord); ok {
			if w := c.want.(taskRecord); r.id != w.id {
				t.Errorf("%s: %v", c.key, r.id)
			}
		} else if got != c.want {
			t.Errorf("%s=%s: %v, want %v", c.key, c.value, got, c.want)
		}
	}
}

func TestCorruptOffsetKeys(t *testing.T) {
	for key, want := range map[string]string{
		`{}`:             "the key is not an array but map",
		`[`:              "the key is not JSON: unexpected end",
		`["a"]`:          "the key has 1 elements, not 2",
		`[1,{}]`:         "the key's first element is not a string but int64",
		`["a",[]]`:       "the key's second element is not an object but array",
		`["a",{"b":[]}]`: "Offsets may only contain primitive types as values, but field b contains ARRAY",
	} {
		if _, _, err := decodeOffsetKey([]byte(key)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", key, err, want)
		}
	}
	if _, p, err := decodeOffsetKey([]byte(`["a",null]`)); err != nil || p != nil {
		t.Errorf("a null partition: %v, %v", p, err)
	}
}

func TestCorruptStatusKeys(t *testing.T) {
	for _, key := range []string{"", "x", "status-connector-", "status-task-", "status-task-a", "status-task-a-x", "status-topic-", "status-topic-t", "status-topic-t:connector-",
		"status-topic-:connector-c", "status-topic-t:x-c", "status-topic-t:conn"} {
		if k, err := parseStatusKey([]byte(key)); err == nil {
			t.Errorf("%s was read as %+v", key, k)
		}
	}
	if k, err := parseStatusKey([]byte("status-topic-t:connector-a:connector-b")); err != nil || k.connector != "a:connector-b" || k.topic != "t" {
		t.Errorf("%+v, %v", k, err)
	}
}

func FuzzConfigRecord(f *testing.F) {
	for _, s := range samples(f, "configs") {
		f.Add(s.key, []byte(s.value))
	}
	f.Add("target-state-a", []byte(`{"state":"PAUSED"}`))
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		r, err := decodeConfig(&key, value)
		if err != nil {
			return
		}
		again := encodeRecord(t, r)
		back, err := decodeConfig(&again.key, again.value)
		if err != nil {
			t.Fatalf("%q=%q was written as %q=%q: %v", key, value, again.key, again.value, err)
		}
		if third := encodeRecord(t, back); third.key != again.key || string(third.value) != string(again.value) {
			t.Fatalf("%q=%q, then %q=%q", again.key, again.value, third.key, third.value)
		}
	})
}

func FuzzOffsetRecord(f *testing.F) {
	for _, s := range samples(f, "offsets") {
		f.Add([]byte(s.key), []byte(s.value))
	}
	f.Add([]byte(`["c",{"b":1.5,"a":null,"c":true}]`), []byte(`{"x":"\u0000é","y":-1e-7}`))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		table := newOffsetTable(discard(), true)
		table.read(key, value, 0)
		connector, partition, err := decodeOffsetKey(key)
		if err != nil {
			if n := len(table.dump()); n != 0 {
				t.Fatalf("%d records of a bad key", n)
			}
			return
		}
		offset, err := decodeOffset(value)
		if err != nil || offset == nil {
			return
		}
		got := table.offsets(connector, []*schema.MapValue{partition})[0]
		if got == nil || !got.Equal(offset) {
			t.Fatalf("%q=%q was read as %v", key, value, got)
		}
		records, err := table.records(connector, []connect.PartitionOffset{{Partition: partition, Offset: offset}})
		if err != nil || len(records) != 1 || string(records[0].Key) != string(key) {
			t.Fatalf("%q=%q is written as %v, %v", key, value, records, err)
		}
		// What is written anew is the same partition.
		own, err := encodeOffsetKey(connector, partition)
		if err != nil {
			t.Fatal(err)
		}
		_, back, err := decodeOffsetKey(own)
		if err != nil {
			t.Fatal(err)
		}
		a, err1 := canonical(partition)
		b, err2 := canonical(back)
		if err1 != nil || err2 != nil || a != b {
			t.Fatalf("%q became %q", a, b)
		}
	})
}

func FuzzStatusRecord(f *testing.F) {
	for _, s := range samples(f, "status") {
		f.Add([]byte(s.key), []byte(s.value))
	}
	f.Fuzz(func(t *testing.T, key, value []byte) {
		k, err := parseStatusKey(key)
		if err != nil {
			return
		}
		if again, err := parseStatusKey([]byte(k.String())); err != nil || again != k {
			t.Fatalf("%q became %+v, %v", key, again, err)
		}
		if k.kind == topicKind {
			if st, err := decodeTopicStatus(value); err == nil {
				if again, err := decodeTopicStatus(encodeTopicStatus(st)); err != nil || again != st {
					t.Fatalf("%q became %+v, %v", value, again, err)
				}
			}
			return
		}
		if st, err := decodeStatus(value); err == nil && st.state != state.Destroyed {
			again, err := decodeStatus(st.encode())
			if err != nil || again != st {
				t.Fatalf("%q became %+v, %v", value, again, err)
			}
		}
	})
}

// FuzzJSON compares with encoding/json, which accepts the same texts but for what may
// follow them, the limits on depth and length, and halves of surrogate pairs.
func FuzzJSON(f *testing.F) {
	for _, topic := range []string{"configs", "offsets", "status"} {
		for _, s := range samples(f, topic) {
			f.Add([]byte(s.value))
		}
	}
	f.Add([]byte(`{"a":[1,-0.5e+3,"\ud83d\ude00\u00e9",true,false,null,{}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := parseJSON(text)
		var std any
		if json.Unmarshal(text, &std) == nil && len(text) < maxDepth {
			if err != nil && !strings.Contains(err.Error(), "UTF-8") {
				t.Fatalf("%q: %v", text, err)
			}
			switch std := std.(type) {
			case map[string]any:
				if err == nil && (v.Kind() != schema.KindMap || v.Map().Len() != len(std)) {
					t.Fatalf("%q was read as %v", text, v.Kind())
				}
			case string:
				if err == nil && v.Str() != std {
					t.Fatalf("%q was read as %q", text, v.Str())
				}
			}
		}
	})
}

func TestJavaMaps(t *testing.T) {
	for name, n := range map[string]int{"offsets0": 0, "offsets1": 1, "offsets13": 13, "offsets3null": 5} {
		b, err := os.ReadFile("testdata/" + name + ".ser")
		if err != nil {
			t.Fatal(err)
		}
		records, err := decodeJavaMap(b)
		if err != nil || len(records) != n {
			t.Errorf("%s: %d records, %v", name, len(records), err)
			continue
		}
		// In the same order, all bytes are those of Java.
		if got := encodeJavaMap(records); string(got) != string(b) {
			t.Errorf("%s: wrote %x, Java %x", name, got, b)
		}
		for cut := range len(b) {
			if _, err := decodeJavaMap(b[:cut]); err == nil || !truncated(err) {
				t.Errorf("%s cut at %d: %v", name, cut, err)
			}
		}
	}
	many := make([]OffsetRecord, 1000)
	for i := range many {
		many[i] = OffsetRecord{[]byte{byte(i), byte(i >> 8)}, nil}
	}
	if got, err := decodeJavaMap(encodeJavaMap(many)); err != nil || !slices.EqualFunc(got, many, func(a, b OffsetRecord) bool {
		return string(a.Key) == string(b.Key) && a.Value == nil
	}) {
		t.Errorf("%d records, %v", len(got), err)
	}
	for name, want := range map[string]string{
		"testdata/list.ser":    "Expected HashMap but found class java.util.ArrayList",
		"testdata/strings.ser": "an entry of the HashMap is not a byte[]: type code 74",
		"testdata/apache.tsv":  "invalid stream header: 23205265",
	} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decodeJavaMap(b); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

func FuzzJavaMap(f *testing.F) {
	for _, name := range []string{"offsets0", "offsets1", "offsets13", "offsets3null", "list", "strings"} {
		b, err := os.ReadFile("testdata/" + name + ".ser")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		records, err := decodeJavaMap(b)
		if err != nil {
			return
		}
		again, err := decodeJavaMap(encodeJavaMap(records))
		if err != nil || !slices.EqualFunc(again, records, func(a, b OffsetRecord) bool {
			return string(a.Key) == string(b.Key) && string(a.Value) == string(b.Value)
		}) {
			t.Fatalf("%d records became %d, %v", len(records), len(again), err)
		}
	})
}
