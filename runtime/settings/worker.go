package settings

import (
	"context"
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"

	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
)

// Mode is the kind of a worker.
type Mode uint8

// The kinds of workers.
const (
	// Distributed workers share their work and keep their state in Kafka.
	Distributed Mode = iota
	// Standalone workers are on their own and keep offsets in a file.
	Standalone
)

// ExactlyOnce is exactly.once.source.support (KIP-618).
type ExactlyOnce uint8

// The levels of support, in the order a cluster is upgraded.
const (
	ExactlyOnceDisabled ExactlyOnce = iota
	ExactlyOncePreparing
	ExactlyOnceEnabled
)

// Worker are a worker's settings: WorkerConfig with DistributedConfig or
// StandaloneConfig. Times are not negative unless that has a meaning.
type Worker struct {
	Mode Mode
	// Config are all settings, for what has no field here. References to config
	// providers are resolved in it.
	Config *cd.Config
	// Unknown are the names of settings that nothing reads, sorted.
	Unknown []string

	BootstrapServers []string
	// Key, Value and Header are the converters for connectors that name none.
	Key, Value, Header ConverterSettings

	// TaskShutdownTimeout is task.shutdown.graceful.timeout.ms.
	TaskShutdownTimeout time.Duration
	// OffsetFlushInterval and OffsetFlushTimeout are offset.flush.{interval,timeout}.ms.
	OffsetFlushInterval, OffsetFlushTimeout time.Duration
	// TopicCreation is topic.creation.enable.
	TopicCreation bool
	// TopicTracking and TopicTrackingReset are topic.tracking.{enable,allow.reset}.
	TopicTracking, TopicTrackingReset bool
	// Overrides is connector.client.config.override.policy.
	Overrides OverridePolicy

	REST REST
	Own  Own

	// Cluster is set on a distributed worker, OffsetFile (offset.storage.file.filename)
	// on a standalone one.
	Cluster    *Cluster
	OffsetFile string

	providers *Providers
}

// ConverterSettings are a converter and the settings under its prefix.
type ConverterSettings struct {
	// Class is the full name, Version the required version or "".
	Class, Version string
	// Props are the settings under the prefix, without it, and converter.type: key,
	// value or header.
	Props map[string]string
}

// WorkerOptions are what reading a worker's settings needs.
type WorkerOptions struct {
	// Plugins look converter classes up; without, names are taken as they are.
	Plugins Plugins
	// Logger takes warnings of config providers. It must be set.
	Logger *slog.Logger
	// Environ is the environment for EnvVarConfigProvider, os.Environ by default.
	Environ []string
}

// LoadWorker reads a worker's settings. Config providers are made from them and
// resolve references in them first. The first wrong setting is the error, a
// ConfigException with its name, value and what is wrong. Close the Worker to
// release the providers.
func LoadWorker(ctx context.Context, mode Mode, props map[string]string, o WorkerOptions) (_ *Worker, err error) {
	po := ProviderOptions{Logger: o.Logger, Environ: o.Environ}
	resolved, err := resolveWorker(ctx, props, po)
	if err != nil {
		return nil, err
	}
	def := DistributedDef()
	if mode == Standalone {
		def = StandaloneDef()
	}
	if o.Plugins != nil {
		def = def.WithResolver(converterResolver(o.Plugins))
	}
	c, err := def.Parse(resolved)
	if err != nil {
		return nil, err
	}
	w := &Worker{
		Mode:                mode,
		Config:              c,
		BootstrapServers:    c.List("bootstrap.servers"),
		Key:                 newConverter(c, "key.converter", "key"),
		Value:               newConverter(c, "value.converter", "value"),
		Header:              newConverter(c, "header.converter", "header"),
		TaskShutdownTimeout: millis(c.Long("task.shutdown.graceful.timeout.ms")),
		OffsetFlushInterval: millis(c.Long("offset.flush.interval.ms")),
		OffsetFlushTimeout:  millis(c.Long("offset.flush.timeout.ms")),
		TopicCreation:       c.Bool("topic.creation.enable"),
		TopicTracking:       c.Bool("topic.tracking.enable"),
		TopicTrackingReset:  c.Bool("topic.tracking.allow.reset"),
		Own:                 newOwn(c),
	}
	if w.Overrides, err = NewOverridePolicy(c.String(keyOverridePolicy), resolved); err != nil {
		return nil, err
	}
	if w.REST, err = newREST(c); err != nil {
		return nil, err
	}
	if mode == Standalone {
		w.OffsetFile = c.String("offset.storage.file.filename")
	} else if w.Cluster, err = newCluster(c); err != nil {
		return nil, err
	}
	// The providers of connectors may themselves be configured by references.
	if w.providers, err = NewProviders(resolved, po); err != nil {
		return nil, err
	}
	w.Unknown = unknownKeys(c)
	return w, nil
}

