package herder

import (
	"context"
	"slices"
	"sync"

	"github.com/moldau-io/moldau/runtime/state"
)

// Solo is a Group of one: a standalone or dev worker, which runs everything.
type Solo struct {
	// URL is the worker's advertised URL.
	URL string

	rejoin chan struct{}
	stop   context.CancelFunc
	wg     sync.WaitGroup
}

// NewSolo returns a group of one.
func NewSolo(url string) *Solo { return &Solo{URL: url, rejoin: make(chan struct{}, 1)} }

// Start implements Group.
func (s *Solo) Start(ctx context.Context, l Listener) error {
	ctx, s.stop = context.WithCancel(ctx)
	s.RequestRejoin("start")
	s.wg.Go(func() { s.run(ctx, l) })
	return nil
}

func (s *Solo) run(ctx context.Context, l Listener) {
	last := &state.Assignment{}
	for generation := 1; ; generation++ {
		select {
		case <-ctx.Done():
			return
		case <-s.rejoin:
		}
		next := s.assign(l.Snapshot())
		gone := Revoked{}
		for _, name := range last.Connectors {
			if !next.HasConnector(name) {
				gone.Connectors = append(gone.Connectors, name)
			}
		}
		for _, id := range last.Tasks {
			if !next.HasTask(id) {
				gone.Tasks = append(gone.Tasks, id)
			}
		}
		if len(gone.Connectors)+len(gone.Tasks) > 0 {
			l.OnRevoked(gone)
		}
		last = next
		l.OnJoined(Joined{Assignment: next, Generation: generation, Leader: true, Protocol: int(state.ProtocolV1)})
	}
}

func (s *Solo) assign(snapshot *state.ConfigSnapshot) *state.Assignment {
	a := &state.Assignment{Version: state.ProtocolV1, Leader: "solo", LeaderURL: s.URL, Offset: snapshot.Offset(), Connectors: snapshot.Connectors()}
	for _, name := range a.Connectors {
		a.Tasks = append(a.Tasks, snapshot.Tasks(name)...)
	}
	slices.SortFunc(a.Tasks, state.CompareTaskIDs)
	return a
}

// RequestRejoin implements Group.
func (s *Solo) RequestRejoin(string) {
	select {
	case s.rejoin <- struct{}{}:
	default:
	}
}

// Leave implements Group: there is nobody to leave the work to.
func (s *Solo) Leave(context.Context, string) {}

// OwnerURL implements Group.
func (s *Solo) OwnerURL(string, int) string { return s.URL }

// Stop implements Group.
func (s *Solo) Stop(context.Context) error {
	if s.stop != nil {
		s.stop()
	}
	s.wg.Wait()
	return nil
}
