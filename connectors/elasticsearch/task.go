package elasticsearch

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
)

const (
	// The task pauses its partitions when it remembers this many times
	// max.buffered.records, and resumes them at half of it.
	pauseAt, resumeAt = 10, 5
	// pausePoll is how soon the runtime is to come back while partitions are paused.
	pausePoll = 100 * time.Millisecond
	// commitPatience is how long a commit waits for what is under way, so that a task
	// that is stopped or rebalanced leaves little to be written again.
	commitPatience = 200 * time.Millisecond
	// maxReports is how many reports of bad records may be on their way at a time.
	maxReports = 100
)

// task writes records to Elasticsearch.
type task struct {
	network http.RoundTripper // for tests; nil for the network

	ctx     connect.SinkContext
	log     *slog.Logger
	set     *settings
	client  *client
	track   *tracker
	bulk    *bulker
	errant  connect.ErrantRecordReporter
	targets map[string]*target
	reports []<-chan error
	paused  bool
}

func (t *task) Start(ctx context.Context, tc connect.SinkContext, props map[string]string) error {
	set, err := parse(props)
	if err != nil {
		return err
	}
	t.ctx, t.log, t.set, t.errant, t.targets = tc, tc.Logger(), set, tc.ErrantRecords(), map[string]*target{}
	if t.client, err = newClient(set, t.log, t.network); err != nil {
		return err
	}
	t.track = newTracker()
	t.bulk = newBulker(ctx, set, t.log, t.client, t.track, t.errant)
	t.log.Info("writing to Elasticsearch", "url", set.shown)
	return nil
}

func (*task) Open(context.Context, []connect.TopicPartition) error { return nil }

func (t *task) Put(ctx context.Context, records []*connect.Record) error {
	if err := t.bulk.failure(); err != nil {
		return err
	}
	t.maybeResume()
	if len(records) > 0 {
		t.bulk.begin()
		err := t.putAll(ctx, records)
		t.bulk.end()
		if err != nil {
			return err
		}
	}
	t.maybePause()
	return nil
}

func (t *task) putAll(ctx context.Context, records []*connect.Record) error {
	for _, r := range records {
		if err := t.put(ctx, r); err != nil {
			if lost := t.drainReports(ctx); lost != nil {
				t.log.Error("a bad record could not be reported", "cause", lost)
			}
			return err
		}
	}
	return t.drainReports(ctx)
}

func (t *task) put(ctx context.Context, r *connect.Record) error {
	k := t.track.add(r)
	if r.Value.IsNull() && t.set.nullValues == nullsIgnore {
		if err := t.report(ctx, r, errs.Connect("Cannot write null valued record.")); err != nil {
			return err
		}
		t.track.settle(k)
		return nil
	}
	target, err := t.prepare(ctx, r)
	if err != nil {
		return err
	}
	skipped, err := t.bulk.add(ctx, target, r, k)
	if failure := t.bulk.failure(); failure != nil {
		return failure
	}
	switch {
	case skipped:
		t.track.settle(k)
	case err != nil && errs.Class(err) == errs.ClassData:
		if reportErr := t.report(ctx, r, err); reportErr != nil {
			return reportErr
		}
		if !t.set.dropInvalid {
			return err
		}
		t.log.Error("dropping a record that cannot be made into a document", "record", place(r), "cause", err)
		t.track.settle(k)
	case err != nil:
		return err
	}
	return nil
}

// prepare finds where a record goes, and sees to it that the index is there and has
// a mapping.
func (t *task) prepare(ctx context.Context, r *connect.Record) (*target, error) {
	g := t.targets[r.Topic]
	if g == nil {
		var err error
		if g, err = t.set.target(r.Topic); err != nil {
			return nil, err
		}
		t.targets[r.Topic] = g
	}
	if !g.exists {
		if err := t.client.create(ctx, g.resource, t.set.stream); err != nil {
			return nil, err
		}
		g.exists = true
	}
	// A record without value has no schema either, and no need of a mapping.
	if g.mapped || g.ignoreSchema || r.Value.IsNull() {
		return g, nil
	}
	found, err := t.client.hasMapping(ctx, g.resource)
	if err != nil {
		return nil, err
	}
	if !found {
		mapping, err := mappingOf(r.ValueSchema)
		if err != nil {
			return nil, err
		}
		if err := t.client.putMapping(ctx, g.resource, mapping, r.ValueSchema.String()); err != nil {
			return nil, err
		}
	}
	g.mapped = true
	return g, nil
}

// report hands a record to the dead letter queue, if there is one. It does not wait
// for it: drainReports does.
func (t *task) report(ctx context.Context, r *connect.Record, cause error) error {
	if t.errant == nil {
		return nil
	}
	t.reports = append(t.reports, t.errant.Report(r, cause))
	if len(t.reports) < maxReports {
		return nil
	}
	return t.drainReports(ctx)
}

func (t *task) drainReports(ctx context.Context) error {
	for _, done := range t.reports {
		select {
		case err := <-done:
			if err != nil {
				t.reports = nil
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	t.reports = t.reports[:0]
	return nil
}

func (t *task) maybePause() {
	if t.paused || t.track.size() <= pauseAt*t.set.buffered && !t.bulk.struggling() {
		return
	}
	t.log.Debug("pausing all partitions")
	t.ctx.Pause(t.ctx.Assignment()...)
	t.ctx.Timeout(pausePoll)
	t.paused = true
}

func (t *task) maybeResume() {
	switch {
	case !t.paused:
	case t.track.size() <= resumeAt*t.set.buffered && !t.bulk.struggling():
		t.log.Debug("resuming all partitions")
		t.ctx.Resume(t.ctx.Assignment()...)
		t.paused = false
	default:
		t.ctx.Timeout(pausePoll)
	}
}

// PreCommit sends what was gathered and returns what is settled.
func (t *task) PreCommit(ctx context.Context, offsets map[connect.TopicPartition]int64) (map[connect.TopicPartition]int64, error) {
	t.bulk.flush()
	wait, cancel := ctx, context.CancelFunc(func() {})
	if !t.set.flushSync {
		wait, cancel = context.WithTimeout(ctx, commitPatience)
	}
	defer cancel()
	// Put reports what failed; what is settled is committed all the same.
	if err := t.bulk.wait(wait); err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return t.track.committable(offsets), nil
}

func (t *task) Close(ctx context.Context, partitions []connect.TopicPartition) error {
	if t.bulk.ordered {
		// An update that is under way must not come after those of the next owner.
		t.bulk.flush()
		wait, cancel := context.WithTimeout(ctx, t.set.flushTimeout)
		defer cancel()
		if err := t.bulk.wait(wait); err != nil {
			t.log.Warn("not all updates were written before the partitions were given away", "cause", err)
		}
	}
	t.track.remove(partitions)
	return nil
}

func (t *task) Stop(ctx context.Context) error {
	if t.bulk == nil {
		return nil
	}
	err := t.bulk.stop(ctx)
	t.client.close()
	return err
}
