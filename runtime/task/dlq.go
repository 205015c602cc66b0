package task

import (
	"context"
	"errors"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/kafka"
)

// dlqPrefix begins the names of the headers that tell why a record is in a
// dead-letter topic.
const dlqPrefix = "__connect.errors."

// deadLetters writes records that failed to a topic, as they were read
// (DeadLetterQueueReporter).
//
// Java drops a record silently that it cannot write there. Here such a record fails
// the task, so that its offset does not move (invariant I3), but for one case: a
// record that is too large for the topic is logged and let go, as no restart
// would help.
type deadLetters struct {
	life   *lifecycle
	cfg    DeadLetterConfig
	client *kgo.Client
	// ctx ends with the task. The client holds a bounded number of bytes; when it is
	// full, report waits.
	ctx context.Context
}

// newDeadLetters makes sure that the topic exists and makes the producer.
func newDeadLetters(ctx context.Context, l *lifecycle, cfg DeadLetterConfig) (*deadLetters, error) {
	if cfg.MaxRequestSize <= 0 {
		cfg.MaxRequestSize = defaultMaxRequest
	}
	wrap := func(err error) error {
		return errs.Wrap(errs.ClassConnect, err, "Could not initialize dead letter queue with topic="+cfg.Topic)
	}
	_, exists, err := cfg.Admin.DescribeTopic(ctx, cfg.Topic)
	if err != nil {
		return nil, wrap(javaError(err))
	}
	if !exists {
		l.log.Error("Topic " + cfg.Topic + " doesn't exist. Will attempt to create topic.")
		t := kafka.NewTopic{Name: cfg.Topic, Partitions: 1, ReplicationFactor: cfg.ReplicationFactor}
		if _, err := cfg.Admin.CreateTopic(ctx, t); err != nil {
			return nil, wrap(err)
		}
	}
	client, err := cfg.NewProducer(kgo.RecordPartitioner(newPartitioner()), kgo.MaxBufferedRecords(1<<20), kgo.MaxBufferedBytes(defaultBuffer), kgo.UnknownTopicRetries(-1))
	if err != nil {
		return nil, err
	}
	return &deadLetters{life: l, cfg: cfg, client: client, ctx: ctx}, nil
}

func (d *deadLetters) report(f *failure, done func(error)) {
	m := &d.life.meter
	m.dead.Add(1)
	if f.consumed == nil {
		m.deadFailures.Add(1)
		done(nil)
		return
	}
	r := &kgo.Record{
		Topic: d.cfg.Topic, Key: f.consumed.Key, Value: f.consumed.Value,
		Headers: f.consumed.Headers[:len(f.consumed.Headers):len(f.consumed.Headers)],
	}
	if f.consumed.Timestamp.UnixMilli() >= 0 {
		r.Timestamp = f.consumed.Timestamp
	}
	if d.cfg.ContextHeaders {
		r.Headers = append(r.Headers, d.contextHeaders(f)...)
	}
	ended := func(r *kgo.Record, err error) {
		done(d.ended(f, r, err))
	}
	if err := checkSize(r, recordSize(r), d.cfg.MaxRequestSize, defaultBuffer, "producer.override."); err != nil {
		ended(r, err)
		return
	}
	d.client.Produce(d.ctx, r, ended)
}

// ended notes the end of a write and returns the error that must end the task.
func (d *deadLetters) ended(f *failure, r *kgo.Record, err error) error {
	if err == nil {
		return nil
	}
	d.life.meter.deadFailures.Add(1)
	var e *errs.Error
	if !errors.As(err, &e) {
		e = produceError(err, r)
	}
	d.life.log.Error("Could not produce message to dead letter queue. topic="+d.cfg.Topic,
		"record", consumedText(f.consumed), "stage", string(f.stage), "reason", errs.String(f.err), "error", errs.Trace(e))
	if e.Class == commonErrors+"RecordTooLargeException" || errors.Is(err, kerr.MessageTooLarge) {
		return nil
	}
	return errs.Wrap(errs.ClassConnect, e, "Could not write the record "+consumedText(f.consumed)+" to the dead-letter topic "+d.cfg.Topic).
		WithHint("its offset was not committed: make the topic writable and restart the task")
}

// close writes what is still to be written, no longer than ctx allows.
func (d *deadLetters) close(ctx context.Context) {
	if err := d.client.Flush(ctx); err != nil {
		d.life.log.Warn("Dead letters were not written before the task ended; their records will be read again", "topic", d.cfg.Topic, "error", err)
	}
	d.client.Close()
}

func (d *deadLetters) contextHeaders(f *failure) []kgo.RecordHeader {
	h := func(name, value string) kgo.RecordHeader {
		return kgo.RecordHeader{Key: dlqPrefix + name, Value: []byte(value)}
	}
	message := kgo.RecordHeader{Key: dlqPrefix + "exception.message"}
	if text, ok := errs.Message(f.err); ok {
		message.Value = []byte(text)
	}
	return []kgo.RecordHeader{
		h("topic", f.consumed.Topic),
		h("partition", strconv.Itoa(int(f.consumed.Partition))),
		h("offset", strconv.FormatInt(f.consumed.Offset, 10)),
		h("connector.name", d.life.id.Connector),
		h("task.id", strconv.Itoa(d.life.id.Task)),
		h("stage", string(f.stage)),
		h("class.name", f.class),
		h("exception.class.name", errs.Class(f.err)),
		message,
		h("exception.stacktrace", errs.Trace(f.err, d.life.frames(f.err)...)),
	}
}
