package store

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/runtime/state"
)

const (
	// statusAttempts is how often the client itself tries again to write a status; then the
	// store looks whether it still matters.
	statusAttempts = 0
	// statusRetryMin and statusRetryMax bound the wait before the next try.
	statusRetryMin, statusRetryMax = 100 * time.Millisecond, 5 * time.Second
)

// kafkaStatuses is the status store in a compacted topic (KafkaStatusBackingStore).
// Kafka has no conditional writes, so that the safe writes only narrow the window in
// which a worker that was left behind overwrites what the new owner says.
type kafkaStatuses struct {
	*statusTable
	opts TopicOptions
	log  *kafka.Log

	life    context.Context // ends with Stop
	end     context.CancelFunc
	retries sync.WaitGroup

	writing    sync.Mutex
	generation int            // of the last status written
	topicWrite map[string]int // the last write of each topic's record that is under way
	topicSeq   int
	stopping   bool
	waiting    int           // writes that wait for another try
	settled    chan struct{} // closed when waiting falls to 0
}

// NewKafkaStatuses returns a status store in a topic.
func NewKafkaStatuses(opts TopicOptions) StatusStore {
	opts.Topic.Key, opts.Topic.Purpose = "status.storage.topic", "connector and task statuses"
	opts.Writer = append(append([]kgo.Opt{}, opts.Writer...), kgo.RecordRetries(statusAttempts))
	s := &kafkaStatuses{statusTable: newStatusTable(), opts: opts, topicWrite: map[string]int{}}
	s.life, s.end = context.WithCancel(context.Background())
	s.log = opts.log(s.read)
	return s
}

func (s *kafkaStatuses) Start(ctx context.Context) error {
	if err := s.opts.Admin.EnsureInternalTopic(ctx, s.opts.Topic); err != nil {
		return err
	}
	return s.log.Start(ctx)
}

func (s *kafkaStatuses) Stop(ctx context.Context) error {
	err := s.Flush(ctx)
	s.writing.Lock()
	s.stopping = true
	s.writing.Unlock()
	s.end()
	s.retries.Wait()
	if stopErr := s.log.Stop(ctx); err == nil {
		err = stopErr
	}
	return err
}

func (s *kafkaStatuses) Flush(ctx context.Context) error {
	for {
		if err := s.log.Flush(ctx); err != nil {
			return err
		}
		s.writing.Lock()
		settled := s.settled
		s.writing.Unlock()
		if settled == nil {
			return nil
		}
		select {
		case <-settled:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// read applies a record; one that says nothing is skipped with a line in the log.
func (s *kafkaStatuses) read(r *kgo.Record) {
	if err := s.apply(r.Key, r.Value); err != nil {
		s.opts.Logger.Warn("Skipping a record of the status topic", "topic", r.Topic, "partition", r.Partition, "offset", r.Offset, "reason", err)
	}
}

func (s *kafkaStatuses) apply(key, value []byte) error {
	k, err := parseStatusKey(key)
	if err != nil {
		return err
	}
	if value == nil {
		s.remove(k)
		return nil
	}
	if k.kind == topicKind {
		st, err := decodeTopicStatus(value)
		if err == nil {
			s.setTopic(st, k.connector, k.topic)
		}
		return err
	}
	st, err := decodeStatus(value)
	if err == nil {
		s.set(k, st)
	}
	return err
}

func (s *kafkaStatuses) PutConnector(st state.ConnectorStatus) {
	s.put(statusKey{kind: connectorKind, connector: st.Connector}, ofConnector(st), false)
}

func (s *kafkaStatuses) PutConnectorSafe(st state.ConnectorStatus) {
	s.put(statusKey{kind: connectorKind, connector: st.Connector}, ofConnector(st), true)
}

func (s *kafkaStatuses) PutTask(st state.TaskStatus) {
	s.put(statusKey{kind: taskKind, connector: st.ID.Connector, task: st.ID.Task}, ofTask(st), false)
}

func (s *kafkaStatuses) PutTaskSafe(st state.TaskStatus) {
	s.put(statusKey{kind: taskKind, connector: st.ID.Connector, task: st.ID.Task}, ofTask(st), true)
}

func (s *kafkaStatuses) PutTopic(st state.TopicStatus) {
	s.putTopic(statusKey{kind: topicKind, connector: st.Connector, topic: st.Topic}, encodeTopicStatus(st))
}

func (s *kafkaStatuses) DeleteTopic(connector, topic string) {
	s.putTopic(statusKey{kind: topicKind, connector: connector, topic: topic}, nil)
}

func (s *kafkaStatuses) putTopic(k statusKey, value []byte) {
	key := k.String()
	s.writing.Lock()
	s.topicSeq++
	write := s.topicSeq
	s.topicWrite[key] = write
	s.writing.Unlock()
	s.send(statusWrite{key, value, func(done bool) bool {
		s.writing.Lock()
		defer s.writing.Unlock()
		newest := s.topicWrite[key] == write
		if newest && done {
			delete(s.topicWrite, key)
		}
		return newest
	}}, statusRetryMin)
}

func (s *kafkaStatuses) put(k statusKey, st status, safe bool) {
	s.writing.Lock()
	s.generation = st.generation
	s.writing.Unlock()
	s.mu.Lock()
	e := s.entry(k)
	if safe && !e.safe(st) {
		s.mu.Unlock()
		return
	}
	e.writes++
	write := e.writes
	s.mu.Unlock()
	s.send(statusWrite{k.String(), st.encode(), func(bool) bool {
		s.writing.Lock()
		current := s.generation == st.generation
		s.writing.Unlock()
		s.mu.Lock()
		defer s.mu.Unlock()
		return current && e.writes == write && !e.removed && (!safe || e.safe(st))
	}}, statusRetryMin)
}

// statusWrite is a record to write.
type statusWrite struct {
	key   string
	value []byte
	// matters says whether to try again: no newer write has taken its place, and what
	// it says is not known to be out of date. done tells that there will be no more tries.
	matters func(done bool) bool
}

// send writes a record, and again after trouble that may pass as long as it matters.
func (s *kafkaStatuses) send(w statusWrite, pause time.Duration) {
	s.log.SendAsync(s.life, []byte(w.key), w.value, func(err error) {
		switch {
		case err == nil, s.life.Err() != nil:
			w.matters(true)
		case !kafka.Retriable(err):
			w.matters(true)
			s.opts.Logger.Error("Failed to write status update", "topic", s.opts.Topic.Name, "key", w.key, "error", err)
		case w.matters(false):
			s.opts.Logger.Debug("Writing a status update again", "topic", s.opts.Topic.Name, "key", w.key, "error", err)
			s.retry(w, pause)
		}
	})
}

func (s *kafkaStatuses) retry(w statusWrite, pause time.Duration) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.stopping {
		return
	}
	s.waiting++
	if s.settled == nil {
		s.settled = make(chan struct{})
	}
	s.retries.Add(1)
	go func() {
		defer s.retries.Done()
		t := time.NewTimer(pause)
		defer t.Stop()
		select {
		case <-t.C:
			if w.matters(false) {
				s.send(w, min(2*pause, statusRetryMax))
			}
		case <-s.life.Done():
		}
		s.writing.Lock()
		defer s.writing.Unlock()
		if s.waiting--; s.waiting == 0 {
			close(s.settled)
			s.settled = nil
		}
	}()
}
