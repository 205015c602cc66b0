//go:build integration

package integration

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/test/refstack"
)

// Keys are placed where Java's producer places them (murmur2 of the bytes); the
// numbers are those of org.apache.kafka.common.utils.Utils.
func TestKeysArePlacedAsJavaDoes(t *testing.T) {
	for partitions, want := range map[int32]int32{5: 1, 7: 2, 9: 0, 13: 11} {
		r := produce(t, &kgo.Record{Topic: newTopic(t, partitions), Key: []byte("sample"), Value: []byte("v")})[0]
		if r.Partition != want {
			t.Errorf("%d partitions: placed on %d, want %d", partitions, r.Partition, want)
		}
	}
}

func TestBrokerKeepsWhatItAckedWhenKilled(t *testing.T) {
	topic := newTopic(t, 1)
	produce(t, &kgo.Record{Topic: topic, Key: []byte("k"), Value: []byte("before"), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte{0, 1}}}})
	servers.kill(t, refstack.Kafka)
	servers.up(t, refstack.Kafka)
	produce(t, &kgo.Record{Topic: topic, Value: []byte("after")})
	rs := consume(t, servers.addr(refstack.Kafka), topic, 2)
	if got := fmt.Sprintf("%s=%s %v %d, %s %d", rs[0].Key, rs[0].Value, rs[0].Headers, rs[0].Offset, rs[1].Value, rs[1].Offset); got != "k=before [{h [0 1]}] 0, after 1" {
		t.Error(got)
	}
}

// stuck wants a record not to be acked for now. It may be later on: a client does not
// take back what it has sent.
func stuck(t *testing.T, cl *kgo.Client, topic string) {
	t.Helper()
	answer := make(chan error, 1)
	cl.Produce(t.Context(), kgo.StringRecord("stuck"), func(_ *kgo.Record, err error) { answer <- err })
	select {
	case err := <-answer:
		t.Fatalf("writing to %s: %v, want no answer", topic, err)
	case <-time.After(500 * time.Millisecond):
	}
}

func acked(t *testing.T, cl *kgo.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := cl.ProduceSync(ctx, kgo.StringRecord("acked")).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func TestFaultsBeforeTheBroker(t *testing.T) {
	topic := newTopic(t, 1)
	proxy := servers.faults(t)
	cl := client(t, kgo.SeedBrokers(proxy.Addr()), kgo.DefaultProduceTopic(topic))
	acked(t, cl)
	proxy.Stall()
	stuck(t, cl, topic)
	proxy.Heal()
	acked(t, cl)
	if proxy.Cut() == 0 {
		t.Error("the client does not go through the proxy")
	}
	acked(t, cl)
	proxy.Refuse()
	stuck(t, cl, topic)
	proxy.Heal()
	acked(t, cl)
}

func TestFrozenBroker(t *testing.T) {
	topic := newTopic(t, 1)
	cl := client(t, kgo.DefaultProduceTopic(topic))
	acked(t, cl)
	thaw := servers.freeze(t, refstack.Kafka)
	stuck(t, cl, topic)
	thaw()
	acked(t, cl)
}
