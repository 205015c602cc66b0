package ctl

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// await runs a command until its output has a text.
func (w *world) await(text string, args ...string) {
	w.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		out, errText, _ := w.execute(w.t.Context(), args...)
		if strings.Contains(out, text) {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("moldau %s does not print %q but\n%s%s", strings.Join(args, " "), text, out, errText)
		}
		<-time.After(20 * time.Millisecond)
	}
}

func TestApplyAndLifecycle(t *testing.T) {
	w := nodeWorld(t, nil)
	w.file("in.txt", "one\ntwo\n")
	w.file("connectors/lines.json", `{"name": "lines", "config": {"connector.class": "FileStreamSource", "tasks.max": 1, "file": "in.txt", "topic": "lines"}}`)
	w.file("connectors/out.yaml", "name: out\nconnector.class: FileStreamSink\ntasks.max: 1\ntopics: [lines]\nfile: out.txt\nmy.password: hunter2\n")
	w.file("connectors/idle.properties", "name=idle\nconnector.class=FileStreamSource\nfile=in.txt\ntopic=idle\n")
	const dir = "connectors"

	w.run("connector", "list")
	w.run("connector", "apply", "-f", dir, "--plan")
	w.run("connector", "apply", "-f", dir, "--plan", "--exit-code")
	w.run("connector", "apply", "-f", dir, "--wait")
	w.run("connector", "apply", "-f", dir)
	w.run("connector", "apply", "-f", dir, "--plan", "--exit-code")
	w.await("lines-0    2", "connector", "offsets", "get", "out")
	w.run("connector", "list")
	w.run("connector", "list", "-o", "wide", "--type", "sink")
	w.run("connector", "list", "-o", "name")
	w.run("connector", "list", "lines", "-o", "json")
	w.run("connector", "list", "/^l/", "-o", "yaml")
	w.run("connector", "get", "out")
	w.run("connector", "get", "out", "-o", "yaml", "--show-secrets")
	w.run("connector", "describe", "out")
	w.run("connector", "describe", "out", "-o", "json")

	w.file("connectors/out.yaml", "name: out\nconnector.class: FileStreamSink\ntasks.max: 2\ntopics: lines\nfile: out.txt\nmy.password: hunter3\n")
	w.run("connector", "apply", "-f", dir+"/out.yaml", "--plan", "-o", "json")
	w.run("connector", "apply", "-f", dir+"/out.yaml", "--wait")
	w.run("connector", "patch", "out", "tasks.max=1", "my.password-", "--wait")
	w.run("connector", "patch", "out", "tasks.max=1")
	w.run("connector", "pause", "o*", "/^lines$/", "--wait")
	w.run("connector", "list")
	w.run("connector", "resume", "*", "--wait")
	w.run("connector", "restart", "lines", "--wait")
	w.run("connector", "restart", "lines", "--task", "0")
	w.run("connector", "stop", "out", "--wait")
	w.run("connector", "topics", "*")
	w.run("connector", "topics", "lines", "--reset")
	w.run("connector", "delete", "i*")
	w.run("connector", "apply", "-f", dir+"/out.yaml", "--prune", "i*", "--plan")
	w.run("connector", "delete", "idle", "--wait")
	w.run("connector", "delete", "idle")
	w.run("connector", "delete", "idle", "--ignore-not-found")
	w.golden("lifecycle")
}

func TestOffsets(t *testing.T) {
	w := nodeWorld(t, nil)
	w.file("in.txt", "one\ntwo\n")
	w.run("connector", "create", "lines", "connector.class=FileStreamSource", "file=in.txt", "topic=lines", "--wait")
	w.run("connector", "create", "out", "connector.class=FileStreamSink", "file=out.txt", "topics=lines", "--wait")
	w.await("8", "connector", "offsets", "get", "lines")
	w.await("2", "connector", "offsets", "get", "out")
	w.run("connector", "offsets", "get", "lines")
	w.run("connector", "offsets", "get", "out", "-o", "json")
	w.run("connector", "offsets", "set", "out", "lines-0=1")
	w.run("connector", "offsets", "set", "out", "lines-0=1", "--plan")
	w.run("connector", "offsets", "set", "out", "lines-0=1", "--stop", "--backup", "backup.json")
	w.await("2", "connector", "offsets", "get", "out")
	w.run("connector", "stop", "out", "lines", "--wait")
	w.run("connector", "offsets", "set", "out", "lines-0=0")
	w.run("connector", "offsets", "set", "out", "-f", "backup.json")
	w.run("connector", "offsets", "reset", "lines")
	w.run("connector", "offsets", "get", "lines")
	w.run("connector", "offsets", "reset", "lines")
	w.run("connector", "offsets", "set", "out", "lines=1")
	w.run("connector", "offsets", "set", "out")
	w.run("connector", "offsets", "get", "none")
	w.golden("offsets")
}

