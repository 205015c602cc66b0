package herder

import (
	"context"
	"errors"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/state"
)

// fencing is one round of zombie fencing (KIP-618): the producers of all tasks of
// the last generation are fenced before any task of the next may start.
type fencing struct {
	done   chan struct{}
	err    error
	cancel context.CancelCauseFunc
}

var errNewTasks = &StatusError{statusConflict, "Failed to complete zombie fencing because a new set of task configs was generated"}

// Fence carries out a round of fencing on the leader for a worker that wants to
// start a task; the request must be signed where the group's protocol says so.
func (h *Herder) Fence(ctx context.Context, name string, sig *Signature) error {
	if err := h.checkSignature(sig); err != nil {
		return err
	}
	return h.fence(ctx, name)
}

// fenceOrForward is what a task calls before it makes its producer.
func (h *Herder) fenceOrForward(ctx context.Context, name string) error {
	err := h.fence(ctx, name)
	var forward *ForwardError
	if errors.As(err, &forward) {
		var key *state.SessionKey
		if k, ok := h.configs().SessionKey(); ok && h.view.Load().sessioned {
			key = &k
		}
		err = h.o.Peers.Fence(ctx, forward.URL, name, key)
	}
	if err != nil {
		return wrap(err, "Failed to perform zombie fencing")
	}
	return nil
}

// fence waits for a round that is under way or starts one where it is needed.
func (h *Herder) fence(ctx context.Context, name string) error {
	var round *fencing
	err := h.do(ctx, "performing zombie fencing for connector "+name, func(ctx context.Context) error {
		snapshot, err := h.fencingSnapshot(ctx, name)
		if err != nil {
			return err
		}
		if !snapshot.PendingFencing(name) {
			return nil
		}
		tasks := snapshot.TaskCount(name)
		recorded, ok := snapshot.TaskCountRecord(name)
		// A single task fences its predecessor itself by initialising its transactional id.
		if !ok || recorded == 1 && tasks == 1 {
			return h.write(h.o.Configs.PutTaskCountRecord(ctx, name, tasks))
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if round = h.fencing[name]; round == nil {
			round = h.startFencing(snapshot, name, recorded, tasks)
			h.fencing[name] = round
		}
		return nil
	})
	if err != nil || round == nil {
		return err
	}
	select {
	case <-round.done:
		return round.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *Herder) fencingSnapshot(ctx context.Context, name string) (*state.ConfigSnapshot, error) {
	if !h.core.Leader() {
		return nil, h.notLeader("Only the leader may perform zombie fencing.")
	}
	if err := h.o.Configs.Refresh(ctx); err != nil {
		return nil, errs.Wrap(errs.ClassConnect, err, "Failed to read to end of config topic before performing zombie fencing")
	}
	snapshot := h.configs()
	config, ok := snapshot.RawConnectorConfig(name)
	if !ok {
		return nil, notFound("Connector %s not found", name)
	}
	if h.connectorType(config.Map()) != TypeSource {
		return nil, badRequest("Connector %s is not a source connector", name)
	}
	return snapshot, nil
}

// startFencing runs a round on a goroutine of its own; the caller holds h.mu.
func (h *Herder) startFencing(snapshot *state.ConfigSnapshot, name string, recorded, tasks int) *fencing {
	ctx, cancel := context.WithCancelCause(h.lifetime)
	round := &fencing{done: make(chan struct{}), cancel: cancel}
	generation, _ := snapshot.TaskConfigGeneration(name)
	raw, _ := snapshot.RawConnectorConfig(name)
	h.wg.Go(func() {
		defer cancel(nil)
		err := h.fenceRound(ctx, name, raw.Map(), recorded, tasks, generation)
		if cause := context.Cause(ctx); err != nil && cause != nil {
			err = cause
		}
		if err != nil {
			err = wrap(err, "Failed to perform zombie fencing")
		}
		h.mu.Lock()
		delete(h.fencing, name)
		h.mu.Unlock()
		round.err = err
		close(round.done)
	})
	return round
}

func (h *Herder) fenceRound(ctx context.Context, name string, raw map[string]string, recorded, tasks, generation int) error {
	config, err := h.o.Worker.Resolve(ctx, name, raw)
	if err != nil {
		return err
	}
	if err := h.o.Worker.FenceTasks(ctx, name, config, recorded); err != nil {
		return err
	}
	return h.do(ctx, "writing a task count record for connector "+name+" to the config topic", func(ctx context.Context) error {
		snapshot, err := h.fencingSnapshot(ctx, name)
		if err != nil {
			return err
		}
		if now, _ := snapshot.TaskConfigGeneration(name); now > generation {
			return &StatusError{statusConflict, "Fencing failed because new task configurations were generated for the connector"}
		}
		return h.write(h.o.Configs.PutTaskCountRecord(ctx, name, tasks))
	})
}

func (h *Herder) abortFencing(names []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, name := range names {
		if round := h.fencing[name]; round != nil {
			round.cancel(errNewTasks)
		}
	}
}

// verifyTask checks, after a task's producer has fenced others, that the task is
// still this worker's and of the present generation.
func (h *Herder) verifyTask(ctx context.Context, id state.TaskID, generation int) error {
	if err := h.o.Configs.Refresh(ctx); err != nil {
		return errs.Wrap(errs.ClassConnect, err, "Failed to read to end of config topic")
	}
	return h.do(ctx, "performing preflight check for task "+id.String(), func(context.Context) error {
		if now, _ := h.configs().TaskConfigGeneration(id.Connector); now != generation {
			return errs.Connect("Cannot start source task %s with exactly-once support as the connector has already generated a new set of task configs", id)
		}
		if a := h.core.Assignment(); a == nil || !a.HasTask(id) {
			return errs.Connect("Cannot start source task %s as it has already been revoked from this worker", id)
		}
		return nil
	})
}
