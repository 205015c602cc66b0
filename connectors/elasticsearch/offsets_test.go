package elasticsearch

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/moldau-io/moldau/connect"
)

func at(partition int32, offset int64) *connect.Record {
	return &connect.Record{Topic: "routed", Original: connect.TopicPartitionOffset{Topic: "t", Partition: partition, Offset: offset}}
}

func TestTracker(t *testing.T) {
	tp := connect.TopicPartition{Topic: "t", Partition: 0}
	commit := func(k *tracker, upTo int64) string {
		return fmt.Sprint(k.committable(map[connect.TopicPartition]int64{tp: upTo}))
	}
	k := newTracker()
	if got := commit(k, 5); got != "map[{t 0}:5]" {
		t.Errorf("nothing received: %s", got)
	}
	a, b, c := k.add(at(0, 5)), k.add(at(0, 6)), k.add(at(0, 9)) // 7 and 8 were filtered
	if got := commit(k, 10); got != "map[]" {
		t.Errorf("nothing settled: %s", got)
	}
	k.settle(b)
	if got := commit(k, 10); got != "map[]" {
		t.Errorf("the first is not settled: %s", got)
	}
	k.settle(a)
	if got := commit(k, 10); got != "map[{t 0}:9]" {
		t.Errorf("the first two settled: %s", got)
	}
	if k.size() != 1 {
		t.Errorf("%d entries", k.size())
	}
	again := k.add(at(0, 9)) // delivered again
	k.settle(c)
	if got := commit(k, 10); got != "map[{t 0}:9]" {
		t.Errorf("one delivery of two settled: %s", got)
	}
	k.settle(again)
	if got := commit(k, 12); got != "map[{t 0}:12]" {
		t.Errorf("all settled: %s", got)
	}
	back := k.add(at(0, 6)) // the runtime has gone back
	if got := commit(k, 7); got != "map[{t 0}:6]" {
		t.Errorf("gone back: %s", got)
	}
	k.remove([]connect.TopicPartition{tp})
	k.settle(back)
	if got := commit(k, 0); k.size() != 0 || got != "map[{t 0}:0]" {
		t.Errorf("taken away: %d entries, %s", k.size(), got)
	}
}

// Random deliveries and settlements against a list of what is open.
func TestTrackerRandom(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		k, next := newTracker(), int64(rnd.IntN(5))
		open := map[int64]int{}
		var tokens []token
		for range 300 {
			switch p := rnd.IntN(10); {
			case p < 5:
				next += int64(1 + rnd.IntN(3))
				open[next]++
				tokens = append(tokens, k.add(at(0, next)))
			case p < 6 && next > 10:
				back := next - int64(rnd.IntN(10))
				open[back]++
				tokens = append(tokens, k.add(at(0, back)))
			case len(tokens) > 0:
				i := rnd.IntN(len(tokens))
				k.settle(tokens[i])
				open[tokens[i].offset]--
				tokens = append(tokens[:i], tokens[i+1:]...)
			}
			lowest := next + 1
			for o, n := range open {
				if n > 0 && o < lowest {
					lowest = o
				}
			}
			for _, got := range k.committable(map[connect.TopicPartition]int64{{Topic: "t"}: next + 1}) {
				if got != lowest {
					t.Fatalf("seed %d: %d is safe, want %d", seed, got, lowest)
				}
			}
		}
		k.settle(tokens...)
		if k.size() != 0 {
			t.Fatalf("seed %d: %d entries are left", seed, k.size())
		}
	}
}
