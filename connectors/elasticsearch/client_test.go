package elasticsearch

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/connecttest"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/internal/estest"
)

// write writes some records with a task of the given settings over the network.
func write(t *testing.T, url string, extra map[string]string) error {
	t.Helper()
	p := map[string]string{keyURL: url, keySchemaIgnore: "true", keyRetries: "0"}
	maps.Copy(p, extra)
	tk := New().NewTask()
	if err := tk.Start(t.Context(), connecttest.NewSinkContext(t), p); err != nil {
		return err
	}
	defer func() {
		if err := tk.Stop(context.Background()); err != nil {
			t.Errorf("Stop: %v", err)
		}
	}()
	rs := records(0, 20)
	if err := tk.Put(t.Context(), rs); err != nil {
		return err
	}
	connecttest.Committed(t, tk, rs)
	return nil
}

func last(es *estest.Server) estest.Request {
	all := es.Requests()
	return all[len(all)-1]
}

func TestNetwork(t *testing.T) {
	for _, c := range []struct {
		name  string
		extra map[string]string
		check func(t *testing.T, h http.Header)
	}{
		{"plain", nil, func(t *testing.T, h http.Header) {
			if h.Get("Content-Encoding") != "" || h.Get("Authorization") != "" || h.Get("Accept-Encoding") != "" || h.Get("Content-Type") != ndjsonType || h.Get("User-Agent") != "moldau/"+connect.Version {
				t.Errorf("headers %v", h)
			}
		}},
		{"compressed", map[string]string{keyCompression: "true"}, func(t *testing.T, h http.Header) {
			if h.Get("Content-Encoding") != "gzip" || h.Get("Accept-Encoding") != "gzip" {
				t.Errorf("headers %v", h)
			}
		}},
		{"basic", map[string]string{keyUsername: "u", keyPassword: "p"}, func(t *testing.T, h http.Header) {
			if h.Get("Authorization") != "Basic dTpw" {
				t.Errorf("headers %v", h)
			}
		}},
		{"API key", map[string]string{keyAPIKey: "abc=="}, func(t *testing.T, h http.Header) {
			if h.Get("Authorization") != "ApiKey abc==" {
				t.Errorf("headers %v", h)
			}
		}},
		{"bearer", map[string]string{keyBearer: "tok"}, func(t *testing.T, h http.Header) {
			if h.Get("Authorization") != "Bearer tok" {
				t.Errorf("headers %v", h)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			es := estest.New()
			es.NoProduct = true // as OpenSearch does
			srv := httptest.NewServer(es)
			defer srv.Close()
			if err := write(t, srv.URL+"/", c.extra); err != nil {
				t.Fatal(err)
			}
			if len(es.Docs("t")) != 20 {
				t.Errorf("%d documents", len(es.Docs("t")))
			}
			c.check(t, last(es).Header)
		})
	}
	t.Run("user and password in the URL, below a path", func(t *testing.T) {
		es := estest.New()
		srv := httptest.NewServer(http.StripPrefix("/below/here", es))
		defer srv.Close()
		if err := write(t, strings.Replace(srv.URL, "http://", "http://u:p@", 1)+"/below/here/", nil); err != nil {
			t.Fatal(err)
		}
		if got := last(es).Header.Get("Authorization"); got != "Basic dTpw" {
			t.Errorf("authorization %q", got)
		}
	})
	t.Run("several nodes, one down", func(t *testing.T) {
		es := estest.New()
		srv := httptest.NewServer(es)
		defer srv.Close()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		down := l.Addr().String()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if err := write(t, down+","+srv.URL, map[string]string{keyRetries: "5", keyBackoff: "1"}); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("proxy", func(t *testing.T) {
		es := estest.New()
		var through atomic.Int32
		auth := ""
		proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			through.Add(1)
			auth = r.In.Header.Get("Proxy-Authorization")
			r.Out.URL.Scheme, r.Out.URL.Host = r.In.URL.Scheme, r.In.URL.Host
		}})
		defer proxy.Close()
		srv := httptest.NewServer(es)
		defer srv.Close()
		host, port, err := net.SplitHostPort(proxy.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if err := write(t, srv.URL, map[string]string{keyProxyHost: host, keyProxyPort: port, keyProxyUser: "u", keyProxyPassword: "p"}); err != nil {
			t.Fatal(err)
		}
		if through.Load() == 0 || auth != "Basic dTpw" {
			t.Errorf("%d requests through the proxy, authorization %q", through.Load(), auth)
		}
	})
}

func TestTLS(t *testing.T) {
	es := estest.New()
	srv := httptest.NewTLSServer(es)
	defer srv.Close()
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}))
	trust := map[string]string{keySecurity: "ssl", sslPrefix + "ssl.truststore.type": "PEM", sslPrefix + "ssl.truststore.certificates": ca}
	if err := write(t, srv.URL, trust); err != nil {
		t.Errorf("a trusted server: %v", err)
	}
	// The certificate is for example.com and 127.0.0.1, not for localhost.
	byName := strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)
	if err := write(t, byName, trust); err == nil || !strings.Contains(err.Error(), "localhost") || !strings.Contains(err.Error(), sslPrefix) {
		t.Errorf("a wrong name: %v", err)
	}
	unnamed := maps.Clone(trust)
	unnamed[sslPrefix+"ssl.endpoint.identification.algorithm"] = ""
	if err := write(t, byName, unnamed); err != nil {
		t.Errorf("a wrong name that is not checked: %v", err)
	}
	err := write(t, srv.URL, map[string]string{keyRetries: "100"})
	if err == nil || !strings.Contains(err.Error(), "x509") || !strings.Contains(errs.Trace(err), "after 1 attempt(s)") {
		t.Errorf("a server that is not trusted: %v", err)
	}
	plain := httptest.NewServer(es)
	defer plain.Close()
	if err := write(t, strings.Replace(plain.URL, "http:", "https:", 1), nil); err == nil || !strings.Contains(err.Error(), "use http") {
		t.Errorf("a server without TLS: %v", err)
	}
}

