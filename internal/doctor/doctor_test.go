package doctor

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/moldau-io/moldau/plugins/standard"
	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/runtime/settings"
)

var update = flag.Bool("update", false, "write the golden files anew")

// now is the time of all examinations.
var now = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

// ward is a worker to examine: a cluster of brokers and settings that are right.
type ward struct {
	t      *testing.T
	broker *kafka.Broker
	props  map[string]string
	o      Options
	out    bytes.Buffer
	// all shows what is as it should be, too.
	all bool
	// replace makes what differs from run to run alike.
	replace []string
}

func newWard(t *testing.T, cfg kafka.BrokerConfig) *ward {
	t.Helper()
	cfg.InMemory = true
	broker, err := kafka.StartBroker(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := broker.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &ward{t: t, broker: broker, props: map[string]string{
		"bootstrap.servers": broker.Addr(), "group.id": "workers", "listeners": "http://10.0.0.7:8083",
		"config.storage.topic": "configs", "offset.storage.topic": "offsets", "status.storage.topic": "statuses",
		"config.storage.replication.factor": "1", "offset.storage.replication.factor": "1", "status.storage.replication.factor": "1",
		"key.converter": "JsonConverter", "value.converter": "org.apache.kafka.connect.storage.StringConverter",
	}}
	w.o = Options{
		Plugins: standard.Registry(), Logger: slog.New(slog.DiscardHandler), Timeout: 10 * time.Second, Dial: broker.Dial,
		Listen: func(string, string) (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") },
		Lookup: func(_ context.Context, host string) ([]string, error) {
			return nil, &net.DNSError{Name: host, IsNotFound: true}
		},
		Hostname: func() (string, error) { return "machine", nil },
		Now:      func() time.Time { return now },
	}
	for i, addr := range broker.Addrs() {
		w.replace = append(w.replace, addr, fmt.Sprintf("broker%d:9092", i))
	}
	return w
}

// admin is a client of the brokers.
func (w *ward) admin(opts ...kgo.Opt) *kadm.Client {
	w.t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(w.broker.Addr()), kgo.Dialer(w.broker.Dial)}, opts...)...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(c.Close)
	return kadm.NewClient(c)
}

// topic makes a topic with settings such as "cleanup.policy=compact".
func (w *ward) topic(admin *kadm.Client, name string, partitions int32, replicas int16, config ...string) {
	w.t.Helper()
	configs := map[string]*string{}
	for _, c := range config {
		key, value, _ := strings.Cut(c, "=")
		configs[key] = &value
	}
	if _, err := admin.CreateTopic(w.t.Context(), partitions, replicas, configs, name); err != nil {
		w.t.Fatal(err)
	}
}

// examine runs the doctor, with some settings replaced, under a heading.
func (w *ward) examine(what string, props ...string) {
	w.t.Helper()
	p := &Printer{Out: &w.out, Quiet: !w.all}
	w.o.Report = p.Print
	w.o.Props = maps.Clone(w.props)
	for _, s := range props {
		key, value, _ := strings.Cut(s, "=")
		if w.o.Props[key] = value; value == "" {
			delete(w.o.Props, key)
		}
	}
	fmt.Fprintf(&w.out, "## %s\n\n", what)
	w.o.Mode = ModeOf(w.o.Props)
	Run(w.t.Context(), w.o)
	p.Sum()
	w.out.WriteString("\n")
}

func (w *ward) golden(name string) {
	w.t.Helper()
	got := strings.NewReplacer(w.replace...).Replace(w.out.String())
	got = regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(got, "127.0.0.1:PORT")
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, []byte(got), 0o644)); err != nil {
			w.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatalf("%v; go test -update writes it", err)
	}
	if got != string(want) {
		w.t.Errorf("%s is not what is printed; go test -update writes it anew\n--- printed\n%s\n--- expected\n%s", path, got, want)
	}
}

func TestSettings(t *testing.T) {
	w := newWard(t, kafka.BrokerConfig{})
	w.all = true
	w.examine("all is well")
	w.all = false
	w.examine("misspelt", "offset.flush.intervall.ms=1", "group_id=x", "something.else=1", "producer.acks=all", "value.converter.schemas.enable=false")
	w.examine("wrong values", "offset.flush.interval.ms=soon", "heartbeat.interval.ms=x", "config.storage.topic=", "connect.protocol=fast")
	w.examine("unknown converter", "value.converter=org.apache.kafka.connect.json.JsonConvertr", "key.converter=com.example.MyConverter")
	w.examine("one topic for two", "offset.storage.topic=configs")
	w.examine("smells", "plugin.path=/usr/share/java", "heartbeat.interval.ms=9000", "group.id=connect-workers", "security.protocol=SASL_PLAINTEXT", "sasl.mechanism=PLAIN",
		"sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username=\"a\" password=\"s3cret\";")
	if strings.Contains(w.out.String(), "s3cret") {
		t.Error("a password is printed")
	}
	w.golden("settings")
}

