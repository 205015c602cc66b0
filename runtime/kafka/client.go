package kafka

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
)

// Env is what clients need beyond their settings.
type Env struct {
	// Dial connects to a broker, below TLS; nil for net.Dialer. Tests dial an embedded
	// broker with it.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Post sends a request to the token endpoint of an identity provider and returns
	// the status code and the body. nil where OAUTHBEARER cannot fetch tokens.
	Post func(ctx context.Context, r TokenRequest) (status int, body []byte, err error)
	// Logger gets what clients log; nil logs nothing.
	Logger *slog.Logger
}

// Client is what the settings of all kinds of clients come to.
type Client struct {
	// Opts are for kgo.NewClient.
	Opts []kgo.Opt
	// Brokers are the bootstrap servers, for messages.
	Brokers string
	// Unknown are settings that no client of Kafka has, sorted. They have no effect.
	Unknown []string
	// Warnings say which settings have another effect than in Java, or none.
	Warnings []string
	// RequestTimeout is request.timeout.ms.
	RequestTimeout time.Duration
}

// Classes that stand for what Java's clients must have, or have by default.
const (
	byteSerializer   = "org.apache.kafka.common.serialization.ByteArraySerializer"
	byteDeserializer = "org.apache.kafka.common.serialization.ByteArrayDeserializer"
	jmxReporter      = "org.apache.kafka.common.metrics.JmxReporter"
)

// Bounds of franz-go.
const (
	minTimeout  = 100 * time.Millisecond
	maxTimeout  = 15 * time.Minute
	metadataMin = 250 * time.Millisecond
	metadataMax = time.Hour
	maxFrame    = 1 << 30
	maxClientID = 256
	frameBytes  = 100 << 20
)

func millis(ms int64) time.Duration {
	if ms > int64(1<<63-1)/int64(time.Millisecond) {
		return 1<<63 - 1
	}
	return time.Duration(ms) * time.Millisecond
}

func clamp[T int | int32 | int64 | time.Duration](v, lo, hi T) T { return max(lo, min(v, hi)) }

// parse reads settings with a definition, over defaults of those that Java requires.
func parse(def *cd.Def, props, defaults map[string]string) (*cd.Config, error) {
	all := map[string]string{}
	maps.Copy(all, defaults)
	maps.Copy(all, props)
	return def.Parse(all)
}

// commonClient maps the settings that all clients share. given are those the user has set.
func commonClient(c *cd.Config, given map[string]string, env Env) (*Client, error) {
	cl := &Client{Brokers: strings.Join(c.List("bootstrap.servers"), ","), RequestTimeout: millis(int64(c.Int("request.timeout.ms")))}
	for name := range given {
		if !c.Has(name) && !strings.HasPrefix(name, "metrics.context.") {
			cl.Unknown = append(cl.Unknown, name)
		}
	}
	slices.Sort(cl.Unknown)
	seeds, err := bootstrap(c.List("bootstrap.servers"))
	if err != nil {
		return nil, err
	}
	d := &dialer{dial: env.Dial, timeout: clamp(millis(c.Long("socket.connection.setup.timeout.ms")), minTimeout, maxTimeout), sendBuffer: -1, receiveBuffer: -1}
	if d.dial == nil {
		d.dial = (&net.Dialer{}).DialContext
	}
	if _, ok := given["send.buffer.bytes"]; ok {
		d.sendBuffer = int(c.Int("send.buffer.bytes"))
	}
	if _, ok := given["receive.buffer.bytes"]; ok {
		d.receiveBuffer = int(c.Int("receive.buffer.bytes"))
	}
	if d.tls, err = tlsOf(c); err != nil {
		return nil, err
	}
	cl.Opts = append(cl.Opts,
		kgo.SeedBrokers(seeds...),
		kgo.Dialer(d.Dial),
		kgo.AlwaysRetryEOF(),
		kgo.RequestTimeoutOverhead(clamp(cl.RequestTimeout, minTimeout, maxTimeout)),
		kgo.ConnIdleTimeout(idleTimeout(c.Long("connections.max.idle.ms"))),
		kgo.MetadataMinAge(metadataMin),
		kgo.MetadataMaxAge(clamp(millis(c.Long("metadata.max.age.ms")), metadataMin, metadataMax)),
		kgo.RetryBackoffFn(backoff(millis(c.Long("retry.backoff.ms")), millis(c.Long("retry.backoff.max.ms")))),
		kgo.SoftwareNameAndVersion("moldau", "1"),
	)
	if id := c.String("client.id"); len(id) > maxClientID {
		return nil, errs.InvalidValue("client.id", id, fmt.Sprintf("must be at most %d bytes", maxClientID))
	} else if id != "" {
		cl.Opts = append(cl.Opts, kgo.ClientID(id))
	}
	if given["enable.metrics.push"] == "" || !c.Bool("enable.metrics.push") {
		// Unless it is asked for: to close a client would wait for a broker that is gone.
		cl.Opts = append(cl.Opts, kgo.DisableClientMetrics())
	}
	if env.Logger != nil {
		cl.Opts = append(cl.Opts, kgo.WithLogger(clientLogger{env.Logger}))
	}
	if strings.HasPrefix(strings.ToUpper(c.String("security.protocol")), "SASL_") {
		m, err := newSASL(c, env)
		if err != nil {
			return nil, err
		}
		cl.Opts = append(cl.Opts, kgo.SASL(m))
	}
	if !slices.Equal(c.List("metric.reporters"), []string{jmxReporter}) && len(c.List("metric.reporters")) > 0 {
		cl.Warnings = append(cl.Warnings, "metric.reporters has no effect: Java classes cannot be loaded")
	}
	if v, ok := c.StringOK("security.providers"); ok && v != "" {
		cl.Warnings = append(cl.Warnings, "security.providers has no effect")
	}
	return cl, nil
}

