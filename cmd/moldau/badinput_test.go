package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What cannot run ends at once with one line that names what is wrong, its value and
// what to do, and a status other than 0. What is wrong with requests is in test/e2e.
func TestBadInputOfCommands(t *testing.T) {
	dir := t.TempDir()
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := busy.Close(); err != nil {
			t.Error(err)
		}
	})
	taken := busy.Addr().String()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	worker := func(name string, lines ...string) string {
		return write(name, strings.Join(append(lines, "group.id=g", "config.storage.topic=c", "offset.storage.topic=o", "status.storage.topic=s",
			"offset.storage.file.filename="+filepath.Join(dir, "offsets"), "default.api.timeout.ms=2000", "request.timeout.ms=2000",
			"key.converter=org.apache.kafka.connect.json.JsonConverter", "value.converter=org.apache.kafka.connect.json.JsonConverter"), "\n")+"\n")
	}
	const free, none = "listeners=http://127.0.0.1:0", "bootstrap.servers=127.0.0.1:1"
	good := worker("good.properties", free, none)
	dev := func(more ...string) []string {
		return append([]string{"dev", "--data-dir", t.TempDir(), "--rest", "127.0.0.1:0", "--kafka", "127.0.0.1:0"}, more...)
	}
	cases := []struct {
		name string
		args []string
		want []string
	}{
		{"unreachable broker", []string{"worker", good}, []string{"cannot reach Kafka at bootstrap.servers=127.0.0.1:1", "check that the broker runs"}},
		{"unreachable broker, standalone", []string{"standalone", good}, []string{"cannot reach Kafka at bootstrap.servers=127.0.0.1:1", "check that the broker runs"}},
		{"unresolvable broker", []string{"worker", worker("host.properties", free, "bootstrap.servers=no-such-host.invalid:9092")},
			[]string{"bootstrap.servers=no-such-host.invalid:9092", "check that the broker runs and that the address is right"}},
		{"no broker's address", []string{"worker", worker("address.properties", free, "bootstrap.servers=nonsense")},
			[]string{"bootstrap.servers: nonsense", "must be of the form host:port"}},
		{"REST port in use", []string{"worker", worker("port.properties", "listeners=http://"+taken, none)},
			[]string{"listeners=http://" + taken, "address already in use", "choose another"}},
		{"REST port in use, dev", dev("--rest", taken), []string{"--rest " + taken, "address already in use", "choose another"}},
		{"REST port in use, demo", []string{"demo", "--offline", "--data-dir", filepath.Join(dir, "demo"), "--kafka", "127.0.0.1:0", "--rest", taken},
			[]string{"--rest " + taken, "address already in use", "choose another"}},
		{"Kafka port in use", dev("--kafka", taken), []string{"--kafka", taken, "in use", "give --kafka another port"}},
		{"no REST address", dev("--rest", "nonsense"), []string{"--rest nonsense", "host:port"}},
		{"no Kafka address", dev("--kafka", "nonsense"), []string{"--kafka", "nonsense", "host:port"}},
		{"unknown converter", []string{"worker", worker("converter.properties", free, none, "header.converter=no.such.Converter")},
			[]string{"header.converter", "no.such.Converter", "could not be found", "moldau version --plugins"}},
		{"a class that is no converter", dev("--set", "key.converter=org.apache.kafka.connect.file.FileStreamSinkConnector"),
			[]string{"key.converter=org.apache.kafka.connect.file.FileStreamSinkConnector", "moldau version --plugins"}},
		{"not a number", dev("--set", "offset.flush.interval.ms=often"), []string{"offset.flush.interval.ms", "often", "Not a number"}},
		{"--set without =", dev("--set", "offset.flush.interval.ms"), []string{"--set offset.flush.interval.ms", "key=value", "such as"}},
		{"--set without a key", dev("--set", "=1"), []string{"--set =1", "key=value"}},
		{"unknown flag", dev("--nonsense"), []string{"unknown flag: --nonsense", "'moldau dev --help' lists the flags"}},
		{"a flag's value", []string{"demo", "--rate", "fast"}, []string{"--rate", `"fast"`, "'moldau demo --help'"}},
		{"a negative rate", []string{"demo", "--rate", "-1"}, []string{"--rate -1", "cannot be negative"}},
		{"no URL", []string{"demo", "--elasticsearch", "localhost"}, []string{"--elasticsearch localhost", "such as http://localhost:9200"}},
		{"no recording", []string{"demo", "--data-dir", filepath.Join(dir, "demo"), "--recording", "none.sse"}, []string{"--recording none.sse", "no such file"}},
		{"unknown command", []string{"wroker"}, []string{`unknown command "wroker"`, "Did you mean this?", "worker"}},
		{"no worker's file", []string{"worker", "none.properties"}, []string{"none.properties", "no such file", "check its path"}},
		{"no standalone worker's file", []string{"standalone", "none.properties"}, []string{"none.properties", "no such file", "check its path"}},
		{"no connector's file", []string{"standalone", good, "none.json"}, []string{"none.json", "no such file", "check its path"}},
		{"a connector's file cut off", []string{"standalone", good, write("cut.json", `{"name":`)}, []string{"cut.json", "'name'", "not JSON"}},
		{"no connector's file to create from", []string{"connector", "create", "-f", "none.json"}, []string{"none.json", "no such file"}},
		{"a connector to create, cut off", []string{"connector", "create", "-f", filepath.Join(dir, "cut.json")}, []string{"cut.json", "not JSON"}},
		{"no server", []string{"connector", "list", "--server", "http://127.0.0.1:1"}, []string{"http://127.0.0.1:1", "connection refused", "--server"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, c.args...)
			if code := p.code(t, 30*time.Second); code == 0 {
				t.Error("exit status 0")
			}
			var said []string
			for line := range strings.Lines(p.out.String()) {
				if !strings.HasPrefix(line, "time=") {
					said = append(said, line)
				} else if !strings.Contains(line, " level=INFO ") {
					t.Errorf("in the log, beside the error: %s", line)
				}
			}
			text := strings.Join(said, "")
			// The operator's commands print their errors themselves.
			if n := strings.Count("\n"+text, "\nmoldau: ") + strings.Count("\n"+text, "\nerror: "); n != 1 {
				t.Errorf("not one error:\n%s", text)
			}
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("the error does not say %q:\n%s", want, text)
				}
			}
		})
	}
}
