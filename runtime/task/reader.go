package task

import (
	"context"
	"errors"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/connect/errs"
)

// reader fetches, converts and transforms records ahead of the owner, up to a number
// of bytes, in a goroutine of its own. It lets rebalances happen as soon as it knows
// which assignment the records it was given belong to; what has become stale by the
// time it is delivered is dropped then.
type reader struct {
	s       *Sink
	decoder decoder
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	ready   chan struct{} // there may be a batch to take
	space   chan struct{} // there may be space for another one

	mu       sync.Mutex
	view     map[string]map[int32]*partition
	seeks    []seek
	stopPoll context.CancelFunc
	queue    []*sinkBatch
	bytes    int64
}

// seek is a change of position that the reader makes between two polls.
type seek struct {
	from, to *partition
	offset   int64
}

func newReader(s *Sink) *reader {
	return &reader{
		s: s, decoder: newDecoder(s), cancel: func() {}, stopPoll: func() {},
		ready: make(chan struct{}, 1), space: make(chan struct{}, 1), view: map[string]map[int32]*partition{},
	}
}

func (r *reader) start(ctx context.Context) {
	ctx, r.cancel = context.WithCancel(ctx)
	r.wg.Go(func() {
		if err := r.s.guard("reading records", func() error { return r.run(ctx) }); err != nil && ctx.Err() == nil {
			r.push(&sinkBatch{err: err})
		}
	})
	if r.s.cfg.TopicsRegex != nil {
		r.wg.Go(func() { r.s.followTopics(ctx) })
	}
}

// end stops the reader and waits for it.
func (r *reader) end() {
	r.cancel()
	r.wg.Wait()
}

func (r *reader) assign(p *partition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.view[p.Topic] == nil {
		r.view[p.Topic] = map[int32]*partition{}
	}
	r.view[p.Topic][p.Partition] = p
}

func (r *reader) unassign(parts []*partition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range parts {
		delete(r.view[p.Topic], p.Partition)
		if len(r.view[p.Topic]) == 0 {
			delete(r.view, p.Topic)
		}
	}
}

// seek has the reader move a partition; to takes from's place with the first record
// that is read after it.
func (r *reader) seek(from, to *partition, offset int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seeks = append(r.seeks, seek{from, to, offset})
	r.stopPoll()
}

// take returns the next batch, or nil.
func (r *reader) take() *sinkBatch {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) == 0 {
		return nil
	}
	b := r.queue[0]
	r.queue[0] = nil
	r.queue = r.queue[1:]
	r.bytes -= b.bytes
	r.s.meter.ahead.Store(r.bytes)
	notify(r.space)
	return b
}

func (r *reader) push(b *sinkBatch) {
	r.mu.Lock()
	r.queue = append(r.queue, b)
	r.bytes += b.bytes
	r.s.meter.ahead.Store(r.bytes)
	r.mu.Unlock()
	notify(r.ready)
}

func (r *reader) full() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bytes >= r.s.cfg.ReadAhead
}

func (r *reader) run(ctx context.Context) error {
	for ctx.Err() == nil {
		for r.full() {
			select {
			case <-r.space:
			case <-ctx.Done():
				return nil
			}
		}
		fetches := r.s.client.PollRecords(r.pollContext(ctx), r.s.cfg.MaxPollRecords)
		raw, err := r.sort(fetches)
		r.s.client.AllowRebalance()
		if err != nil {
			return err
		}
		if len(raw) == 0 {
			continue
		}
		b, err := r.decoder.decode(ctx, raw)
		if err != nil {
			return err
		}
		r.push(b)
	}
	return nil
}

// pollContext makes the seeks that were asked for and returns the context of the next
// poll, which the next seek ends.
func (r *reader) pollContext(ctx context.Context) context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	offsets := map[string]map[int32]kgo.EpochOffset{}
	for _, k := range r.seeks {
		if r.view[k.from.Topic][k.from.Partition] != k.from {
			continue // taken away in the meantime
		}
		r.view[k.from.Topic][k.from.Partition] = k.to
		if offsets[k.from.Topic] == nil {
			offsets[k.from.Topic] = map[int32]kgo.EpochOffset{}
		}
		offsets[k.from.Topic][k.from.Partition] = kgo.EpochOffset{Epoch: -1, Offset: k.offset}
	}
	r.seeks = r.seeks[:0]
	r.s.client.SetOffsets(offsets)
	r.stopPoll() // frees the last one
	ctx, r.stopPoll = context.WithCancel(ctx)
	return ctx
}

// rawPart is what one fetch gave of one partition.
type rawPart struct {
	part    *partition
	records []*kgo.Record
	high    int64
}

// sort finds the assignment that fetched records belong to. It must be called before
// the next rebalance is allowed.
func (r *reader) sort(fetches kgo.Fetches) (raw []rawPart, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fetches.EachPartition(func(f kgo.FetchTopicPartition) {
		if f.Err != nil && err == nil {
			err = r.fetchError(f.Topic, f.Partition, f.Err)
		}
		p := r.view[f.Topic][f.Partition]
		if p == nil || len(f.Records) == 0 {
			return
		}
		high := f.HighWatermark
		raw = append(raw, rawPart{p, f.Records, high})
	})
	return raw, err
}

// fetchError says whether an error ends the task; others go away, or concern a topic
// that does not exist yet.
func (r *reader) fetchError(topic string, partition int32, err error) error {
	var loss *kgo.ErrDataLoss
	var session *kgo.ErrGroupSession
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, kgo.ErrClientClosed):
		return nil
	case errors.As(err, &loss):
		r.s.log.Warn("Records were lost by the broker before they were read", "error", err)
		return nil
	case errors.As(err, &session) && !fatalGroupError(session.Err):
		r.s.log.Warn("The group session ended; joining the group again", "error", session.Err)
		return nil
	case errors.Is(err, kerr.OffsetOutOfRange):
		return errs.New("org.apache.kafka.clients.consumer.OffsetOutOfRangeException",
			"Fetch position is out of range for partition %s-%d, and no reset policy is defined", topic, partition).
			WithHint("set consumer.override.auto.offset.reset to earliest or latest, or the group's offsets by PATCH /connectors/{name}/offsets")
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.UnknownTopicID), kerr.IsRetriable(err), kgo.IsRetryableBrokerErr(err):
		r.s.log.Debug("Fetching", "topic", topic, "partition", partition, "error", err)
		return nil
	}
	e := javaError(err)
	if e.Retry {
		r.s.log.Warn("Fetching", "topic", topic, "partition", partition, "error", err)
		return nil
	}
	return e
}

// fatalGroupError says whether joining the group again is no use: the errors that
// Java's consumer throws from poll.
func fatalGroupError(err error) bool {
	for _, fatal := range []error{
		kerr.GroupAuthorizationFailed, kerr.TopicAuthorizationFailed, kerr.InvalidGroupID, kerr.FencedInstanceID, kerr.GroupMaxSizeReached,
		kerr.InconsistentGroupProtocol, kerr.InvalidSessionTimeout, kerr.UnsupportedVersion, kerr.SaslAuthenticationFailed, kerr.ClusterAuthorizationFailed,
	} {
		if errors.Is(err, fatal) {
			return true
		}
	}
	return false
}

func (s *Sink) touch(topic string) {
	if s.cfg.TopicUsed != nil {
		s.cfg.TopicUsed(topic)
	}
}
