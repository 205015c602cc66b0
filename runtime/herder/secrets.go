package herder

import (
	"context"
	"slices"

	"github.com/moldau-io/moldau/runtime/state"
)

// RestartLocally restarts what this worker runs of a connector, so that it resolves
// its references to config providers anew (KIP-297).
func (h *Herder) RestartLocally(ctx context.Context, connector string) error {
	return h.do(ctx, "restarting connector "+connector+" for changed secrets", func(ctx context.Context) error {
		a := h.core.Assignment()
		ids := slices.DeleteFunc(slices.Clone(a.Tasks), func(id state.TaskID) bool { return id.Connector != connector })
		if a.HasConnector(connector) {
			h.o.Worker.StopConnectors(ctx, []string{connector})
			h.startConnector(connector)
		}
		if len(ids) > 0 {
			h.o.Worker.StopTasks(ctx, ids)
			for _, id := range ids {
				h.startTask(id)
			}
		}
		return nil
	})
}