func TestPluginsAndCluster(t *testing.T) {
	w := nodeWorld(t, nil)
	w.run("plugin", "list", "FileStream*")
	w.run("plugin", "list", "/Int/", "--all")
	w.run("plugin", "list", "IntegerConverter", "--type", "converter", "-o", "json")
	w.run("plugin", "describe", "org.apache.kafka.connect.storage.StringConverter")
	w.run("plugin", "describe", "HasHeaderKey", "-o", "wide")
	w.run("plugin", "describe", "Nope")
	w.file("good.json", `{"name": "good", "connector.class": "FileStreamSource", "topic": "x"}`)
	w.file("bad.yaml", "name: bad\nconfig:\n  connector.class: FileStreamSink\n  tasks.max: many\n  topcs: x\n  topics.regex: '['\n")
	w.run("plugin", "validate", "-f", "good.json")
	w.run("plugin", "validate", "-f", "good.json", "-f", "bad.yaml")
	w.run("connector", "apply", "-f", "bad.yaml")
	w.run("connector", "create", "-f", "bad.yaml")
	w.run("connector", "create", "none", "connector.class=Nope")
	w.run("connector", "create", "-f", "good.json", "--state", "stopped", "--wait")
	w.run("connector", "create", "-f", "good.json")
	w.run("cluster", "info")
	w.run("cluster", "info", "-o", "yaml")
	w.run("cluster", "health")
	w.run("cluster", "loggers", "set", "my.logger", "debug")
	w.run("cluster", "loggers", "my.*")
	w.run("cluster", "loggers", "set", "my.logger", "loud")
	w.run("cluster", "loggers", "nothing.*")
	w.golden("plugins")
}

// A task that fails is told with its trace, and its connector is shown as degraded.
func TestFailure(t *testing.T) {
	w := nodeWorld(t, nil)
	w.run("connector", "create", "out", "connector.class=FileStreamSink", "file=no/such/folder/out.txt", "topics=lines", "--wait")
	w.run("connector", "list", "-o", "wide")
	w.run("connector", "list", "--state", "failed", "-o", "name")
	w.run("connector", "describe", "out")
	w.run("connector", "restart", "out", "--only-failed", "--wait")
	w.run("cluster", "health")
	w.run("cluster", "health", "--worker")
	w.golden("failure")
}

func TestCompletion(t *testing.T) {
	w := nodeWorld(t, nil)
	w.run("connector", "create", "a-one", "connector.class=FileStreamSource", "topic=x", "--state", "stopped")
	w.run("connector", "create", "a-two", "connector.class=FileStreamSource", "topic=x", "--state", "stopped")
	w.run("__complete", "connector", "restart", "")
	w.run("__complete", "connector", "restart", "a-one", "a-")
	w.run("__complete", "connector", "offsets", "get", "a-one", "")
	w.run("__complete", "plugin", "describe", "FileStreamSo")
	w.run("__complete", "connector", "patch", "a-one", "t")
	w.run("__complete", "connector", "list", "-o", "")
	w.run("__complete", "connector", "restart", "-s", "http://127.0.0.1:1", "")
	w.golden("completion")
}

// With a worker that hides secrets and asks who its users are, files are applied as
// with any other, and what a user may not do is said.
func TestGuardedServer(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("pw"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	users, roles := filepath.Join(dir, "users"), filepath.Join(dir, "roles")
	if err := errors.Join(os.WriteFile(users, fmt.Appendf(nil, "ann:%s\nbob:%s\n", hash, hash), 0o600), os.WriteFile(roles, []byte("ann admin *\nbob view *\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	w := nodeWorld(t, map[string]string{"moldau.rest.htpasswd.file": users, "moldau.rest.roles.file": roles, "moldau.rest.mask.secrets": "true"})
	sse := func(tasks, token string) {
		w.file("sse.yaml", "name: sse\ninitial_state: stopped\nconfig:\n  connector.class: io.moldau.connect.sse.ServerSentEventsSourceConnector\n  sse.uri: http://127.0.0.1:1/\n  topic: t\n  tasks.max: "+tasks+"\n  http.bearer.token: "+token+"\n")
	}
	sse("1", "t0ken")
	w.run("connector", "list")
	w.env[envUser], w.env[envPassword] = "ann", "no"
	w.run("connector", "list")
	w.env[envPassword] = "pw"
	w.run("connector", "apply", "-f", "sse.yaml")
	w.run("connector", "apply", "-f", "sse.yaml")
	w.run("connector", "get", "sse", "-o", "yaml")
	w.run("connector", "get", "sse", "-o", "yaml", "--show-secrets")
	sse("2", "t0ken")
	w.run("connector", "apply", "-f", "sse.yaml")
	sse("2", "'********'")
	w.run("connector", "apply", "-f", "sse.yaml")
	w.run("connector", "apply", "-f", "sse.yaml", "--force")
	w.run("connector", "patch", "sse", "tasks.max=1")
	w.env[envUser] = "bob"
	w.await("STOPPED", "connector", "list")
	w.run("connector", "list")
	w.run("connector", "delete", "sse")
	w.golden("guarded")
}
