package task

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/internal/broken"
)

// stage is a step of the data path, by Java's name (errors.Stage).
type stage string

const (
	stagePut       stage = "TASK_PUT"
	stageTransform stage = "TRANSFORMATION"
	stageKey       stage = "KEY_CONVERTER"
	stageValue     stage = "VALUE_CONVERTER"
	stageHeader    stage = "HEADER_CONVERTER"
	stageProduce   stage = "KAFKA_PRODUCE"
)

// Classes that errors name where Java does.
const (
	classSinkTask   = "org.apache.kafka.connect.sink.SinkTask"
	classSourceTask = "org.apache.kafka.connect.runtime.WorkerSourceTask"
)

// retryDelayMin is the first wait between two tries
// (RetryWithToleranceOperator.RETRIES_DELAY_MIN_MS).
const retryDelayMin = 300 * time.Millisecond

// failure is an operation on one record that failed (ProcessingContext).
type failure struct {
	stage stage
	class string
	err   error
	// One of them is the record as it was read.
	consumed *kgo.Record
	source   *connect.Record
}

// reporter tells somebody of a failure. done is called once: with nil when the
// report is durable, or as durable as it will ever be, else with an error that must
// end the task. It may be called before report returns.
type reporter interface {
	report(f *failure, done func(error))
}

// operator decides what becomes of operations that fail
// (RetryWithToleranceOperator). It is safe for concurrent use.
type operator struct {
	life      *lifecycle
	policy    ErrorPolicy
	reporters []reporter
	failed    atomic.Int64
}

func newOperator(l *lifecycle, p ErrorPolicy) *operator {
	o := &operator{life: l, policy: p}
	if p.Log {
		o.reporters = append(o.reporters, &logReporter{life: l, messages: p.LogMessages})
	}
	return o
}

// try calls again until it succeeds, when the error of the first try is retriable.
// It returns nil for success, errStopped or the cause of ctx's end when it was
// interrupted, and the last error otherwise.
func (o *operator) try(ctx context.Context, err error, again func() error) error {
	started := time.Now()
	for attempt := 1; errs.IsRetriable(err); attempt++ {
		o.life.meter.failures.Add(1)
		left := time.Duration(1<<63 - 1)
		if o.policy.RetryTimeout >= 0 {
			left = o.policy.RetryTimeout - time.Since(started)
		}
		if left <= 0 {
			return err
		}
		if stop := o.life.sleep(ctx, min(o.delay(attempt), left)); stop != nil {
			return &interrupted{stop}
		}
		o.life.meter.retries.Add(1)
		if err = again(); err == nil {
			return nil
		}
	}
	return err
}

// interrupted marks an operation that was not tried to its end.
type interrupted struct{ cause error }

func (i *interrupted) Error() string { return i.cause.Error() }
func (i *interrupted) Unwrap() error { return i.cause }

// delay is exponential, and random once it would exceed errors.retry.delay.max.ms.
func (o *operator) delay(attempt int) time.Duration {
	d := retryDelayMin << min(attempt-1, 30)
	if d > o.policy.RetryDelayMax {
		if o.policy.RetryDelayMax <= 0 {
			return 0
		}
		d = rand.N(o.policy.RetryDelayMax)
	}
	return d
}

// handle is called when an operation on a record has failed with f.err. It tries it
// again while that may help, reports it otherwise, and returns recovered=true when a
// later try succeeded, false and nil when the record is to be skipped, or the error
// that ends the task. done hears of the reports of a skipped record.
func (o *operator) handle(ctx context.Context, f *failure, again func() error, done func(error)) (recovered bool, err error) {
	if f.err = o.try(ctx, f.err, again); f.err == nil {
		return true, nil
	}
	var i *interrupted
	if errors.As(f.err, &i) {
		return false, i.cause
	}
	return false, o.fail(f, done)
}

// fail reports a failure for good. It returns nil when it is tolerated, else the
// error that ends the task (executeFailed).
func (o *operator) fail(f *failure, done func(error)) error {
	if broken.Invariant(3) {
		done(nil)
		return nil
	}
	m := &o.life.meter
	m.failures.Add(1)
	m.errors.Add(1)
	m.lastError.Store(time.Now().UnixNano())
	o.failed.Add(1)
	if errs.IsBlameless(f.err) {
		return errs.Wrap(errs.ClassConnect, f.err, "Tolerance exceeded in error handler").
			WithHint("the record is not at fault and was not skipped; restart the task when the cause is gone, or raise errors.retry.timeout")
	}
	o.report(f, done)
	if !o.tolerated() {
		return errs.Wrap(errs.ClassConnect, f.err, "Tolerance exceeded in error handler")
	}
	m.skipped.Add(1)
	return nil
}

// tolerated says whether failures so far are within errors.tolerance.
func (o *operator) tolerated() bool { return o.policy.TolerateAll || o.failed.Load() == 0 }

// report hands f to all reporters and calls done when the last of them is done.
func (o *operator) report(f *failure, done func(error)) {
	if len(o.reporters) == 0 {
		done(nil)
		return
	}
	var left atomic.Int64
	var first atomic.Pointer[error]
	left.Store(int64(len(o.reporters)))
	for _, r := range o.reporters {
		r.report(f, func(err error) {
			if err != nil {
				first.CompareAndSwap(nil, &err)
			}
			if left.Add(-1) == 0 {
				if e := first.Load(); e != nil {
					done(*e)
				} else {
					done(nil)
				}
			}
		})
	}
}