func tlsOf(c *cd.Config) (*tls.Config, error) {
	switch strings.ToUpper(c.String("security.protocol")) {
	case "SSL", "SASL_SSL":
		return newTLS(c)
	}
	return nil, nil
}

// noInterceptors refuses interceptors: leaving them out in silence would change what is
// written or read.
func noInterceptors(c *cd.Config) error {
	if l := c.List("interceptor.classes"); len(l) > 0 {
		return errs.InvalidValue("interceptor.classes", strings.Join(l, ","), "Java classes cannot be loaded; remove the setting")
	}
	return nil
}

// bootstrap checks the form of host:port (ClientUtils.parseAndValidateAddresses). Whether
// the names resolve is seen when they are dialled.
func bootstrap(servers []string) ([]string, error) {
	var seeds []string
	for _, s := range servers {
		if s == "" {
			continue
		}
		addr := s
		if i := strings.Index(addr, "://"); i >= 0 { // Java lets a listener's name stand before it
			addr = addr[i+3:]
		}
		host, port, err := net.SplitHostPort(addr)
		if err != nil || host == "" || port == "" {
			return nil, errs.Config("Invalid url in bootstrap.servers: %s", s).WithHint("each entry must be of the form host:port")
		}
		if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
			return nil, errs.Config("Invalid port in bootstrap.servers: %s", s)
		}
		seeds = append(seeds, net.JoinHostPort(host, port))
	}
	if len(seeds) == 0 {
		return nil, errs.Config("No resolvable bootstrap urls given in bootstrap.servers").WithHint("set bootstrap.servers to host:port of a broker")
	}
	return seeds, nil
}

func idleTimeout(ms int64) time.Duration {
	if ms < 0 {
		return maxTimeout
	}
	return clamp(millis(ms), minTimeout, maxTimeout)
}

// backoff doubles from first to most, with a fifth of jitter (ExponentialBackoff).
func backoff(first, most time.Duration) func(int) time.Duration {
	if first > most {
		first = most
	}
	return func(tries int) time.Duration {
		d := first
		for i := 1; i < tries && d < most; i++ {
			d = min(2*d, most)
		}
		return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
	}
}

// clientLogger hands what franz-go logs to slog, one level lower than it says: most of
// its warnings are trouble that it overcomes, and its information is about itself.
type clientLogger struct{ logger *slog.Logger }

func (l clientLogger) Level() kgo.LogLevel {
	ctx := context.Background()
	switch {
	case l.logger.Enabled(ctx, slog.LevelDebug):
		return kgo.LogLevelInfo
	case l.logger.Enabled(ctx, slog.LevelInfo):
		return kgo.LogLevelWarn
	}
	return kgo.LogLevelError
}

func (l clientLogger) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	to := slog.LevelDebug
	switch level {
	case kgo.LogLevelError:
		to = slog.LevelWarn
	case kgo.LogLevelWarn:
		to = slog.LevelInfo
	}
	l.logger.Log(context.Background(), to, msg, keyvals...)
}
