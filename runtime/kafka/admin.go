package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/moldau-io/moldau/connect/errs"
)

// DefaultAPITimeout is the default of default.api.timeout.ms: how long an Admin tries.
const DefaultAPITimeout = time.Minute

// AdminOptions describe an Admin.
type AdminOptions struct {
	// Brokers are the bootstrap servers, for error messages.
	Brokers string
	// Client are the options of its client.
	Client []kgo.Opt
	// APITimeout bounds each call with its retries; 0 for DefaultAPITimeout.
	APITimeout time.Duration
	// Logger must not be nil.
	Logger *slog.Logger
}

// Admin creates, checks and describes topics and changes the offsets of groups:
// Java's TopicAdmin and what Connect uses of its Admin client. Calls are tried again
// while their errors are retriable, until ctx or the API timeout ends. It is safe for
// concurrent use.
type Admin struct {
	opts   AdminOptions
	client *kgo.Client
	kadm   *kadm.Client
}

// NewAdmin makes an admin client; it does not connect yet.
func NewAdmin(opts AdminOptions) (*Admin, error) {
	if opts.APITimeout <= 0 {
		opts.APITimeout = DefaultAPITimeout
	}
	c, err := kgo.NewClient(opts.Client...)
	if err != nil {
		return nil, errs.Wrap(errs.ClassKafka, err, "Failed to create new KafkaAdminClient")
	}
	a := &Admin{opts: opts, client: c, kadm: kadm.NewClient(c)}
	a.kadm.SetTimeoutMillis(int32(min(opts.APITimeout, 30*time.Second) / time.Millisecond))
	return a, nil
}

// Close ends the client's connections.
func (a *Admin) Close() { a.client.Close() }

// retry calls fn until it succeeds or fails for good.
func (a *Admin) retry(ctx context.Context, what string, fn func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, a.opts.APITimeout)
	defer cancel()
	for pause := retryMin; ; pause = nextPause(pause) {
		err := fn(ctx)
		// Unlike clients that read and write, an admin takes a missing topic as an answer.
		if err == nil || !Retriable(err) || errors.Is(err, kerr.UnknownTopicOrPartition) {
			return err
		}
		if ctx.Err() == nil {
			a.opts.Logger.Debug("Trying again", "what", what, "brokers", a.opts.Brokers, "error", err)
		}
		if !sleep(ctx, pause) {
			return &timeoutError{what: what, timeout: a.opts.APITimeout, last: err}
		}
	}
}

// timeoutError says that retries did not help in time.
type timeoutError struct {
	what    string
	timeout time.Duration
	last    error
}

func (e *timeoutError) Error() string {
	return fmt.Sprintf("gave up %s within %s: %v", e.what, e.timeout, e.last)
}

func (e *timeoutError) Unwrap() []error { return []error{context.DeadlineExceeded, e.last} }

func timedOut(err error) bool {
	var t *timeoutError
	return errors.As(err, &t) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, kerr.RequestTimedOut)
}

// javaTimeout is the exception below a ConnectException that tells of a time-out.
func javaTimeout(err error) error {
	var t *timeoutError
	if errors.As(err, &t) {
		return errs.Wrap(classTimeout, t.last, "%s", err.Error())
	}
	return JavaError(err)
}

// metadata asks a broker, past the client's cache, which may be some seconds old.
func (a *Admin) metadata(ctx context.Context, topics ...string) (*kmsg.MetadataResponse, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // none, rather than all
	for _, t := range topics {
		rt := kmsg.NewMetadataRequestTopic()
		rt.Topic = &t
		req.Topics = append(req.Topics, rt)
	}
	return req.RequestWith(ctx, a.client)
}

// ClusterID returns the id of the Kafka cluster, "" when it has none
// (ConnectUtils.lookupKafkaClusterId).
func (a *Admin) ClusterID(ctx context.Context) (string, error) {
	var id string
	err := a.retry(ctx, "describing the cluster", func(ctx context.Context) error {
		m, err := a.metadata(ctx)
		if err == nil && m.ClusterID != nil {
			id = *m.ClusterID
		}
		var dns *net.DNSError
		if errors.As(err, &dns) && dns.IsNotFound {
			return errs.Wrap(errs.ClassConfig, err, "No resolvable bootstrap urls given in bootstrap.servers").
				WithHint("no such host: %s", dns.Name)
		}
		return err
	})
	if err != nil {
		return "", errs.Wrap(errs.ClassConnect, javaTimeout(err), "Failed to connect to and describe Kafka cluster. Check worker's broker connection and security properties.").
			WithHint("bootstrap.servers=%s", a.opts.Brokers)
	}
	return id, nil
}

