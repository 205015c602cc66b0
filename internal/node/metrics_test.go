package node

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMetricsAreServed(t *testing.T) {
	in := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(in, []byte("a\nb\nc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := run(t, nil, func(o *Options) { o.Solo = false })
	if status, answer := send(t, http.DefaultClient, "POST", r.url+"/connectors?wait=running",
		`{"name":"s","config":{"connector.class":"FileStreamSource","topic":"t","file":"`+in+`"}}`); status != 201 {
		t.Fatalf("%d %s", status, answer)
	}
	// Kafka's acknowledgements take a moment.
	const written = `kafka_connect_source_task_source_record_write_total{connector="s",task="0"} 3`
	text := ""
	for !strings.Contains(text, written) {
		if _, text = send(t, http.DefaultClient, "GET", r.url+"/metrics", ""); t.Context().Err() != nil {
			t.Fatal(text)
		}
	}
	for _, want := range []string{
		`kafka_connect_worker_connector_count 1`, `kafka_connect_worker_task_count 1`, `kafka_connect_worker_task_startup_attempts_total 1`,
		`kafka_connect_connector_status{connector="s",status="running"} 1`, `kafka_connect_connector_task_status{connector="s",status="running",task="0"} 1`,
		`# TYPE kafka_connect_source_task_source_record_write_total counter`, `kafka_connect_coordinator_join_total `, `go_goroutines `,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %s", want)
		}
	}
	off := run(t, map[string]string{"moldau.metrics.enabled": "false"}, nil)
	if status, answer := send(t, http.DefaultClient, "GET", off.url+"/metrics", ""); status != 404 {
		t.Errorf("switched off: %d %s", status, answer)
	}
}