func TestUnreachable(t *testing.T) {
	w := newWard(t, kafka.BrokerConfig{})
	inner := w.broker.Dial
	w.o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		switch {
		case strings.HasPrefix(address, "refused"):
			return nil, &net.OpError{Op: "dial", Err: &os.SyscallError{Syscall: "connect", Err: syscall.ECONNREFUSED}}
		case strings.HasPrefix(address, "slow"):
			return nil, context.DeadlineExceeded
		case strings.HasPrefix(address, "unknown"):
			return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Name: "unknown", Err: "no such host", IsNotFound: true}}
		case strings.HasPrefix(address, "silent"):
			client, server := net.Pipe()
			return client, server.Close()
		}
		return inner(ctx, network, address)
	}
	w.examine("no broker", "bootstrap.servers=refused:9092,unknown:9092,slow:9092")
	w.examine("one of two brokers", "bootstrap.servers=refused:9092,"+w.broker.Addr())
	w.o.Timeout = 200 * time.Millisecond
	w.examine("not Kafka, or TLS", "bootstrap.servers=silent:9092")
	w.golden("unreachable")
}

func TestTopics(t *testing.T) {
	w := newWard(t, kafka.BrokerConfig{Nodes: 3})
	admin := w.admin()
	w.topic(admin, "configs", 1, 3, "cleanup.policy=compact")
	w.topic(admin, "offsets", 25, 3, "cleanup.policy=compact")
	w.topic(admin, "statuses", 5, 3, "cleanup.policy=compact")
	w.all = true
	w.examine("all is well")
	w.all = false
	w.topic(admin, "wide", 3, 3, "cleanup.policy=compact")
	w.topic(admin, "delete", 1, 3, "cleanup.policy=delete")
	w.topic(admin, "both", 1, 3, "cleanup.policy=compact,delete")
	w.topic(admin, "single", 2, 1, "cleanup.policy=compact", "min.insync.replicas=2")
	w.examine("wrong topics", "config.storage.topic=wide", "offset.storage.topic=delete", "status.storage.topic=both")
	w.examine("one replica", "offset.storage.topic=single")
	w.examine("missing topics", "config.storage.topic=new1", "offset.storage.topic=new2", "offset.storage.replication.factor=5", "status.storage.topic=new3", "status.storage.replication.factor=-1")

	consumer, err := kgo.NewClient(kgo.SeedBrokers(w.broker.Addr()), kgo.Dialer(w.broker.Dial), kgo.ConsumerGroup("workers"), kgo.ConsumeTopics("single"))
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	for {
		groups, err := admin.DescribeGroups(t.Context(), "workers")
		if err != nil {
			t.Fatal(err)
		}
		if len(groups["workers"].Members) > 0 && groups["workers"].State == "Stable" {
			break
		}
		consumer.PollRecords(onlyBriefly(t), 1)
	}
	w.examine("the group of a consumer")
	w.golden("topics")
}

