package kafka

import (
	"math"

	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/runtime/settings"
)

// Classes that stand for serializers, since connectors have converters instead.
const (
	byteSerializer   = "org.apache.kafka.common.serialization.ByteArraySerializer"
	byteDeserializer = "org.apache.kafka.common.serialization.ByteArrayDeserializer"
	jmxReporter      = "org.apache.kafka.common.metrics.JmxReporter"
	rangeAssignor    = "org.apache.kafka.clients.consumer.RangeAssignor"
	stickyCoop       = "org.apache.kafka.clients.consumer.CooperativeStickyAssignor"
)

// commonKeys are the settings that all three clients have with the same defaults
// (CommonClientConfigs), security included.
func commonKeys() []cd.Key {
	return append([]cd.Key{
		cd.Optional("client.dns.lookup", cd.String, "use_all_dns_ips", cd.Medium, "Which addresses of a broker's name are tried.").
			WithValidator(cd.ValidString("use_all_dns_ips", "resolve_canonical_bootstrap_servers_only")),
		cd.Optional("client.id", cd.String, "", cd.Medium, "The name brokers know this client by."),
		cd.Optional("send.buffer.bytes", cd.Int, 131072, cd.Medium, "The size of the TCP send buffer in bytes; -1 leaves it to the system, as does no setting.").WithValidator(cd.AtLeast(-1)),
		cd.Optional("reconnect.backoff.ms", cd.Long, 50, cd.Low, "The first wait before connecting to a broker again, in milliseconds.").WithValidator(cd.AtLeast(0)),
		cd.Optional("reconnect.backoff.max.ms", cd.Long, 1000, cd.Low, "The longest wait before connecting to a broker again, in milliseconds.").WithValidator(cd.AtLeast(0)),
		cd.Optional("retry.backoff.ms", cd.Long, 100, cd.Low, "The first wait before a request is tried again, in milliseconds.").WithValidator(cd.AtLeast(0)),
		cd.Optional("retry.backoff.max.ms", cd.Long, 1000, cd.Low, "The longest wait before a request is tried again, in milliseconds.").WithValidator(cd.AtLeast(0)),
		cd.Optional("request.timeout.ms", cd.Int, 30000, cd.Medium, "How long to wait for a broker's answer, in milliseconds.").WithValidator(cd.AtLeast(0)),
		cd.Optional("socket.connection.setup.timeout.ms", cd.Long, 10000, cd.Medium, "How long a connection may take to be made, in milliseconds."),
		cd.Optional("socket.connection.setup.timeout.max.ms", cd.Long, 30000, cd.Medium, "How long it may take at most after failures, in milliseconds."),
		cd.Optional("metadata.max.age.ms", cd.Long, 300000, cd.Low, "After how long metadata is fetched again, in milliseconds.").WithValidator(cd.AtLeast(0)),
		cd.Optional("metadata.recovery.strategy", cd.String, "rebootstrap", cd.Low, "What to do when no known broker can be reached. This client always begins with bootstrap.servers again.").
			WithValidator(cd.CaseInsensitiveValidString("REBOOTSTRAP", "NONE")),
		cd.Optional("metadata.recovery.rebootstrap.trigger.ms", cd.Long, 300000, cd.Low, "After how long without metadata to begin with bootstrap.servers again, in milliseconds.").WithValidator(cd.AtLeast(0)),
		cd.Optional("metrics.sample.window.ms", cd.Long, 30000, cd.Low, "The time one sample of a JVM's metric covers. It has no effect here.").WithValidator(cd.AtLeast(0)),
		cd.Optional("metrics.num.samples", cd.Int, 2, cd.Low, "How many samples a JVM's metric is made from. It has no effect here.").WithValidator(cd.AtLeast(1)),
		cd.Optional("metrics.recording.level", cd.String, "INFO", cd.Low, "Which of a JVM's metrics are kept. It has no effect here.").WithValidator(cd.ValidString("INFO", "DEBUG", "TRACE")),
	}, settings.ClientSecurityKeys()...)
}

