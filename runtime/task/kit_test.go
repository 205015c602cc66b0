package task

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/runtime/state"
)

var testID = state.TaskID{Connector: "c", Task: 0}

// kit is a broker in memory and what a task needs around it. Tests run in a bubble of
// synthetic time.
type kit struct {
	t      *testing.T
	broker *kafka.Broker
	log    *testLog
	events chan string
	admin  *kafka.Admin
	probe  *kgo.Client
}

// bubble runs a test with synthetic time and a broker.
func bubble(t *testing.T, test func(*testing.T, *kit), opts ...kfake.Opt) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b, err := kafka.StartBroker(kafka.BrokerConfig{InMemory: true, Options: opts})
		if err != nil {
			t.Fatal(err)
		}
		k := &kit{t: t, broker: b, log: &testLog{}, events: make(chan string, 100)}
		defer func() {
			if k.admin != nil {
				k.admin.Close()
			}
			if k.probe != nil {
				k.probe.Close()
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
			if t.Failed() {
				t.Log(k.log.String())
			}
		}()
		test(t, k)
	})
}

func (k *kit) client(opts ...kgo.Opt) *kgo.Client {
	k.t.Helper()
	c, err := k.newClient()(opts...)
	if err != nil {
		k.t.Fatal(err)
	}
	return c
}

func (k *kit) newClient(base ...kgo.Opt) NewClient {
	return func(opts ...kgo.Opt) (*kgo.Client, error) {
		all := []kgo.Opt{kgo.SeedBrokers(k.broker.Addrs()...), kgo.Dialer(k.broker.Dial)}
		return kgo.NewClient(append(append(all, base...), opts...)...)
	}
}

// producer makes producers as the worker does.
func (k *kit) producer(more ...kgo.Opt) NewClient {
	return k.newClient(append([]kgo.Opt{kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1), kgo.AllowAutoTopicCreation()}, more...)...)
}

func (k *kit) adminClient() *kafka.Admin {
	if k.admin == nil {
		a, err := kafka.NewAdmin(kafka.AdminOptions{
			Brokers: "memory", Client: []kgo.Opt{kgo.SeedBrokers(k.broker.Addrs()...), kgo.Dialer(k.broker.Dial)}, Logger: k.log.logger(),
		})
		if err != nil {
			k.t.Fatal(err)
		}
		k.admin = a
	}
	return k.admin
}

func (k *kit) topic(name string, partitions int32) {
	k.t.Helper()
	if _, err := k.adminClient().CreateTopic(k.t.Context(), kafka.NewTopic{Name: name, Partitions: partitions, ReplicationFactor: 1}); err != nil {
		k.t.Fatal(err)
	}
}

func (k *kit) common() Common {
	return Common{
		ID: testID, Props: map[string]string{"name": "c"}, Listener: k, Logger: k.log.logger(),
		Key: Converter{&textConverter{}, "test.Text"}, Value: Converter{&textConverter{}, "test.Text"}, Header: HeaderConverter{&textHeaders{}, "test.Headers"},
		CommitInterval: time.Minute, CommitTimeout: 5 * time.Second,
	}
}

// consume reads the values of a topic until n are there; more within a second are
// returned, too.
func (k *kit) consume(topic string, n int, opts ...kgo.Opt) []*kgo.Record {
	k.t.Helper()
	c := k.client(append([]kgo.Opt{kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(100 * time.Millisecond)}, opts...)...)
	defer c.Close()
	var out []*kgo.Record
	for {
		wait := time.Second
		if len(out) < n {
			wait = 2 * time.Minute
		}
		ctx, cancel := context.WithTimeout(k.t.Context(), wait)
		f := c.PollFetches(ctx)
		cancel()
		if errors.Is(f.Err0(), context.DeadlineExceeded) {
			return out
		}
		out = append(out, f.Records()...)
	}
}

func values(rs []*kgo.Record) []string {
	out := make([]string, len(rs))
	for i, r := range rs {
		out[i] = string(r.Value)
	}
	return out
}

