package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/moldau-io/moldau/connect/errs"
)

const (
	// topicTimeout is how long Start waits for the topic to show up (KafkaBasedLog).
	topicTimeout = 30 * time.Second
	// fetchMaxWait is Java's default of fetch.max.wait.ms.
	fetchMaxWait = 500 * time.Millisecond
	// probeAfter is how long a read to the end sees no progress before it asks the
	// broker whether there is anything left to read.
	probeAfter = 250 * time.Millisecond
	// slowAfter is how long a read to the end may take before the log says so.
	slowAfter = 10 * time.Second
	// retryMin and retryMax bound the pause between tries.
	retryMin, retryMax = 100 * time.Millisecond, 5 * time.Second
)

// errStopped ends what waits on a Log that is stopped.
var errStopped error = errs.Connect("The log was stopped")

// LogConfig describes a Log.
type LogConfig struct {
	// Topic is the compacted topic. It must exist, or be about to.
	Topic string
	// Brokers are the bootstrap servers, for error messages.
	Brokers string
	// Reader are options for the client that reads: connection and isolation level.
	Reader []kgo.Opt
	// Writer are options for the client that writes. Without any the log is read-only.
	// Log adds acks=all and at most one request in flight, without idempotence, so
	// that old brokers and missing permissions are no hindrance.
	Writer []kgo.Opt
	// ReadCommitted leaves out records of transactions that are open or aborted.
	ReadCommitted bool
	// Deliver takes each record, by one goroutine, in order within a partition. It
	// must not wait for the log.
	Deliver func(*kgo.Record)
	// Logger must not be nil.
	Logger *slog.Logger
}

// Log is a compacted topic that is read from its start to its end and then followed:
// Java's KafkaBasedLog. It copes with empty partitions, partitions added later,
// transaction markers, aborted transactions and what compaction leaves.
type Log struct {
	cfg    LogConfig
	reader *kgo.Client
	writer *kgo.Client
	admin  *kadm.Client

	cancel context.CancelFunc
	done   chan struct{} // closed when the reading goroutine has ended

	mu        sync.Mutex
	positions map[int32]int64 // the next offset to deliver
	changed   chan struct{}   // closed at the next change of positions
	fetchErr  map[int32]string

	probing sync.Mutex // one reader asks for all of them
}

// NewLog returns a log that is not started yet.
func NewLog(cfg LogConfig) *Log {
	return &Log{cfg: cfg, positions: map[int32]int64{}, changed: make(chan struct{}), fetchErr: map[int32]string{}, done: make(chan struct{})}
}

// Start reads the topic to its end and follows it from there; with ReadCommitted, the
// end is where the first open transaction begins, for a writer that was killed may have
// left one that nobody ends before its timeout. Start waits for a topic that is just
// being created, and tries again for as long as ctx allows when brokers cannot be
// reached. After an error, and once only, Stop must still be called.
func (l *Log) Start(ctx context.Context) error {
	read := append([]kgo.Opt{kgo.FetchMaxWait(fetchMaxWait)}, l.cfg.Reader...)
	read = append(read, kgo.AlwaysRetryEOF(), kgo.ConsumeTopics(l.cfg.Topic), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.KeepControlRecords())
	if l.cfg.ReadCommitted {
		read = append(read, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	var err error
	if l.reader, err = kgo.NewClient(read...); err != nil {
		return errs.Wrap(errs.ClassKafka, err, "Failed to construct kafka consumer")
	}
	l.admin = kadm.NewClient(l.reader)
	if l.cfg.Writer != nil {
		write := append([]kgo.Opt{}, l.cfg.Writer...)
		write = append(write, kgo.AlwaysRetryEOF(), kgo.RequiredAcks(kgo.AllISRAcks()), kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1),
			kgo.DefaultProduceTopicAlways(), kgo.DefaultProduceTopic(l.cfg.Topic), kgo.UnknownTopicRetries(-1))
		if l.writer, err = kgo.NewClient(write...); err != nil {
			return errs.Wrap(errs.ClassKafka, err, "Failed to construct kafka producer")
		}
	}
	if err := l.awaitTopic(ctx); err != nil {
		return err
	}
	run, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	go l.run(run)
	if l.cfg.ReadCommitted {
		return l.readTo(ctx, l.admin.ListCommittedOffsets)
	}
	return l.ReadToEnd(ctx)
}

// Stop writes what Send still holds, as long as ctx allows, ends the reading
// goroutine and waits for it.
func (l *Log) Stop(ctx context.Context) error {
	var err error
	if l.writer != nil {
		if err = l.writer.Flush(ctx); err != nil {
			err = errs.Wrap(classTimeout, err, "Failed to write all records to topic '%s' before stopping", l.cfg.Topic)
		}
		l.writer.Close()
	}
	if l.cancel != nil {
		l.cancel()
		<-l.done
	}
	if l.reader != nil {
		l.reader.Close()
	}
	return err
}

// Partitions is the number of partitions known now.
func (l *Log) Partitions() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.positions)
}

