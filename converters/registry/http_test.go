package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
)

var phrases = Phrases{Register: "register ", Latest: "latest ", Lookup: "lookup ", Failed: "failed"}

func always(Registered) error { return nil }

const text = `{"type":"record","name":"R","fields":[]}`

func TestAgainstARegistry(t *testing.T) {
	fake := srfake.New(srfake.WithAuth("Basic bWU6c2VjcmV0"))
	defer fake.Close()
	props := map[string]string{urlKey: fake.URL(), basicSourceKey: "USER_INFO", basicUserKey: "me:secret", retriesKey: "0"}
	ctx := context.Background()
	s, err := Open(props, false, Avro, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	d := Document{Format: Avro, Text: text}
	r, err := s.Resolve(ctx, "a/b-value", d, phrases, always)
	if err != nil || r.ID < 1 || r.Text != text {
		t.Fatalf("%+v, %v", r, err)
	}
	found, err := s.Fetch(ctx, "a/b-value", ID{Format: Avro, Number: r.ID})
	if err != nil || found.Text != text || found.Format != Avro {
		t.Errorf("%+v, %v", found, err)
	}
	if v, err := s.Version(ctx, "a/b-value", found); err != nil || v != 1 {
		t.Errorf("version %d, %v", v, err)
	}
	referring := Document{Format: Avro, Text: `{"type":"record","name":"S","fields":[{"name":"r","type":"R"}]}`, References: []Reference{{"R", "a/b-value", 1}}}
	if _, err := s.Resolve(ctx, "s-value", referring, phrases, always); err != nil {
		t.Fatal(err)
	}
	if named, err := s.References(ctx, referring); err != nil || len(named) != 1 || named[0].Name != "R" || named[0].Text != text {
		t.Errorf("%v, %v", named, err)
	}
	h, err := NewHTTP(props)
	if err != nil {
		t.Fatal(err)
	}
	if subjects, err := h.Subjects(ctx); err != nil || len(subjects) != 2 {
		t.Errorf("%v, %v", subjects, err)
	}
	if versions, err := h.Versions(ctx, "a/b-value"); err != nil || len(versions) != 1 {
		t.Errorf("%v, %v", versions, err)
	}
	if latest, err := h.Latest(ctx, "a/b-value"); err != nil || latest.Version != 1 || latest.ID != r.ID {
		t.Errorf("%v, %v", latest, err)
	}
	_, err = s.Fetch(ctx, "a/b-value", ID{Format: Avro, Number: 99})
	var refused *Error
	if !errors.As(err, &refused) || refused.Code != 40403 {
		t.Errorf("an unknown id: %v", err)
	}

	wrong := map[string]string{urlKey: fake.URL(), retriesKey: "0"}
	if s, err = Open(wrong, false, Avro, nil); err != nil {
		t.Fatal(err)
	}
	if _, err = s.Resolve(ctx, "t-value", d, phrases, always); errs.Class(err) != classAuthentication {
		t.Errorf("without a password: %v", errs.Trace(err))
	}
}

// transport answers requests within the bubble of a test.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, body string) (*http.Response, error) {
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{}}, nil
}

func TestRetries(t *testing.T) {
	for _, c := range []struct {
		name     string
		statuses []int // 0: no answer
		ok       bool
		requests int
	}{
		{"busy at first", []int{503, 0, 429, 200}, true, 4},
		{"busy for too long", []int{503, 503, 503, 503, 200}, false, 4},
		{"refused", []int{422, 200}, false, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				requests := 0
				client, err := sr.NewClient(sr.URLs("http://registry"), sr.HTTPClient(&http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
					status := c.statuses[requests]
					requests++
					switch status {
					case 0:
						return nil, errors.New("connection refused")
					case 200:
						return answer(200, `{"id":7}`)
					}
					return answer(status, fmt.Sprintf(`{"error_code":%d,"message":"no"}`, status*100))
				})}))
				if err != nil {
					t.Fatal(err)
				}
				h := &HTTP{client: client, retries: 3, wait: time.Second, maxWait: 20 * time.Second}
				began := time.Now()
				r, err := h.Register(t.Context(), "s", Document{Format: JSON, Text: "{}"}, false)
				if (err == nil) != c.ok || c.ok && r.ID != 7 || requests != c.requests {
					t.Errorf("%+v, %v after %d requests", r, err, requests)
				}
				if took := time.Since(began); took > 7*time.Second {
					t.Errorf("waited %v, more than 1, 2 and 4 seconds", took)
				}
			})
		})
	}
}

func TestLatestVersionsAreAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory(nil)
		m.Add(Registered{Document: Document{Format: Avro, Text: `"int"`}, ID: 1, Subject: "t-value", Version: 1})
		s := serde(t, Avro, m, map[string]string{autoRegisterKey: "false", useLatestKey: "true", latestTTLKey: "60"})
		resolve := func() Registered {
			r, err := s.Resolve(t.Context(), "t-value", Document{Format: Avro, Text: `"long"`}, phrases, always)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		first := resolve()
		m.Add(Registered{Document: Document{Format: Avro, Text: `"long"`}, ID: 2, Subject: "t-value", Version: 2})
		time.Sleep(59 * time.Second)
		if r := resolve(); r.ID != 1 || !s.Fresh(first) {
			t.Errorf("asked again too early: %d", r.ID)
		}
		time.Sleep(2 * time.Second)
		if r := resolve(); r.ID != 2 || s.Fresh(first) {
			t.Errorf("not asked again: %d", r.ID)
		}
	})
}

