//go:build integration

package integration

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// kafka-connect-py, a command line for Connect, goes through its main flows.
func TestKafkaConnectPy(t *testing.T) {
	path, url := properties(t, unique(t, "g"), nil)
	start(t, url, "worker", path).ready()
	tool := filepath.Join(filepath.Dir(python(t)), "kc")
	kc := func(args ...string) (out string, err error) {
		t.Helper()
		text, err := exec.Command(tool, append([]string{"--url", url}, args...)...).CombinedOutput()
		return string(text), err
	}
	in, topic := filepath.Join(t.TempDir(), "in.txt"), newTopic(t, 1)
	if err := os.WriteFile(in, []byte("a\nb\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(`{"connector.class":"FileStreamSource","tasks.max":"1","file":%q,"topic":%q}`, in, topic)
	// Not tried: validate-config, which sends the configuration as a JSON string.
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	connector := file("lines.json", fmt.Sprintf(`{"name":"lines","config":%s}`, config))
	two := file("two.json", strings.Replace(config, `"1"`, `"2"`, 1))
	for _, c := range []struct {
		args []string
		want []string
		// until repeats the command until it prints what is wanted.
		until bool
	}{
		{args: []string{"info"}, want: []string{`"version": "4.1.1"`, `"kafka_cluster_id"`}},
		{args: []string{"list-plugins"}, want: []string{"org.apache.kafka.connect.file.FileStreamSourceConnector"}},
		{args: []string{"create", "--config-file", connector}, want: []string{`"name": "lines"`, `"type": "source"`}},
		{args: []string{"create", "--config-file", connector}, want: []string{"409"}},
		{args: []string{"status", "lines"}, want: []string{`"state": "RUNNING"`, `"id": 0`}, until: true},
		{args: []string{"list"}, want: []string{"lines"}},
		{args: []string{"list", "--expand", "status", "--state", "RUNNING", "--pattern", "li.*"}, want: []string{"lines"}},
		{args: []string{"get", "lines"}, want: []string{`"connector.class": "FileStreamSource"`}},
		{args: []string{"config", "lines"}, want: []string{`"tasks.max": "1"`}},
		{args: []string{"list-tasks", "lines"}, want: []string{`"task": 0`}},
		{args: []string{"task-status", "lines", "0"}, want: []string{`"state": "RUNNING"`}},
		{args: []string{"list-topics", "lines"}, want: []string{topic}, until: true},
		{args: []string{"reset-topics", "lines"}},
		{args: []string{"pause", "lines"}},
		{args: []string{"status", "lines"}, want: []string{`"state": "PAUSED"`}, until: true},
		{args: []string{"resume", "lines"}},
		{args: []string{"status", "lines"}, want: []string{`"state": "RUNNING"`}, until: true},
		{args: []string{"restart", "--include-tasks", "lines"}, want: []string{"lines"}},
		{args: []string{"restart-task", "lines", "0"}},
		{args: []string{"update", "lines", "--config-file", two}, want: []string{`"tasks.max": "2"`}},
		{args: []string{"delete", "lines"}},
		{args: []string{"list"}, want: []string{"[]"}, until: true},
		{args: []string{"get", "lines"}, want: []string{"404 Client Error"}},
	} {
		check := func() error {
			out, err := kc(c.args...)
			for _, want := range c.want {
				if !strings.Contains(out, want) {
					return fmt.Errorf("kc %s: %v, wanted %s in\n%s", strings.Join(c.args, " "), err, want, out)
				}
			}
			if err != nil && len(c.want) == 0 {
				return fmt.Errorf("kc %s: %w\n%s", strings.Join(c.args, " "), err, out)
			}
			return nil
		}
		if c.until {
			eventually(t, 30*time.Second, check)
		} else if err := check(); err != nil {
			t.Fatal(err)
		}
	}
}

// kafka-connect-healthcheck says that a worker is well, and what is not when a task fails.
func TestKafkaConnectHealthcheck(t *testing.T) {
	path, url := properties(t, unique(t, "g"), nil)
	start(t, url, "worker", path).ready()
	health := fmt.Sprintf("http://127.0.0.1:%d", freePort(t))
	port := health[strings.LastIndexByte(health, ':')+1:]
	cmd := exec.Command(filepath.Join(filepath.Dir(python(t)), "kafka-connect-healthcheck"), "--port", port, "--connect-url", url, "--connect-worker-id", strings.TrimPrefix(url, "http://"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // it was killed
	})
	is := func(want int, words ...string) {
		t.Helper()
		eventually(t, 30*time.Second, func() error {
			status, answer, err := request(http.MethodGet, health+"/", nil)
			if err != nil {
				return err
			}
			for _, w := range words {
				if !strings.Contains(string(answer), w) {
					return fmt.Errorf("%q is not in %s", w, answer)
				}
			}
			if status != want {
				return fmt.Errorf("status %d: %s", status, answer)
			}
			return nil
		})
	}
	is(http.StatusOK, `"healthy": true`)
	topic := newTopic(t, 1)
	create(t, url, "well", map[string]string{"connector.class": "FileStreamSink", "topics": topic, "file": filepath.Join(t.TempDir(), "out")})
	running(t, url, "well", 1)
	is(http.StatusOK, `"healthy": true`)
	create(t, url, "ill", map[string]string{"connector.class": "FileStreamSink", "topics": topic, "file": filepath.Join(t.TempDir(), "no", "folder", "out")})
	is(http.StatusServiceUnavailable, `"connector": "ill"`, `"type": "task"`, `"state": "FAILED"`)
	var names []string
	if err := get(url+"/connectors", &names); err != nil || len(names) != 2 {
		t.Errorf("%v, %v", names, err)
	}
	remove(t, url, "ill")
	is(http.StatusOK, `"failures": []`)
}
