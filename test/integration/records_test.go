//go:build integration

package integration

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/test/refstack"
)

// unique returns a name that no other test or run uses.
func unique(t testing.TB, prefix string) string {
	return fmt.Sprintf("%s-%s-%x", prefix, strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name())), time.Now().UnixNano()&0xffffffff)
}

// client returns a client of the real broker that is closed at the end of the test.
func client(t testing.TB, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(servers.addr(refstack.Kafka))}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// newTopic makes a topic with a name of its own on the real broker.
func newTopic(t testing.TB, partitions int32) string {
	t.Helper()
	name := unique(t, "t")
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, err := kadm.NewClient(client(t)).CreateTopic(ctx, partitions, 1, nil, name); err != nil {
		t.Fatal(err)
	}
	return name
}

// produce writes records to the real broker and returns them as they were stored.
func produce(t testing.TB, rs ...*kgo.Record) []*kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := client(t).ProduceSync(ctx, rs...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	return rs
}

// consume returns the first n records of a topic, committed ones alone, in the order of
// their offsets within a partition.
func consume(t testing.TB, bootstrap, topic string, n int) []*kgo.Record {
	t.Helper()
	cl := client(t, kgo.SeedBrokers(bootstrap), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var out []*kgo.Record
	for len(out) < n {
		fetched := cl.PollRecords(ctx, n-len(out))
		out = append(out, fetched.Records()...)
		if ctx.Err() != nil {
			t.Fatalf("%d of %d records of %s within a minute: %v", len(out), n, topic, errors.Join(ctx.Err(), fetched.Err()))
		}
		if err := fetched.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// committed are a group's offsets of a topic on the real broker, by partition.
func committed(t testing.TB, group, topic string) map[int32]int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	offsets, err := kadm.NewClient(client(t)).FetchOffsets(ctx, group)
	if err != nil {
		t.Fatal(err)
	}
	out := map[int32]int64{}
	for partition, o := range offsets.Offsets()[topic] {
		out[partition] = o.At
	}
	return out
}