func onlyBriefly(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestRights(t *testing.T) {
	allow := func(kind kmsg.ACLResourceType, name string, ops ...kmsg.ACLOperation) (out []kfake.ACL) {
		for _, op := range ops {
			out = append(out, kfake.ACL{Resource: kind, Name: name, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: op, Allow: true})
		}
		return out
	}
	const read, write, describe, configs = kmsg.ACLOperationRead, kmsg.ACLOperationWrite, kmsg.ACLOperationDescribe, kmsg.ACLOperationDescribeConfigs
	acls := allow(kmsg.ACLResourceTypeTopic, "configs", read, write, describe, configs)
	acls = append(acls, allow(kmsg.ACLResourceTypeTopic, "offsets", read, describe)...)
	w := newWard(t, kafka.BrokerConfig{Options: []kfake.Opt{
		kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("SCRAM-SHA-256", "admin", "admin"), kfake.User("SCRAM-SHA-256", "worker", "pw", acls...),
	}})
	maps.Copy(w.props, map[string]string{
		"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "SCRAM-SHA-256",
		"sasl.jaas.config": `org.apache.kafka.common.security.scram.ScramLoginModule required username="admin" password="admin";`,
	})
	w.all = true
	w.examine("an administrator")
	w.all = false
	admin := w.admin(kgo.SASL(scram.Auth{User: "admin", Pass: "admin"}.AsSha256Mechanism()))
	w.topic(admin, "configs", 1, 1, "cleanup.policy=compact")
	w.topic(admin, "offsets", 1, 1, "cleanup.policy=compact")
	w.examine("a user that may too little", `sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="worker" password="pw";`)
	w.examine("a wrong password", `sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="worker" password="no";`)
	w.golden("rights")
}

func TestClock(t *testing.T) {
	w := newWard(t, kafka.BrokerConfig{})
	admin := w.admin()
	w.topic(admin, "configs", 1, 1, "cleanup.policy=compact")
	w.topic(admin, "statuses", 1, 1, "cleanup.policy=compact")
	producer, err := kgo.NewClient(kgo.SeedBrokers(w.broker.Addr()), kgo.Dialer(w.broker.Dial))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	write := func(topic string, at time.Time) {
		t.Helper()
		if err := producer.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Key: []byte("k"), Value: []byte("v"), Timestamp: at}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	write("configs", now.Add(-time.Hour))
	w.examine("clocks agree")
	write("statuses", now.Add(2*time.Minute))
	w.examine("a worker's clock is ahead")
	w.o.Now = func() time.Time { return time.Unix(0, 0) }
	w.examine("no clock")
	w.golden("clock")
}

func TestREST(t *testing.T) {
	w := newWard(t, kafka.BrokerConfig{})
	w.o.Listen = net.Listen
	worker := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(rw, `{"version":"4.1.1","commit":"x","kafka_cluster_id":"y"}`)
	}))
	defer worker.Close()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	w.examine("free", "listeners=http://127.0.0.1:0", "rest.advertised.port=8083")
	w.examine("taken by a worker", "listeners="+worker.URL, "rest.advertised.host.name=0.0.0.0", "rest.advertised.port=8083")
	w.examine("taken", "listeners="+other.URL, "rest.advertised.host.name=nowhere", "rest.advertised.port=8083")
	w.examine("no address of this machine", "listeners=http://192.0.2.1:8083")
	w.o.Lookup = func(context.Context, string) ([]string, error) { return []string{"127.0.1.1"}, nil }
	w.o.Listen = func(string, string) (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }
	w.examine("a name that is only known here", "listeners=http://:8083")
	w.o.Lookup = func(context.Context, string) ([]string, error) { return []string{"10.0.0.9"}, nil }
	w.examine("a good name", "listeners=http://:8083", "rest.advertised.host.name=w1.example.org", "rest.extension.classes=x.Y")
	w.examine("no such file", "listeners=http://:8083", "moldau.rest.htpasswd.file=none/htpasswd")
	w.examine("no certificate", "listeners=https://:8443")
	for _, c := range []struct {
		name  string
		until time.Time
	}{{"good", now.AddDate(1, 0, 0)}, {"soon", now.AddDate(0, 0, 3)}, {"expired", now.AddDate(0, 0, -1)}} {
		w.examine("a certificate: "+c.name, "listeners=https://:8443", "ssl.keystore.type=PEM", "ssl.keystore.location="+keystore(t, c.name, c.until))
	}
	w.golden("rest")
}

// keystore writes a PEM file with a key and a certificate and returns its path.
func keystore(t *testing.T, name string, until time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: now.AddDate(-1, 0, 0), NotAfter: until, DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	path := filepath.Join(t.TempDir(), name+".pem")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestStandalone(t *testing.T) {
	w := newWard(t, kafka.BrokerConfig{})
	dir := t.TempDir()
	w.replace = append(w.replace, dir, "DIR")
	for key := range w.props {
		if strings.Contains(key, "storage") || key == "group.id" {
			delete(w.props, key)
		}
	}
	if ModeOf(map[string]string{"offset.storage.file.filename": "x"}) != settings.Standalone || ModeOf(w.props) != settings.Distributed {
		t.Error("the kind of worker is guessed wrong")
	}
	w.examine("a file to be made", "offset.storage.file.filename="+dir+"/offsets")
	w.examine("no folder", "offset.storage.file.filename="+dir+"/none/offsets")
	w.examine("a folder", "offset.storage.file.filename="+dir)
	w.golden("standalone")
}

func TestPrinter(t *testing.T) {
	var out bytes.Buffer
	p := &Printer{Out: &out, Quiet: true, Color: true}
	p.Print(Finding{"a", OK, "fine", ""})
	p.Print(Finding{"a", Problem, "bad", "mend it"})
	p.Print(Finding{"b", Warning, "hm", ""})
	p.Sum()
	if want := "a\n  \x1b[31mfail \x1b[0m bad\n        → mend it\nb\n  \x1b[33mwarn \x1b[0m hm\n\n1 problem, 1 warning\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
