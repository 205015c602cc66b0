//go:build integration

package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/test/refstack"
)

// Records that a sink could not convert are found in its dead-letter topic, and reach
// the sink once when they are replayed after a change of its configuration.
func TestDeadLettersAreReplayed(t *testing.T) {
	topic, name := newTopic(t, 1), unique(t, "sink")
	letters, out := name+"-dlq", filepath.Join(t.TempDir(), "out.txt")
	path, url := properties(t, unique(t, "g"), nil)
	start(t, url, "worker", path).ready()
	for i := range 20 {
		value := fmt.Sprintf(`{"n":%d}`, i)
		if i%5 == 0 {
			value = fmt.Sprintf("plain %d", i)
		}
		produce(t, &kgo.Record{Topic: topic, Value: []byte(value)})
	}
	config := map[string]string{
		"connector.class": "FileStreamSink", "tasks.max": "1", "topics": topic, "file": out,
		"key.converter": "org.apache.kafka.connect.storage.StringConverter", "value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "false",
		"errors.tolerance": "all", "errors.deadletterqueue.topic.name": letters, "errors.deadletterqueue.topic.replication.factor": "1", "errors.deadletterqueue.context.headers.enable": "true",
	}
	create(t, url, name, config)
	if got := consume(t, servers.addr(refstack.Kafka), letters, 4); string(got[3].Value) != "plain 15" {
		t.Errorf("the last letter is %s", got[3].Value)
	}
	dlq := func(args ...string) string {
		t.Helper()
		text, err := exec.Command(binary(t), append([]string{"dlq"}, append(args, "--bootstrap-server", servers.addr(refstack.Kafka))...)...).CombinedOutput()
		if err != nil && !strings.Contains(string(text), "would fail again") {
			t.Fatalf("%v: %s", err, text)
		}
		return string(text)
	}
	if got := dlq("inspect", letters); !strings.Contains(got, "4 dead letters of ") || !strings.Contains(got, "VALUE_CONVERTER, org.apache.kafka.connect.json.JsonConverter") {
		t.Error(got)
	}
	config["value.converter"] = "org.apache.kafka.connect.storage.StringConverter"
	repaired := filepath.Join(t.TempDir(), "connector.json")
	var b strings.Builder
	b.WriteString("{")
	for k, v := range config {
		fmt.Fprintf(&b, "%q:%q,", k, v)
	}
	if err := os.WriteFile(repaired, []byte(strings.TrimSuffix(b.String(), ",")+"}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, answer, err := request("PUT", url+"/connectors/"+name+"/config", config); err != nil || status != 200 {
		t.Fatalf("status %d, %v: %s", status, err, answer)
	}
	if got := dlq("replay", letters, "--config", repaired); got != "4 replayed, 0 replayed before, 0 would fail again, 0 of other causes\n" {
		t.Error(got)
	}
	if got := dlq("replay", letters, "--config", repaired); got != "0 replayed, 4 replayed before, 0 would fail again, 0 of other causes\n" {
		t.Error(got)
	}
	eventually(t, 30*time.Second, func() error {
		text, err := os.ReadFile(out)
		if err != nil {
			return err
		}
		for _, want := range []string{"plain 0\n", "plain 5\n", "plain 10\n", "plain 15\n"} {
			if strings.Count(string(text), want) != 1 {
				return fmt.Errorf("%q is there %d times", want, strings.Count(string(text), want))
			}
		}
		return nil
	})
}