// ProducerDef returns the settings of a producer (ProducerConfig).
func ProducerDef() *cd.Def {
	return cd.New(commonKeys()...).Define(
		cd.Optional("bootstrap.servers", cd.List, []string{}, cd.High, "Brokers to begin with, as host:port; the others are learned from them.").WithValidator(cd.NonNull()),
		cd.Required("key.serializer", cd.Class, cd.High, "How keys become bytes. It has no effect here: converters do that."),
		cd.Required("value.serializer", cd.Class, cd.High, "How values become bytes. It has no effect here: converters do that."),
		cd.Optional("acks", cd.String, "all", cd.Low, "How many replicas must have a record before it counts as written: all (or -1), 1 or 0.").WithValidator(cd.ValidString("all", "-1", "0", "1")),
		cd.Optional("batch.size", cd.Int, 16384, cd.Medium, "How many bytes without a key go to one partition before the next is chosen. Batches may be larger, up to max.request.size.").WithValidator(cd.AtLeast(0)),
		cd.Optional("buffer.memory", cd.Long, 32*1024*1024, cd.High, "How many bytes of records may wait to be written.").WithValidator(cd.AtLeast(0)),
		cd.Optional("compression.type", cd.String, "none", cd.High, "How batches are compressed.").WithValidator(cd.ValidString("none", "gzip", "snappy", "lz4", "zstd")),
		cd.Optional("compression.gzip.level", cd.Int, -1, cd.Medium, "The level of gzip: 1 to 9, or -1 for its default.").WithValidator(gzipLevel()),
		cd.Optional("compression.lz4.level", cd.Int, 9, cd.Medium, "The level of lz4.").WithValidator(cd.Between(1, 17)),
		cd.Optional("compression.zstd.level", cd.Int, 3, cd.Medium, "The level of zstd.").WithValidator(cd.Between(-131072, 22)),
		cd.Optional("connections.max.idle.ms", cd.Long, 540000, cd.Medium, "After how long an idle connection is closed, in milliseconds."),
		cd.Optional("delivery.timeout.ms", cd.Int, 120000, cd.Medium, "How long a record may take to be written, with all tries, in milliseconds.").WithValidator(cd.AtLeast(0)),
		cd.Optional("enable.idempotence", cd.Boolean, true, cd.Low, "Whether brokers are to drop what was written twice by retries."),
		cd.Optional("enable.metrics.push", cd.Boolean, true, cd.Low, "Whether metrics are sent to brokers that ask for them; here only if it is set."),
		cd.Optional("interceptor.classes", cd.List, []string{}, cd.Low, "Java classes that see each record. None can be had here.").WithValidator(cd.NonNull()),
		cd.Optional("linger.ms", cd.Long, 5, cd.Medium, "How long a batch waits for more records, in milliseconds.").WithValidator(cd.AtLeast(0)),
		cd.Optional("max.block.ms", cd.Long, 60000, cd.Medium, "How long a record may wait for room and for its topic, in milliseconds. Here delivery.timeout.ms says how long.").WithValidator(cd.AtLeast(0)),
		cd.Optional("max.in.flight.requests.per.connection", cd.Int, 5, cd.Low, "How many requests to one broker may be unanswered. It counts only without idempotence.").WithValidator(cd.AtLeast(1)),
		cd.Optional("max.request.size", cd.Int, 1024*1024, cd.Medium, "The largest record and the largest batch, in bytes.").WithValidator(cd.AtLeast(0)),
		cd.Optional("metadata.max.idle.ms", cd.Long, 300000, cd.Low, "After how long without records a topic is forgotten, in milliseconds. It has no effect here.").WithValidator(cd.AtLeast(5000)),
		cd.Optional("metric.reporters", cd.List, jmxReporter, cd.Low, "Java classes that report metrics. It has no effect here.").WithValidator(cd.NonNull()),
		cd.Optional("partitioner.adaptive.partitioning.enable", cd.Boolean, true, cd.Low, "Whether records without a key go rather to partitions of quick brokers."),
		cd.Optional("partitioner.availability.timeout.ms", cd.Long, 0, cd.Low, "After how long a partition that takes no records is avoided, in milliseconds. It has no effect here.").WithValidator(cd.AtLeast(0)),
		cd.Optional("partitioner.class", cd.Class, nil, cd.Medium, "How partitions are chosen: org.apache.kafka.clients.producer.RoundRobinPartitioner, or by key if not set."),
		cd.Optional("partitioner.ignore.keys", cd.Boolean, false, cd.Medium, "Whether keys do not count when a partition is chosen."),
		cd.Optional("receive.buffer.bytes", cd.Int, 32768, cd.Medium, "The size of the TCP receive buffer in bytes; -1 leaves it to the system, as does no setting.").WithValidator(cd.AtLeast(-1)),
		cd.Optional("retries", cd.Int, math.MaxInt32, cd.High, "How often a record is tried again. delivery.timeout.ms is the better bound.").WithValidator(cd.Between(0, math.MaxInt32)),
		cd.Optional("transaction.timeout.ms", cd.Int, 60000, cd.Low, "After how long an open transaction is aborted, in milliseconds."),
		cd.Optional("transaction.two.phase.commit.enable", cd.Boolean, false, cd.Low, "Whether another system decides on transactions. It cannot be had here."),
		cd.Optional("transactional.id", cd.String, nil, cd.Low, "The name under which transactions are written.").WithValidator(cd.NonEmptyString()),
	)
}

