package elasticsearch

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect/connecttest"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/internal/estest"
)

// The settings are the known connector's: names, order, types, defaults, groups.
func TestDefinition(t *testing.T) {
	var got []string
	for _, k := range def().Keys() {
		if strings.HasPrefix(k.Name, sslPrefix) {
			continue
		}
		d := fmt.Sprint(k.Default)
		if !k.HasDefault {
			d = "required"
		}
		got = append(got, fmt.Sprintf("%s %s %s %s/%d %s", k.Name, k.Type, d, k.Group, k.OrderInGroup, k.Importance))
	}
	want, err := os.ReadFile(filepath.Join("testdata", "settings.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(got, "\n") + "\n"; text != string(want) {
		t.Errorf("settings are\n%s", text)
	}
	ssl := 0
	for _, name := range def().Names() {
		if strings.HasPrefix(name, sslPrefix) {
			ssl++
		}
	}
	if ssl != 19 {
		t.Errorf("%d TLS settings", ssl)
	}
}

// Each wrong setting gives an error that names the key, the value and the cure.
func TestBadSettings(t *testing.T) {
	for _, c := range []struct {
		name  string
		extra map[string]string
		keys  []string // where validation shows it
		want  []string
	}{
		{"no URL", map[string]string{keyURL: ""}, []string{keyURL}, []string{keyURL, "http://localhost:9200"}},
		{"not a URL", map[string]string{keyURL: "http://host:port"}, []string{keyURL}, []string{keyURL, "http://host:port", "http://localhost:9200"}},
		{"secret in the URL", map[string]string{keyURL: "http://u:secret@host:port"}, []string{keyURL}, []string{keyURL, "http://host:port"}},
		{"scheme", map[string]string{keyURL: "ftp://host"}, []string{keyURL}, []string{keyURL, "ftp", "http or https"}},
		{"number", map[string]string{keyBatch: "many"}, []string{keyBatch}, []string{keyBatch, "many", "Not a number of type INT"}},
		{"range", map[string]string{keyInFlight: "0"}, []string{keyInFlight}, []string{keyInFlight, "0", "at least 1"}},
		{"enum", map[string]string{keyWriteMethod: "replace"}, []string{keyWriteMethod}, []string{keyWriteMethod, "replace", "[insert, upsert]"}},
		{"nulls", map[string]string{keyNullValues: "skip"}, []string{keyNullValues}, []string{keyNullValues, "skip", "[ignore, delete, fail]"}},
		{"dataset", map[string]string{keyStreamType: "logs", keyStreamDataset: "a b"}, []string{keyStreamDataset}, []string{keyStreamDataset, "a b", "must not contain any spaces"}},
		{"namespace", map[string]string{keyStreamSpace: "UPPER"}, []string{keyStreamSpace}, []string{keyStreamSpace, "UPPER", "lowercase"}},
		{"user without password", map[string]string{keyUsername: "u"}, []string{keyUsername, keyPassword}, []string{"Both 'connection.username' and 'connection.password' must be set."}},
		{"password and API key", map[string]string{keyUsername: "u", keyPassword: "secret", keyAPIKey: "secret"}, []string{keyUsername, keyAPIKey}, []string{"Only one of 'connection.username', 'connection.api.key' must be set."}},
		{"type without dataset", map[string]string{keyStreamType: "logs"}, []string{keyStreamType, keyStreamDataset}, []string{"Either both or neither 'data.stream.dataset' and 'data.stream.type' must be set."}},
		{"upsert into a data stream", map[string]string{keyStreamType: "logs", keyStreamDataset: "d", keyWriteMethod: "upsert"}, []string{keyWriteMethod}, []string{"Upserts are not supported with data streams. write.method must not be UPSERT when using data streams."}},
		{"delete from a data stream", map[string]string{keyStreamType: "logs", keyStreamDataset: "d", keyNullValues: "delete"}, []string{keyNullValues}, []string{"Deletes are not supported with data streams."}},
		{"timestamp without data stream", map[string]string{keyStreamTime: "at"}, []string{keyStreamTime}, []string{"'data.stream.timestamp.field' must not be set when not using data streams."}},
		{"ignore twice", map[string]string{keyKeyIgnore: "true", keyTopicsKey: "t"}, []string{keyKeyIgnore, keyTopicsKey}, []string{"'topic.key.ignore' can not be set if 'key.ignore' is true."}},
		{"linger", map[string]string{keyLinger: "5000", keyFlushTimeout: "1000"}, []string{keyLinger, keyFlushTimeout}, []string{"'linger.ms' (5000) can not be larger than 'flush.timeout.ms' (1000)."}},
		{"buffer", map[string]string{keyBuffered: "100"}, []string{keyBuffered, keyBatch, keyInFlight}, []string{"'max.buffered.records' (100) must be larger than or equal to 'batch.size' (2000) x max.in.flight.requests (5)."}},
		{"proxy user", map[string]string{keyProxyUser: "u"}, []string{keyProxyUser, keyProxyHost}, []string{"'proxy.host' must be set to use 'proxy.username'."}},
		{"proxy password", map[string]string{keyProxyHost: "h", keyProxyPassword: "secret"}, []string{keyProxyUser, keyProxyPassword}, []string{"Either both or neither 'proxy.username' and 'proxy.password' can be set."}},
		{"TLS not asked for", map[string]string{sslPrefix + "ssl.truststore.location": "x"}, []string{keySecurity}, []string{"'elastic.security.protocol' must be set to 'SSL' to use SSL configs."}},
		{"TLS without settings", map[string]string{keySecurity: "SSL"}, []string{keySecurity}, []string{"At least these SSL configs", "'PLAINTEXT'"}},
		{"no trust store", map[string]string{keySecurity: "SSL", sslPrefix + "ssl.truststore.location": "/none.jks"}, []string{sslPrefix + "ssl.truststore.location"}, []string{sslPrefix + "ssl.truststore.location", "/none.jks", "no such file"}},
		{"Kerberos", map[string]string{keyPrincipal: "p"}, []string{keyPrincipal, keyKeytab}, []string{"Kerberos", "not supported", keyUsername}},
		{"resource without mapping", map[string]string{keyExternal: "INDEX"}, []string{keyExternal, keyMapping}, []string{"must be configured together"}},
		{"mapping format", map[string]string{keyExternal: "INDEX", keyMapping: "a"}, []string{keyMapping}, []string{keyMapping, "a", "topic:resource"}},
		{"mapping twice", map[string]string{keyExternal: "INDEX", keyMapping: "a:x,a:y"}, []string{keyMapping}, []string{"Topic 'a' is mapped to multiple resources."}},
		{"resource twice", map[string]string{keyExternal: "INDEX", keyMapping: "a:x,b:x"}, []string{keyMapping}, []string{"Resource 'x' is mapped from multiple topics."}},
		{"too many", map[string]string{keyExternal: "INDEX", keyMapping: "a:x,b:y", keyMaxMappings: "1"}, []string{keyMapping}, []string{"(2). Maximum allowed limit is 1."}},
		{"unmapped topic", map[string]string{keyExternal: "INDEX", keyMapping: "a:x", keyTopics: "a, b"}, []string{keyMapping}, []string{"Topic 'b' is not mapped to any resource. All configured topics must be mapped to a resource."}},
		{"unknown topic", map[string]string{keyExternal: "INDEX", keyMapping: "a:x,b:y", keyTopics: "a"}, []string{keyMapping}, []string{"Topic 'b' is mapped but not configured."}},
		{"resource and data stream", map[string]string{keyExternal: "INDEX", keyMapping: "a:x", keyStreamType: "logs", keyStreamDataset: "d"}, []string{keyMapping, keyStreamType}, []string{"mutually exclusive"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := map[string]string{keyURL: "http://localhost:9200"}
			maps.Copy(p, c.extra)
			err := New().Start(t.Context(), &connecttest.ConnectorContext{}, p)
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.HasPrefix(errs.String(err), errs.ClassConnect+": Couldn't start ElasticsearchSinkConnector due to configuration error") {
				t.Errorf("error %s", errs.String(err))
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			shown := map[string][]string{}
			for _, v := range def().Validate(p) {
				if len(v.Errors) > 0 {
					shown[v.Name] = v.Errors
				}
			}
			maps.Copy(shown, New().ValidateConfig(t.Context(), p))
			for _, key := range c.keys {
				if text := strings.Join(shown[key], "\n"); !strings.Contains(text, c.want[len(c.want)-1]) {
					t.Errorf("validation says of %s: %q", key, text)
				}
			}
			if text := fmt.Sprint(err, shown); strings.Contains(text, "secret") {
				t.Errorf("%q shows a secret", text)
			}
		})
	}
}

func TestValidateConnection(t *testing.T) {
	validate := func(t *testing.T, es *estest.Server, extra map[string]string) map[string][]string {
		t.Helper()
		srv := httptest.NewServer(es)
		defer srv.Close()
		p := map[string]string{keyURL: srv.URL}
		maps.Copy(p, extra)
		return New().ValidateConfig(t.Context(), p)
	}
	keys := func(m map[string][]string) string { return fmt.Sprint(slices.Sorted(maps.Keys(m))) }
	t.Run("good", func(t *testing.T) {
		if wrong := validate(t, estest.New(), nil); len(wrong) > 0 {
			t.Error(wrong)
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		wrong := New().ValidateConfig(t.Context(), map[string]string{keyURL: "http://127.0.0.1:1", keyUsername: "u", keyPassword: "secret", keyProxyHost: "127.0.0.1", keyProxyPort: "1"})
		if keys(wrong) != "[connection.password connection.url connection.username proxy.host proxy.port]" || !strings.Contains(wrong[keyURL][0], "Could not connect to Elasticsearch. Error message: ") ||
			!strings.Contains(wrong[keyURL][0], "onnection refused") || !strings.Contains(wrong[keyURL][0], "http://127.0.0.1:1") {
			t.Error(wrong)
		}
	})
	t.Run("wrong password", func(t *testing.T) {
		es := estest.New()
		es.OnRequest = func(w http.ResponseWriter, _ estest.Request) bool {
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		wrong := validate(t, es, map[string]string{keyUsername: "u", keyPassword: "secret"})
		if keys(wrong) != "[connection.password connection.url connection.username]" || !strings.Contains(wrong[keyUsername][0], "Could not authenticate the user. Check the 'connection.username' and 'connection.password'.") {
			t.Error(wrong)
		}
	})
	t.Run("a user without right to the root", func(t *testing.T) {
		es := estest.New()
		es.OnRequest = func(w http.ResponseWriter, _ estest.Request) bool { w.WriteHeader(http.StatusForbidden); return true }
		if wrong := validate(t, es, nil); len(wrong) > 0 {
			t.Error(wrong)
		}
	})
	stream := map[string]string{keyStreamType: "logs", keyStreamDataset: "d"}
	for _, c := range []struct {
		version, distribution string
		extra                 map[string]string
		want                  string
	}{
		{"6.8.23", "", nil, "[connection.url]"}, {"7.0.0", "", nil, "[]"}, {"9.1.0-SNAPSHOT", "", nil, "[]"}, {"2.11.0", "opensearch", nil, "[]"},
		{"7.8.1", "", stream, "[connection.url data.stream.dataset data.stream.type]"}, {"7.9.0", "", stream, "[]"}, {"7.10.2", "", stream, "[]"}, {"strange", "", nil, "[]"},
	} {
		t.Run(c.version+c.distribution, func(t *testing.T) {
			es := estest.New()
			es.Version, es.Distribution = c.version, c.distribution
			if wrong := validate(t, es, c.extra); keys(wrong) != c.want {
				t.Error(wrong)
			}
		})
	}
	t.Run("resources", func(t *testing.T) {
		es := estest.New()
		es.CreateIndex("x", "")
		es.CreateAlias("y")
		for mapping, want := range map[string]string{"INDEX a:x": "", "INDEX a:z": "index 'z' does not exist in Elasticsearch", "ALIAS_INDEX a:y": "", "ALIAS_DATASTREAM a:x": "alias_datastream 'x' does not exist in Elasticsearch"} {
			usage, m, _ := strings.Cut(mapping, " ")
			wrong := validate(t, es, map[string]string{keyExternal: usage, keyMapping: m, keyTopics: "a"})
			if got := strings.Join(wrong[keyMapping], ""); got != want {
				t.Errorf("%s: %v", mapping, wrong)
			}
		}
	})
}
