//go:build integration

package integration

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// tool runs one of Kafka's command line tools with the lines it reads, and returns what
// it prints.
func tool(t *testing.T, bootstrap, class string, in []string, args ...string) []string {
	t.Helper()
	jars, err := servers.Jars(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	args = append([]string{"-Xmx256m", "-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8", "-cp", filepath.Join(jars, "*"), "org.apache.kafka.tools." + class, "--bootstrap-server", bootstrap}, args...)
	cmd := exec.CommandContext(ctx, "java", args...)
	cmd.Stdin = strings.NewReader(strings.Join(in, "\n"))
	var out, words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &words
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", class, err, tail(out.Bytes(), 4000), tail(words.Bytes(), 4000))
	}
	return strings.FieldsFunc(out.String(), func(r rune) bool { return r == '\n' })
}

// printed waits for the address of the broker in what a worker prints.
func (p *process) printed() (bootstrap string) {
	p.t.Helper()
	eventually(p.t, 20*time.Second, func() error {
		found := regexp.MustCompile(`moldau is ready: .* Kafka on ([^ ,]+),`).FindSubmatch(p.words())
		if found == nil {
			return fmt.Errorf("no address of a broker in:\n%s", p.words())
		}
		bootstrap = string(found[1])
		return nil
	})
	return bootstrap
}

func wantLines(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
		t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Kafka's console tools use the embedded broker, which keeps what they did over SIGKILL.
func TestJavaClientsOfDev(t *testing.T) {
	rest := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	args := []string{"dev", "--data-dir", t.TempDir(), "--rest", rest, "--kafka", fmt.Sprintf("127.0.0.1:%d", freePort(t))}
	p := start(t, "http://"+rest, args...).ready()
	kafka := p.printed()
	const topic, group = "java-topic", "java-group"
	java := func(class string, in []string, args ...string) []string {
		t.Helper()
		return tool(t, kafka, class, in, args...)
	}
	write := func(lines ...string) {
		t.Helper()
		java("ConsoleProducer", lines, "--topic", topic, "--property", "parse.key=true", "--property", "key.separator=:", "--compression-codec", "zstd")
	}
	read := func(n int, args ...string) []string {
		t.Helper()
		return java("consumer.ConsoleConsumer", nil, append([]string{"--topic", topic, "--group", group, "--from-beginning", "--max-messages", fmt.Sprint(n), "--timeout-ms", "30000", "--property", "print.key=true"}, args...)...)
	}
	described := func(want string) {
		t.Helper()
		text := strings.Join(java("consumer.group.ConsumerGroupCommand", nil, "--describe", "--group", group, "--offsets"), "\n")
		total := 0
		for _, row := range regexp.MustCompile(`(?m)^`+group+` +`+topic+` +\d+ +(\d+) +(\d+) +(\d+)`).FindAllStringSubmatch(text, -1) {
			var at, end, lag int
			if _, err := fmt.Sscan(strings.Join(row[1:], " "), &at, &end, &lag); err != nil || lag != end-at || lag != 0 {
				t.Errorf("%v: %v", row, err)
			}
			total += at
		}
		if fmt.Sprint(total) != want {
			t.Errorf("the group is at %d, want %s:\n%s", total, want, text)
		}
	}

	wantLines(t, "create", java("TopicCommand", nil, "--create", "--topic", topic, "--partitions", "3", "--config", "retention.ms=86400000"), "Created topic "+topic+".")
	if got := java("TopicCommand", nil, "--describe", "--topic", topic); len(got) != 4 || !strings.Contains(got[0], "PartitionCount: 3\tReplicationFactor: 1") || !strings.Contains(got[0], "retention.ms=86400000") {
		t.Errorf("described as %q", got)
	}
	write("a:1", "b:2", "c:zwölf", "d:")
	wantLines(t, "consumed", read(4), "a\t1", "b\t2", "c\tzwölf", "d\t")
	wantLines(t, "groups", java("consumer.group.ConsumerGroupCommand", nil, "--list"), group)
	described("4")

	p.kill()
	p = start(t, "http://"+rest, args...).ready()
	if again := p.printed(); again != kafka {
		t.Fatalf("the broker is on %s now, it was on %s", again, kafka)
	}
	write("a:5", "e:6")
	wantLines(t, "consumed after a restart", read(2), "a\t5", "e\t6")
	described("6")
	java("consumer.group.ConsumerGroupCommand", nil, "--group", group, "--topic", topic, "--reset-offsets", "--to-earliest", "--execute")
	wantLines(t, "consumed once more", read(6), "a\t1", "b\t2", "c\tzwölf", "d\t", "a\t5", "e\t6")
	java("consumer.group.ConsumerGroupCommand", nil, "--delete", "--group", group)
	java("TopicCommand", nil, "--delete", "--topic", topic)
	wantLines(t, "topics at the end", java("TopicCommand", nil, "--list"), "moldau-dev-configs", "moldau-dev-offsets", "moldau-dev-status")
}

// Python's confluent-kafka, which is librdkafka, uses the embedded broker: topics,
// every compression, groups of both protocols, transactions.
func TestPythonClientsOfDev(t *testing.T) {
	p, _ := dev(t, nil)
	kafka := p.printed()
	for _, protocol := range []string{"classic", "consumer"} {
		t.Run(protocol, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, python(t), filepath.Join("testdata", "clients.py"), kafka, "python-topic-"+protocol, "python-group-"+protocol, protocol)
			var out, words bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &words
			if err := cmd.Run(); err != nil || out.String() != "ok\n" {
				t.Fatalf("%v\n%s%s", err, out.String(), words.String())
			}
			if strings.Contains(words.String(), "Telemetry") {
				t.Errorf("librdkafka says\n%s", words.String())
			}
		})
	}
}
