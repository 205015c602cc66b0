//go:build integration

package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moldau-io/moldau/test/refstack"
)

// operator runs the operator's commands against one server.
type operator struct {
	t        testing.TB
	env      []string
	dir, url string
}

func newOperator(t testing.TB, url string) *operator {
	dir := t.TempDir()
	env := append(os.Environ(), "MOLDAU_SERVER="+url, "MOLDAU_CONFIG="+filepath.Join(dir, "config.yaml"))
	return &operator{t, env, dir, url}
}

// try runs a command and returns what it printed, errors last, and its exit status.
func (o *operator) try(args ...string) (text string, code int) {
	o.t.Helper()
	cmd := exec.Command(binary(o.t), args...)
	cmd.Env, cmd.Dir = o.env, o.dir
	var out, errText bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errText
	begin := time.Now()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		o.t.Fatal(err)
	}
	code = cmd.ProcessState.ExitCode()
	o.t.Logf("%.1f s: moldau %s: %d\n%s%s", time.Since(begin).Seconds(), strings.Join(args, " "), code, out.String(), errText.String())
	return out.String() + errText.String(), code
}

// run runs a command that must end with a status and print some texts.
func (o *operator) run(code int, args []string, texts ...string) string {
	o.t.Helper()
	text, got := o.try(args...)
	if got != code {
		o.t.Fatalf("moldau %s ended with %d, want %d:\n%s", strings.Join(args, " "), got, code, text)
	}
	for _, want := range texts {
		if !strings.Contains(text, want) {
			o.t.Errorf("moldau %s does not print %q but\n%s", strings.Join(args, " "), want, text)
		}
	}
	return text
}

func (o *operator) ok(args ...string) string {
	o.t.Helper()
	return o.run(0, args)
}

func (o *operator) file(name, text string) string {
	o.t.Helper()
	path := filepath.Join(o.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		o.t.Fatal(err)
	}
	return path
}

// The operator's commands do the same with Apache's worker and with ours.
func TestCommandLine(t *testing.T) {
	t.Run("Apache", func(t *testing.T) {
		servers.connect(t)
		o := newOperator(t, servers.url(refstack.Connect))
		o.drive("cli-apache")
	})
	t.Run("Moldau", func(t *testing.T) {
		file, url := properties(t, "cli", nil)
		doctor := newOperator(t, url)
		doctor.run(0, []string{"doctor", file}, "the worker will make it", " is free")
		start(t, url, "worker", file).ready()
		doctor.run(1, []string{"doctor", file}, "config.storage.topic=cli-configs: 1 partition, 1 replica, compacted", "has 1 worker", "the port is taken by a Kafka Connect worker")
		newOperator(t, url).drive("cli-moldau")
	})
}

