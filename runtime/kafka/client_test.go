package kafka

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/connect/errs"
)

// with makes settings of alternating keys and values, with a broker's address.
func with(keyValues ...string) map[string]string {
	m := map[string]string{"bootstrap.servers": "localhost:9092"}
	for i := 0; i < len(keyValues); i += 2 {
		m[keyValues[i]] = keyValues[i+1]
	}
	return m
}

// value returns the value that a client made of opts has for an option.
func value(t *testing.T, opts []kgo.Opt, opt any) any {
	t.Helper()
	c, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.OptValue(opt)
}

func TestProducerSettings(t *testing.T) {
	for _, c := range []struct {
		props map[string]string
		opt   any
		want  any
	}{
		{with(), kgo.RequiredAcks, kgo.AllISRAcks()},
		{with("acks", "1"), kgo.RequiredAcks, kgo.LeaderAck()},
		{with("acks", "0"), kgo.RequiredAcks, kgo.NoAck()},
		{with("acks", "-1"), kgo.RequiredAcks, kgo.AllISRAcks()},
		{with(), kgo.DisableIdempotentWrite, false},
		{with("enable.idempotence", "false"), kgo.DisableIdempotentWrite, true},
		{with("acks", "1"), kgo.DisableIdempotentWrite, true},
		{with("retries", "0"), kgo.DisableIdempotentWrite, true},
		{with("retries", "7"), kgo.RecordRetries, int64(7)},
		{with("enable.idempotence", "false", "max.in.flight.requests.per.connection", "3"), kgo.MaxProduceRequestsInflightPerBroker, 3},
		{with(), kgo.ProducerLinger, 5 * time.Millisecond},
		{with("linger.ms", "250"), kgo.ProducerLinger, 250 * time.Millisecond},
		{with("linger.ms", "99000"), kgo.ProducerLinger, time.Minute},
		{with("request.timeout.ms", "5000"), kgo.ProduceRequestTimeout, 5 * time.Second},
		{with("max.request.size", "2000000"), kgo.ProducerBatchMaxBytes, int32(2000000)},
		{with("max.request.size", "200000000"), kgo.BrokerMaxWriteBytes, int32(225000000)},
		{with("buffer.memory", "1000"), kgo.MaxBufferedBytes, int64(1000)},
		{with("compression.type", "zstd"), kgo.ProducerBatchCompression, []kgo.CompressionCodec{kgo.ZstdCompression()}},
		{with("compression.type", "gzip", "compression.gzip.level", "9"), kgo.ProducerBatchCompression, []kgo.CompressionCodec{kgo.GzipCompression().WithLevel(9)}},
		{with("compression.type", "lz4", "compression.lz4.level", "1"), kgo.ProducerBatchCompression, []kgo.CompressionCodec{kgo.Lz4Compression().WithLevel(512)}},
		{with("compression.type", "zstd", "compression.zstd.level", "19"), kgo.ProducerBatchCompression, []kgo.CompressionCodec{kgo.ZstdCompression().WithLevel(4)}},
		{with("compression.type", "snappy"), kgo.ProducerBatchCompression, []kgo.CompressionCodec{kgo.SnappyCompression()}},
		{with("transactional.id", "x"), kgo.TransactionalID, "x"},
		{with("transactional.id", "x", "transaction.timeout.ms", "5000"), kgo.TransactionTimeout, 5 * time.Second},
		{with("client.id", "me"), kgo.ClientID, "me"},
		{with("metadata.max.age.ms", "10000"), kgo.MetadataMaxAge, 10 * time.Second},
		{with("metadata.max.age.ms", "0"), kgo.MetadataMaxAge, metadataMin},
		{with("metadata.max.age.ms", "9223372036854775807"), kgo.MetadataMaxAge, time.Hour},
		{with("connections.max.idle.ms", "-1"), kgo.ConnIdleTimeout, maxTimeout},
		{with("bootstrap.servers", "a:1, PLAINTEXT://b:2,[::1]:3"), kgo.SeedBrokers, []string{"a:1", "b:2", "[::1]:3"}},
	} {
		p, err := NewProducer(c.props, Env{})
		if err != nil {
			t.Errorf("%v: %v", c.props, err)
			continue
		}
		if got := value(t, p.Opts, c.opt); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%v: got %v, want %v", c.props, got, c.want)
		}
	}
}

