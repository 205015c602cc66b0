package herder

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moldau-io/moldau/runtime/state"
	"github.com/moldau-io/moldau/runtime/store"
)

// scripted is a group that does what the test says.
type scripted struct {
	Group
	listener chan Listener
}

func (g scripted) Start(_ context.Context, l Listener) error {
	g.listener <- l
	return nil
}

func (scripted) RequestRejoin(string)       {}
func (scripted) Stop(context.Context) error { return nil }

// counting counts what runs.
type counting struct {
	Worker
	mu                 sync.Mutex
	running, abandoned int
}

func (w *counting) set(running, abandoned int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = running
	w.abandoned += abandoned
}

func (w *counting) counts() (running, abandoned int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.running, w.abandoned
}

func (w *counting) StartConnector(ConnectorSpec)             { w.set(1, 0) }
func (w *counting) StopConnectors(context.Context, []string) { w.set(0, 0) }
func (*counting) StopTasks(context.Context, []state.TaskID)  {}
func (w *counting) Abandon(context.Context)                  { w.set(0, 1) }

// A worker that loses its place in the group stops its work at once, also when it is in
// the middle of something that takes long, and starts nothing until it has a new place.
func TestLossIsNotHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, w := scripted{listener: make(chan Listener, 1)}, &counting{}
		configs := store.NewMemoryConfigs(slog.New(slog.DiscardHandler))
		h := New(Options{
			Group: g, Worker: w, Configs: configs, Statuses: store.NewMemoryStatuses(), Logger: slog.New(slog.DiscardHandler), RebalanceWait: time.Minute,
		})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			ended <- h.Run(ctx, func() (context.Context, context.CancelFunc) { return context.WithCancel(context.Background()) })
		}()
		l := <-g.listener
		if err := configs.PutConnector(ctx, "a", state.NewConfig(map[string]string{"name": "a"}), state.TargetStarted); err != nil {
			t.Fatal(err)
		}
		join := func() {
			l.OnJoined(Joined{Assignment: &state.Assignment{Version: 2, Offset: configs.Snapshot().Offset(), Connectors: []string{"a"}}, Protocol: protocolSessioned})
		}
		join()
		if n, _ := w.counts(); n != 1 {
			t.Fatalf("%d run", n)
		}
		begun := time.Now()
		request := make(chan error)
		go func() {
			request <- h.do(ctx, "writing", func(context.Context) error {
				time.Sleep(30 * time.Second) // the clock is virtual
				h.startConnector("a")
				return errors.New("not answered")
			})
		}()
		synctest.Wait()
		go l.OnLost()
		synctest.Wait()
		if n, _ := w.counts(); n != 0 || time.Since(begun) > 0 {
			t.Errorf("%d run after %v", n, time.Since(begun))
		}
		if err := <-request; err == nil {
			t.Error("the request did not run")
		}
		synctest.Wait()
		if n, abandoned := w.counts(); n != 0 || abandoned != 2 {
			t.Errorf("%d run after the request", n)
		}
		join()
		if n, _ := w.counts(); n != 1 {
			t.Errorf("%d run after coming back", n)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
