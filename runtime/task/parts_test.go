package task

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/runtime/state"
)

// Sizes as Java's AbstractRecords.estimateSizeInBytesUpperBound gives them.
func TestRecordSize(t *testing.T) {
	tests := []struct {
		record kgo.Record
		want   int
	}{
		{kgo.Record{}, 85},
		{kgo.Record{Value: []byte{}}, 85},
		{kgo.Record{Value: make([]byte, 63)}, 148},
		{kgo.Record{Value: make([]byte, 64)}, 150},
		{kgo.Record{Value: make([]byte, 2000)}, 2086},
		{kgo.Record{Key: []byte("k"), Value: make([]byte, 8192)}, 61 + 21 + 2 + 3 + 8192 + 1},
		{kgo.Record{Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("xx")}, {Key: "n"}}}, 85 + 2 + 3 + 2 + 1},
	}
	for _, test := range tests {
		if got := recordSize(&test.record); got != test.want {
			t.Errorf("%d bytes of value, %d headers: %d, want %d", len(test.record.Value), len(test.record.Headers), got, test.want)
		}
	}
}

func TestCheckSizeNamesTheCure(t *testing.T) {
	err := checkSize(&kgo.Record{Topic: "t"}, 2086, 500, 1<<20, producerOverride)
	trace := errs.Trace(err)
	for _, part := range []string{"2086", "500", "producer.override.max.request.size", "max.message.bytes", "ClaimCheck"} {
		if !strings.Contains(trace, part) {
			t.Errorf("%q is not in %s", part, trace)
		}
	}
	if err := checkSize(&kgo.Record{}, 2000, 5000, 1000, producerOverride); err == nil || !strings.Contains(err.Error(), "larger than the total memory buffer") {
		t.Errorf("buffer: %v", err)
	}
	if err := checkSize(&kgo.Record{}, 500, 500, 1000, producerOverride); err != nil {
		t.Errorf("just right: %v", err)
	}
}

func TestValidTopic(t *testing.T) {
	for _, name := range []string{"a", "A.b_c-9", "...", strings.Repeat("x", 249)} {
		if !validTopic(name) {
			t.Errorf("%q is refused", name)
		}
	}
	for _, name := range []string{"", ".", "..", "a b", "a/b", "é", strings.Repeat("x", 250)} {
		if validTopic(name) {
			t.Errorf("%q is taken", name)
		}
	}
}

// What is appended stays as it is, whatever comes after, until all records of the
// arena are collected.
func TestArena(t *testing.T) {
	var as arenas
	a := as.get(3)
	var kept [][]byte
	for i, n := range []int{10, 0, 5000, 20} {
		b := as.keep(a, append(as.space(a), strings.Repeat(string(rune('a'+i)), n)...))
		if b == nil {
			t.Error("empty became null")
		}
		kept = append(kept, b)
	}
	for i, b := range kept {
		if strings.Trim(string(b), string(rune('a'+i))) != "" {
			t.Errorf("part %d was overwritten: %q", i, b)
		}
		_ = append(b, 'x') // must not reach the next part
	}
	if kept[3][0] != 'd' {
		t.Error("a part was overwritten by appending to another")
	}
	for range 3 {
		as.collected(a)
	}
	if b := as.get(2); b != a {
		t.Error("the arena is not used again")
	}
	tainted := as.get(1)
	tainted.taint()
	as.collected(tainted)
	if as.get(1) == tainted {
		t.Error("a tainted arena is used again")
	}
}

func TestOperatorDelay(t *testing.T) {
	l := newLifecycle(Common{ID: testID, Logger: slog.New(slog.DiscardHandler)})
	tests := []struct {
		max         time.Duration
		attempt     int
		least, most time.Duration
	}{
		{time.Minute, 1, 300 * time.Millisecond, 300 * time.Millisecond},
		{time.Minute, 2, 600 * time.Millisecond, 600 * time.Millisecond},
		{time.Minute, 8, 38400 * time.Millisecond, 38400 * time.Millisecond},
		{time.Minute, 9, 0, time.Minute},
		{time.Minute, 1000, 0, time.Minute},
		{100 * time.Millisecond, 1, 0, 100 * time.Millisecond},
		{0, 3, 0, 0},
	}
	for _, test := range tests {
		o := newOperator(&l, ErrorPolicy{RetryDelayMax: test.max})
		for range 20 {
			if d := o.delay(test.attempt); d < test.least || d > test.most {
				t.Errorf("attempt %d of at most %s: %s, want %s to %s", test.attempt, test.max, d, test.least, test.most)
			}
		}
	}
}

type flakyReporter struct{ err error }

func (r flakyReporter) report(_ *failure, done func(error)) { done(r.err) }

