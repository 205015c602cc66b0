package kafka

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// EndTransaction ends a transaction in which records were written to topics, all of
// which were acknowledged or given up.
//
// The client (franz-go 1.22.2) stores what it learned of a new topic only after it began
// to write there. A transaction that ends in between would be taken for an empty one, or
// leave the topic's sequence numbers as they are while the epoch moves on, so that the
// next write there fails. So the end waits until the client has stored it.
func EndTransaction(ctx context.Context, cl *kgo.Client, end kgo.TransactionEndTry, topics ...string) error {
	for _, topic := range topics {
		for {
			if leader, _, err := cl.PartitionLeader(topic, 0); leader >= 0 || err != nil {
				break
			}
			if !sleep(ctx, time.Millisecond) {
				return context.Cause(ctx)
			}
		}
	}
	return cl.EndTransaction(ctx, end)
}
