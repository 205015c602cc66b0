package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/moldau-io/moldau/connect/errs"
)

// DefaultBrokerAddr is where the embedded broker listens unless told otherwise.
const DefaultBrokerAddr = "127.0.0.1:9092"

// brokerClusterID is the cluster id of a new embedded broker.
const brokerClusterID = "moldau-embedded"

// BrokerConfig says how to run the embedded broker. The zero value is one broker in
// memory on a free port of the loopback interface.
type BrokerConfig struct {
	// Addr is "host:port" to listen on. Port 0, also meant by "", takes a free one.
	Addr string
	// Setting is the flag or key that Addr came from, for error messages.
	Setting string
	// Advertise is the "host:port" that clients are told to connect to. "" stands
	// for Addr, with this machine's name in place of a wildcard host.
	Advertise string
	// DataDir is the directory that keeps everything; it is made if need be. "" keeps
	// everything in memory.
	DataDir string
	// NoSync leaves it to the operating system when to write DataDir to the disk. All
	// survives the death of the process, the newest records not that of the machine.
	NoSync bool
	// InMemory listens on no port: only Broker.Dial reaches the broker. For tests,
	// also those under testing/synctest.
	InMemory bool
	// TLS makes the broker speak TLS, for tests.
	TLS *tls.Config
	// Nodes is the number of brokers of the cluster, 0 for 1. More need InMemory or
	// port 0.
	Nodes int
	// Options are given to the broker after all others, for tests.
	Options []kfake.Opt
	// Logger gets what the broker logs, at level debug. nil logs nothing.
	Logger *slog.Logger
}

// Broker is a Kafka broker inside this process: franz-go's kfake, which speaks the
// protocol to any client. Topics are made when a client first asks for them, with
// one partition; groups rebalance without delay.
type Broker struct {
	cluster *kfake.Cluster
	memory  *memoryNet
	addrs   []string
	unlock  func() error

	mu        sync.Mutex
	listeners []*brokerListener
	close     sync.Once
	closeErr  error
}

// StartBroker starts the embedded broker and returns when it accepts connections.
// It fails with a ConfigException when the address cannot be used.
func StartBroker(cfg BrokerConfig) (_ *Broker, err error) {
	if cfg.Setting == "" {
		cfg.Setting = "kafka"
	}
	host, port, err := brokerAddr(cfg)
	if err != nil {
		return nil, err
	}
	advHost, advPort, err := advertised(cfg, host)
	if err != nil {
		return nil, err
	}
	b := &Broker{unlock: func() error { return nil }}
	opts := []kfake.Opt{
		kfake.ClusterID(brokerClusterID),
		kfake.NumBrokers(max(cfg.Nodes, 1)),
		kfake.AllowAutoTopicCreation(),
		kfake.DefaultNumPartitions(1),
		// Recorded events are old: by their timestamps they would be deleted at once.
		kfake.BrokerConfigs(map[string]string{"log.retention.ms": "-1"}),
		kfake.MaxVersions(brokerVersions()),
		kfake.WithLogger(brokerLogger{cfg.Logger}),
	}
	if cfg.DataDir != "" {
		if b.unlock, err = lockDataDir(cfg.DataDir); err != nil {
			return nil, err
		}
		opts = append(opts, kfake.DataDir(cfg.DataDir))
		if !cfg.NoSync {
			opts = append(opts, kfake.SyncWrites())
		}
	}
	listen := func() (net.Listener, error) {
		return net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	}
	if cfg.InMemory {
		b.memory = newMemoryNet()
		listen = b.memory.listen
	}
	opts = append(opts, kfake.ListenFn(func(string, string) (net.Listener, error) {
		l, err := listen()
		if err != nil {
			return nil, err
		}
		bl := &brokerListener{Listener: l, addr: l.Addr(), tls: cfg.TLS, conns: map[net.Conn]struct{}{}}
		if !cfg.InMemory {
			_, boundPort, _ := net.SplitHostPort(l.Addr().String()) // the address of a TCP listener always has this form
			if advPort != "0" {
				boundPort = advPort
			}
			bl.addr = hostPort(net.JoinHostPort(advHost, boundPort))
		}
		b.mu.Lock()
		b.listeners = append(b.listeners, bl)
		b.mu.Unlock()
		b.addrs = append(b.addrs, bl.addr.String())
		return bl, nil
	}))
	opts = append(opts, cfg.Options...)
	b.cluster, err = kfake.NewCluster(opts...)
	if err != nil {
		return nil, errors.Join(startError(cfg, err), b.unlock())
	}
	fixRequests(b.cluster)
	return b, nil
}

// brokerVersions leaves out what Java's AdminClient cannot read: answers to
// CreateTopics from version 5 on, and to DescribeTopicPartitions in any. It leaves out
// clients' metrics, too, as Kafka does unless a plugin takes them: librdkafka would
// log a line for each client.
func brokerVersions() *kversion.Versions {
	v := kversion.Stable()
	v.SetMaxKeyVersion(kmsg.CreateTopics.Int16(), 4)
	v.SetMaxKeyVersion(kmsg.DescribeTopicPartitions.Int16(), -1)
	v.SetMaxKeyVersion(kmsg.GetTelemetrySubscriptions.Int16(), -1)
	v.SetMaxKeyVersion(kmsg.PushTelemetry.Int16(), -1)
	return v
}