// awaitTopic finds the topic's partitions and where they start.
func (l *Log) awaitTopic(ctx context.Context) error {
	deadline := time.Now().Add(topicTimeout)
	for pause := retryMin; ; pause = nextPause(pause) {
		err := l.learnPartitions(ctx)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, kerr.UnknownTopicID):
			if time.Now().After(deadline) {
				return errs.Wrap(errs.ClassConnect, JavaError(err), "Could not look up partition metadata for topic '%s' in the"+
					" allotted period. This could indicate a connectivity issue, unavailable topic partitions, or if"+
					" this is your first use of the topic it may have taken too long to create.", l.cfg.Topic)
			}
		case !Retriable(err):
			return l.offsetsError(err)
		default:
			l.cfg.Logger.Warn("Cannot look up the topic, trying again", "topic", l.cfg.Topic, "error", err)
		}
		if !sleep(ctx, pause) {
			return l.offsetsError(errors.Join(ctx.Err(), err))
		}
	}
}

// learnPartitions notes the start of partitions that are not known yet.
func (l *Log) learnPartitions(ctx context.Context) error {
	starts, err := l.list(ctx, l.admin.ListStartOffsets)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for p, o := range starts {
		if o > l.positions[p] {
			l.positions[p] = o
		} else if _, ok := l.positions[p]; !ok {
			l.positions[p] = o
		}
	}
	return nil
}

// lister lists start or end offsets of topics.
type lister func(context.Context, ...string) (kadm.ListedOffsets, error)

// list returns start or end offsets by partition.
func (l *Log) list(ctx context.Context, fn lister) (map[int32]int64, error) {
	listed, err := fn(ctx, l.cfg.Topic)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		var shard *kadm.ShardErrors
		if errors.As(err, &shard) && len(shard.Errs) > 0 {
			err = shard.Errs[0].Err
		}
		return nil, err
	}
	m := make(map[int32]int64, len(listed[l.cfg.Topic]))
	for p, o := range listed[l.cfg.Topic] {
		m[p] = o.Offset
	}
	if len(m) == 0 {
		return nil, kerr.UnknownTopicOrPartition
	}
	return m, nil
}

// ReadToEnd returns when all records that were in the topic when it was called, also
// those of transactions still open then, have been delivered. It tries again when
// brokers cannot be reached, until ctx ends. It must not be called by Deliver.
func (l *Log) ReadToEnd(ctx context.Context) error { return l.readTo(ctx, l.admin.ListEndOffsets) }

func (l *Log) readTo(ctx context.Context, listEnds lister) error {
	ends, err := l.ends(ctx, listEnds)
	if err != nil {
		return err
	}
	probe, slow := time.NewTimer(probeAfter), time.NewTimer(slowAfter)
	defer probe.Stop()
	defer slow.Stop()
	for {
		l.mu.Lock()
		for p, end := range ends {
			if pos, known := l.positions[p]; known && pos >= end {
				delete(ends, p)
			}
		}
		changed, left := l.changed, maps.Clone(ends)
		l.mu.Unlock()
		if len(left) == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-probe.C:
			l.probe(ctx, left)
			probe.Reset(probeAfter)
		case <-slow.C:
			l.cfg.Logger.Warn("Reading the topic to its end takes long; a transaction that is open there, as one of a producer that was killed, ends when it times out",
				"topic", l.cfg.Topic, "left", l.missing(left))
		case <-l.done:
			return errStopped
		case <-ctx.Done():
			return errs.Wrap(classTimeout, ctx.Err(), "Failed to read topic '%s' to its end on brokers at %s", l.cfg.Topic, l.cfg.Brokers)
		}
	}
}

