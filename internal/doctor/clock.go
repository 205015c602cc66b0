package doctor

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// skew is how far the clocks of machines may be apart.
	skew = 5 * time.Second
	// newest asks for the record with the greatest timestamp of a partition (KIP-734).
	newest = -3
)

// release is before any correct clock.
var release = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// clock compares this machine's clock with the newest records that other workers
// wrote: none may be in the future.
func (d *doctor) clock(ctx context.Context, client *kgo.Client, admin *kadm.Client) {
	d.part = "clock"
	now := d.Now()
	if now.Before(release) {
		d.problem("set this machine's clock; let NTP keep it", "the clock says %s", now.UTC().Format(time.RFC3339))
		return
	}
	if d.worker.Cluster == nil {
		d.ok("%s", now.UTC().Format(time.RFC3339))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	var last time.Time
	for _, t := range d.storage() {
		if at := newestRecord(ctx, client, admin, t.topic.Name); at.After(last) {
			last = at
		}
	}
	switch ahead := last.Sub(now); {
	case last.IsZero():
		d.ok("%s; no worker has written anything to compare it with", now.UTC().Format(time.RFC3339))
	case ahead > skew:
		d.problem("set the clocks of all workers; let NTP keep them", "this machine's clock is %s behind that of a worker, which wrote at %s", ahead.Round(time.Second), last.UTC().Format(time.RFC3339))
	default:
		d.ok("%s; the newest record of a worker is of %s", now.UTC().Format(time.RFC3339), last.UTC().Format(time.RFC3339))
	}
}

// newestRecord is the greatest timestamp in a topic, zero if there is none or the
// brokers do not say (before 3.0).
func newestRecord(ctx context.Context, client *kgo.Client, admin *kadm.Client, topic string) (at time.Time) {
	meta, err := admin.Metadata(ctx, topic)
	if err != nil {
		return at
	}
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	rt := kmsg.NewListOffsetsRequestTopic()
	rt.Topic = topic
	for _, p := range meta.Topics[topic].Partitions.Numbers() {
		rp := kmsg.NewListOffsetsRequestTopicPartition()
		rp.Partition, rp.Timestamp, rp.CurrentLeaderEpoch = p, newest, -1
		rt.Partitions = append(rt.Partitions, rp)
	}
	if len(rt.Partitions) == 0 {
		return at
	}
	req.Topics = append(req.Topics, rt)
	for _, shard := range client.RequestSharded(ctx, req) {
		resp, ok := shard.Resp.(*kmsg.ListOffsetsResponse)
		if shard.Err != nil || !ok {
			continue
		}
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				if p.ErrorCode == 0 && p.Timestamp > 0 && time.UnixMilli(p.Timestamp).After(at) {
					at = time.UnixMilli(p.Timestamp)
				}
			}
		}
	}
	return at
}