func TestOperatorReports(t *testing.T) {
	no := errors.New("no")
	tests := []struct {
		name      string
		tolerate  bool
		reporters []reporter
		fatal     bool
		report    error
	}{
		{"tolerated, nobody to tell", true, nil, false, nil},
		{"tolerated, told", true, []reporter{flakyReporter{}, flakyReporter{}}, false, nil},
		{"tolerated, report lost", true, []reporter{flakyReporter{}, flakyReporter{no}}, false, no},
		{"not tolerated", false, []reporter{flakyReporter{}}, true, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newLifecycle(Common{ID: testID, Logger: slog.New(slog.DiscardHandler)})
			o := newOperator(&l, ErrorPolicy{TolerateAll: test.tolerate})
			o.reporters = test.reporters
			var got error
			calls := 0
			ok, err := o.handle(t.Context(), &failure{stage: stageValue, err: errs.Data("x")}, func() error { return nil }, func(err error) { got = err; calls++ })
			if ok || (err != nil) != test.fatal || !errors.Is(got, test.report) || calls != 1 {
				t.Errorf("ok=%v err=%v report=%v calls=%d", ok, err, got, calls)
			}
			if o.tolerated() != test.tolerate {
				t.Error("tolerance is wrong afterwards")
			}
		})
	}
}

func TestReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g reports
		if err := g.wait(t.Context()); err != nil {
			t.Error(err)
		}
		one, two := g.add(), g.add()
		no := errors.New("no")
		done := make(chan error)
		go func() { done <- g.wait(t.Context()) }()
		one(nil)
		synctest.Wait()
		select {
		case <-done:
			t.Fatal("did not wait for both")
		default:
		}
		two(no)
		if err := <-done; !errors.Is(err, no) {
			t.Errorf("got %v", err)
		}
		g.add()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := g.wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestSourceText(t *testing.T) {
	r := record("t", "a", 1, "v")
	r.Partition, r.Timestamp, r.Key = 3, 5, schema.OfInt32(7)
	r.Headers = r.Headers.With("h", schema.Of(schema.String), schema.OfString("x")).With("i", nil, schema.Null())
	want := "SourceRecord{sourcePartition={p=a}, sourceOffset={o=1}} ConnectRecord{topic='t', kafkaPartition=3, key=7, keySchema=null, value=v, valueSchema=Schema{STRING}, timestamp=5, " +
		"headers=ConnectHeaders(headers=[ConnectHeader(key=h, value=x, schema=Schema{STRING}), ConnectHeader(key=i, value=null, schema=null)])}"
	if got := sourceText(r); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTopicRules(t *testing.T) {
	rule := TopicRule{Include: []Matcher{prefixed("a"), prefixed("b")}, Exclude: []Matcher{exactly("ab")}}
	for topic, want := range map[string]bool{"a": true, "b1": true, "ab": false, "c": false} {
		if got, err := rule.matches(topic); got != want || err != nil {
			t.Errorf("%s: %v, %v", topic, got, err)
		}
	}
}

func TestMeterWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m meter
		add := func(d time.Duration) { now := time.Now(); m.workEnds(now.Add(-d), now, true) }
		add(9 * time.Second)
		time.Sleep(20 * time.Second)
		add(2 * time.Second)
		if got := m.stats().Work; got.Max != 9*time.Second || got.Count != 2 || got.Total != 11*time.Second {
			t.Errorf("%+v", got)
		}
		time.Sleep(45 * time.Second)
		add(time.Second)
		if got := m.stats().Work; got.Max > 2*time.Second {
			t.Errorf("a maximum of long ago: %+v", got)
		}
		m.setPhase(PhaseRunning)
		time.Sleep(time.Minute)
		m.setPhase(PhasePaused)
		time.Sleep(time.Second)
		if st := m.stats(); st.RunningTime != time.Minute || st.PausedTime != time.Second || st.Phase != PhasePaused {
			t.Errorf("%+v", st)
		}
	})
}

func TestNewChecksItsConfig(t *testing.T) {
	if _, err := NewSource(SourceConfig{}); err == nil {
		t.Error("a source of nothing")
	}
	if _, err := NewSink(SinkConfig{}); err == nil {
		t.Error("a sink of nothing")
	}
	if _, err := NewSink(SinkConfig{Common: Common{Listener: newQuiet(), Logger: slog.New(slog.DiscardHandler)}, Task: &drain{}, NewConsumer: func(...kgo.Opt) (*kgo.Client, error) { return nil, nil }}); err == nil {
		t.Error("a sink without topics")
	}
}

// A plugin that fails to close keeps nothing else from being closed.
func TestSourceClosesItsPlugins(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		var closed []string
		src := newScripted()
		s := k.source(src, &memOffsets{}, func(c *SourceConfig) {
			c.Key = Converter{closing{&textConverter{}, func() error { closed = append(closed, "key"); return errors.New("no") }}, "k"}
			c.Value = Converter{closing{&textConverter{}, func() error { closed = append(closed, "value"); panic("no") }}, "v"}
			c.Chain = closingChain{funcChain{"c", func(r *connect.Record) (*connect.Record, error) { return r, nil }}, func() error { closed = append(closed, "chain"); return nil }}
		})
		wait := k.start(s)
		k.expect("running")
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
		if fmt.Sprint(closed) != "[key value chain]" {
			t.Errorf("closed %v", closed)
		}
		if s.ID() != (state.TaskID{Connector: "c"}) {
			t.Errorf("id %s", s.ID())
		}
	})
}

type closing struct {
	*textConverter
	close func() error
}

func (c closing) Close() error { return c.close() }

type closingChain struct {
	funcChain
	close func() error
}

func (c closingChain) Close() error { return c.close() }