// NewTopic describes a topic to create.
type NewTopic struct {
	Name string
	// Partitions and ReplicationFactor are -1 for the broker's default.
	Partitions        int32
	ReplicationFactor int16
	// Configs are the topic's settings.
	Configs map[string]string
}

// String is the text of Java's NewTopic.
func (t NewTopic) String() string {
	count := func(n int) string {
		if n == -1 {
			return "default"
		}
		return fmt.Sprint(n)
	}
	var configs []string
	for _, k := range slices.Sorted(maps.Keys(t.Configs)) {
		configs = append(configs, k+"="+t.Configs[k])
	}
	return fmt.Sprintf("(name=%s, numPartitions=%s, replicationFactor=%s, replicasAssignments=null, configs={%s})",
		t.Name, count(int(t.Partitions)), count(int(t.ReplicationFactor)), strings.Join(configs, ", "))
}

// TopicResult says what became of a request to create a topic.
type TopicResult int

// The outcomes of CreateTopic.
const (
	// TopicUnknown: this client may not create topics, or the broker cannot. The topic
	// may exist or be created when it is first used.
	TopicUnknown TopicResult = iota
	// TopicCreated: it did not exist before.
	TopicCreated
	// TopicExists: it did.
	TopicExists
)

// CreateTopic creates a topic unless it exists (TopicAdmin.createOrFindTopics).
func (a *Admin) CreateTopic(ctx context.Context, t NewTopic) (TopicResult, error) {
	return a.createTopic(ctx, t, false)
}

// createTopic may wait for more brokers where the replication factor needs them, since
// they may still be starting (createTopicsWithRetry).
func (a *Admin) createTopic(ctx context.Context, t NewTopic, awaitBrokers bool) (TopicResult, error) {
	configs := make(map[string]*string, len(t.Configs))
	for k, v := range t.Configs {
		configs[k] = &v
	}
	result, message := TopicCreated, ""
	err := a.retry(ctx, "creating topic "+t.Name, func(ctx context.Context) error {
		resp, err := a.kadm.CreateTopic(ctx, t.Partitions, t.ReplicationFactor, configs, t.Name)
		message = resp.ErrMessage
		switch {
		case errors.Is(err, kerr.TopicAlreadyExists):
			result = TopicExists
			return nil
		case errors.Is(err, kerr.UnsupportedVersion), authorization(err):
			a.opts.Logger.Debug("Not able to create the topic, going on as if it existed or will be created by the broker", "topic", t.Name, "error", err)
			result = TopicUnknown
			return nil
		case errors.Is(err, kerr.InvalidReplicationFactor) && awaitBrokers:
			return &replicationError{err}
		}
		return err
	})
	if result == TopicCreated && err == nil {
		a.opts.Logger.Info("Created topic "+t.String(), "brokers", a.opts.Brokers)
	}
	var rep *replicationError
	switch {
	case err == nil:
		return result, nil
	case errors.Is(err, kerr.InvalidReplicationFactor):
		if errors.As(err, &rep) {
			err = rep.error
		}
		cause := a.topicError(err, message)
		text, _ := errs.Message(cause)
		return result, errs.Wrap(errs.ClassConnect, cause, "Unable to create topic(s) '%s': %s", t.Name, text).
			WithHint("a replication factor of %d needs as many brokers; change it, or start more", t.ReplicationFactor)
	case timedOut(err):
		return result, errs.Wrap(errs.ClassConnect, javaTimeout(err), "Timed out while checking for or creating topic(s) '%s'."+
			" This could indicate a connectivity issue, unavailable topic partitions, or if"+
			" this is your first use of the topic it may have taken too long to create.", t.Name)
	case errors.Is(err, kerr.InvalidConfig):
		cause := a.topicError(err, message)
		text, _ := errs.Message(cause)
		return result, errs.Wrap(errs.ClassConnect, cause, "Unable to create topic(s) '%s': %s", t.Name, text)
	}
	return result, errs.Wrap(errs.ClassConnect, a.topicError(err, message), "Error while attempting to create/find topic(s) '%s'", t.Name)
}