func (k *kit) produce(topic string, values ...string) {
	k.t.Helper()
	rs := make([]*kgo.Record, len(values))
	for i, v := range values {
		rs[i] = &kgo.Record{Topic: topic, Value: []byte(v)}
	}
	k.produceRecords(rs...)
}

func (k *kit) produceRecords(rs ...*kgo.Record) {
	k.t.Helper()
	c := k.client(kgo.AllowAutoTopicCreation(), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	defer c.Close()
	if err := c.ProduceSync(k.t.Context(), rs...).FirstErr(); err != nil {
		k.t.Fatal(err)
	}
}

// Listener.
func (k *kit) OnStartup(state.TaskID)  { k.events <- "running" }
func (k *kit) OnPause(state.TaskID)    { k.events <- "paused" }
func (k *kit) OnResume(state.TaskID)   { k.events <- "resumed" }
func (k *kit) OnShutdown(state.TaskID) { k.events <- "stopped" }
func (k *kit) OnFailure(_ state.TaskID, _ error, trace string) {
	k.events <- "failed\n" + trace
}

// expect waits for a change of state.
func (k *kit) expect(want string) {
	k.t.Helper()
	select {
	case got := <-k.events:
		if got != want {
			k.t.Fatalf("got %q, want %q", got, want)
		}
	case <-time.After(time.Hour):
		k.t.Fatalf("still waiting for %q", want)
	}
}

// expectFailure waits for the task to fail, and returns the first lines of its trace:
// the error and all that it was caused by.
func (k *kit) expectFailure(want ...string) {
	k.t.Helper()
	select {
	case got := <-k.events:
		text, ok := strings.CutPrefix(got, "failed\n")
		if !ok {
			k.t.Fatalf("got %q, want a failure", got)
		}
		var lines []string
		for i, line := range strings.Split(text, "\n") {
			if i == 0 || strings.HasPrefix(line, "Caused by: ") {
				lines = append(lines, line)
			}
		}
		if !slices.Equal(lines, want) {
			k.t.Fatalf("got trace\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
		}
	case <-time.After(time.Hour):
		k.t.Fatalf("still waiting for a failure")
	}
}

// started runs a task in the background; the result waits for its end.
func (k *kit) start(t Task) (wait func() error) {
	done := make(chan error, 1)
	go func() { done <- t.Run(k.t.Context()) }()
	var once sync.Once
	var err error
	return func() error {
		once.Do(func() {
			select {
			case err = <-done:
			case <-time.After(time.Hour):
				k.t.Fatal("the task does not end")
			}
		})
		return err
	}
}

// testLog keeps what is logged.
type testLog struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *testLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *testLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *testLog) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// textConverter writes strings as they are; a value that begins with "bad" fails, one
// with "flaky" fails a number of times first.
type textConverter struct {
	mu    sync.Mutex
	flaky int
	tries int
}

func (*textConverter) ConfigDef() *configdef.Def               { return nil }
func (*textConverter) Configure(map[string]string, bool) error { return nil }
func (*textConverter) Close() error                            { return nil }

func (c *textConverter) check(text string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case strings.HasPrefix(text, "bad"):
		return errs.Data("cannot convert " + text)
	case strings.HasPrefix(text, "panic"):
		panic("no " + text)
	case strings.HasPrefix(text, "flaky") && c.flaky != 0:
		c.flaky--
		c.tries++
		return errs.Retriable("not yet " + text)
	}
	return nil
}

func (c *textConverter) FromConnectData(_ context.Context, _ string, _ *connect.RawHeaders, _ *schema.Schema, v schema.Value) ([]byte, error) {
	if v.IsNull() {
		return nil, nil
	}
	if err := c.check(v.Str()); err != nil {
		return nil, err
	}
	return []byte(v.Str()), nil
}

