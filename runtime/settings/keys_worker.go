package settings

import (
	cd "github.com/moldau-io/moldau/connect/configdef"
)

// DistributedDef returns the settings of a worker of a cluster
// (WorkerConfig, RestServerConfig and DistributedConfig), then our own.
func DistributedDef() *cd.Def {
	return cd.New(baseWorkerKeys()...).Define(distributedKeys()...).Define(ownKeys()...)
}

// StandaloneDef returns the settings of a worker on its own (WorkerConfig,
// RestServerConfig and StandaloneConfig), then our own.
func StandaloneDef() *cd.Def {
	return cd.New(baseWorkerKeys()...).Define(
		cd.Required("offset.storage.file.filename", cd.String, cd.High, "The file that keeps the offsets of source connectors."),
	).Define(ownKeys()...)
}

func baseWorkerKeys() []cd.Key {
	keys := []cd.Key{
		cd.Optional("bootstrap.servers", cd.List, "localhost:9092", cd.High, "Brokers to begin with, as host:port; the others are learned from them."),
		cd.Optional("client.dns.lookup", cd.String, "use_all_dns_ips", cd.Medium, "Which addresses of a broker's name are tried.").WithValidator(dnsLookup()),
		cd.Required("key.converter", cd.Class, cd.High, "The converter for record keys, for connectors that name none."),
		cd.Optional("key.converter.plugin.version", cd.String, nil, cd.Low, "The version of the key converter."),
		cd.Required("value.converter", cd.Class, cd.High, "The converter for record values, for connectors that name none."),
		cd.Optional("value.converter.plugin.version", cd.String, nil, cd.Low, "The version of the value converter."),
		cd.Optional("task.shutdown.graceful.timeout.ms", cd.Long, "5000", cd.Low, "How long all tasks together have to stop in order, in milliseconds."),
		cd.Optional("offset.flush.interval.ms", cd.Long, 60000, cd.Low, "How often tasks commit offsets, in milliseconds."),
		cd.Optional("offset.flush.timeout.ms", cd.Long, 5000, cd.Low, "How long one commit of offsets may take, in milliseconds. It has no effect on sources that deliver exactly once."),
		cd.Optional("plugin.path", cd.List, nil, cd.Low, "Directories with Java plugins. It has no effect here: plugins are part of the program."),
		cd.Optional("plugin.discovery", cd.String, "hybrid_warn", cd.Low, "How Java plugins are looked for. It has no effect here.").
			WithValidator(cd.CaseInsensitiveValidString("ONLY_SCAN", "HYBRID_WARN", "HYBRID_FAIL", "SERVICE_LOAD")),
		cd.Optional("metrics.sample.window.ms", cd.Long, 30000, cd.Low, "The time one sample of a metric covers, in milliseconds.").WithValidator(cd.AtLeast(0)),
		cd.Optional("metrics.num.samples", cd.Int, 2, cd.Low, "How many samples a metric is made from.").WithValidator(cd.AtLeast(1)),
		cd.Optional("metrics.recording.level", cd.String, "INFO", cd.Low, "Which metrics are kept.").WithValidator(cd.ValidString("INFO", "DEBUG")),
		cd.Optional("metric.reporters", cd.List, "org.apache.kafka.common.metrics.JmxReporter", cd.Low, "Java classes that report metrics. It has no effect here."),
		cd.Optional("header.converter", cd.Class, SimpleHeaderConverter, cd.Low, "The converter for header values, for connectors that name none."),
		cd.Optional("header.converter.plugin.version", cd.String, nil, cd.Low, "The version of the header converter."),
		cd.Optional(keyConfigProviders, cd.List, []string{}, cd.Low, "Names of config providers, which resolve ${name:path:key} in settings."),
		cd.Optional(keyOverridePolicy, cd.String, "All", cd.Medium, "Which client settings connectors may override: All, None, Principal (only who to log in as) or Allowlist."),
		cd.Optional("topic.creation.enable", cd.Boolean, true, cd.Low, "Whether source connectors' topics are created as their topic.creation.* settings say."),
	}
	keys = append(keys, sslKeys()...)
	keys = append(keys,
		cd.Optional("topic.tracking.enable", cd.Boolean, true, cd.Low, "Whether the topics each connector uses are recorded."),
		cd.Optional("topic.tracking.allow.reset", cd.Boolean, true, cd.Low, "Whether a request may forget the recorded topics of a connector."),
	)
	return append(keys, restKeys()...)
}