func gzipLevel() cd.Validator {
	return cd.LambdaValidator(func(name string, value any) error {
		if n, ok := value.(int32); ok && n != -1 && (n < 1 || n > 9) {
			return cd.Invalid(name, value, "")
		}
		return nil
	}, "[1,...,9] or -1")
}

// ConsumerDef returns the settings of a consumer (ConsumerConfig).
func ConsumerDef() *cd.Def {
	return cd.New(commonKeys()...).Define(
		cd.Optional("bootstrap.servers", cd.List, []string{}, cd.High, "Brokers to begin with, as host:port; the others are learned from them.").WithValidator(cd.NonNull()),
		cd.Required("key.deserializer", cd.Class, cd.High, "How keys are read. It has no effect here: converters do that."),
		cd.Required("value.deserializer", cd.Class, cd.High, "How values are read. It has no effect here: converters do that."),
		cd.Optional("allow.auto.create.topics", cd.Boolean, true, cd.Medium, "Whether brokers may create topics that are read."),
		cd.Optional("auto.commit.interval.ms", cd.Int, 5000, cd.Low, "How often offsets are committed with enable.auto.commit, in milliseconds.").WithValidator(cd.AtLeast(0)),
		cd.Optional("auto.offset.reset", cd.String, "latest", cd.Medium, "Where to begin without a committed offset: earliest, latest, none (fail) or by_duration:<ISO 8601 duration> before now.").WithValidator(resetValidator()),
		cd.Optional("check.crcs", cd.Boolean, true, cd.Low, "Whether records are checked for damage."),
		cd.Optional("client.rack", cd.String, "", cd.Low, "Where this client stands, to read from a replica nearby."),
		cd.Optional("connections.max.idle.ms", cd.Long, 540000, cd.Medium, "After how long an idle connection is closed, in milliseconds."),
		cd.Optional("default.api.timeout.ms", cd.Int, 60000, cd.Medium, "How long an operation may take with all tries, in milliseconds.").WithValidator(cd.AtLeast(0)),
		cd.Optional("enable.auto.commit", cd.Boolean, true, cd.Medium, "Whether offsets are committed in the background. Connect does it itself."),
		cd.Optional("enable.metrics.push", cd.Boolean, true, cd.Low, "Whether metrics are sent to brokers that ask for them; here only if it is set."),
		cd.Optional("exclude.internal.topics", cd.Boolean, true, cd.Medium, "Whether Kafka's own topics are left out when topics are chosen by a pattern."),
		cd.Optional("fetch.max.bytes", cd.Int, 50*1024*1024, cd.Medium, "The most bytes a broker sends at once; one larger batch is sent all the same.").WithValidator(cd.AtLeast(0)),
		cd.Optional("fetch.max.wait.ms", cd.Int, 500, cd.Low, "How long a broker waits for fetch.min.bytes, in milliseconds.").WithValidator(cd.AtLeast(0)),
		cd.Optional("fetch.min.bytes", cd.Int, 1, cd.High, "The fewest bytes a broker sends at once.").WithValidator(cd.AtLeast(0)),
		cd.Optional("group.id", cd.String, nil, cd.High, "The group this consumer is a member of."),
		cd.Optional("group.instance.id", cd.String, nil, cd.Medium, "A name that keeps this member's partitions over restarts.").WithValidator(cd.NonEmptyString()),
		cd.Optional("group.protocol", cd.String, "classic", cd.High, "Who assigns partitions: a member (classic) or the broker (consumer).").WithValidator(cd.CaseInsensitiveValidString("CONSUMER", "CLASSIC")),
		cd.Optional("group.remote.assignor", cd.String, nil, cd.Medium, "How the broker assigns partitions: uniform or range."),
		cd.Optional("heartbeat.interval.ms", cd.Int, 3000, cd.High, "How often this member sends a heartbeat, in milliseconds."),
		cd.Optional("interceptor.classes", cd.List, []string{}, cd.Low, "Java classes that see each record. None can be had here.").WithValidator(cd.NonNull()),
		cd.Optional("internal.leave.group.on.close", cd.Boolean, true, cd.Low, "Whether a member leaves its group when it ends.").WithInternal(),
		cd.Optional("internal.throw.on.fetch.stable.offset.unsupported", cd.Boolean, false, cd.Low, "Whether old brokers are refused with read_committed.").WithInternal(),
		cd.Optional("isolation.level", cd.String, "read_uncommitted", cd.Medium, "Whether records of transactions are read before these are committed.").WithValidator(cd.ValidString("read_committed", "read_uncommitted")),
		cd.Optional("max.partition.fetch.bytes", cd.Int, 1024*1024, cd.High, "The most bytes a broker sends at once of one partition; one larger batch is sent all the same.").WithValidator(cd.AtLeast(0)),
		cd.Optional("max.poll.interval.ms", cd.Int, 300000, cd.Medium, "How long a member may work on a batch before it counts as gone, in milliseconds.").WithValidator(cd.AtLeast(1)),
		cd.Optional("max.poll.records", cd.Int, 500, cd.Medium, "The most records of one batch.").WithValidator(cd.AtLeast(1)),
		cd.Optional("metric.reporters", cd.List, jmxReporter, cd.Low, "Java classes that report metrics. It has no effect here.").WithValidator(cd.NonNull()),
		cd.Optional("partition.assignment.strategy", cd.List, []string{rangeAssignor, stickyCoop}, cd.Medium, "How members assign partitions, by Java's names of the assignors.").WithValidator(cd.NonNull()),
		cd.Optional("receive.buffer.bytes", cd.Int, 65536, cd.Medium, "The size of the TCP receive buffer in bytes; -1 leaves it to the system, as does no setting.").WithValidator(cd.AtLeast(-1)),
		cd.Optional("session.timeout.ms", cd.Int, 45000, cd.High, "How long the group waits for a member's heartbeat, in milliseconds."),
		cd.Optional("share.acknowledgement.mode", cd.String, "implicit", cd.Medium, "How share groups acknowledge. It has no effect here.").WithValidator(shareMode()),
	)
}