func TestBearer(t *testing.T) {
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, secret, _ := r.BasicAuth()
		if err := r.ParseForm(); err != nil || r.Form.Get("grant_type") != "client_credentials" || r.Form.Get("scope") != "read write" || user != "id" || secret != "s3" {
			http.Error(w, "{}", http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(map[string]any{"access_token": "issued", "token_type": "bearer", "expires_in": 3600}); err != nil {
			t.Error(err)
		}
	}))
	defer provider.Close()
	for _, c := range []struct {
		props map[string]string
		want  string
	}{
		{map[string]string{bearerSourceKey: "STATIC_TOKEN", bearerTokenKey: "fixed"}, "Bearer fixed"},
		{map[string]string{bearerSourceKey: "OAUTHBEARER", bearerURLKey: provider.URL, bearerIDKey: "id", bearerSecretKey: "s3", bearerScopeKey: "read write"}, "Bearer issued"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != c.want || r.Header.Get("target-sr-cluster") != "lsrc-1" || r.Header.Get("X-Extra") != "yes" {
				t.Errorf("headers %v, expected %s", r.Header, c.want)
			}
			if _, err := io.WriteString(w, `["a"]`); err != nil {
				t.Error(err)
			}
		}))
		c.props[urlKey], c.props[bearerClusterKey], c.props[headerPrefix+"X-Extra"] = server.URL, "lsrc-1", "yes"
		h, err := NewHTTP(c.props)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Subjects(t.Context()); err != nil {
			t.Error(err)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
	}
}

func TestSettingsAreRefused(t *testing.T) {
	for _, c := range []struct {
		props map[string]string
		want  string
	}{
		{map[string]string{}, `Missing required configuration "schema.registry.url" which has no default value.`},
		{map[string]string{urlKey: "http://me:secret@"}, "number 1 is no URL"},
		{map[string]string{urlKey: "http://a,ftp://b"}, "number 2 is no URL"},
		{map[string]string{urlKey: "http://a", "value" + strategySuffix: "x.Y"}, "Invalid value x.Y for configuration value.subject.name.strategy: Class x.Y could not be found."},
		{map[string]string{urlKey: "http://a", basicSourceKey: "SASL_INHERIT"}, "expected URL or USER_INFO"},
		{map[string]string{urlKey: "http://a", basicSourceKey: "USER_INFO"}, basicUserKey + " must be provided"},
		{map[string]string{urlKey: "http://a", basicUserKey: "me:secret"}, basicSourceKey + "=USER_INFO"},
		{map[string]string{urlKey: "http://a", basicSourceKey: "URL", bearerSourceKey: "STATIC_TOKEN"}, "Only one of 'basic.auth.credentials.source' and 'bearer.auth.credentials.source' may be specified"},
		{map[string]string{urlKey: "http://a", bearerSourceKey: "STATIC_TOKEN"}, bearerTokenKey + " is missing"},
		{map[string]string{urlKey: "http://a", bearerSourceKey: "OAUTHBEARER"}, bearerURLKey + " is missing"},
		{map[string]string{urlKey: "http://a", metadataKey: "nonsense"}, "expected name=value"},
		{map[string]string{urlKey: "https://a", namespace + "ssl.truststore.location": "/no/such/file"}, "schema.registry.ssl.truststore.location"},
	} {
		_, err := Open(c.props, false, Avro, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") && !strings.Contains(err.Error(), configdef.Hidden) {
			t.Errorf("%v: %v, expected %q", c.props, err, c.want)
		}
	}
}

// The password of a URL is sent, and stands in no error.
func TestPasswordsStayHidden(t *testing.T) {
	sent := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		sent = user == "me" && password == "secret"
		w.WriteHeader(http.StatusNotFound)
	}))
	h, err := NewHTTP(map[string]string{urlKey: strings.Replace(server.URL, "http://", "http://me:secret@", 1), retriesKey: "0"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.Subjects(t.Context())
	if !sent || err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("sent %v, %v", sent, err)
	}
	server.Close()
	if _, err = h.Subjects(t.Context()); err == nil || strings.Contains(err.Error(), "secret") || errs.Class(err) != classSocket {
		t.Errorf("%v", err)
	}
}

func TestRulesAreRefused(t *testing.T) {
	m := NewMemory(nil)
	m.Add(Registered{Document: Document{Format: Avro, Text: `"int"`, Rules: []Rule{{Name: "mask", Type: "CEL", Mode: "WRITEREAD"}}}, ID: 1, Subject: "t-value", Version: 1})
	s := serde(t, Avro, m, nil)
	if _, err := s.Fetch(t.Context(), "t-value", ID{Number: 1}); err == nil || !strings.Contains(errs.Trace(err), "CEL") {
		t.Errorf("read: %v", err)
	}
	if _, err := s.Resolve(t.Context(), "t-value", Document{Format: Avro, Text: `"int"`}, phrases, always); err == nil || !strings.Contains(err.Error(), "mask") {
		t.Errorf("written: %v", err)
	}
}

func TestReferencesThatNeverEnd(t *testing.T) {
	m := NewMemory(nil)
	d := Document{Format: Avro, Text: text, References: []Reference{{"R", "s", 1}}}
	m.Add(Registered{Document: d, ID: 1, Subject: "s", Version: 1})
	if named, err := Resolved(t.Context(), m, d); err != nil || len(named) != 1 {
		t.Errorf("%v, %v", named, err)
	}
}