func (c *textConverter) ToConnectData(_ context.Context, _ string, _ *connect.RawHeaders, b []byte) (connect.SchemaAndValue, error) {
	if b == nil {
		return connect.SchemaAndValue{}, nil
	}
	if err := c.check(string(b)); err != nil {
		return connect.SchemaAndValue{}, err
	}
	return connect.SchemaAndValue{Schema: schema.Of(schema.String), Value: schema.OfString(string(b))}, nil
}

// appendingConverter is a textConverter that can append.
type appendingConverter struct{ textConverter }

func (c *appendingConverter) AppendConnectData(_ context.Context, dst []byte, _ string, _ *connect.RawHeaders, _ *schema.Schema, v schema.Value) ([]byte, bool, error) {
	if v.IsNull() {
		return dst, false, nil
	}
	if err := c.check(v.Str()); err != nil {
		return dst, false, err
	}
	return append(dst, v.Str()...), true, nil
}

// textHeaders is the like for headers.
type textHeaders struct{}

func (*textHeaders) ConfigDef() *configdef.Def         { return nil }
func (*textHeaders) Configure(map[string]string) error { return nil }
func (*textHeaders) Close() error                      { return nil }

func (*textHeaders) FromConnectHeader(_, _ string, _ *schema.Schema, v schema.Value) ([]byte, error) {
	if v.IsNull() {
		return nil, nil
	}
	if strings.HasPrefix(v.Str(), "bad") {
		return nil, errs.Data("cannot convert header " + v.Str())
	}
	return []byte(v.Str()), nil
}

func (*textHeaders) ToConnectHeader(_, _ string, b []byte) (connect.SchemaAndValue, error) {
	if strings.HasPrefix(string(b), "bad") {
		return connect.SchemaAndValue{}, errs.Data("cannot convert header " + string(b))
	}
	return connect.SchemaAndValue{Value: schema.OfString(string(b))}, nil
}

// funcChain is a chain of functions.
type funcChain struct {
	class string
	fn    func(*connect.Record) (*connect.Record, error)
}

func (c funcChain) Len() int         { return 1 }
func (c funcChain) Class(int) string { return c.class }
func (c funcChain) Close() error     { return nil }
func (c funcChain) Apply(_ context.Context, r *connect.Record) (*connect.Record, int, error) {
	out, err := c.fn(r)
	return out, 0, err
}

// memOffsets keeps offsets in memory, under the number in "p".
type memOffsets struct {
	mu     sync.Mutex
	stored map[string]int64
	writes []string // each Set, as text
	fail   func() error
	after  func() error
	slow   time.Duration
	topic  string
}

func offsetText(m *schema.MapValue) string {
	if m == nil {
		return "null"
	}
	v, _ := m.GetString("p")
	return v.Text()
}

func (o *memOffsets) Offsets(_ context.Context, ps []*schema.MapValue) ([]*schema.MapValue, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := make([]*schema.MapValue, len(ps))
	for i, p := range ps {
		if at, ok := o.stored[offsetText(p)]; ok {
			out[i] = offset(at)
		}
	}
	return out, nil
}

func (o *memOffsets) Set(ctx context.Context, offsets []connect.PartitionOffset) error {
	if o.slow > 0 {
		select {
		case <-time.After(o.slow):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if o.fail != nil {
		if err := o.fail(); err != nil {
			return err
		}
	}
	o.put(offsets)
	if o.after != nil {
		return o.after()
	}
	return nil
}

func (o *memOffsets) put(offsets []connect.PartitionOffset) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stored == nil {
		o.stored = map[string]int64{}
	}
	var texts []string
	for _, po := range offsets {
		v, _ := po.Offset.GetString("o")
		o.stored[offsetText(po.Partition)] = v.Int64()
		texts = append(texts, fmt.Sprintf("%s=%d", offsetText(po.Partition), v.Int64()))
	}
	slices.Sort(texts)
	o.writes = append(o.writes, strings.Join(texts, " "))
}

func (o *memOffsets) Records(offsets []connect.PartitionOffset) ([]OffsetRecord, error) {
	var out []OffsetRecord
	for _, po := range offsets {
		v, _ := po.Offset.GetString("o")
		out = append(out, OffsetRecord{Key: []byte(offsetText(po.Partition)), Value: strconv.AppendInt(nil, v.Int64(), 10)})
	}
	return out, nil
}

func (o *memOffsets) Topic() string { return o.topic }

func (o *memOffsets) Committed(offsets []connect.PartitionOffset) { o.put(offsets) }

func (o *memOffsets) log() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.writes)
}

