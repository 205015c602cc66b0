package task

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/schema"
)

var errCrashed = errors.New("crashed")

// crash ends a process at one of its points: nothing that it does after that has any
// effect. Points are all writes to Kafka, writes of offsets and calls of a sink's
// destination, each before and after it takes effect.
type crash struct {
	at     int // the point to crash at; negative for never
	cancel context.CancelCauseFunc

	mu      sync.Mutex
	points  int
	crashed bool
	conns   []net.Conn
}

// point passes a point, or crashes there.
func (c *crash) point() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.crashed {
		return errCrashed
	}
	if c.points++; c.points-1 != c.at {
		return nil
	}
	c.crashed = true
	for _, conn := range c.conns {
		_ = conn.Close() // it may be closed already
	}
	c.cancel(errCrashed)
	return errCrashed
}

// around is a point before and one after something that cannot be undone.
func (c *crash) around(do func() error) error {
	if err := c.point(); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return c.point()
}

func (c *crash) dialer(dial func(context.Context, string, string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.crashed {
			return nil, errCrashed
		}
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		c.conns = append(c.conns, conn)
		return &crashConn{conn, c}, nil
	}
}

type crashConn struct {
	net.Conn
	c *crash
}

func (c *crashConn) Write(b []byte) (n int, err error) {
	err = c.c.around(func() error {
		n, err = c.Conn.Write(b)
		return err
	})
	return n, err
}

// replayer is a source of two partitions of numbers, which goes on where its offsets
// say.
type replayer struct {
	each  int
	parts map[string]int64
	turn  int
	tx    connect.TransactionContext

	offsets *memOffsets
}

func (r *replayer) Start(ctx context.Context, tc connect.SourceContext, _ map[string]string) error {
	r.parts, r.tx = map[string]int64{}, tc.Transaction()
	for _, p := range []string{"a", "b"} {
		got, err := tc.OffsetReader().Offsets(ctx, []*schema.MapValue{partitionMap(p)})
		if err != nil {
			return err
		}
		if got[0] != nil {
			r.parts[p] = got[0].Entries()[0].Value.Int64()
		}
	}
	return nil
}

func (r *replayer) Poll(ctx context.Context) ([]*connect.Record, error) {
	r.turn++
	p := []string{"a", "b"}[r.turn%2]
	n := min(3, r.each-int(r.parts[p]))
	if n == 0 {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(10 * time.Millisecond):
			return nil, nil
		}
	}
	out := sequence("t", p, int(r.parts[p]), n)
	r.parts[p] += int64(n)
	if r.tx != nil && (r.turn%3 == 0 || int(r.parts[p]) == r.each) {
		r.tx.CommitTransactionOn(out[n-1])
	}
	return out, nil
}

func (r *replayer) Commit(context.Context) error { return nil }
func (r *replayer) Stop(context.Context) error   { return nil }

func (r *replayer) done() bool {
	return r.offsets.at("a") == int64(r.each) && r.offsets.at("b") == int64(r.each)
}

// checkRecords says what is wrong with a topic that should have n records of each part:
// all of them, in order, and only once if it is exactly once. At least once, a crash
// repeats what was sent last.
func checkRecords(got []string, n int, exactly bool) error {
	for _, part := range []string{"a", "b"} {
		most := 0
		seen := map[string]int{}
		for _, v := range got {
			var i int
			if _, err := fmt.Sscanf(v, part+"-%d", &i); err != nil {
				continue
			}
			if i > most+1 {
				return fmt.Errorf("%s came after %s-%d: records are missing", v, part, most)
			}
			most = max(most, i)
			if seen[v]++; exactly && seen[v] > 1 {
				return fmt.Errorf("%s is there twice", v)
			}
		}
		if most != n {
			return fmt.Errorf("%s ends at %d, want %d", part, most, n)
		}
	}
	return nil
}

