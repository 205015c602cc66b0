//go:build integration

package integration

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/moldau-io/moldau/test/faultproxy"
	"github.com/moldau-io/moldau/test/refstack"
)

// withSchemas are a connector's settings with values in a format of the registry.
func withSchemas(format, registry string, more map[string]string) map[string]string {
	config := map[string]string{
		"tasks.max": "1", "key.converter": "org.apache.kafka.connect.storage.StringConverter",
		"value.converter": registryConverters[format], "value.converter.schema.registry.url": registry,
		"value.converter.object.additional.properties": "false", // so that JSON Schema may have new fields
	}
	maps.Copy(config, more)
	return config
}

// linesOf is how many lines a file has.
func linesOf(path string) int {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0 // not written yet
	}
	return strings.Count(string(text), "\n")
}

// ends is how many records a topic has.
func ends(t testing.TB, topic string) (n int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	offsets, err := kadm.NewClient(client(t)).ListEndOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	offsets.Each(func(o kadm.ListedOffset) { n += o.Offset })
	return n
}

// Generated orders go to a topic with their schema, and on to a file and an index.
func TestRegistryPipelines(t *testing.T) {
	const n = 100
	servers.up(t, refstack.Registry, refstack.Elasticsearch)
	path, url := properties(t, unique(t, "g"), nil)
	start(t, url, "worker", path).ready()
	registry, dir, topics := servers.url(refstack.Registry), t.TempDir(), map[string]string{}
	for format := range registryConverters {
		topic, file := newTopic(t, 1), filepath.Join(dir, format)
		topics[format] = topic
		create(t, url, "source-"+format, withSchemas(format, registry, map[string]string{
			"connector.class": "DatagenSource", "topic": topic, "template": "orders", "count": fmt.Sprint(n), "rate": "0",
		}))
		create(t, url, "file-"+format, withSchemas(format, registry, map[string]string{"connector.class": "FileStreamSink", "topics": topic, "file": file}))
		index(t, http.MethodPut, "/"+topic, "") // so that it can be counted at once
		create(t, url, "index-"+format, withSchemas(format, registry, map[string]string{
			"connector.class": "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector", "topics": topic,
			"connection.url": servers.url(refstack.Elasticsearch), "schema.ignore": "true",
		}))
	}
	for format, topic := range topics {
		file := filepath.Join(dir, format)
		eventually(t, 2*time.Minute, func() error {
			if got := linesOf(file); got != n {
				return fmt.Errorf("%s: %d of %d lines", format, got, n)
			}
			return nil
		})
		eventually(t, 2*time.Minute, func() error {
			if got := count(t, topic); got != n {
				return fmt.Errorf("%s: %d of %d documents", format, got, n)
			}
			return nil
		})
		doc, _ := document(t, topic, "7")
		if items, ok := doc["items"].([]any); doc["id"] != 7.0 || !ok || len(items) == 0 || !strings.HasPrefix(fmt.Sprint(doc["customer"]), "customer-") {
			t.Errorf("%s: document 7 is %v", format, doc)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), "Struct{id=0,customer=customer-") {
			t.Errorf("%s: the file begins with %.80s", format, text)
		}
	}
}

