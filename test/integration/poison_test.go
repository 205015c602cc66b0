//go:build integration

package integration

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/test/chaos"
)

// poisons are values that a sink to an index cannot write, and the stage at which it
// finds out.
var poisons = []struct{ value, stage string }{
	{`{"id":17`, "VALUE_CONVERTER"},
	{"{\"id\":\"\xff\"}", "VALUE_CONVERTER"},
	{strings.Repeat("[", 5000), "VALUE_CONVERTER"},
	{`{"id":NaN}`, "VALUE_CONVERTER"},
	{`{"id":"not what the index has"}`, "TASK_PUT"},
}

// poisoner writes numbered records that a sink cannot write between those of others,
// until it is stopped. Keys bear the numbers.
type poisoner struct {
	t    *testing.T
	end  context.CancelFunc
	done sync.WaitGroup
	cl   *kgo.Client
	n    int

	mu  sync.Mutex
	err error
}

// poison begins to write to the partitions of a topic.
func poison(t *testing.T, topic string, partitions int) *poisoner {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p := &poisoner{t: t, end: cancel, cl: client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))}
	p.done.Go(func() {
		tick := time.NewTicker(150 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			p.cl.Produce(t.Context(), &kgo.Record{
				Topic: topic, Partition: int32(p.n % partitions), Key: fmt.Appendf(nil, "poison-%d", p.n), Value: []byte(poisons[p.n%len(poisons)].value),
			}, func(_ *kgo.Record, err error) {
				p.mu.Lock()
				defer p.mu.Unlock()
				p.err = errors.Join(p.err, err)
			})
			p.n++
		}
	})
	t.Cleanup(func() {
		cancel()
		p.done.Wait()
	})
	return p
}

// stop waits until all are in the topic and returns how many.
func (p *poisoner) stop() int {
	p.t.Helper()
	p.end()
	p.done.Wait()
	err := p.cl.Flush(p.t.Context())
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := errors.Join(err, p.err); err != nil {
		p.t.Fatalf("poisoning: %v", err)
	}
	return p.n
}

var poisonKey = regexp.MustCompile(`^poison-(\d+)$`)

// checkLetters wants each of n records of a poisoner in a dead-letter topic, with the
// stage at which it failed, and nothing else. Those that are there twice are counted:
// dead letters are written at least once.
func checkLetters(t *testing.T, name, letters string, n int) {
	t.Helper()
	var r chaos.Result
	var wrong error
	for deadline := time.Now().Add(2 * time.Minute); ; pause(time.Second) {
		var numbers []int
		wrong = nil
		for _, l := range topicRecords(t, letters) {
			i := -1
			if found := poisonKey.FindSubmatch(l.Key); found != nil {
				i, _ = strconv.Atoi(string(found[1])) // too many digits are no number that was sent
			}
			numbers = append(numbers, i)
			want := poisons[max(i, 0)%len(poisons)]
			if i < 0 || string(l.Value) != want.value || header(l, "__connect.errors.stage") != want.stage {
				wrong = fmt.Errorf("the letter %q at offset %d has stage %s, want %s: %.100q", l.Key, l.Offset, header(l, "__connect.errors.stage"), want.stage, l.Value)
			}
		}
		// Each number has a key of its own here: tasks write side by side, and what the
		// destination refuses comes after what could not be read.
		if r = chaos.Check(numbers, n, max(n, 1)); r.Lost == 0 || time.Now().After(deadline) {
			break
		}
	}
	t.Logf("%s, dead letters: %d numbers, %v", name, n, r)
	if r.Wrong() || wrong != nil || n == 0 {
		t.Errorf("%s, dead letters: %v, %v", name, r, wrong)
	}
}

func header(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// deadLetters are the settings of a sink that writes dead letters to a topic.
func deadLetters(topic string) map[string]string {
	return map[string]string{
		"errors.tolerance": "all", "errors.deadletterqueue.topic.name": topic,
		"errors.deadletterqueue.topic.replication.factor": "1", "errors.deadletterqueue.context.headers.enable": "true",
	}
}