// replicationError makes an invalid replication factor retriable.
type replicationError struct{ error }

func (e *replicationError) Unwrap() error   { return e.error }
func (e *replicationError) Temporary() bool { return true }

// topicError is JavaError with the broker's own message, where it sent one.
func (a *Admin) topicError(err error, message string) error {
	e := JavaError(err)
	var labelled *errs.Error
	if message != "" && errors.As(e, &labelled) {
		c := *labelled
		c.Message = message
		return &c
	}
	return e
}

// DescribeTopic returns the number of partitions of a topic; false if it does not
// exist (TopicAdmin.describeTopics).
func (a *Admin) DescribeTopic(ctx context.Context, topic string) (partitions int, exists bool, err error) {
	err = a.retry(ctx, "describing topic "+topic, func(ctx context.Context) error {
		m, err := a.metadata(ctx, topic)
		if err != nil {
			return err
		}
		if len(m.Topics) != 1 {
			return fmt.Errorf("the broker described %d topics instead of one", len(m.Topics))
		}
		if err := kerr.ErrorForCode(m.Topics[0].ErrorCode); err != nil {
			if errors.Is(err, kerr.UnknownTopicOrPartition) {
				return nil
			}
			return err
		}
		partitions, exists = len(m.Topics[0].Partitions), true
		return nil
	})
	switch {
	case err == nil:
		return partitions, exists, nil
	case authorization(err):
		return 0, false, errs.Wrap(errs.ClassConnect, JavaError(err), "Not authorized to describe topic(s) '%s' on the brokers %s", topic, a.opts.Brokers)
	case timedOut(err):
		return 0, false, errs.Wrap(errs.ClassRetriable, javaTimeout(err), "Timed out while describing topics '%s'", topic)
	}
	return 0, false, errs.Wrap(errs.ClassConnect, JavaError(err), "Error while attempting to describe topics '%s'", topic)
}

// CleanupPolicy returns the cleanup policies of a topic, sorted and in lower case. It
// returns none when the topic does not exist or they cannot be read.
func (a *Admin) CleanupPolicy(ctx context.Context, topic string) ([]string, error) {
	var policies []string
	err := a.retry(ctx, "describing the settings of topic "+topic, func(ctx context.Context) error {
		rcs, err := a.kadm.DescribeTopicConfigs(ctx, topic)
		if err != nil {
			return shardError(err)
		}
		rc, err := rcs.On(topic, nil)
		if err != nil {
			return err
		}
		if rc.Err != nil {
			return rc.Err
		}
		for _, c := range rc.Configs {
			if c.Key != "cleanup.policy" || c.Value == nil {
				continue
			}
			for _, p := range strings.Split(*c.Value, ",") {
				if p = strings.ToLower(strings.TrimSpace(p)); p != "" && !slices.Contains(policies, p) {
					policies = append(policies, p)
				}
			}
		}
		return nil
	})
	slices.Sort(policies)
	switch {
	case err == nil:
		return policies, nil
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.UnsupportedVersion), authorization(err):
		a.opts.Logger.Debug("Cannot describe the topic's settings", "topic", topic, "error", err)
		return nil, nil
	case timedOut(err):
		return nil, errs.Wrap(errs.ClassRetriable, javaTimeout(err), "Timed out while waiting to describe topic config for topic '%s' on brokers at %s", topic, a.opts.Brokers)
	}
	return nil, errs.Wrap(errs.ClassConnect, JavaError(err), "Error while attempting to describe topic config for topic '%s' on brokers at %s", topic, a.opts.Brokers)
}

// shardError returns what went wrong with a broker's part of a request.
func shardError(err error) error {
	var shards *kadm.ShardErrors
	if errors.As(err, &shards) && len(shards.Errs) > 0 {
		return shards.Errs[0].Err
	}
	var auth *kadm.AuthError
	if errors.As(err, &auth) {
		return auth.Err
	}
	return err
}

