package sse

import (
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/connecttest"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// Each wrong setting gives one error that names the key, the value and the cure.
func TestBadSettings(t *testing.T) {
	for _, c := range []struct {
		name  string
		extra map[string]string
		want  []string
	}{
		{"no URL", map[string]string{keyURI: "not a url"}, []string{keyURI, "not a url", "https://stream.example.com/events"}},
		{"no scheme", map[string]string{keyURI: "stream.example.com/events"}, []string{keyURI, "stream.example.com/events", "http or https"}},
		{"wrong scheme", map[string]string{keyURI: "ftp://example.com/"}, []string{keyURI, "ftp://example.com/", "http or https"}},
		{"no host", map[string]string{keyURI: "http:///events"}, []string{keyURI, "http:///events", "no host"}},
		{"wrong port", map[string]string{keyURI: "http://example.com:port/"}, []string{keyURI, "example.com:port", "port"}},
		{"wrong escape", map[string]string{keyURI: "http://u:secret@example.com/%zz"}, []string{keyURI, "[hidden]@example.com", "%zz"}},
		{"no topic", map[string]string{keyTopic: ""}, []string{keyTopic, "non-empty"}},
		{"number", map[string]string{keyBackoff: "soon"}, []string{keyBackoff, "soon", "Not a number of type LONG"}},
		{"negative", map[string]string{keySilence: "-5"}, []string{keySilence, "-5", "at least 0"}},
		{"size", map[string]string{keyMaxEvent: "0"}, []string{keyMaxEvent, "0", "at least 1"}},
		{"mode", map[string]string{keyValueMode: "xml"}, []string{keyValueMode, "xml", "envelope"}},
		{"malformed", map[string]string{keyMalformed: "shrug"}, []string{keyMalformed, "shrug", "warn"}},
		{"boolean", map[string]string{keyCompression: "maybe"}, []string{keyCompression, "maybe", "true or false"}},
		{"basic without name", map[string]string{keyBasic: "true", keyPassword: "secret"}, []string{keyUsername, keyBasic}},
		{"basic without password", map[string]string{keyBasic: "true", keyUsername: "u"}, []string{keyPassword, keyBasic}},
		{"basic and bearer", map[string]string{keyBasic: "true", keyUsername: "u", keyPassword: "secret", keyBearer: "secret"}, []string{keyBearer, keyBasic}},
		{"back-off", map[string]string{keyBackoff: "60000"}, []string{keyBackoff, "60000", keyBackoffMax, "30000"}},
		{"rate", map[string]string{keyRate: "0"}, []string{keyRate, "0", "larger than 0"}},
		{"header name", map[string]string{"http.header.A B": "x"}, []string{"http.header.A B"}},
		{"header value", map[string]string{"http.header.A": "secret\r\nB: c"}, []string{"http.header.A"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := map[string]string{keyURI: "https://stream.example.com/events", keyTopic: "t"}
			for k, v := range c.extra {
				p[k] = v
			}
			err := New().Start(t.Context(), &connecttest.ConnectorContext{}, p)
			if err == nil {
				t.Fatal("no error")
			}
			if errs.Class(err) != errs.ClassConfig {
				t.Errorf("class %s", errs.Class(err))
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%q shows a secret", err)
			}
			// The REST API's validation says the same, for one key or more.
			var all []string
			for _, v := range def().Validate(p) {
				all = append(all, v.Errors...)
			}
			for _, texts := range New().ValidateConfig(t.Context(), p) {
				all = append(all, texts...)
			}
			if text := strings.Join(all, "\n"); !strings.Contains(text, c.want[0]) || strings.Contains(text, "secret") {
				t.Errorf("validation says %q", text)
			}
		})
	}
}

// The known connector's configuration, as its documentation has it, is accepted.
func TestKnownConfiguration(t *testing.T) {
	p := map[string]string{
		"connector.class": Alias, "tasks.max": "1", keyURI: "https://stream.wikimedia.org/v2/stream/recentchange", keyTopic: "wikimedia-raw",
		"http.header.User-Agent": "KafkaConnectSSE/1.4 (mail@example.org)", keyCompression: "true", keyRate: "10", keyConcurrent: "2",
		keyBackoff: "2000", keyBackoffMax: "30000", keyMaxAttempts: "-1", "errors.tollerance": "all",
	}
	if err := New().Start(t.Context(), &connecttest.ConnectorContext{}, p); err != nil {
		t.Fatal(err)
	}
	if wrong := New().ValidateConfig(t.Context(), p); len(wrong) > 0 {
		t.Error(wrong)
	}
}

func TestAlterOffsets(t *testing.T) {
	m := func(kv ...any) *schema.MapValue {
		out := schema.NewMap(2)
		for i := 0; i < len(kv); i += 2 {
			v := schema.Null()
			switch x := kv[i+1].(type) {
			case string:
				v = schema.OfString(x)
			case int:
				v = schema.OfInt64(int64(x))
			}
			out.PutString(kv[i].(string), v)
		}
		return out
	}
	for _, c := range []struct {
		name              string
		partition, offset *schema.MapValue
		want              string
	}{
		{"good", m(uriField, "http://x"), m(idField, "7", retryField, 5), ""},
		{"null id", m(uriField, "http://x"), m(idField, nil), ""},
		{"removal of anything", nil, nil, ""},
		{"no partition", nil, m(idField, "7"), "Partition objects cannot be null"},
		{"other partition", m("url", "x"), m(idField, "7"), "Partition objects should contain the key 'uri' with the URL of the stream"},
		{"number", m(uriField, "http://x"), m(idField, 7), "The value for the 'id' key in the offset is expected to be a string value, not a int64"},
		{"other key", m(uriField, "http://x"), m("position", 7), "Offset objects should not contain the key 'position'; it takes 'id', the last event id"},
		{"unsendable", m(uriField, "http://x"), m(idField, "a\nb"), "The value for the 'id' key in the offset holds characters that the header Last-Event-ID cannot have"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ok, err := New().AlterOffsets(t.Context(), nil, []connect.PartitionOffset{{Partition: c.partition, Offset: c.offset}})
			switch {
			case c.want == "" && (err != nil || !ok):
				t.Errorf("got %v, %v", ok, err)
			case c.want != "" && (err == nil || err.Error() != c.want):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
