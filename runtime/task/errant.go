package task

import (
	"context"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
)

// errantReporter is how a sink task reports single bad records (KIP-610,
// WorkerErrantRecordReporter). It is safe for concurrent use.
type errantReporter struct {
	s *Sink

	mu      sync.Mutex
	reports *reports
	err     error // the first error that was not tolerated
}

var _ connect.ErrantRecordReporter = (*errantReporter)(nil)

// Report reports a record. The result yields nil when the report is durable.
func (e *errantReporter) Report(r *connect.Record, cause error) <-chan error {
	result := make(chan error, 1)
	msg, err := e.consumed(r)
	if err != nil {
		result <- err
		return result
	}
	e.mu.Lock()
	if e.reports == nil {
		e.reports = &reports{}
	}
	ended := e.reports.add()
	e.mu.Unlock()
	f := &failure{stage: stagePut, class: classSinkTask, err: cause, consumed: msg}
	refused := e.s.op.fail(f, func(err error) {
		e.s.reportEnded(err)
		ended(err)
		if err != nil || e.s.op.policy.TolerateAll {
			answer(result, err)
		}
	})
	if refused != nil {
		e.mu.Lock()
		if e.err == nil {
			e.err = refused
		}
		e.mu.Unlock()
		answer(result, refused)
	}
	return result
}

// answer sends the first answer.
func answer(result chan<- error, err error) {
	select {
	case result <- err:
	default:
	}
}

// failure is the error that the task has swallowed although it is not tolerated.
func (e *errantReporter) failure() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}

// take returns what was reported since the last call, or nil.
func (e *errantReporter) take() *reports {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.reports
	e.reports = nil
	return r
}

// consumed returns what r was read from. A record that the task has made itself is
// converted back.
func (e *errantReporter) consumed(r *connect.Record) (*kgo.Record, error) {
	if msg, ok := r.Origin.(*kgo.Record); ok {
		return msg, nil
	}
	var msg *kgo.Record
	err := e.s.guard("converting a reported record", func() (err error) {
		msg, err = e.convert(r)
		return err
	})
	return msg, err
}

func (e *errantReporter) convert(r *connect.Record) (*kgo.Record, error) {
	d := &e.s.reader.decoder
	d.mu.Lock()
	defer d.mu.Unlock()
	cfg, ctx := &e.s.cfg, context.Background()
	var raw connect.RawHeaders
	msg := &kgo.Record{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}
	var err error
	if msg.Key, err = cfg.Key.FromConnectData(ctx, r.Topic, &raw, r.KeySchema, r.Key); err != nil {
		return nil, err
	}
	if msg.Value, err = cfg.Value.FromConnectData(ctx, r.Topic, &raw, r.ValueSchema, r.Value); err != nil {
		return nil, err
	}
	for _, h := range r.Headers {
		b, err := cfg.Header.FromConnectHeader(r.Topic, h.Key, h.Schema, h.Value)
		if err != nil {
			return nil, err
		}
		msg.Headers = append(msg.Headers, kgo.RecordHeader{Key: h.Key, Value: b})
	}
	if r.Timestamp != connect.NoTimestamp {
		msg.Timestamp = millis(r.Timestamp)
	} else {
		msg.Timestamp = millis(-1)
	}
	if r.Topic == "" {
		return nil, errs.IllegalArgument("a record without a topic cannot be reported")
	}
	return msg, nil
}
