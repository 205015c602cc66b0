package kafka

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// brokerChild is the environment variable that makes this test binary a broker on a data
// directory.
const brokerChild = "MOLDAU_TEST_BROKER"

func TestMain(m *testing.M) {
	dir := os.Getenv(brokerChild)
	if dir == "" {
		os.Exit(m.Run())
	}
	b, err := StartBroker(BrokerConfig{DataDir: dir, NoSync: true})
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	fmt.Println(b.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent is gone
}

// brokerProcess is a broker in a process of its own.
func brokerProcess(t *testing.T, dir string) (addr string, kill func()) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), brokerChild+"="+dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || strings.HasPrefix(line, "failed") {
		t.Fatal(line, err)
	}
	return strings.TrimSpace(line), func() {
		_ = cmd.Process.Kill() // SIGKILL; it may be gone already
		_ = in.Close()
		_ = cmd.Wait() // killed, which is an error
	}
}

// TestBrokerSurvivesKill kills a broker while records are written, again and again:
// what was acknowledged is there, once and in order, the topic was made by its first use
// or not.
func TestBrokerSurvivesKill(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	topics := []string{"auto", "made"}
	acked := map[string][]string{}
	for round := range 4 {
		addr, kill := brokerProcess(t, dir)
		p, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.AllowAutoTopicCreation(), kgo.DisableClientMetrics())
		if err != nil {
			t.Fatal(err)
		}
		if round == 0 {
			a, err := NewAdmin(AdminOptions{Brokers: addr, Client: []kgo.Opt{kgo.SeedBrokers(addr)}, Logger: quiet()})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := a.CreateTopic(ctx, NewTopic{Name: "made", Partitions: 1, ReplicationFactor: 1}); err != nil {
				t.Fatal(err)
			}
			a.Close()
		}
		for n := range 25 {
			for _, topic := range topics {
				v := fmt.Sprintf("%d-%d", round, n)
				if err := p.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte(v)}).FirstErr(); err != nil {
					t.Fatal(err)
				}
				acked[topic] = append(acked[topic], v)
			}
		}
		// Killed with a record under way, which may be there or not.
		sent := make(chan struct{})
		p.Produce(ctx, &kgo.Record{Topic: "auto", Value: []byte("maybe")}, func(*kgo.Record, error) { close(sent) })
		kill()
		p.Close() // which fails what it holds
		<-sent
	}
	addr, kill := brokerProcess(t, dir)
	defer kill()
	for _, topic := range topics {
		c, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics(topic))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		var got []string
		for len(got) < len(acked[topic]) {
			for _, r := range c.PollFetches(ctx).Records() {
				if string(r.Value) != "maybe" {
					got = append(got, string(r.Value))
				}
			}
		}
		if strings.Join(got, " ") != strings.Join(acked[topic], " ") {
			t.Errorf("%s has %v, acknowledged were %v", topic, got, acked[topic])
		}
	}
}