func TestConsumerSettings(t *testing.T) {
	group := func(keyValues ...string) map[string]string { return with(append(keyValues, "group.id", "g")...) }
	for _, c := range []struct {
		props map[string]string
		opt   any
		want  any
	}{
		{with(), kgo.ConsumerGroup, ""},
		{group(), kgo.ConsumerGroup, "g"},
		{group(), kgo.SessionTimeout, 45 * time.Second},
		{group("session.timeout.ms", "6000", "heartbeat.interval.ms", "2000"), kgo.HeartbeatInterval, 2 * time.Second},
		{group("max.poll.interval.ms", "7000"), kgo.RebalanceTimeout, 7 * time.Second},
		{group("group.instance.id", "i"), kgo.InstanceID, "i"},
		{group("enable.auto.commit", "false"), kgo.DisableAutoCommit, true},
		{group(), kgo.DisableAutoCommit, false},
		{group("isolation.level", "read_committed"), kgo.FetchIsolationLevel, 1},
		{group("fetch.min.bytes", "9"), kgo.FetchMinBytes, int32(9)},
		{group("fetch.max.bytes", "9000"), kgo.FetchMaxBytes, int32(9000)},
		{group("fetch.max.bytes", "2147483647"), kgo.FetchMaxBytes, int32(1 << 30)},
		{group("fetch.max.wait.ms", "70"), kgo.FetchMaxWait, 70 * time.Millisecond},
		{group("max.partition.fetch.bytes", "77"), kgo.FetchMaxPartitionBytes, int32(77)},
		{group("client.rack", "r"), kgo.Rack, "r"},
		{group("check.crcs", "false"), kgo.DisableFetchCRCValidation, true},
		{group("auto.offset.reset", "earliest"), kgo.ConsumeResetOffset, kgo.NewOffset().AtStart()},
		{group(), kgo.ConsumeResetOffset, kgo.NewOffset().AtEnd()},
		{group("auto.offset.reset", "none"), kgo.ConsumeStartOffset, kgo.NewOffset().AtCommitted()},
		{group("auto.offset.reset", "none"), kgo.ConsumeResetOffset, kgo.NoResetOffset()},
		{group("group.protocol", "consumer"), kgo.ServerSideBalancer, true},
		{group("group.protocol", "classic"), kgo.ServerSideBalancer, false},
	} {
		r, err := NewConsumer(c.props, Env{})
		if err != nil {
			t.Errorf("%v: %v", c.props, err)
			continue
		}
		if got := value(t, r.Opts, c.opt); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%v: got %v, want %v", c.props, got, c.want)
		}
	}
}

