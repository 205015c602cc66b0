package herder

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/moldau-io/moldau/runtime/state"
	"github.com/moldau-io/moldau/runtime/store"
)

// lagging is a config store that does not show a written target state before Refresh.
type lagging struct {
	store.ConfigStore
	hidden func() error
}

func (s *lagging) PutTargetState(ctx context.Context, connector string, target state.TargetState) error {
	s.hidden = func() error { return s.ConfigStore.PutTargetState(ctx, connector, target) }
	return nil
}

func (s *lagging) Refresh(context.Context) error {
	if s.hidden == nil {
		return nil
	}
	return s.hidden()
}

// Tasks that were planned before a connector was stopped, and published after it, would
// run on, for a stopped connector's tasks are not looked at again.
func TestStoppedConnectorGetsNoTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		configs := &lagging{ConfigStore: store.NewMemoryConfigs(slog.New(slog.DiscardHandler))}
		g := scripted{listener: make(chan Listener, 1)}
		h := New(Options{
			Group: g, Worker: &counting{}, Configs: configs, Statuses: store.NewMemoryStatuses(), Logger: slog.New(slog.DiscardHandler),
		})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			ended <- h.Run(ctx, func() (context.Context, context.CancelFunc) { return context.WithCancel(context.Background()) })
		}()
		l := <-g.listener
		config := map[string]string{"name": "a"}
		if err := configs.PutConnector(ctx, "a", state.NewConfig(config), state.TargetStarted); err != nil {
			t.Fatal(err)
		}
		l.OnJoined(Joined{Assignment: &state.Assignment{Version: 2, Offset: configs.Snapshot().Offset(), Connectors: []string{"a"}}, Leader: true, Protocol: protocolEager})
		if err := h.Stop(ctx, "a"); err != nil {
			t.Fatal(err)
		}
		tasks := []map[string]string{{"task": "0"}}
		h.publishTasks(ctx, "a", state.NewConfig(config), config, tasks, func(err error) {
			if err != nil {
				t.Error(err)
			}
		})
		if n := configs.Snapshot().TaskCount("a"); n != 0 {
			t.Errorf("%d tasks", n)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
