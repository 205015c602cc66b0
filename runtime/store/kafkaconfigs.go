package store

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/internal/broken"
	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/runtime/state"
)

const (
	// writeTimeout bounds a write to the config topic with the reads around it
	// (KafkaConfigBackingStore.READ_WRITE_TOTAL_TIMEOUT_MS).
	writeTimeout = 30 * time.Second
	// claimTimeout is Java's default of max.block.ms, within which a transactional
	// producer must find its coordinator.
	claimTimeout = time.Minute

	configTopicKey     = "config.storage.topic"
	configTopicPurpose = "connector configurations"
)

// TopicOptions say how a store reaches its topic.
type TopicOptions struct {
	// Topic is the topic to create or check; the store sets Key and Purpose, and the
	// partitions of the config topic.
	Topic kafka.InternalTopic
	// Admin creates the topic. It is not closed by the store.
	Admin *kafka.Admin
	// Brokers are the bootstrap servers, for error messages.
	Brokers string
	// Reader and Writer are the options of the clients; nil Writer for a store that is
	// only read.
	Reader, Writer []kgo.Opt
	// ReadCommitted leaves out what open and aborted transactions wrote. It is to be set
	// with exactly-once support.
	ReadCommitted bool
	// Logger must not be nil.
	Logger *slog.Logger
}

func (o TopicOptions) log(deliver func(*kgo.Record)) *kafka.Log {
	return kafka.NewLog(kafka.LogConfig{
		Topic: o.Topic.Name, Brokers: o.Brokers, Reader: o.Reader, Writer: o.Writer,
		ReadCommitted: o.ReadCommitted, Deliver: deliver, Logger: o.Logger,
	})
}

// KafkaConfigOptions are those of a config store in a topic.
type KafkaConfigOptions struct {
	TopicOptions
	// Leader are the options of the transactional producer of the group's leader, its
	// transactional id among them. nil where writes are not fenced, that is where
	// exactly-once support is neither enabled nor being prepared (KIP-618).
	Leader []kgo.Opt
}

// kafkaConfigs is the config store in a compacted topic (KafkaConfigBackingStore).
type kafkaConfigs struct {
	*configState
	opts     KafkaConfigOptions
	log      *kafka.Log
	listener ConfigListener

	// writing holds the one right to use writer.
	writing chan struct{}
	writer  *kafka.TxnWriter
}

// NewKafkaConfigs returns a config store in a topic.
func NewKafkaConfigs(opts KafkaConfigOptions) ConfigStore {
	opts.Topic.Key, opts.Topic.Purpose, opts.Topic.Partitions = configTopicKey, configTopicPurpose, 1
	s := &kafkaConfigs{configState: newConfigState(opts.Topic.Name, opts.Logger), opts: opts, writing: make(chan struct{}, 1)}
	s.log = opts.log(func(r *kgo.Record) {
		var key *string
		if r.Key != nil {
			k := string(r.Key)
			key = &k
		}
		s.read(key, r.Value, r.Partition, r.Offset)
	})
	return s
}

func (s *kafkaConfigs) SetListener(l ConfigListener) { s.listener = l }

func (s *kafkaConfigs) Start(ctx context.Context) error {
	if err := s.opts.Admin.EnsureInternalTopic(ctx, s.opts.Topic); err != nil {
		return err
	}
	if err := s.log.Start(ctx); err != nil {
		return err
	}
	if n := s.log.Partitions(); n > 1 {
		return errs.Config("Topic '%s' supplied via the '%s' property is required to have a single partition in order to guarantee consistency of "+
			"connector configurations, but found %d partitions.", s.opts.Topic.Name, configTopicKey, n)
	}
	s.listen(s.listener)
	return nil
}

func (s *kafkaConfigs) Stop(ctx context.Context) error {
	err := s.log.Stop(ctx)
	select {
	case s.writing <- struct{}{}: // also when ctx has ended
	default:
		if lockErr := s.lock(ctx); lockErr != nil {
			return errors.Join(err, lockErr)
		}
	}
	s.relinquish()
	<-s.writing
	return err
}

func (s *kafkaConfigs) Refresh(ctx context.Context) error {
	if err := s.log.ReadToEnd(ctx); err != nil {
		return errs.Wrap(errs.ClassConnect, err, "Error trying to read to end of config log")
	}
	return nil
}

func (s *kafkaConfigs) ClaimWritePrivileges(ctx context.Context) error {
	if s.opts.Leader == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	if err := s.lock(ctx); err != nil {
		return errs.Wrap(errs.ClassConnect, err, "Failed to create and initialize fencable producer for config topic")
	}
	defer func() { <-s.writing }()
	if s.writer != nil {
		return nil
	}
	w, err := kafka.OpenTxnWriter(ctx, s.opts.Topic.Name, s.opts.Leader)
	if err != nil {
		return errs.Wrap(errs.ClassConnect, err, "Failed to create and initialize fencable producer for config topic")
	}
	s.writer = w
	return nil
}