// crashSource runs a source until it crashes or is done, and reports how many points
// it passed.
func crashSource(k *kit, at, each int, offsets *memOffsets, change func(*SourceConfig)) (points int) {
	ctx, cancel := context.WithCancelCause(k.t.Context())
	defer cancel(nil)
	c := &crash{at: at, cancel: cancel}
	src := &replayer{each: each, offsets: offsets}
	offsets.fail, offsets.after = c.point, c.point
	s := k.source(src, offsets, change, func(cfg *SourceConfig) {
		make := cfg.NewProducer
		cfg.CommitInterval = 50 * time.Millisecond
		cfg.NewProducer = func(opts ...kgo.Opt) (*kgo.Client, error) {
			return make(append(opts, kgo.Dialer(c.dialer(k.broker.Dial)))...)
		}
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Run(ctx); err != nil && !errors.Is(err, errCrashed) && ctx.Err() == nil {
			k.t.Errorf("crash at %d: %v", at, err)
		}
	}()
	for range 100000 {
		select {
		case <-done:
			return c.points
		default:
		}
		if src.done() {
			break
		}
		sleep(10 * time.Millisecond)
	}
	s.Stop()
	<-done
	for len(k.events) > 0 {
		<-k.events
	}
	return c.points
}

// Every write of a source is a crash point. Wherever it crashes, another one that goes
// on from the stored offsets loses nothing, and exactly once nothing is repeated.
func TestSourceCrashPoints(t *testing.T) {
	const each = 9
	tests := map[string]func(*kit) func(*SourceConfig){
		"at least once": func(*kit) func(*SourceConfig) { return func(*SourceConfig) {} },
		"exactly once": func(k *kit) func(*SourceConfig) {
			return k.exactlyOnce(ExactlyOnceConfig{})
		},
		"exactly once by interval": func(k *kit) func(*SourceConfig) {
			return k.exactlyOnce(ExactlyOnceConfig{Boundary: BoundaryInterval, Interval: 30 * time.Millisecond})
		},
		"exactly once by connector": func(k *kit) func(*SourceConfig) {
			return k.exactlyOnce(ExactlyOnceConfig{Boundary: BoundaryConnector})
		},
	}
	for name, setup := range tests {
		t.Run(name, func(t *testing.T) {
			exactly := name != "at least once"
			points := 1
			for at := 0; at < points; at++ {
				bubble(t, func(t *testing.T, k *kit) {
					k.topic("t", 1)
					change := setup(k)
					offsets := &memOffsets{}
					passed := crashSource(k, at, each, offsets, change)
					if at == 0 {
						// A run without a crash says how many points there are; the ends of
						// transactions take time, so another run may pass a few more.
						points = crashSource(k, -1, each, &memOffsets{}, change)
						return
					}
					if exactly {
						// What the transaction wrote is what counts.
						offsets = &memOffsets{topic: "offsets", stored: k.storedOffsets()}
					}
					crashSource(k, -1, each, offsets, change)
					if err := checkRecords(values(k.consume("t", 0)), each, exactly); err != nil {
						t.Errorf("crash at point %d of %d: %v", at, passed, err)
					}
				})
			}
			if points < 10 {
				t.Errorf("only %d points", points)
			}
		})
	}
}

// storedOffsets reads what the offsets topic says.
func (k *kit) storedOffsets() map[string]int64 {
	out := map[string]int64{}
	for _, r := range k.consume("offsets", 0) {
		var n int64
		if _, err := fmt.Sscan(string(r.Value), &n); err != nil {
			k.t.Fatal(err)
		}
		out[string(r.Key)] = n
	}
	return out
}

// durable is the destination of a sink: what was put into it stays.
type durable struct {
	c *crash

	mu     sync.Mutex
	values []string
}

func (d *durable) Start(context.Context, connect.SinkContext, map[string]string) error { return nil }
func (d *durable) Open(context.Context, []connect.TopicPartition) error                { return nil }
func (d *durable) Close(context.Context, []connect.TopicPartition) error               { return nil }
func (d *durable) Stop(context.Context) error                                          { return nil }

func (d *durable) PreCommit(_ context.Context, o map[connect.TopicPartition]int64) (map[connect.TopicPartition]int64, error) {
	return o, nil
}

func (d *durable) Put(_ context.Context, rs []*connect.Record) error {
	for _, r := range rs {
		if err := d.c.around(func() error {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.values = append(d.values, r.Value.Str())
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

func (d *durable) got() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.values)
}

func crashSink(k *kit, at int, d *durable, want int) (points int) {
	ctx, cancel := context.WithCancelCause(k.t.Context())
	defer cancel(nil)
	c := &crash{at: at, cancel: cancel}
	d.c = c
	s := k.sink(d, k.deadLetters("dlq", false), func(cfg *SinkConfig) {
		cfg.CommitInterval, cfg.MaxPollRecords = 20*time.Millisecond, 4
		crashing := kgo.Dialer(c.dialer(k.broker.Dial))
		cfg.NewConsumer = k.consumer(crashing, kgo.SessionTimeout(10*time.Second))
		cfg.DeadLetters.NewProducer = k.producer(crashing)
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Run(ctx); err != nil && !errors.Is(err, errCrashed) && ctx.Err() == nil {
			k.t.Errorf("crash at %d: %v", at, err)
		}
	}()
	for range 100000 {
		select {
		case <-done:
			return c.points
		default:
		}
		if k.groupOffsets() == fmt.Sprintf("t-0=%d", want) {
			break
		}
		sleep(50 * time.Millisecond)
	}
	s.Stop()
	<-done
	for len(k.events) > 0 {
		<-k.events
	}
	return c.points
}

// The like for sinks: every record reaches the destination or the dead-letter topic,
// in order but for what is repeated.
func TestSinkCrashPoints(t *testing.T) {
	var input []string
	for i := range 12 {
		v := fmt.Sprintf("a-%d", i-i/4)
		if i%4 == 3 {
			v = fmt.Sprintf("bad-%d", i/4+1)
		}
		input = append(input, v)
	}
	points := 1
	for at := 0; at < points; at++ {
		bubble(t, func(t *testing.T, k *kit) {
			k.topic("t", 1)
			k.topic("dlq", 1)
			k.produce("t", input...)
			d := &durable{}
			passed := crashSink(k, at, d, len(input))
			if at == 0 {
				points = crashSink(k, -1, d, len(input)) + 4
				return
			}
			crashSink(k, -1, d, len(input))
			var want []string
			for _, v := range input {
				if strings.HasPrefix(v, "a-") {
					want = append(want, v)
				}
			}
			if got := firstOf(d.got()); !slices.Equal(got, want) {
				t.Errorf("crash at point %d of %d: destination %v, want %v", at, passed, got, want)
			}
			if got := firstOf(values(k.consume("dlq", 3))); !slices.Equal(got, []string{"bad-1", "bad-2", "bad-3"}) {
				t.Errorf("crash at point %d of %d: dead letters %v", at, passed, got)
			}
		})
	}
	if points < 20 {
		t.Errorf("only %d points", points)
	}
}

// firstOf drops repetitions.
func firstOf(vs []string) (out []string) {
	for _, v := range vs {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}
