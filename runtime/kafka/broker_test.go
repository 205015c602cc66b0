package kafka

import (
	"context"
	"encoding/binary"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// startBroker runs an embedded broker for a test and ends it after.
func startBroker(t testing.TB, cfg BrokerConfig) *Broker {
	t.Helper()
	b, err := StartBroker(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// newClient makes a plain client of a broker and closes it after the test.
func newClient(t testing.TB, b *Broker, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(b.Addr()), kgo.Dialer(b.Dial), kgo.AllowAutoTopicCreation(), kgo.DisableClientMetrics()}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func roundTrip(t testing.TB, b *Broker, topic, value string) {
	t.Helper()
	ctx := context.Background()
	p := newClient(t, b)
	if err := p.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, b, kgo.ConsumeTopics(topic))
	for {
		fs := c.PollFetches(ctx)
		if err := fs.Err(); err != nil {
			t.Fatal(err)
		}
		for _, r := range fs.Records() {
			if string(r.Value) == value {
				return
			}
		}
	}
}

func TestBrokerAdvertisesItsAddress(t *testing.T) {
	b := startBroker(t, BrokerConfig{Addr: "localhost:0"})
	if host, port, err := net.SplitHostPort(b.Addr()); err != nil || host != "localhost" || port == "0" {
		t.Fatalf("Addr is %q", b.Addr())
	}
	roundTrip(t, b, "topic", "value")

	b = startBroker(t, BrokerConfig{Addr: "127.0.0.1:0", Advertise: "broker.example:19092"})
	if b.Addr() != "broker.example:19092" {
		t.Errorf("Addr is %q", b.Addr())
	}
	b = startBroker(t, BrokerConfig{Addr: "0.0.0.0:0"})
	if host, _, err := net.SplitHostPort(b.Addr()); err != nil || host == "0.0.0.0" || host == "" {
		t.Errorf("a wildcard is advertised as %q", b.Addr())
	}
}

func TestBrokerKeepsItsData(t *testing.T) {
	dir := t.TempDir()
	b := startBroker(t, BrokerConfig{DataDir: dir})
	roundTrip(t, b, "kept", "first")
	if _, err := StartBroker(BrokerConfig{DataDir: dir}); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("a second broker on the same directory: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = startBroker(t, BrokerConfig{DataDir: dir})
	c := newClient(t, b, kgo.ConsumeTopics("kept"))
	if r := c.PollFetches(context.Background()).Records(); len(r) != 1 || string(r[0].Value) != "first" {
		t.Errorf("read %v after the restart", r)
	}
}

func TestBrokerAddressErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, c := range []struct{ addr, want string }{
		{l.Addr().String(), "Invalid value " + l.Addr().String() + " for configuration --kafka: the port is in use by another process"},
		{"nohost", "Invalid value nohost for configuration --kafka: must be of the form host:port"},
		{"h:99999", "must be of the form host:port"},
		{"h:x", "must be of the form host:port"},
		{"192.0.2.1:0", "cannot listen there"},
		{"no.such.host.invalid:0", "cannot listen there"},
	} {
		_, err := StartBroker(BrokerConfig{Addr: c.addr, Setting: "--kafka"})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.addr, err, c.want)
		}
	}
}

func TestBrokerDropsForeignBytes(t *testing.T) {
	b := startBroker(t, BrokerConfig{})
	frame := func(size uint32, key uint16) []byte {
		p := binary.BigEndian.AppendUint32(nil, size)
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16(p, key), 0)
	}
	for name, bytes := range map[string][]byte{
		"http":      []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
		"huge":      frame(1<<31, 0),
		"tiny":      frame(3, 0),
		"no such":   frame(100, 9999),
		"tls hello": {0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc},
	} {
		conn, err := net.Dial("tcp", b.Addr())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(bytes); err != nil {
			t.Fatal(err)
		}
		if n, err := conn.Read(make([]byte, 1)); err == nil {
			t.Errorf("%s: answered with %d bytes", name, n)
		}
		conn.Close()
	}
	roundTrip(t, b, "still", "there")
}

func FuzzBrokerConnCheck(f *testing.F) {
	f.Add([]byte{0, 0, 0, 10, 0, 18, 0, 0, 1, 2, 3, 4, 0, 0}, 3)
	f.Fuzz(func(t *testing.T, p []byte, cut int) {
		whole, parts := &brokerConn{}, &brokerConn{}
		want := whole.check(p)
		cut = max(0, min(cut, len(p)))
		got := parts.check(p[:cut])
		if got == nil {
			got = parts.check(p[cut:])
		}
		if (want == nil) != (got == nil) {
			t.Errorf("cut at %d: %v, in one piece: %v", cut, got, want)
		}
	})
}

func TestBrokerInMemoryUnderSynctest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		b := startBroker(t, BrokerConfig{InMemory: true, Nodes: 3})
		roundTrip(t, b, "topic", "value")
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		g := newClient(t, b, kgo.ConsumerGroup("g"), kgo.ConsumeTopics("topic"))
		if r := g.PollFetches(ctx).Records(); len(r) != 1 {
			t.Errorf("the group read %d records", len(r))
		}
		if d := time.Since(start); d > time.Minute {
			t.Errorf("took %s of virtual time", d)
		}
	})
}