func resolveWorker(ctx context.Context, props map[string]string, o ProviderOptions) (_ map[string]string, err error) {
	providers, err := NewProviders(props, o)
	if err != nil {
		return nil, err
	}
	defer func() {
		if cerr := providers.Close(); err == nil {
			err = cerr
		}
	}()
	resolved, err := providers.Resolve(ctx, props)
	return resolved.Props, err
}

// Providers resolve the references in connector configurations.
func (w *Worker) Providers() *Providers { return w.providers }

// Close releases the config providers.
func (w *Worker) Close() error { return w.providers.Close() }

// ExactlyOnceSource says whether source connectors can deliver exactly once.
func (w *Worker) ExactlyOnceSource() bool {
	return w.Cluster != nil && w.Cluster.ExactlyOnce == ExactlyOnceEnabled
}

// Prefixed returns the given settings under a prefix such as "producer.",
// "consumer.", "admin." or "listeners.https.", which is cut off.
func (w *Worker) Prefixed(prefix string) map[string]string {
	return w.Config.OriginalsWithPrefix(prefix)
}

func newConverter(c *cd.Config, setting, converterType string) ConverterSettings {
	props := c.OriginalsWithPrefix(setting + ".")
	props["converter.type"] = converterType
	return ConverterSettings{Class: c.Class(setting), Version: c.String(setting + ".plugin.version"), Props: props}
}

// converterResolver looks up converters; other settings name Java classes that we
// have no use for.
func converterResolver(p Plugins) cd.Resolver {
	return func(setting, class string) (string, bool) {
		switch setting {
		case "key.converter", "value.converter", "header.converter":
			return resolveClass(p, class)
		}
		return class, true
	}
}

// millis turns milliseconds into a duration, as long as there can be one.
func millis(ms int64) time.Duration {
	switch {
	case ms > math.MaxInt64/int64(time.Millisecond):
		return math.MaxInt64
	case ms < math.MinInt64/int64(time.Millisecond):
		return math.MinInt64
	}
	return time.Duration(ms) * time.Millisecond
}

// Cluster are the settings of a distributed worker alone.
type Cluster struct {
	GroupID, ClientID string
	// SessionTimeout, HeartbeatInterval and RebalanceTimeout are the group's times.
	SessionTimeout, HeartbeatInterval, RebalanceTimeout time.Duration
	// SyncTimeout and UnsyncBackoff are worker.{sync.timeout,unsync.backoff}.ms.
	SyncTimeout, UnsyncBackoff time.Duration
	// Protocol is connect.protocol: eager, compatible or sessioned.
	Protocol string
	// RebalanceDelay is scheduled.rebalance.max.delay.ms (KIP-415).
	RebalanceDelay time.Duration
	ExactlyOnce    ExactlyOnce

	// Config, Offset and Status are the topics that keep the cluster's state.
	Config, Offset, Status StorageTopic

	// KeyAlgorithm, KeySize (in bits) and KeyTTL say how keys that sign requests
	// between workers are made (KIP-507); SignatureAlgorithm signs with them, and
	// VerificationAlgorithms are accepted. Names are Java's.
	KeyAlgorithm           string
	KeySize                int
	KeyTTL                 time.Duration
	SignatureAlgorithm     string
	VerificationAlgorithms []string
}

