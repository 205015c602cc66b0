//go:build integration

package integration

import (
	"encoding/json"
	"errors"
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
	configFile := func(config map[string]string) string {
		t.Helper()
		text, err := json.Marshal(config)
		path := filepath.Join(t.TempDir(), "connector.json")
		if err := errors.Join(err, os.WriteFile(path, text, 0o600)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	repaired := configFile(config)
	// One goes straight to a sink, which is none of the worker's.
	aside := filepath.Join(t.TempDir(), "aside.txt")
	if got := dlq("replay", letters, "--config", configFile(with(config, map[string]string{"name": name, "file": aside})), "--to-sink", "--limit", "1"); got != "1 replayed, 0 replayed before, 0 would fail again, 0 of other causes\n" {
		t.Error(got)
	}
	if text, err := os.ReadFile(aside); err != nil || string(text) != "plain 0\n" {
		t.Errorf("%q, %v", text, err)
	}
	if status, answer, err := request("PUT", url+"/connectors/"+name+"/config", config); err != nil || status != 200 {
		t.Fatalf("status %d, %v: %s", status, err, answer)
	}
	if got := dlq("replay", letters, "--config", repaired); got != "3 replayed, 1 replayed before, 0 would fail again, 0 of other causes\n" {
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
		for _, want := range []string{"plain 5\n", "plain 10\n", "plain 15\n"} {
			if strings.Count(string(text), want) != 1 {
				return fmt.Errorf("%q is there %d times", want, strings.Count(string(text), want))
			}
		}
		return nil
	})
}
