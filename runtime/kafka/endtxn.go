package kafka

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// staleFor is how long an error about a topic is taken for one of the past.
const staleFor = time.Second

// EndTransaction ends a transaction in which records were written to topics, all of
// which were acknowledged or given up.
//
// The client (franz-go 1.22.2) stores what it learned of a new topic only after it began
// to write there. A transaction that ends in between would be taken for an empty one, or
// leave the topic's sequence numbers as they are while the epoch moves on, so that the
// next write there fails. So the end waits until the client has stored it: also where it
// has stored an error, which is that of an earlier try, before the topic was there. One
// that stays is of a topic that was deleted.
func EndTransaction(ctx context.Context, cl *kgo.Client, end kgo.TransactionEndTry, topics ...string) error {
	deadline := time.Now().Add(staleFor)
	for _, topic := range topics {
		for {
			leader, _, err := cl.PartitionLeader(topic, 0)
			if leader >= 0 || err != nil && time.Now().After(deadline) {
				break
			}
			if !sleep(ctx, time.Millisecond) {
				return context.Cause(ctx)
			}
		}
	}
	return cl.EndTransaction(ctx, end)
}
