package dlq

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/runtime/kafka"
)

// Queue is a dead-letter topic and the topic that tells what of it was replayed.
type Queue struct {
	props map[string]string
	env   kafka.Env
	topic string
	// grace is how long what has begun may take once ctx has ended.
	grace time.Duration
}

// grace is enough for brokers that are well.
const grace = 10 * time.Second

// Open names a dead-letter topic. props are Java's client settings; nothing is
// connected to.
func Open(props map[string]string, env kafka.Env, topic string) *Queue {
	return &Queue{props, env, topic, grace}
}

// MarkTopic is the compacted topic that has a record for each letter that was replayed,
// with the letter's partition and offset as key.
func (q *Queue) MarkTopic() string { return q.topic + "-replayed" }

// Mark is the key of a letter's record in the topic of marks.
func (l Letter) Mark() string {
	return strconv.Itoa(int(l.Partition)) + "/" + strconv.FormatInt(l.Offset, 10)
}

func (q *Queue) clientID() string { return "moldau-dlq" }

// Replayed returns the marks of the letters that were replayed.
func (q *Queue) Replayed(ctx context.Context) (map[string]bool, error) {
	marks := map[string]bool{}
	err := q.read(ctx, q.MarkTopic(), func(r *kgo.Record) error {
		marks[string(r.Key)] = true
		return nil
	})
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return marks, nil // nothing was ever replayed
	}
	return marks, err
}

// Each calls a function for every letter that is there now, in order within partitions.
func (q *Queue) Each(ctx context.Context, do func(Letter) error) error {
	err := q.read(ctx, q.topic, func(r *kgo.Record) error { return do(Parse(r)) })
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return fmt.Errorf("there is no topic %s; the setting errors.deadletterqueue.topic.name of a sink names its dead-letter topic", q.topic)
	}
	return err
}

// read calls a function for each committed record up to the topic's present end.
func (q *Queue) read(ctx context.Context, topic string, do func(*kgo.Record) error) error {
	c, err := kafka.NewInternalClients(q.props, q.clientID(), true, q.env)
	if err != nil {
		return err
	}
	cl, err := kgo.NewClient(append(c.Reader, kgo.KeepControlRecords())...)
	if err != nil {
		return fmt.Errorf("making a consumer: %w", err)
	}
	defer cl.Close()
	next, end, err := bounds(ctx, kadm.NewClient(cl), topic)
	if err != nil {
		return fmt.Errorf("reading topic %s at %s: %w", topic, c.Brokers, err)
	}
	from := map[int32]kgo.Offset{}
	for p, at := range next {
		from[p] = kgo.NewOffset().At(at)
	}
	if len(from) == 0 {
		return nil
	}
	cl.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: from})
	for len(next) > 0 {
		fetched := cl.PollRecords(ctx, 1000)
		if err := errors.Join(ctx.Err(), fetched.Err()); err != nil {
			return fmt.Errorf("reading topic %s at %s: %w", topic, c.Brokers, err)
		}
		for r := range fetched.RecordsAll() {
			if r.Offset >= end[r.Partition] {
				continue
			}
			if !r.Attrs.IsControl() {
				if err := do(r); err != nil {
					return err
				}
			}
			if r.Offset+1 >= end[r.Partition] {
				delete(next, r.Partition)
			}
		}
	}
	return nil
}

// bounds returns where the partitions that have records begin and end.
func bounds(ctx context.Context, admin *kadm.Client, topic string) (start, end map[int32]int64, err error) {
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, nil, err
	}
	ends, err := admin.ListCommittedOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, nil, err
	}
	start, end = map[int32]int64{}, map[int32]int64{}
	for p, e := range ends[topic] {
		if s := starts[topic][p]; s.Offset < e.Offset {
			start[p], end[p] = s.Offset, e.Offset
		}
	}
	return start, end, nil
}

// createMarkTopic makes the topic for marks, unless it is there.
func (q *Queue) createMarkTopic(ctx context.Context, admin *kadm.Client) error {
	compact := "compact"
	_, err := admin.CreateTopic(ctx, 1, -1, map[string]*string{"cleanup.policy": &compact}, q.MarkTopic())
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("creating topic %s: %w", q.MarkTopic(), err)
	}
	return nil
}

// producer returns a transactional producer. Its id is the topic's, so that of two
// replays at a time one is fenced.
func (q *Queue) producer() (*kgo.Client, error) {
	opts, err := kafka.LeaderOpts(q.props, q.clientID(), "moldau-dlq-"+q.topic, q.env)
	if err != nil {
		return nil, err
	}
	return kgo.NewClient(append(opts, kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))...)
}

// where is a place in a topic, for messages.
func where(topic string, partition int32, offset int64) string {
	return strings.Join([]string{topic, strconv.Itoa(int(partition)), strconv.FormatInt(offset, 10)}, "-")
}