// StorageTopic is a topic that keeps state.
type StorageTopic struct {
	Name string
	// Partitions and Replicas are for the topic's creation; -1 is the broker's default.
	Partitions int32
	Replicas   int16
	// Configs are further settings for its creation. It is always compacted.
	Configs map[string]string
}

func newCluster(c *cd.Config) (*Cluster, error) {
	k := &Cluster{
		GroupID:                c.String("group.id"),
		ClientID:               c.String("client.id"),
		SessionTimeout:         millis(int64(c.Int("session.timeout.ms"))),
		HeartbeatInterval:      millis(int64(c.Int("heartbeat.interval.ms"))),
		RebalanceTimeout:       millis(int64(c.Int("rebalance.timeout.ms"))),
		SyncTimeout:            millis(int64(c.Int("worker.sync.timeout.ms"))),
		UnsyncBackoff:          millis(int64(c.Int("worker.unsync.backoff.ms"))),
		Protocol:               strings.ToLower(c.String("connect.protocol")),
		RebalanceDelay:         millis(int64(c.Int("scheduled.rebalance.max.delay.ms"))),
		Config:                 newStorageTopic(c, "config.storage."),
		Offset:                 newStorageTopic(c, "offset.storage."),
		Status:                 newStorageTopic(c, "status.storage."),
		KeyTTL:                 millis(int64(c.Int("inter.worker.key.ttl.ms"))),
		SignatureAlgorithm:     c.String("inter.worker.signature.algorithm"),
		VerificationAlgorithms: c.List("inter.worker.verification.algorithms"),
	}
	switch strings.ToLower(c.String("exactly.once.source.support")) {
	case "preparing":
		k.ExactlyOnce = ExactlyOncePreparing
	case "enabled":
		k.ExactlyOnce = ExactlyOnceEnabled
	}
	if err := k.setKey(c); err != nil {
		return nil, err
	}
	if !slices.Contains(k.VerificationAlgorithms, k.SignatureAlgorithm) {
		return nil, errs.InvalidValue("inter.worker.signature.algorithm", k.SignatureAlgorithm,
			"Signature algorithm must be present in inter.worker.verification.algorithms list")
	}
	return k, nil
}

// setKey checks the key as DistributedConfig does by making one.
func (k *Cluster) setKey(c *cd.Config) error {
	k.KeyAlgorithm = c.String("inter.worker.key.generation.algorithm")
	i, _ := macAlgorithm(k.KeyAlgorithm)
	k.KeySize = macAlgorithms[i].bits
	if c.IsNull("inter.worker.key.size") {
		return nil
	}
	k.KeySize = int(c.Int("inter.worker.key.size"))
	least, text := 40, "Key length must be at least 40 bits"
	if macAlgorithms[i].name == "HmacSHA1" {
		least, text = 1, "Empty key"
	}
	if k.KeySize < least {
		return errs.Config("Unable to create key generator with algorithm %s and key size %d: %s", k.KeyAlgorithm, k.KeySize, text)
	}
	return nil
}

// newStorageTopic reads a topic's settings; those it has in any case are left out
// of Configs (DistributedConfig.topicSettings).
func newStorageTopic(c *cd.Config, prefix string) StorageTopic {
	t := StorageTopic{
		Name: c.String(prefix + "topic"), Partitions: 1, Replicas: c.Short(prefix + "replication.factor"),
		Configs: c.OriginalsWithPrefix(prefix),
	}
	if c.Has(prefix + "partitions") {
		t.Partitions = c.Int(prefix + "partitions")
	}
	for _, fixed := range []string{"topic", "partitions", "replication.factor", "cleanup.policy"} {
		delete(t.Configs, fixed)
	}
	return t
}