func (l *Log) ends(ctx context.Context, listEnds lister) (map[int32]int64, error) {
	for pause := retryMin; ; pause = nextPause(pause) {
		ends, err := l.list(ctx, listEnds)
		if err == nil {
			l.mu.Lock()
			grown := false
			for p := range ends {
				_, known := l.positions[p]
				grown = grown || !known
			}
			l.mu.Unlock()
			if !grown {
				return ends, nil
			}
			// A partition was added: the reader finds it with its next metadata.
			l.reader.ForceMetadataRefresh()
			if err = l.learnPartitions(ctx); err == nil {
				return ends, nil
			}
		}
		if !Retriable(err) || ctx.Err() != nil {
			return nil, l.offsetsError(errors.Join(ctx.Err(), err))
		}
		l.cfg.Logger.Warn("Cannot read the end offsets of the topic, trying again", "topic", l.cfg.Topic, "error", err)
		select {
		case <-l.done:
			return nil, errStopped
		default:
		}
		if !sleep(ctx, pause) {
			return nil, l.offsetsError(errors.Join(ctx.Err(), err))
		}
	}
}

// offsetsError words an error as TopicAdmin.endOffsets does.
func (l *Log) offsetsError(err error) error {
	switch {
	case authorization(err):
		return errs.Wrap(errs.ClassConnect, JavaError(err), "Not authorized to get the end offsets for topic '%s' on brokers at %s", l.cfg.Topic, l.cfg.Brokers).
			WithHint("allow this worker's principal to Describe and Read topic %s", l.cfg.Topic)
	case errors.Is(err, context.DeadlineExceeded):
		return errs.Wrap(classTimeout, err, "Timed out while waiting to get end offsets for topic '%s' on brokers at %s", l.cfg.Topic, l.cfg.Brokers)
	case errors.Is(err, kgo.ErrClientClosed):
		return errStopped
	}
	return errs.Wrap(errs.ClassConnect, JavaError(err), "Error while getting end offsets for topic '%s' on brokers at %s", l.cfg.Topic, l.cfg.Brokers)
}

// run delivers records until ctx ends.
func (l *Log) run(ctx context.Context) {
	defer close(l.done)
	for ctx.Err() == nil {
		fetches := l.reader.PollFetches(ctx)
		if fetches.IsClientClosed() {
			return
		}
		next := map[int32]int64{}
		fetches.EachPartition(func(tp kgo.FetchTopicPartition) {
			l.noteError(ctx, tp.Partition, tp.Err)
			for _, r := range tp.Records {
				if !r.Attrs.IsControl() {
					l.cfg.Deliver(r)
				}
				next[r.Partition] = r.Offset + 1
			}
		})
		l.advance(next)
	}
}

// noteError logs what stands in the way of reading a partition when it changes. The
// client itself tries again.
func (l *Log) noteError(ctx context.Context, partition int32, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	l.mu.Lock()
	before := l.fetchErr[partition]
	l.fetchErr[partition] = text
	l.mu.Unlock()
	if err != nil && text != before && ctx.Err() == nil {
		l.cfg.Logger.Error("Error polling the topic, trying again", "topic", l.cfg.Topic, "partition", partition, "error", err)
	}
	if err != nil {
		sleep(ctx, retryMin) // errors come as fast as they are polled
	}
}

