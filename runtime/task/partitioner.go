package task

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/connect"
)

// partitioner places records as Java's producer does: where the record says, else by
// murmur2 of the key, else wherever the batch is that is being filled.
type partitioner struct{ byKey kgo.Partitioner }

func newPartitioner() kgo.Partitioner { return partitioner{kgo.StickyKeyPartitioner(nil)} }

// ForTopic implements kgo.Partitioner.
func (p partitioner) ForTopic(topic string) kgo.TopicPartitioner {
	return &topicPartitioner{p.byKey.ForTopic(topic)}
}

type topicPartitioner struct{ byKey kgo.TopicPartitioner }

func asked(r *kgo.Record) (int32, bool) {
	e, ok := r.Context.(*entry)
	if !ok || e.partition == connect.NoPartition {
		return 0, false
	}
	return e.partition, true
}

// RequiresConsistency implements kgo.TopicPartitioner.
func (p *topicPartitioner) RequiresConsistency(r *kgo.Record) bool {
	_, ok := asked(r)
	return ok || p.byKey.RequiresConsistency(r)
}

// Partition implements kgo.TopicPartitioner.
func (p *topicPartitioner) Partition(r *kgo.Record, n int) int {
	if at, ok := asked(r); ok {
		return int(at)
	}
	return p.byKey.Partition(r, n)
}

// OnNewBatch implements kgo.TopicPartitionerOnNewBatch.
func (p *topicPartitioner) OnNewBatch() {
	if b, ok := p.byKey.(kgo.TopicPartitionerOnNewBatch); ok {
		b.OnNewBatch()
	}
}
