package herder

import (
	"context"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/state"
)

// Offsets returns a connector's offsets (KIP-875).
func (h *Herder) Offsets(ctx context.Context, name string) ([]connect.PartitionOffset, error) {
	raw, ok := h.configs().RawConnectorConfig(name)
	if !ok {
		return nil, notFound("Connector %s not found", name)
	}
	config, err := h.o.Worker.Resolve(ctx, name, raw.Map())
	if err != nil {
		return nil, err
	}
	return h.o.Worker.Offsets(ctx, name, config)
}

// ModifyOffsets alters a stopped connector's offsets or, with nil, resets them. It
// returns the message for the client.
func (h *Herder) ModifyOffsets(ctx context.Context, name string, offsets []connect.PartitionOffset) (string, error) {
	var raw map[string]string
	check := func(ctx context.Context) error {
		if !h.core.Leader() {
			return h.notLeader("Only the leader can process external offsets modification requests")
		}
		if err := h.o.Configs.Refresh(ctx); err != nil {
			return errs.Wrap(errs.ClassConnect, err, "Failed to read to end of config topic before modifying connector offsets")
		}
		snapshot := h.configs()
		config, ok := snapshot.RawConnectorConfig(name)
		if !ok {
			return notFound("Connector %s not found", name)
		}
		if target, _ := snapshot.TargetState(name); target != state.TargetStopped || snapshot.TaskCount(name) != 0 {
			return badRequest("Connectors must be in the STOPPED state before their offsets can be modified. This can be done "+
				"for the specified connector by issuing a 'PUT' request to the '/connectors/%s/stop' endpoint", name)
		}
		raw = config.Map()
		return nil
	}
	const stage = "modifying offsets for connector "
	if err := h.do(ctx, stage+name, check); err != nil {
		return "", err
	}
	if h.o.ExactlyOnce && h.connectorType(raw) == TypeSource {
		if err := h.fence(ctx, name); err != nil {
			return "", errs.Wrap(errs.ClassConnect, err, "Failed to perform zombie fencing for source connector prior to modifying offsets")
		}
		if err := h.do(ctx, stage+name, check); err != nil {
			return "", err
		}
	}
	config, err := h.o.Worker.Resolve(ctx, name, raw)
	if err != nil {
		return "", err
	}
	return h.o.Worker.ModifyOffsets(ctx, name, config, offsets)
}