func distributedKeys() []cd.Key {
	keys := []cd.Key{
		cd.Required("group.id", cd.String, cd.High, "The name of the cluster that this worker is a member of."),
		cd.Optional("session.timeout.ms", cd.Int, 10000, cd.High, "How long the group waits for a worker's heartbeat before it counts as gone, in milliseconds."),
		cd.Optional("rebalance.timeout.ms", cd.Int, 60000, cd.High, "How long a worker has to join a rebalance of the group, in milliseconds."),
		cd.Optional("heartbeat.interval.ms", cd.Int, 3000, cd.High, "How often a worker sends a heartbeat, in milliseconds; at most a third of session.timeout.ms."),
		cd.Optional("exactly.once.source.support", cd.String, "disabled", cd.High, "Whether source connectors can deliver exactly once: disabled, preparing (all workers first) or enabled.").
			WithValidator(cd.CaseInsensitiveValidString("DISABLED", "PREPARING", "ENABLED")),
		cd.Optional("metadata.max.age.ms", cd.Long, 300000, cd.Low, "After how long metadata is fetched again, in milliseconds.").WithValidator(cd.AtLeast(0)),
		cd.Optional("client.id", cd.String, "", cd.Low, "The name brokers know this worker's clients by."),
		cd.Optional("send.buffer.bytes", cd.Int, 131072, cd.Medium, "The size of the TCP send buffer in bytes; -1 leaves it to the system.").WithValidator(cd.AtLeast(-1)),
		cd.Optional("receive.buffer.bytes", cd.Int, 32768, cd.Medium, "The size of the TCP receive buffer in bytes; -1 leaves it to the system.").WithValidator(cd.AtLeast(-1)),
		cd.Optional("reconnect.backoff.ms", cd.Long, 50, cd.Low, "The first wait before connecting to a broker again, in milliseconds.").WithValidator(cd.AtLeast(0)),
		cd.Optional("reconnect.backoff.max.ms", cd.Long, 1000, cd.Low, "The longest wait before connecting to a broker again, in milliseconds.").WithValidator(cd.AtLeast(0)),
		cd.Optional("socket.connection.setup.timeout.ms", cd.Long, 10000, cd.Low, "How long a connection may take at first, in milliseconds.").WithValidator(cd.AtLeast(0)),
		cd.Optional("socket.connection.setup.timeout.max.ms", cd.Long, 30000, cd.Low, "How long a connection may take at most after failures, in milliseconds.").WithValidator(cd.AtLeast(0)),
		cd.Optional("retry.backoff.ms", cd.Long, 100, cd.Low, "The first wait before a request is tried again, in milliseconds.").WithValidator(cd.AtLeast(0)),
		cd.Optional("retry.backoff.max.ms", cd.Long, 1000, cd.Low, "The longest wait before a request is tried again, in milliseconds.").WithValidator(cd.AtLeast(0)),
		cd.Optional("request.timeout.ms", cd.Int, 40000, cd.Medium, "How long to wait for a broker's answer, in milliseconds.").WithValidator(cd.AtLeast(0)),
		cd.Optional("connections.max.idle.ms", cd.Long, 540000, cd.Medium, "After how long an idle connection is closed, in milliseconds."),
		cd.Optional("security.protocol", cd.String, "PLAINTEXT", cd.Medium, "How to talk to brokers.").WithValidator(securityProtocol()),
	}
	keys = append(keys, saslKeys()...)
	return append(keys,
		cd.Optional("worker.sync.timeout.ms", cd.Int, 3000, cd.Medium, "How long a worker that lags behind may take to read the configurations, in milliseconds, before it leaves the group."),
		cd.Optional("worker.unsync.backoff.ms", cd.Int, 300000, cd.Medium, "How long a worker that could not catch up stays out of the group, in milliseconds."),
		cd.Required("offset.storage.topic", cd.String, cd.High, "The topic that keeps the offsets of source connectors."),
		cd.Optional("offset.storage.partitions", cd.Int, 25, cd.Low, "The partitions of that topic, if it has to be created.").WithValidator(partitionsValidator()),
		cd.Optional("offset.storage.replication.factor", cd.Short, 3, cd.Low, "The replicas of that topic, if it has to be created.").WithValidator(replicationValidator()),
		cd.Required("config.storage.topic", cd.String, cd.High, "The topic that keeps the configurations of connectors."),
		cd.Optional("config.storage.replication.factor", cd.Short, 3, cd.Low, "The replicas of that topic, if it has to be created.").WithValidator(replicationValidator()),
		cd.Required("status.storage.topic", cd.String, cd.High, "The topic that keeps the states of connectors and tasks."),
		cd.Optional("status.storage.partitions", cd.Int, 5, cd.Low, "The partitions of that topic, if it has to be created.").WithValidator(partitionsValidator()),
		cd.Optional("status.storage.replication.factor", cd.Short, 3, cd.Low, "The replicas of that topic, if it has to be created.").WithValidator(replicationValidator()),
		cd.Optional("connect.protocol", cd.String, "sessioned", cd.Low, "The newest protocol of the group this worker speaks.").WithValidator(protocolValidator()),
		cd.Optional("scheduled.rebalance.max.delay.ms", cd.Int, 300000, cd.Low, "How long the work of a worker that left waits for its return before others take it, in milliseconds.").WithValidator(cd.Between(0, maxInt)),
		cd.Optional("inter.worker.key.ttl.ms", cd.Int, 3600000, cd.Low, "How long a key that signs requests between workers is used, in milliseconds.").WithValidator(cd.Between(0, maxInt)),
		cd.Optional("inter.worker.key.generation.algorithm", cd.String, "HmacSHA256", cd.Low, "The algorithm that makes such keys.").WithValidator(keyAlgorithmValidator()),
		cd.Optional("inter.worker.key.size", cd.Int, nil, cd.Low, "The size of such keys in bits; the algorithm's own if not set."),
		cd.Optional("inter.worker.signature.algorithm", cd.String, "HmacSHA256", cd.Low, "The algorithm that signs requests between workers.").WithValidator(signatureAlgorithmValidator()),
		cd.Optional("inter.worker.verification.algorithms", cd.List, []string{"HmacSHA256"}, cd.Low, "The algorithms of which a request between workers may be signed with any.").WithValidator(verificationAlgorithmsValidator()),
		cd.Optional("metadata.recovery.strategy", cd.String, "rebootstrap", cd.Low, "What to do when no known broker can be reached.").WithValidator(recoveryStrategy()),
		cd.Optional("metadata.recovery.rebootstrap.trigger.ms", cd.Long, 300000, cd.Low, "After how long without metadata to begin with bootstrap.servers again, in milliseconds.").WithValidator(cd.AtLeast(0)),
	)
}
