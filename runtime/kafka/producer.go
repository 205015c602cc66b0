package kafka

import (
	"math"
	"strconv"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/twmb/franz-go/pkg/kgo"

	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/settings"
)

// Producer is what the settings of a producer come to.
type Producer struct {
	Client
	// Partitioner chooses partitions as the settings say; it is among Opts, too.
	Partitioner kgo.Partitioner
	// MaxRequestSize is max.request.size, in bytes.
	MaxRequestSize int
	// BufferMemory is buffer.memory, in bytes.
	BufferMemory int64
	// DeliveryTimeout is delivery.timeout.ms.
	DeliveryTimeout time.Duration
	// Idempotent says whether brokers drop duplicates of retries.
	Idempotent bool
	// TransactionalID is "" without transactions.
	TransactionalID string
	// TransactionTimeout is transaction.timeout.ms.
	TransactionTimeout time.Duration
}

const roundRobinPartitioner = "RoundRobinPartitioner"

// NewProducer reads the settings of a producer, in Java's keys and with Java's defaults
// and checks (ProducerConfig, KafkaProducer). It connects to nothing.
func NewProducer(props map[string]string, env Env) (*Producer, error) {
	c, err := parse(settings.ProducerDef(), props, map[string]string{"key.serializer": byteSerializer, "value.serializer": byteSerializer})
	if err != nil {
		return nil, err
	}
	idempotent, err := idempotence(c, props)
	if err != nil {
		return nil, err
	}
	if err := noInterceptors(c); err != nil {
		return nil, err
	}
	cl, err := commonClient(c, props, env)
	if err != nil {
		return nil, constructing("producer", err)
	}
	p := &Producer{
		Client: *cl, MaxRequestSize: int(c.Int("max.request.size")), BufferMemory: c.Long("buffer.memory"),
		Idempotent: idempotent, TransactionTimeout: millis(int64(c.Int("transaction.timeout.ms"))),
	}
	p.TransactionalID, _ = c.StringOK("transactional.id")
	if p.Partitioner, err = partitioner(c); err != nil {
		return nil, err
	}
	if p.DeliveryTimeout, err = deliveryTimeout(c, props, p); err != nil {
		return nil, err
	}
	codec := compression(c, props)
	size := clamp(p.MaxRequestSize, 512, maxFrame)
	p.Opts = append(p.Opts,
		kgo.RecordPartitioner(p.Partitioner),
		kgo.RequiredAcks(acks(c.String("acks"))),
		kgo.ProducerBatchCompression(codec),
		kgo.ProducerBatchMaxBytes(int32(size)),
		kgo.BrokerMaxWriteBytes(int32(max(frameBytes, min(size+size/8, maxFrame)))),
		kgo.MaxBufferedRecords(math.MaxInt32),
		kgo.MaxBufferedBytes(int(min(max(p.BufferMemory, 1), math.MaxInt))),
		kgo.ProducerLinger(min(millis(c.Long("linger.ms")), time.Minute)),
		kgo.ProduceRequestTimeout(max(p.RequestTimeout, minTimeout)),
		kgo.AllowAutoTopicCreation(),
		kgo.UnknownTopicRetries(-1),
	)
	// The client counts a record's time to live from the record's own timestamp, which is
	// an event's and may be years old: delivery.timeout.ms cannot be handed to it.
	if _, given := props["delivery.timeout.ms"]; given && p.DeliveryTimeout < math.MaxInt32*time.Millisecond {
		p.Warnings = append(p.Warnings, "delivery.timeout.ms has no effect: records are tried until they are written")
	}
	if n := c.Int("retries"); n < math.MaxInt32 {
		p.Opts = append(p.Opts, kgo.RecordRetries(int(n)))
	}
	if !p.Idempotent {
		p.Opts = append(p.Opts, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(int(c.Int("max.in.flight.requests.per.connection"))))
	}
	if p.TransactionalID != "" {
		p.Opts = append(p.Opts, kgo.TransactionalID(p.TransactionalID), kgo.TransactionTimeout(p.TransactionTimeout))
	}
	return p, nil
}

// constructing words a failure to make a client as Java's constructors do. A wrong value
// of a setting stays as it is.
func constructing(kind string, err error) error {
	if errs.Class(err) == errs.ClassConfig {
		return err
	}
	if errs.Class(err) != errs.ClassKafka {
		err = errs.Wrap(errs.ClassKafka, err, "%s", errs.String(err))
	}
	text := "Failed to construct kafka " + kind
	if kind == "admin" {
		text = "Failed to create new KafkaAdminClient"
	}
	return errs.Wrap(errs.ClassKafka, err, "%s", text)
}

