package node

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/plugins"
	"github.com/moldau-io/moldau/plugins/standard"
)

// hanging is a source connector whose method named by its setting "where" does not
// come back until the test ends, whatever its context says.
type hanging struct {
	end   chan struct{}
	where string
}

func (h *hanging) hang(where string) {
	if h.where == where {
		<-h.end
	}
}

func (*hanging) ConfigDef() *configdef.Def {
	return configdef.New(configdef.Optional("where", configdef.String, "", configdef.Low, "The method that hangs."))
}

func (h *hanging) Start(_ context.Context, _ connect.ConnectorContext, props map[string]string) error {
	h.where = props["where"]
	h.hang("start")
	return nil
}

func (h *hanging) TaskConfigs(int) ([]map[string]string, error) {
	h.hang("tasks")
	return []map[string]string{{"where": h.where}}, nil
}

func (*hanging) TaskClass() string { return "test.HangingTask" }

func (*hanging) Stop(context.Context) error { return nil }

func (h *hanging) ValidateConfig(_ context.Context, props map[string]string) map[string][]string {
	h.where = props["where"]
	h.hang("validate")
	return nil
}

func (h *hanging) NewTask() connect.SourceTask { return &hangingTask{hanging{end: h.end}} }

type hangingTask struct{ hanging }

func (t *hangingTask) Start(_ context.Context, _ connect.SourceContext, props map[string]string) error {
	t.where = props["where"]
	t.hang("task")
	return nil
}

func (t *hangingTask) Poll(ctx context.Context) ([]*connect.Record, error) {
	t.hang("poll")
	<-ctx.Done()
	return nil, nil
}

func (*hangingTask) Commit(context.Context) error { return nil }

func (t *hangingTask) Stop(context.Context) error { return nil }

// A connector that hangs, wherever it does, holds up nobody else.
func TestHangingConnectorsHoldUpNobody(t *testing.T) {
	in := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(in, []byte("line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	end := make(chan struct{})
	kinds := []plugins.Kind{plugins.Source, plugins.Sink, plugins.Converter, plugins.HeaderConverter, plugins.Transformation, plugins.Predicate}
	all := append(standard.Registry().List(kinds...), plugins.Plugin{
		Kind: plugins.Source, Class: "test.HangingConnector", Version: "1", New: func() connect.Configured { return &hanging{end: end} },
	})
	r := run(t, map[string]string{"task.shutdown.graceful.timeout.ms": "100"}, func(o *Options) {
		o.Solo, o.Plugins = false, plugins.New(all...)
	})
	defer close(end)
	create := func(client *http.Client, where string) (*http.Response, error) {
		body := `{"name":"hangs-` + where + `","config":{"connector.class":"test.HangingConnector","where":"` + where + `"}}`
		req, err := http.NewRequestWithContext(t.Context(), "POST", r.url+"/connectors", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		return client.Do(req)
	}
	for _, where := range []string{"start", "tasks", "validate", "task", "poll"} {
		client := http.DefaultClient
		if where == "validate" {
			client = &http.Client{Timeout: 200 * time.Millisecond} // it is not answered
		}
		resp, err := create(client, where)
		if err == nil {
			resp.Body.Close()
		}
		if created := err == nil && resp.StatusCode == 201; created != (where != "validate") {
			t.Errorf("%s: created: %v (%v)", where, created, err)
		}
		if status, answer := send(t, http.DefaultClient, "POST", r.url+"/connectors?wait=running",
			`{"name":"after-`+where+`","config":{"connector.class":"FileStreamSource","topic":"t","file":"`+in+`"}}`); status != 201 || !strings.Contains(answer, `"reached":true`) {
			t.Errorf("after %s: %d %s", where, status, answer)
		}
		if status, answer := send(t, http.DefaultClient, "GET", r.url+"/health", ""); status != 200 {
			t.Errorf("after %s: %d %s", where, status, answer)
		}
	}
}