func (o *memOffsets) at(p string) int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	if at, ok := o.stored[p]; ok {
		return at
	}
	return -1
}

func partitionMap(p string) *schema.MapValue {
	m := schema.NewMap(1)
	m.PutString("p", schema.OfString(p))
	return m
}

func offset(n int64) *schema.MapValue {
	m := schema.NewMap(1)
	m.PutString("o", schema.OfInt64(n))
	return m
}

// record is a source record without a key.
func record(topic, part string, at int64, value string) *connect.Record {
	return &connect.Record{
		Topic: topic, Partition: connect.NoPartition, Timestamp: connect.NoTimestamp, ValueSchema: schema.Of(schema.String), Value: schema.OfString(value),
		SourcePartition: partitionMap(part), SourceOffset: offset(at),
	}
}

// sequence makes n records with the offsets from+1 and so on, of one source partition.
func sequence(topic, part string, from, n int) []*connect.Record {
	out := make([]*connect.Record, n)
	p := partitionMap(part)
	for i := range out {
		out[i] = record(topic, part, int64(from+i+1), fmt.Sprintf("%s-%d", part, from+i+1))
		out[i].SourcePartition = p
	}
	return out
}

// scripted is a source task that polls what a test gives it.
type scripted struct {
	polls   chan any // []*connect.Record or error
	context connect.SourceContext
	onStart func() error
	stop    func() error
	block   bool // ignore the context's end

	mu      sync.Mutex
	commits int
	told    []string
	order   []string
}

func newScripted() *scripted { return &scripted{polls: make(chan any, 10000)} }

func (s *scripted) note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.order = append(s.order, text)
}

func (s *scripted) Start(_ context.Context, tc connect.SourceContext, _ map[string]string) error {
	s.context = tc
	if s.onStart != nil {
		return s.onStart()
	}
	return nil
}

func (s *scripted) Poll(ctx context.Context) ([]*connect.Record, error) {
	done := ctx.Done()
	if s.block {
		done = nil
	}
	select {
	case p := <-s.polls:
		switch p := p.(type) {
		case error:
			return nil, p
		case func() []*connect.Record:
			return p(), nil
		case []*connect.Record:
			return p, nil
		}
		panic("unknown poll")
	case <-done:
		return nil, ctx.Err()
	}
}

func (s *scripted) Commit(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commits++
	s.order = append(s.order, "commit")
	return nil
}

func (s *scripted) Stop(context.Context) error {
	s.note("stop")
	if s.stop != nil {
		return s.stop()
	}
	return nil
}

func (s *scripted) committed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.commits
}

// hearing is a scripted task that wants to hear of each record.
type hearing struct{ *scripted }

func (h hearing) CommitRecord(r *connect.Record, meta *connect.RecordMetadata) error {
	text := r.Value.Text() + ":dropped"
	if meta != nil {
		text = fmt.Sprintf("%s:%s-%d@%d", r.Value.Text(), meta.Topic, meta.Partition, meta.Offset)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, text)
	return nil
}

func (k *kit) source(task connect.SourceTask, offsets *memOffsets, change ...func(*SourceConfig)) *Source {
	k.t.Helper()
	cfg := SourceConfig{Common: k.common(), Task: task, NewProducer: k.producer(), Offsets: offsets}
	for _, c := range change {
		c(&cfg)
	}
	s, err := NewSource(cfg)
	if err != nil {
		k.t.Fatal(err)
	}
	return s
}

func tolerant(c *SourceConfig) { c.Errors.TolerateAll = true }

// sleep lets synthetic time pass and everything that is due then happen.
func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