// idempotence says whether writes are idempotent, and refuses what contradicts it
// (ProducerConfig.postProcessAndValidateIdempotenceConfigs).
func idempotence(c *cd.Config, given map[string]string) (bool, error) {
	_, asked := given["enable.idempotence"]
	enabled := c.Bool("enable.idempotence")
	if enabled {
		if c.Int("retries") == 0 {
			if asked {
				return false, errs.Config("Must set retries to non-zero when using the idempotent producer.")
			}
			enabled = false
		}
		if a := c.String("acks"); a != "all" && a != "-1" {
			if asked {
				return false, errs.Config("Must set acks to all in order to use the idempotent producer. Otherwise we cannot guarantee idempotence.")
			}
			enabled = false
		}
		if n := c.Int("max.in.flight.requests.per.connection"); n > 5 {
			return false, errs.Config("To use the idempotent producer, max.in.flight.requests.per.connection must be set to at most 5. Current value is %d.", n)
		}
	}
	if _, ok := given["transactional.id"]; ok && !enabled {
		return false, errs.Config("Cannot set a transactional.id without also enabling idempotence.")
	}
	if c.Bool("transaction.two.phase.commit.enable") {
		if _, ok := given["transaction.timeout.ms"]; ok {
			return false, errs.Config("Cannot set transaction.timeout.ms when transaction.two.phase.commit.enable is set to true. Transactions will not expire with two-phase commit enabled.")
		}
		return false, errs.InvalidValue("transaction.two.phase.commit.enable", true, "two-phase commit is not supported")
	}
	return enabled, nil
}

func deliveryTimeout(c *cd.Config, given map[string]string, p *Producer) (time.Duration, error) {
	d := int64(c.Int("delivery.timeout.ms"))
	least := min(c.Long("linger.ms"), math.MaxInt32) + int64(c.Int("request.timeout.ms"))
	least = min(least, math.MaxInt32)
	if d < least {
		if _, ok := given["delivery.timeout.ms"]; ok {
			return 0, constructing("producer", errs.Config("delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms"))
		}
		p.Warnings = append(p.Warnings, "delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms. Setting it to "+strconv.FormatInt(least, 10)+".")
		d = least
	}
	return millis(d), nil
}

func acks(text string) kgo.Acks {
	switch text {
	case "0":
		return kgo.NoAck()
	case "1":
		return kgo.LeaderAck()
	}
	return kgo.AllISRAcks()
}

// partitioner places keys as Java's producer does, by murmur2, and records without one
// in runs of batch.size bytes (BuiltInPartitioner, KIP-794).
func partitioner(c *cd.Config) (kgo.Partitioner, error) {
	switch class := c.Class("partitioner.class"); shortClass(class) {
	case "":
		return kgo.UniformBytesPartitioner(max(int(c.Int("batch.size")), 1), c.Bool("partitioner.adaptive.partitioning.enable"), !c.Bool("partitioner.ignore.keys"), nil), nil
	case roundRobinPartitioner:
		return kgo.RoundRobinPartitioner(), nil
	default:
		return nil, errs.InvalidValue("partitioner.class", class, "Java classes cannot be loaded; must be org.apache.kafka.clients.producer.RoundRobinPartitioner or not set")
	}
}

// compression sets a level only where one is given: the libraries differ in theirs.
func compression(c *cd.Config, given map[string]string) kgo.CompressionCodec {
	kind := c.String("compression.type")
	_, leveled := given["compression."+kind+".level"]
	switch kind {
	case "gzip":
		if codec := kgo.GzipCompression(); leveled {
			return codec.WithLevel(int(c.Int("compression.gzip.level")))
		}
		return kgo.GzipCompression()
	case "snappy":
		return kgo.SnappyCompression()
	case "lz4":
		if codec := kgo.Lz4Compression(); leveled {
			return codec.WithLevel(1 << (8 + min(c.Int("compression.lz4.level"), lz4Most))) // as package lz4 counts
		}
		return kgo.Lz4Compression()
	case "zstd":
		if codec := kgo.ZstdCompression(); leveled {
			return codec.WithLevel(int(zstd.EncoderLevelFromZstd(int(c.Int("compression.zstd.level")))))
		}
		return kgo.ZstdCompression()
	}
	return kgo.NoCompression()
}

// lz4Most is the highest level of package lz4.
const lz4Most = 9