// versions are how many versions the registry has of a subject.
func versions(t testing.TB, subject string) int {
	t.Helper()
	var all []int
	if err := get(servers.url(refstack.Registry)+"/subjects/"+subject+"/versions", &all); err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// A schema that changes goes on where the registry finds it compatible, and stops the
// source before the first record with it where not.
func TestRegistryEvolution(t *testing.T) {
	servers.up(t, refstack.Registry)
	path, url := properties(t, unique(t, "g"), nil)
	start(t, url, "worker", path).ready()
	for _, format := range slices.Sorted(maps.Keys(registryConverters)) {
		topic, name := newTopic(t, 1), "evolving-"+format
		subject := topic + "-value"
		config := withSchemas(format, servers.url(refstack.Registry), map[string]string{"connector.class": "DatagenSource", "topic": topic, "template": "users", "rate": "100"})
		flows := func() {
			t.Helper()
			before := ends(t, topic)
			eventually(t, time.Minute, func() error {
				if after := ends(t, topic); after < before+20 {
					return fmt.Errorf("%s: %d records came", format, after-before)
				}
				return nil
			})
		}
		change := func(settings map[string]string) {
			t.Helper()
			maps.Copy(config, settings)
			if status, answer, err := request(http.MethodPut, url+"/connectors/"+name+"/config", config); err != nil || status != http.StatusOK {
				t.Fatalf("changing %s: status %d, %v: %s", name, status, err, answer)
			}
		}
		create(t, url, name, config)
		flows()
		change(map[string]string{"transforms": "add", "transforms.add.type": "org.apache.kafka.connect.transforms.InsertField$Value", "transforms.add.static.field": "origin?", "transforms.add.static.value": "shop"})
		eventually(t, time.Minute, func() error {
			if n := versions(t, subject); n != 2 {
				return fmt.Errorf("%s: %d versions", format, n)
			}
			return nil
		})
		flows()
		running(t, url, name, 1)
		change(map[string]string{"transforms": "add,cast", "transforms.cast.type": "org.apache.kafka.connect.transforms.Cast$Value", "transforms.cast.spec": "age:string"})
		var s state
		eventually(t, time.Minute, func() error {
			if err := get(url+"/connectors/"+name+"/status", &s); err != nil {
				return err
			}
			if len(s.Tasks) != 1 || s.Tasks[0].State != "FAILED" {
				return fmt.Errorf("%s is %+v", name, s)
			}
			return nil
		})
		if trace := s.Tasks[0].Trace; !strings.Contains(trace, "RestClientException") || !strings.Contains(strings.ToLower(trace), "incompatible") || !strings.Contains(trace, "409") {
			t.Errorf("%s: the trace does not give the registry's reason:\n%s", format, trace)
		}
		var offsets struct {
			Offsets []struct{ Offset struct{ Next int64 } }
		}
		eventually(t, time.Minute, func() error {
			if err := get(url+"/connectors/"+name+"/offsets", &offsets); err != nil {
				return err
			}
			if n := ends(t, topic); len(offsets.Offsets) != 1 || offsets.Offsets[0].Offset.Next != n {
				return fmt.Errorf("%s: %d records are written, the offsets are %+v", format, n, offsets)
			}
			return nil
		})
		if n := versions(t, subject); n != 2 {
			t.Errorf("%s: %d versions in the end", format, n)
		}
		remove(t, url, name)
	}
}

// The registry is killed, and comes back after a while: who asked it meanwhile waits,
// and nothing is lost.
func TestRegistryKilled(t *testing.T) {
	const n = 200
	servers.up(t, refstack.Registry)
	servers.kill(t, refstack.Registry) // what other tests registered is forgotten, so ids come again
	servers.up(t, refstack.Registry)
	proxy, err := faultproxy.Start(servers.addr(refstack.Registry))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	registry := "http://" + proxy.Addr() + refstack.RegistryPath
	patient := func(more map[string]string) map[string]string {
		config := withSchemas("AVRO", registry, map[string]string{
			"errors.retry.timeout": "-1", "errors.retry.delay.max.ms": "1000", "errors.tolerance": "all",
			"value.converter.max.retries": "1", "value.converter.retries.wait.ms": "100",
		})
		maps.Copy(config, more)
		return config
	}
	path, url := properties(t, unique(t, "g"), nil)
	start(t, url, "worker", path).ready()
	before, during, file := newTopic(t, 1), newTopic(t, 1), filepath.Join(t.TempDir(), "out")
	source := func(name, topic string) {
		t.Helper()
		create(t, url, name, patient(map[string]string{"connector.class": "DatagenSource", "topic": topic, "template": "orders", "count": fmt.Sprint(n), "rate": "0"}))
	}
	arrived := func(topic string) {
		t.Helper()
		eventually(t, 2*time.Minute, func() error {
			if got := ends(t, topic); got != n {
				return fmt.Errorf("%d of %d records", got, n)
			}
			return nil
		})
	}
	source("before", before)
	arrived(before)
	var registered struct {
		ID     int
		Schema string
	}
	if err := get(servers.url(refstack.Registry)+"/subjects/"+before+"-value/versions/1", &registered); err != nil {
		t.Fatal(err)
	}
	servers.kill(t, refstack.Registry)
	proxy.Refuse()
	source("during", during)
	create(t, url, "sink", patient(map[string]string{"connector.class": "FileStreamSink", "topics": before, "file": file}))
	running(t, url, "during", 1)
	running(t, url, "sink", 1)
	// Ends when the registry is back.
	calm := func(until func() bool) {
		t.Helper()
		for !until() {
			for _, name := range []string{"during", "sink"} {
				var s state
				if err := get(url+"/connectors/"+name+"/status", &s); err != nil {
					t.Fatal(err)
				}
				for _, task := range s.Tasks {
					if task.State != "RUNNING" {
						t.Fatalf("%s is %+v", name, s)
					}
				}
			}
			<-time.After(200 * time.Millisecond)
		}
	}
	down := time.Now()
	calm(func() bool { return time.Since(down) > 6*time.Second })
	if got, lost := linesOf(file), ends(t, during); got != 0 || lost != 0 {
		t.Errorf("%d lines and %d records without a registry", got, lost)
	}
	servers.up(t, refstack.Registry)
	if id := register(t, before+"-value", "AVRO", registered.Schema); id != registered.ID {
		t.Fatalf("the schema has id %d in the new registry, %d in the one before", id, registered.ID)
	}
	proxy.Heal()
	arrived(during)
	eventually(t, 2*time.Minute, func() error {
		if got := linesOf(file); got != n {
			return fmt.Errorf("%d of %d lines", got, n)
		}
		return nil
	})
	running(t, url, "during", 1)
	running(t, url, "sink", 1)
	seen := map[string]bool{}
	for _, r := range consume(t, servers.addr(refstack.Kafka), during, n) {
		seen[string(r.Key)] = true
	}
	if len(seen) != n {
		t.Errorf("%d different orders of %d", len(seen), n)
	}
}
