//go:build integration

package integration

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Keys are placed where Java's producer places them (murmur2 of the bytes); the
// numbers are those of org.apache.kafka.common.utils.Utils.
func TestKeysArePlacedAsJavaDoes(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cl := client(t)
	admin := kadm.NewClient(cl)
	for partitions, want := range map[int32]int32{5: 1, 7: 2, 9: 0, 13: 11} {
		topic := unique(t, "murmur")
		if _, err := admin.CreateTopic(ctx, partitions, 1, nil, topic); err != nil {
			t.Fatal(err)
		}
		r, err := cl.ProduceSync(ctx, &kgo.Record{Topic: topic, Key: []byte("sample"), Value: []byte("v")}).First()
		if err != nil {
			t.Fatal(err)
		}
		if r.Partition != want {
			t.Errorf("%d partitions: placed on %d, want %d", partitions, r.Partition, want)
		}
	}
}