func (l *Log) advance(next map[int32]int64) {
	if len(next) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for p, o := range next {
		l.positions[p] = o
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

// missing are the partitions that have not been read up to ends, with the offset that
// is waited for.
func (l *Log) missing(ends map[int32]int64) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for _, p := range slices.Sorted(maps.Keys(ends)) {
		if pos := l.positions[p]; pos < ends[p] {
			out = append(out, fmt.Sprintf("partition %d from %d to %d", p, pos, ends[p]))
		}
	}
	return strings.Join(out, ", ")
}

// probe asks for what follows in partitions that make no progress. Compaction may
// have removed all there was up to the end, and then no record will ever say so.
// Another's probe will do as well.
func (l *Log) probe(ctx context.Context, ends map[int32]int64) {
	if !l.probing.TryLock() {
		return
	}
	defer l.probing.Unlock()
	for p, end := range ends {
		l.mu.Lock()
		pos, known := l.positions[p]
		l.mu.Unlock()
		// The partition may have passed the end while others were asked for: its position
		// must never go back, for no record would move it on again.
		if !known || pos >= end || !l.nothingLeft(ctx, p, pos, end) {
			continue
		}
		l.mu.Lock()
		if l.positions[p] == pos {
			l.positions[p] = end
			close(l.changed)
			l.changed = make(chan struct{})
		}
		l.mu.Unlock()
	}
}

// nothingLeft says whether the broker has no record from pos up to end, none of an
// open transaction either.
func (l *Log) nothingLeft(ctx context.Context, partition int32, pos, end int64) bool {
	leader, epoch, err := l.reader.PartitionLeader(l.cfg.Topic, partition)
	if err != nil || leader < 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, 2*retryMax) // it waits behind the reader's own fetch
	defer cancel()
	details, err := l.admin.ListTopics(ctx, l.cfg.Topic)
	if err != nil {
		return false
	}
	req := kmsg.NewFetchRequest()
	req.MaxBytes = 1
	req.SessionEpoch = -1
	if l.cfg.ReadCommitted {
		req.IsolationLevel = 1
	}
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic = l.cfg.Topic
	rt.TopicID = details[l.cfg.Topic].ID
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.Partition = partition
	rp.CurrentLeaderEpoch = epoch
	rp.FetchOffset = pos
	rp.PartitionMaxBytes = 1
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	kresp, err := l.reader.Broker(int(leader)).Request(ctx, &req)
	if err != nil {
		return false
	}
	resp := kresp.(*kmsg.FetchResponse)
	if resp.ErrorCode != 0 || len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return false
	}
	got := resp.Topics[0].Partitions[0]
	visible := got.HighWatermark
	if l.cfg.ReadCommitted {
		visible = got.LastStableOffset
	}
	return got.ErrorCode == 0 && len(got.RecordBatches) == 0 && visible >= end
}

// Send writes one record and returns when it is acknowledged by all in-sync
// replicas. It tries until it succeeds, until ctx ends, or until the broker says that
// it never will; when ctx ends the record may still be written.
func (l *Log) Send(ctx context.Context, key, value []byte) error {
	return l.SendAll(ctx, kgo.Record{Key: key, Value: value})
}

// SendAll writes records in order and returns when all are acknowledged or one failed.
func (l *Log) SendAll(ctx context.Context, records ...kgo.Record) error {
	for {
		err := l.sendAll(ctx, records)
		// The client fails all of a batch when the context of one of its records ends;
		// that may have been another's.
		if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) || !sleep(ctx, retryMin) {
			return err
		}
	}
}

func (l *Log) sendAll(ctx context.Context, records []kgo.Record) error {
	if len(records) == 0 {
		return nil
	}
	done := make(chan error, len(records))
	for i := range records {
		l.SendAsync(ctx, records[i].Key, records[i].Value, func(err error) { done <- err })
	}
	var first error
	for range records {
		select {
		case err := <-done:
			if err != nil && first == nil {
				first = err
			}
		case <-ctx.Done():
			return JavaError(ctx.Err())
		}
	}
	return first
}

// SendAsync writes one record and calls fn, by a goroutine of the client, once it is
// acknowledged or has failed. It may block while very much waits to be written.
func (l *Log) SendAsync(ctx context.Context, key, value []byte, fn func(error)) {
	if l.writer == nil {
		fn(errs.New(errs.ClassIllegalState, "This KafkaBasedLog was created in read-only mode and does not support write operations"))
		return
	}
	l.writer.Produce(ctx, &kgo.Record{Key: key, Value: value}, func(_ *kgo.Record, err error) {
		fn(l.writeError(err))
	})
}

func (l *Log) writeError(err error) error {
	switch {
	case err == nil:
		return nil
	case authorization(err):
		return errs.Wrap(commonErrors+"TopicAuthorizationException", err, "Not authorized to access topics: [%s]", l.cfg.Topic).
			WithHint("allow this worker's principal to Write to topic %s", l.cfg.Topic)
	case errors.Is(err, kgo.ErrClientClosed):
		return errStopped
	}
	return JavaError(err)
}

// Flush returns when all records handed to SendAsync are written or have failed.
func (l *Log) Flush(ctx context.Context) error {
	if l.writer == nil {
		return nil
	}
	return JavaError(l.writer.Flush(ctx))
}

func nextPause(d time.Duration) time.Duration { return min(2*d, retryMax) }

// sleep waits and says whether ctx is still alive.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