func shareMode() cd.Validator {
	return cd.LambdaValidator(func(name string, value any) error {
		if s, _ := value.(string); s != "implicit" && s != "explicit" {
			return cd.Invalid(name, value, "Invalid value for "+name+". Valid values are: [implicit, explicit]")
		}
		return nil
	}, "[implicit, explicit]")
}

// AdminDef returns the settings of an admin client (AdminClientConfig).
func AdminDef() *cd.Def {
	return cd.New(commonKeys()...).Define(
		cd.Optional("bootstrap.servers", cd.List, []string{}, cd.High, "Brokers to begin with, as host:port; the others are learned from them."),
		cd.Optional("bootstrap.controllers", cd.List, []string{}, cd.High, "Controllers to begin with. They cannot be used here."),
		cd.Optional("connections.max.idle.ms", cd.Long, 300000, cd.Medium, "After how long an idle connection is closed, in milliseconds."),
		cd.Optional("default.api.timeout.ms", cd.Int, 60000, cd.Medium, "How long an operation may take with all tries, in milliseconds.").WithValidator(cd.AtLeast(0)),
		cd.Optional("enable.metrics.push", cd.Boolean, false, cd.Low, "Whether metrics are sent to brokers that ask for them; here only if it is set."),
		cd.Optional("metric.reporters", cd.List, jmxReporter, cd.Low, "Java classes that report metrics. It has no effect here."),
		cd.Optional("receive.buffer.bytes", cd.Int, 65536, cd.Medium, "The size of the TCP receive buffer in bytes; -1 leaves it to the system, as does no setting.").WithValidator(cd.AtLeast(-1)),
		cd.Optional("retries", cd.Int, math.MaxInt32, cd.Low, "How often a request is tried again. default.api.timeout.ms is the better bound.").WithValidator(cd.Between(0, math.MaxInt32)),
	)
}
