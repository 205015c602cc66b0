package node

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moldau-io/moldau/internal/openapitest"
)

// Every answer of a real worker is one that the OpenAPI document allows, and every
// operation of the document is tried.
func TestAnswersAreThoseOfTheOpenAPIDocument(t *testing.T) {
	in := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(in, []byte("line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := run(t, nil, inGroup)
	_, text := send(t, http.DefaultClient, "GET", r.url+"/openapi.json", "")
	document, err := openapitest.New([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	tried := map[string]bool{}
	ask := func(method, path, body string, want int) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, r.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != want {
			t.Errorf("%s %s: %d %s, want %d", method, path, resp.StatusCode, answer, want)
		}
		bare, _, _ := strings.Cut(path, "?")
		if err := document.Check(method, bare, resp.StatusCode, resp.Header, answer); err != nil {
			t.Error(err)
		}
		if resp.StatusCode < 300 || strings.HasSuffix(bare, "/fence") || method+bare == "POST/connectors/s/tasks" {
			tried[strings.ToLower(method)+" "+document.Pattern(bare)] = true
		}
		return string(answer)
	}
	config := `{"connector.class":"FileStreamSource","topic":"t","file":"` + in + `","tasks.max":1,"x":null}`
	good := strings.Replace(config, `,"x":null`, "", 1)
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/", "", 200}, {"GET", "/health", "", 200}, {"GET", "/openapi.json", "", 200},
		{"GET", "/connectors", "", 200},
		{"POST", "/connectors", `{"name":"s","config":` + config + `}`, 400},
		{"POST", "/connectors?wait=running", `{"name":"s","config":` + good + `}`, 201},
		{"POST", "/connectors", `{"name":"s","config":` + good + `}`, 409},
		{"PUT", "/connectors/s/config", good, 200},
		{"PUT", "/connectors/other/config", good, 201},
		{"DELETE", "/connectors/other", "", 204},
		{"DELETE", "/connectors/other", "", 404},
		{"PATCH", "/connectors/s/config?wait=running", `{"topic":"u"}`, 200},
		{"GET", "/connectors?expand=info&expand=status", "", 200},
		{"GET", "/connectors/s", "", 200}, {"GET", "/connectors/s/config", "", 200}, {"GET", "/connectors/s/status", "", 200},
		{"GET", "/connectors/s/tasks", "", 200}, {"GET", "/connectors/s/tasks/0/status", "", 200}, {"GET", "/connectors/s/tasks/9/status", "", 404},
		{"POST", "/connectors/s/tasks/0/restart", "", 204},
		{"POST", "/connectors/s/restart", "", 204}, {"POST", "/connectors/s/restart?includeTasks=true", "", 202}, {"POST", "/connectors/s/restart?wait=running", "", 200},
		{"GET", "/connectors/s/topics", "", 200}, {"PUT", "/connectors/s/topics/reset", "", 202},
		{"PUT", "/connectors/s/pause", "", 202}, {"PUT", "/connectors/s/resume", "", 202},
		{"PATCH", "/connectors/s/offsets", `{"offsets":[{"partition":{"filename":"` + in + `"},"offset":{"position":0}}]}`, 400},
		{"POST", "/connectors/s/tasks", "[]", 400}, {"PUT", "/connectors/s/fence", "", 400},
		{"GET", "/moldau/v1/stats", "", 200},
		{"GET", "/moldau/v1/restarts", "", 200},
		{"PUT", "/connectors/s/stop", "", 204},
		{"GET", "/connectors/none/offsets", "", 404},
		{"GET", "/connector-plugins?connectorsOnly=false", "", 200},
		{"PUT", "/connector-plugins/FileStreamSource/config/validate", good, 200},
		{"PUT", "/connector-plugins/Nope/config/validate", good, 400},
		{"GET", "/connector-plugins/Nope/config", "", 404},
		{"GET", "/admin/loggers", "", 200}, {"GET", "/admin/loggers/root", "", 200},
		{"PUT", "/admin/loggers/a.b", `{"level":"WARN"}`, 200}, {"PUT", "/admin/loggers/a.b?scope=cluster", `{"level":"WARN"}`, 204},
	} {
		ask(c.method, c.path, c.body, c.status)
	}
	// Its tasks are gone a moment after the stop.
	for {
		if status, _ := send(t, http.DefaultClient, "PATCH", r.url+"/connectors/s/offsets", `{"offsets":[{"partition":{"filename":"`+in+`"},"offset":{"position":0}}]}`); status == 200 {
			break
		}
	}
	ask("PATCH", "/connectors/s/offsets", `{"offsets":[{"partition":{"filename":"`+in+`"},"offset":null}]}`, 200)
	ask("GET", "/connectors/s/offsets", "", 200)
	ask("DELETE", "/connectors/s/offsets", "", 200)
	var plugins []struct{ Class string }
	if err := json.Unmarshal([]byte(ask("GET", "/connector-plugins?connectorsOnly=false", "", 200)), &plugins); err != nil || len(plugins) < 20 {
		t.Fatalf("%d plugins, %v", len(plugins), err)
	}
	for _, p := range plugins {
		ask("GET", "/connector-plugins/"+url.PathEscape(p.Class)+"/config", "", 200)
	}

	paths, _ := document.At(nil, "paths")
	for path, item := range paths.(map[string]any) {
		for method := range item.(map[string]any) {
			if !tried[method+" "+path] {
				t.Errorf("%s %s was not tried", method, path)
			}
		}
	}
}