// InternalTopic is one of the worker's own topics.
type InternalTopic struct {
	Name string
	// Partitions is -1 for the broker's default; the config topic has 1.
	Partitions int32
	// ReplicationFactor is -1 for the broker's default.
	ReplicationFactor int16
	// Settings are the user's further settings; the cleanup policy is always compact.
	Settings map[string]string
	// Key is the worker's key that names the topic, such as "config.storage.topic".
	Key string
	// Purpose is what is kept there, such as "connector configurations".
	Purpose string
}

// EnsureInternalTopic creates a topic for the worker, or checks that the one that
// exists is only compacted: anything else loses data in time. It fails with a
// ConfigException that names the cure (KafkaTopicBasedBackingStore.topicInitializer).
func (a *Admin) EnsureInternalTopic(ctx context.Context, t InternalTopic) error {
	configs := maps.Clone(t.Settings)
	if configs == nil {
		configs = map[string]string{}
	}
	configs["cleanup.policy"] = "compact"
	result, err := a.createTopic(ctx, NewTopic{Name: t.Name, Partitions: t.Partitions, ReplicationFactor: t.ReplicationFactor, Configs: configs}, true)
	if err != nil || result == TopicCreated {
		return err
	}
	policies, err := a.CleanupPolicy(ctx, t.Name)
	if err != nil {
		return err
	}
	if len(policies) == 0 {
		a.opts.Logger.Info(fmt.Sprintf("Unable to use admin client to verify the cleanup policy of '%s' topic is 'compact', either because the broker is an older version or because the Kafka principal used for Connect internal topics does not have the required permission to describe topic configurations.", t.Name))
		return nil
	}
	if len(policies) == 1 && policies[0] == "compact" {
		return nil
	}
	return errs.Config("Topic '%[1]s' supplied via the '%[2]s' property is required to have 'cleanup.policy=compact' to guarantee consistency and durability of "+
		"%[3]s, but found the topic currently has 'cleanup.policy=%[4]s'. Continuing would likely "+
		"result in eventually losing %[3]s and problems restarting this Connect cluster in the future. Change the '%[2]s' property in the "+
		"Connect worker configurations to use a topic with 'cleanup.policy=compact'.", t.Name, t.Key, t.Purpose, strings.Join(policies, ","))
}

// EndOffsets returns the end offset of each partition of a topic, those of open
// transactions included.
func (a *Admin) EndOffsets(ctx context.Context, topic string) (map[int32]int64, error) {
	ends := map[int32]int64{}
	err := a.retry(ctx, "reading the end offsets of topic "+topic, func(ctx context.Context) error {
		listed, err := a.kadm.ListEndOffsets(ctx, topic)
		if err == nil {
			err = listed.Error()
		}
		for p, o := range listed[topic] {
			ends[p] = o.Offset
		}
		return shardError(err)
	})
	if err != nil {
		return nil, errs.Wrap(errs.ClassConnect, javaTimeout(err), "Error while getting end offsets for topic '%s' on brokers at %s", topic, a.opts.Brokers)
	}
	return ends, nil
}

// FenceProducers makes all producers that use one of these transactional ids fail, and
// aborts their open transactions (Admin.fenceProducers, KIP-618).
func (a *Admin) FenceProducers(ctx context.Context, transactionalIDs []string) error {
	for _, id := range transactionalIDs {
		err := a.retry(ctx, "fencing producers of transactional id "+id, func(ctx context.Context) error {
			req := kmsg.NewPtrInitProducerIDRequest()
			req.TransactionalID = &id
			req.TransactionTimeoutMillis = int32(a.opts.APITimeout / time.Millisecond)
			req.ProducerID, req.ProducerEpoch = -1, -1
			resp, err := req.RequestWith(ctx, a.client)
			if err != nil {
				return err
			}
			return kerr.ErrorForCode(resp.ErrorCode)
		})
		if err != nil {
			return errs.Wrap(errs.Class(javaTimeout(err)), err, "Cannot fence out producers with transactional id %s: %s", id, err.Error())
		}
	}
	return nil
}