func TestReadTimeout(t *testing.T) {
	for name, hang := range map[string]func(w http.ResponseWriter){
		"no answer": func(http.ResponseWriter) {},
		"half an answer": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			if _, err := io.WriteString(w, `{"errors":`); err != nil {
				t.Error(err)
			}
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			es := estest.New()
			end := make(chan struct{})
			es.OnRequest = func(w http.ResponseWriter, r estest.Request) bool {
				if r.Path == "/_bulk" {
					hang(w)
					<-end
					return true
				}
				return false
			}
			srv := httptest.NewServer(es)
			defer srv.Close()
			defer close(end)
			tk := New().NewTask()
			if err := tk.Start(t.Context(), connecttest.NewSinkContext(t), map[string]string{keyURL: srv.URL, keySchemaIgnore: "true", keyRetries: "1", keyBackoff: "1", keyRead: "50"}); err != nil {
				t.Fatal(err)
			}
			err := tk.Put(t.Context(), records(0, 1))
			for err == nil {
				if _, err = tk.PreCommit(t.Context(), nil); err == nil {
					err = tk.Put(t.Context(), nil)
				}
			}
			if trace := errs.Trace(err); !strings.Contains(trace, "after 2 attempt(s)") || !strings.Contains(trace, keyRead) {
				t.Errorf("trace %s", trace)
			}
			if err := tk.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"http://u:p@host:9200/x?y": "http://host:9200/x?y", "u:p@host": "host", "http://host/a@b": "http://host/a@b",
		"http://u:p@ss@host": "http://host", "host:9200": "host:9200",
	} {
		if got := redact(in); got != want {
			t.Errorf("%s becomes %s, want %s", in, got, want)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"errors":true,"items":[{"index":{"status":429,"error":{"type":"x","reason":"y","caused_by":{"type":"z"}}}}]}`))
	f.Add([]byte(`{"errors":true,"items":[{"index":{"status":400,"error":"text"}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		set := &settings{shown: "x", malformed: malformedWarn, backoff: 1}
		b := newBulker(t.Context(), set, discard(), &client{set: set, log: discard()}, newTracker(), nil)
		answer, err := parseAnswer(data)
		if err != nil {
			return
		}
		r := record("t", 1, str("k"), doc(1))
		items := []item{{record: r, target: &target{}, token: b.track.add(r)}}
		again, _, err := b.outcome(items, answer)
		if len(again) > 1 || err == nil && len(again) == 0 && b.track.size() != 0 {
			t.Errorf("%d to send again, %v", len(again), err)
		}
		b.abort()
	})
}

// Two cores: documents are made while others are sent.
func BenchmarkTask(b *testing.B) {
	answer := []byte(`{"errors":false,"items":[]}`)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			b.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		if _, err := w.Write(answer); err != nil {
			b.Error(err)
		}
	}))
	defer srv.Close()
	tk := New().NewTask()
	if err := tk.Start(b.Context(), connecttest.NewSinkContext(b), map[string]string{keyURL: srv.URL, keySchemaIgnore: "true", keyKeyIgnore: "true"}); err != nil {
		b.Fatal(err)
	}
	const n = 500
	rs := make([]*connect.Record, n)
	for i := range rs {
		rs[i] = record("t", int64(i), str("k"), mapOf(str("name"), str("value of the field"), str("text"), str(fmt.Sprintf("%0200d", i))))
	}
	offset := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		for _, r := range rs {
			r.Offset, r.Original.Offset = offset, offset
			offset++
		}
		if err := tk.Put(b.Context(), rs); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "records/s")
	if err := tk.Stop(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// What is no answer to a bulk request is not taken for success.
func TestStrangeAnswers(t *testing.T) {
	for _, answer := range []string{`{}`, `[]`, `<html>welcome`, `{"errors":true}`, `{"errors":true,"items":[{}]}`, `{"errors":true,"items":[{"index":{}}]}`, ``} {
		es := estest.New()
		es.OnRequest = func(w http.ResponseWriter, r estest.Request) bool {
			if r.Path != "/_bulk" {
				return false
			}
			if _, err := io.WriteString(w, answer); err != nil {
				t.Error(err)
			}
			return true
		}
		f := start(t, es, nil, nil, map[string]string{keyRetries: "0"})
		f.put(records(0, 1)...)
		if err := f.settle(); err == nil {
			t.Errorf("%q is taken for success", answer)
		}
		if got := f.committed(1); got != -1 {
			t.Errorf("%q: %d is committed", answer, got)
		}
		f.stop()
	}
}