func (o *operator) drive(name string) {
	t := o.t
	t.Helper()
	src, dst, topic := name+"-src", name+"-dst", name+"-lines"
	in := o.file("in.txt", "one\ntwo\nthree\n")
	o.file("connectors/src.json", fmt.Sprintf(`{"name":%q,"config":{"connector.class":"FileStreamSource","tasks.max":1,"file":%q,"topic":%q,`+
		`"value.converter":"org.apache.kafka.connect.storage.StringConverter"}}`, src, in, topic))
	o.file("connectors/dst.yaml", fmt.Sprintf("name: %s\nconnector.class: org.apache.kafka.connect.file.FileStreamSinkConnector\ntasks.max: 1\ntopics: [%s]\nfile: %s\n"+
		"value.converter: org.apache.kafka.connect.storage.StringConverter\nmy.password: s3cret\n", dst, topic, filepath.Join(o.dir, "out.txt")))

	o.run(0, []string{"cluster", "info"}, "Version:", "4.1.1")
	o.run(0, []string{"plugin", "list", "FileStream*", "-o", "name"}, "org.apache.kafka.connect.file.FileStreamSourceConnector\n")
	o.run(0, []string{"plugin", "describe", "FileStreamSource"}, "batch.size")
	o.run(0, []string{"plugin", "validate", "-f", "connectors"}, "ok "+src, "ok "+dst)
	o.run(6, []string{"connector", "apply", "-f", "connectors", "--plan", "--exit-code"}, "+ connector "+src, "my.password", "********")
	if text := o.ok("connector", "apply", "-f", "connectors", "--wait"); strings.Contains(text, "s3cret") {
		t.Error("a secret is printed")
	}
	o.run(0, []string{"connector", "apply", "-f", "connectors", "--plan", "--exit-code"}, "= connector "+dst+": no changes", "= connector "+src+": no changes")

	var list []struct {
		Name, Type, Class string
		Connector         struct{ State string }
		Tasks             []struct{ State string }
	}
	text, code := o.try("connector", "list", name+"-*", "-o", "json")
	if err := json.Unmarshal([]byte(text), &list); err != nil || code != 0 || len(list) != 2 || list[0].Connector.State != "RUNNING" || list[0].Tasks[0].State != "RUNNING" || list[1].Type != "source" {
		t.Fatalf("%d %v: %+v", code, err, list)
	}
	eventually(t, 60*time.Second, func() error {
		text, code := o.try("connector", "offsets", "get", dst)
		if code != 0 || !strings.Contains(text, topic+"-0  3") {
			return errors.New(text)
		}
		return nil
	})
	o.run(0, []string{"connector", "describe", dst}, "RUNNING", topic+"-0  3", "my.password", "********", "Topics:")
	got := o.run(0, []string{"connector", "get", src}, `"topic": "`+topic+`"`)
	o.file("got.json", got)
	o.run(0, []string{"connector", "apply", "-f", "got.json"}, "no changes")

	o.run(0, []string{"connector", "patch", dst, "tasks.max=2", "my.password-", "--wait"}, "~ tasks.max", "1 → 2", "tasks 2/2")
	o.run(0, []string{"connector", "pause", "/^" + name + "/", "--wait"}, src+" is PAUSED", dst+" is PAUSED")
	o.run(0, []string{"connector", "resume", name + "-*", "--wait"}, src+" is RUNNING", dst+" is RUNNING")
	o.run(0, []string{"connector", "restart", src, "--wait"}, "is RUNNING, tasks 1/1")
	o.run(2, []string{"connector", "offsets", "set", dst, topic + "-0=1"}, "STOPPED state", "--stop")
	o.run(0, []string{"connector", "offsets", "set", dst, topic + "-0=1", "--stop"}, "3 → 1", "resumed")
	o.run(0, []string{"connector", "stop", src, "--wait"}, "is STOPPED")
	o.run(0, []string{"connector", "offsets", "reset", src}, "none")
	o.run(0, []string{"connector", "topics", src}, topic)
	o.run(0, []string{"cluster", "loggers", "set", "cli.test", "debug"}, "cli.test")
	o.run(0, []string{"cluster", "loggers", "cli.*"}, "DEBUG")

	bad := name + "-bad"
	o.run(1, []string{"connector", "create", bad, "connector.class=FileStreamSink", "topics=" + topic, "file=" + filepath.Join(o.dir, "none", "out.txt"), "--wait"},
		"task 0 of "+bad+" FAILED", "ConnectException: Couldn't find or create file", "restart "+bad+" --only-failed")
	o.run(0, []string{"connector", "list", "--state", "failed", "-o", "name"}, bad)
	o.run(1, []string{"cluster", "health"}, "healthy", "1 FAILED")
	o.run(4, []string{"connector", "create", src, "connector.class=FileStreamSource", "topic=x"}, "already exists")
	o.run(2, []string{"connector", "create", bad + "2", "connector.class=FileStreamSource", "tasks.max=x"}, "Not a number of type INT")
	o.run(2, []string{"connector", "create", bad + "2", "connector.class=Nothing"}, "Failed to find any class", "moldau plugin list")
	o.run(3, []string{"connector", "describe", "none"}, "not found")
	o.run(0, []string{"__complete", "connector", "restart", name}, bad+"\n", dst+"\n", src+"\n")
	o.run(0, []string{"connector", "delete", name + "-*", "--yes", "--wait"}, src+" is gone", dst+" is gone", bad+" is gone")
}