// fixRequests changes requests that the broker would misread.
func fixRequests(c *kfake.Cluster) {
	// It takes group types in lower case only, and Java's clients ask for "Classic".
	c.ControlKey(kmsg.ListGroups.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		req := r.(*kmsg.ListGroupsRequest)
		for i, t := range req.TypesFilter {
			req.TypesFilter[i] = strings.ToLower(t)
		}
		return nil, nil, false
	})
	// It forgets topics that it made for a metadata request if it is killed, and then
	// mixes their records with those of the next topic of the name.
	c.ControlKey(kmsg.Metadata.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		req := r.(*kmsg.MetadataRequest)
		if req.Version >= 4 && !req.AllowAutoTopicCreation {
			return nil, nil, false
		}
		for _, t := range req.Topics {
			if t.Topic != nil && topicName.MatchString(*t.Topic) && c.TopicInfo(*t.Topic) == nil {
				// One that collides with another stays unknown to the client.
				_ = c.CreateTopic(*t.Topic, 0, nil)
			}
		}
		req.AllowAutoTopicCreation = false
		return nil, nil, false
	})
}

// topicName is what Kafka allows (org.apache.kafka.common.internals.Topic), but for "."
// and "..", which no client of ours asks for.
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

func brokerAddr(cfg BrokerConfig) (host string, port int, err error) {
	addr := cfg.Addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	host, p, err := net.SplitHostPort(addr)
	if err == nil {
		port, err = strconv.Atoi(p)
	}
	if err != nil || port < 0 || port > 65535 {
		return "", 0, errs.InvalidValue(cfg.Setting, addr, "must be of the form host:port, such as "+DefaultBrokerAddr)
	}
	if cfg.Nodes > 1 && port != 0 && !cfg.InMemory {
		return "", 0, errs.InvalidValue(cfg.Setting, addr, "more than one broker needs port 0")
	}
	return host, port, nil
}

func advertised(cfg BrokerConfig, host string) (advHost, advPort string, err error) {
	if cfg.Advertise != "" {
		advHost, advPort, err = net.SplitHostPort(cfg.Advertise)
		if err != nil {
			return "", "", errs.InvalidValue(cfg.Setting, cfg.Advertise, "the advertised address must be of the form host:port")
		}
		return advHost, advPort, nil
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		name, err := os.Hostname()
		if err != nil {
			return "", "", errs.Wrap(errs.ClassConnect, err, "Cannot find this machine's name to advertise for %s=%s", cfg.Setting, cfg.Addr).
				WithHint("give %s a host instead of a wildcard", cfg.Setting)
		}
		return name, "0", nil
	}
	return host, "0", nil
}

func startError(cfg BrokerConfig, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return errs.Wrap(errs.ClassConfig, err, "Invalid value %s for configuration %s: the port is in use by another process", cfg.Addr, cfg.Setting).
			WithHint("stop the other process, or give %s another port; port 0 takes a free one", cfg.Setting)
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EADDRNOTAVAIL):
		return errs.Wrap(errs.ClassConfig, err, "Invalid value %s for configuration %s: cannot listen there", cfg.Addr, cfg.Setting).
			WithHint("give %s an address of this machine and a port from 1024 up", cfg.Setting)
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "listen" {
		return errs.Wrap(errs.ClassConfig, err, "Invalid value %s for configuration %s: cannot listen there", cfg.Addr, cfg.Setting)
	}
	if cfg.DataDir != "" {
		return errs.Wrap(errs.ClassConnect, err, "Cannot start the embedded Kafka broker on data directory %s", cfg.DataDir).
			WithHint("use another data directory, or remove this one to start from nothing")
	}
	return errs.Wrap(errs.ClassConnect, err, "Cannot start the embedded Kafka broker")
}

// Addr is the "host:port" that clients bootstrap from.
func (b *Broker) Addr() string { return b.addrs[0] }

// Addrs are the addresses of all nodes.
func (b *Broker) Addrs() []string { return b.addrs }

// Cluster is the broker itself, to move partitions or inject faults in tests.
func (b *Broker) Cluster() *kfake.Cluster { return b.cluster }

// Dial connects to the broker. It is what clients of a broker in memory dial with,
// and works for any other, too.
func (b *Broker) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if b.memory != nil {
		return b.memory.dial(ctx, addr)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, addr)
}

// Close ends all connections, writes what is still to be written to the data
// directory and waits for it.
func (b *Broker) Close() error {
	b.close.Do(func() {
		b.cluster.Close()
		b.mu.Lock()
		listeners := b.listeners
		b.mu.Unlock()
		for _, l := range listeners {
			l.closeConns()
		}
		b.closeErr = b.unlock()
	})
	return b.closeErr
}

// hostPort is an address as clients are told it.
type hostPort string

func (hostPort) Network() string  { return "tcp" }
func (a hostPort) String() string { return string(a) }

// brokerLogger hands the broker's log to slog. What is an error for the broker is
// most often a client that went away, so all of it is debug.
type brokerLogger struct{ logger *slog.Logger }

func (l brokerLogger) Logf(level kfake.LogLevel, format string, args ...any) {
	if l.logger == nil || !l.logger.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	l.logger.Debug("embedded broker: "+fmt.Sprintf(format, args...), "level", level.String())
}

// lockDataDir makes the directory and sees to it that no other process uses it.
func lockDataDir(dir string) (unlock func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, errs.Wrap(errs.ClassConfig, err, "Cannot make the data directory %s", dir)
	}
	path := filepath.Join(dir, "moldau.lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, errs.Wrap(errs.ClassConfig, err, "Cannot write to the data directory %s", dir)
	}
	if err := lockFile(f); err != nil {
		return nil, errors.Join(errs.Wrap(errs.ClassConfig, err, "The data directory %s is in use by another process", dir).
			WithHint("stop the other process or use another data directory"), f.Close())
	}
	return f.Close, nil
}