func TestAssignors(t *testing.T) {
	const p = "org.apache.kafka.clients.consumer."
	for strategy, want := range map[string][]string{
		"": {"range", "cooperative-sticky"},
		p + "CooperativeStickyAssignor," + p + "RangeAssignor": {"cooperative-sticky", "range"},
		p + "RoundRobinAssignor, " + p + "StickyAssignor":      {"roundrobin", "sticky"},
	} {
		props := with("group.id", "g")
		if strategy != "" {
			props["partition.assignment.strategy"] = strategy
		}
		r, err := NewConsumer(props, Env{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range value(t, r.Opts, kgo.Balancers).([]kgo.GroupBalancer) {
			got = append(got, b.ProtocolName())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", strategy, got, want)
		}
	}
}

// TestWrongSettings has the texts of Java's clients, or our own where Java would load a
// class.
func TestWrongSettings(t *testing.T) {
	producer := func(p map[string]string) error { _, err := NewProducer(p, Env{}); return err }
	consumer := func(p map[string]string) error { _, err := NewConsumer(p, Env{}); return err }
	admin := func(p map[string]string) error { _, err := NewAdminSettings(p, Env{}); return err }
	const classConfig = errs.ClassConfig
	for _, c := range []struct {
		make        func(map[string]string) error
		props       map[string]string
		class, want string
	}{
		{producer, with("linger.ms", "soon"), classConfig, "Invalid value soon for configuration linger.ms: Not a number of type LONG"},
		{producer, with("acks", "2"), classConfig, "Invalid value 2 for configuration acks: String must be one of: all, -1, 0, 1"},
		{producer, with("batch.size", "-1"), classConfig, "Invalid value -1 for configuration batch.size: Value must be at least 0"},
		{producer, with("compression.type", "brotli"), classConfig, "Invalid value brotli for configuration compression.type: String must be one of: none, gzip, snappy, lz4, zstd"},
		{producer, with("compression.gzip.level", "0"), classConfig, "Invalid value 0 for configuration compression.gzip.level"},
		{producer, with("security.protocol", "HTTPS"), classConfig, "Invalid value HTTPS for configuration security.protocol: String must be one of (case insensitive): "},
		{producer, with("enable.idempotence", "true", "acks", "1"), classConfig, "Must set acks to all in order to use the idempotent producer. Otherwise we cannot guarantee idempotence."},
		{producer, with("enable.idempotence", "true", "retries", "0"), classConfig, "Must set retries to non-zero when using the idempotent producer."},
		{producer, with("max.in.flight.requests.per.connection", "6"), classConfig, "To use the idempotent producer, max.in.flight.requests.per.connection must be set to at most 5. Current value is 6."},
		{producer, with("enable.idempotence", "false", "transactional.id", "x"), classConfig, "Cannot set a transactional.id without also enabling idempotence."},
		{producer, with("transactional.id", ""), classConfig, "Invalid value  for configuration transactional.id: String must be non-empty"},
		{producer, with("delivery.timeout.ms", "100"), classConfig, "delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms"},
		{producer, with("interceptor.classes", "a.B,c.D"), classConfig, "Invalid value a.B,c.D for configuration interceptor.classes: Java classes cannot be loaded; remove the setting"},
		{producer, with("partitioner.class", "a.B"), classConfig, "Invalid value a.B for configuration partitioner.class: Java classes cannot be loaded"},
		{producer, with("bootstrap.servers", "localhost"), classConfig, "Invalid url in bootstrap.servers: localhost"},
		{producer, with("bootstrap.servers", "localhost:x"), classConfig, "Invalid port in bootstrap.servers: localhost:x"},
		{producer, map[string]string{}, classConfig, "No resolvable bootstrap urls given in bootstrap.servers"},
		{consumer, with("auto.offset.reset", "sometime"), classConfig, "Invalid value sometime for configuration auto.offset.reset: Invalid value `sometime` for configuration auto.offset.reset. The value must be either 'earliest', 'latest', 'none' or of the format 'by_duration:<PnDTnHnMn.nS.>'."},
		{consumer, with("auto.offset.reset", "by_duration:-PT1S"), classConfig, "Invalid value by_duration:-PT1S for configuration auto.offset.reset: "},
		{consumer, with("isolation.level", "x"), classConfig, "Invalid value x for configuration isolation.level: String must be one of: read_committed, read_uncommitted"},
		{consumer, with("group.id", "g", "group.protocol", "consumer", "session.timeout.ms", "1", "heartbeat.interval.ms", "1"), classConfig, "heartbeat.interval.ms, session.timeout.ms cannot be set when group.protocol=CONSUMER"},
		{consumer, with("group.id", "g", "group.remote.assignor", "range"), classConfig, "group.remote.assignor cannot be set when group.protocol=CLASSIC"},
		{consumer, with("group.id", "g", "group.protocol", "consumer", "group.remote.assignor", "x"), classConfig, "Invalid value x for configuration group.remote.assignor: must be uniform or range"},
		{consumer, with("group.id", "g", "partition.assignment.strategy", "a.B"), classConfig, "Invalid value a.B for configuration partition.assignment.strategy: Java classes cannot be loaded"},
		{consumer, with("group.id", "g", "partition.assignment.strategy", ""), classConfig, "Invalid value  for configuration partition.assignment.strategy: must name an assignor"},
		{consumer, with("group.id", "g", "heartbeat.interval.ms", "45000"), errs.ClassKafka, "Failed to construct kafka consumer: java.lang.IllegalArgumentException: Heartbeat must be set lower than the session timeout"},
		{consumer, with("enable.auto.commit", "true"), classInvalidConfiguration, "enable.auto.commit cannot be set to true when default group id (null) is used."},
		{consumer, with("max.poll.records", "0"), classConfig, "Invalid value 0 for configuration max.poll.records: Value must be at least 1"},
		{admin, with("default.api.timeout.ms", "1"), classConfig, "The specified value of default.api.timeout.ms must be no smaller than the value of request.timeout.ms."},
		{admin, with("bootstrap.controllers", "a:1"), classConfig, "Invalid value a:1 for configuration bootstrap.controllers: controllers cannot be used; set bootstrap.servers"},
		{producer, with("security.protocol", "SASL_PLAINTEXT"), classConfig, "Invalid value GSSAPI for configuration sasl.mechanism: Unsupported SASL mechanism; must be one of: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER"},
		{producer, with("security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", ""), classConfig, "Invalid value null for configuration sasl.mechanism: When the security.protocol configuration enables SASL, mechanism must be non-null and non-empty string."},
		{producer, with("security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "PLAIN"), errs.ClassKafka, "Failed to construct kafka producer: java.lang.IllegalArgumentException: Could not find a 'KafkaClient' entry in the JAAS configuration."},
		{producer, with("security.protocol", "SSL", "ssl.enabled.protocols", "TLSv9"), classConfig, "Invalid value TLSv9 for configuration ssl.enabled.protocols: Unsupported protocol; must be one of: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3"},
		{producer, with("security.protocol", "SSL", "ssl.cipher.suites", "NONE"), classConfig, "Invalid value NONE for configuration ssl.cipher.suites: Unsupported CipherSuite; must be one of: "},
		{producer, with("security.protocol", "SSL", "ssl.endpoint.identification.algorithm", "x"), classConfig, "Invalid value x for configuration ssl.endpoint.identification.algorithm: Unknown identification algorithm"},
		{producer, with("security.protocol", "SSL", "ssl.truststore.location", "/no/such/file"), errs.ClassKafka, "Failed to construct kafka producer: Failed to load SSL keystore /no/such/file of type JKS: open /no/such/file: no such file or directory"},
		{producer, with("security.protocol", "SSL", "ssl.truststore.location", "testdata/trust.jks", "ssl.truststore.password", "secret"), errs.ClassKafka, "Failed to construct kafka producer: Failed to load SSL keystore testdata/trust.jks of type JKS"},
		{producer, with("security.protocol", "SSL", "ssl.truststore.password", "x"), errs.ClassKafka, "Failed to construct kafka producer: org.apache.kafka.common.errors.InvalidConfigurationException: SSL trust store is not specified, but trust store password is specified."},
	} {
		err := c.make(c.props)
		if err == nil || errs.Class(err) != c.class || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%v:\n got %s: %v\nwant %s: %s", c.props, errs.Class(err), err, c.class, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%v: the error shows a password: %v", c.props, err)
		}
	}
}

func TestUnknownSettings(t *testing.T) {
	p, err := NewProducer(with("no.such", "1", "linger.ms", "1", "another", "2", "metrics.context.x", "y"), Env{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(p.Unknown, []string{"another", "no.such"}) {
		t.Errorf("unknown: %v", p.Unknown)
	}
	if p.Partitioner == nil || p.MaxRequestSize != 1048576 || p.BufferMemory != 33554432 || !p.Idempotent || p.DeliveryTimeout != 2*time.Minute {
		t.Errorf("%+v", p)
	}
	r, err := NewConsumer(with("group.id", "g"), Env{})
	if err != nil {
		t.Fatal(err)
	}
	if r.MaxPollRecords != 500 || r.MaxPollInterval != 5*time.Minute || r.Group != "g" || !r.AutoCommit || r.Reset.Kind != "latest" || r.MetadataMaxAge != 5*time.Minute || r.APITimeout != time.Minute || !r.ExcludeInternal {
		t.Errorf("%+v", r)
	}
	a, err := NewAdminSettings(with("request.timeout.ms", "70000"), Env{})
	if err != nil || a.APITimeout != 70*time.Second {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"PT1H": time.Hour, "P1D": 24 * time.Hour, "P1DT2H3M4.5S": 26*time.Hour + 3*time.Minute + 4500*time.Millisecond,
		"pt1.5s": 1500 * time.Millisecond, "PT-1M": -time.Minute, "-PT1M": -time.Minute, "PT-0.5S": -500 * time.Millisecond, "P-1DT1H": -23 * time.Hour, "PT0S": 0,
	} {
		if got, ok := parseDuration(text); !ok || got != want {
			t.Errorf("%s: %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "P", "PT", "P1H", "1D", "PT1", "P1DT", "PT1S1M", "P99999999999999999999D", "P9999999999D"} {
		if got, ok := parseDuration(text); ok {
			t.Errorf("%s was read as %v", text, got)
		}
	}
}

func TestInternalClients(t *testing.T) {
	props := with("group.id", "workers", "producer.linger.ms", "7", "linger.ms", "3", "transactional.id", "x", "key.converter", "c", "isolation.level", "read_uncommitted")
	c, err := NewInternalClients(props, "connect-cluster-workers-configs", true, Env{})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []struct {
		opts []kgo.Opt
		opt  any
		want any
	}{
		{c.Reader, kgo.ConsumerGroup, ""},
		{c.Reader, kgo.ClientID, "connect-cluster-workers-configs"},
		{c.Reader, kgo.FetchIsolationLevel, 1},
		{c.Writer, kgo.TransactionalID, ""},
		{c.Writer, kgo.DisableIdempotentWrite, true},
		{c.Writer, kgo.ProducerLinger, 3 * time.Millisecond},
	} {
		if got := value(t, w.opts, w.opt); fmt.Sprint(got) != fmt.Sprint(w.want) {
			t.Errorf("got %v, want %v", got, w.want)
		}
	}
	opts, err := LeaderOpts(props, "x-leader", "connect-cluster-workers", Env{})
	if err != nil {
		t.Fatal(err)
	}
	if got := value(t, opts, kgo.TransactionalID); got != "connect-cluster-workers" {
		t.Errorf("transactional id %v", got)
	}
}