func (s *kafkaConfigs) lock(ctx context.Context) error {
	select {
	case s.writing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// relinquish gives the privileges up. The caller holds writing.
func (s *kafkaConfigs) relinquish() {
	if s.writer != nil {
		s.writer.Close()
		s.writer = nil
	}
}

// send writes records, in a transaction where writes are fenced.
func (s *kafkaConfigs) send(ctx context.Context, records ...record) error {
	batch := make([]kgo.Record, len(records))
	for i, r := range records {
		batch[i] = kgo.Record{Key: []byte(r.key), Value: r.value}
	}
	if s.opts.Leader == nil || broken.Invariant(5) {
		return s.log.SendAll(ctx, batch...)
	}
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer func() { <-s.writing }()
	if s.writer == nil {
		return errs.New(errs.ClassIllegalState, "Cannot produce to config topic without claiming write privileges first")
	}
	if err := s.writer.Write(ctx, batch...); err != nil {
		s.opts.Logger.Warn("Failed to perform fencable send to config topic", "topic", s.opts.Topic.Name, "error", err)
		s.relinquish()
		return privilegedWriteError(err)
	}
	return nil
}

// put sends records and reads them back. what words the error, as Java's texts do.
func (s *kafkaConfigs) put(ctx context.Context, what string, records ...record) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	err := s.send(ctx, records...)
	if err == nil {
		err = s.log.ReadToEnd(ctx)
	}
	return putError(what, err)
}

// putError words what a write ended with. Lost privileges and wrong use stay as they are.
func putError(what string, err error) error {
	if err == nil || IsPrivilegedWrite(err) || errs.Class(err) == errs.ClassIllegalState {
		return err
	}
	return errs.Wrap(errs.ClassConnect, err, "Error %s Kafka", what)
}

func (s *kafkaConfigs) PutConnector(ctx context.Context, connector string, config state.Config, target state.TargetState) error {
	var records []record
	if target != "" {
		records = append(records, encodeTarget(connector, target))
	}
	return s.put(ctx, "writing connector configuration to", append(records, encodeConnector(connector, config))...)
}

func (s *kafkaConfigs) RemoveConnector(ctx context.Context, connector string) error {
	return s.put(ctx, "removing connector configuration from", record{key: connectorPrefix + connector}, record{key: targetStatePrefix + connector})
}

func (s *kafkaConfigs) PutTaskConfigs(ctx context.Context, connector string, configs []state.Config) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	const root, tasks = "writing root configuration to", "writing task configurations to"
	if err := s.log.ReadToEnd(ctx); err != nil {
		return putError(root, err)
	}
	if len(configs) > 0 {
		if err := s.send(ctx, encodeTasks(connector, configs)...); err != nil {
			return putError(tasks, err)
		}
		if err := s.log.ReadToEnd(ctx); err != nil {
			return putError(root, err)
		}
	}
	err := s.send(ctx, encodeCommit(connector, len(configs)))
	if err == nil {
		err = s.log.ReadToEnd(ctx)
	}
	return putError(root, err)
}

func (s *kafkaConfigs) RemoveTaskConfigs(ctx context.Context, connector string) error {
	return s.PutTaskConfigs(ctx, connector, nil)
}

func (s *kafkaConfigs) PutTaskCountRecord(ctx context.Context, connector string, tasks int) error {
	return s.put(ctx, "writing task count record to", encodeTaskCount(connector, tasks))
}

func (s *kafkaConfigs) PutSessionKey(ctx context.Context, key state.SessionKey) error {
	return s.put(ctx, "writing session key to", encodeSessionKey(key))
}

func (s *kafkaConfigs) PutRestartRequest(ctx context.Context, r state.RestartRequest) error {
	return s.put(ctx, "writing "+r.String()+" to", encodeRestart(r))
}

func (s *kafkaConfigs) PutTargetState(ctx context.Context, connector string, target state.TargetState) error {
	return s.putAny(ctx, "writing target state to", encodeTarget(connector, target))
}

func (s *kafkaConfigs) PutLoggerLevel(ctx context.Context, logger, level string) error {
	return s.putAny(ctx, "writing logger level to", encodeLogger(logger, level))
}

// putAny writes what any worker may write, outside of transactions.
func (s *kafkaConfigs) putAny(ctx context.Context, what string, r record) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return putError(what, s.log.Send(ctx, []byte(r.key), r.value))
}
