package store

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/schema"
)

// mirrorTimeout bounds writes to the worker's store on behalf of a connector that has
// its own.
const mirrorTimeout = time.Minute

// ConnectorOffsetStore is the store of a source connector that has an offsets topic of
// its own (KIP-618, Java's ConnectorOffsetBackingStore): offsets are read from there
// first and else from the worker's store, and written to both, so that the connector
// can give its topic up again.
type ConnectorOffsetStore struct {
	own, worker OffsetStore
	logger      *slog.Logger

	mu      sync.Mutex
	pending map[mirrorKey]connect.PartitionOffset // what is still to be copied
	idle    chan struct{}                         // closed when the copying goroutine has ended; nil when none runs
}

// mirrorKey names a source partition by its canonical text.
type mirrorKey struct{ connector, partition string }

// NewConnectorOffsetStore joins a connector's own store and the worker's. Start and Stop
// concern the own store only.
func NewConnectorOffsetStore(own, worker OffsetStore, logger *slog.Logger) *ConnectorOffsetStore {
	return &ConnectorOffsetStore{own: own, worker: worker, logger: logger, pending: map[mirrorKey]connect.PartitionOffset{}}
}

// Start starts the connector's own store; the worker's runs already.
func (s *ConnectorOffsetStore) Start(ctx context.Context) error { return s.own.Start(ctx) }

// Stop waits for what is being copied to the worker's store, and stops the own one.
func (s *ConnectorOffsetStore) Stop(ctx context.Context) error {
	return errors.Join(s.Settle(ctx), s.own.Stop(ctx))
}

// Topic is the connector's own topic.
func (s *ConnectorOffsetStore) Topic() string { return s.own.Topic() }

// Offsets looks in the connector's own store, then in the worker's.
func (s *ConnectorOffsetStore) Offsets(ctx context.Context, connector string, partitions []*schema.MapValue) ([]*schema.MapValue, error) {
	fallback, err := s.worker.Offsets(ctx, connector, partitions)
	if err != nil {
		return nil, err
	}
	found, err := s.own.Offsets(ctx, connector, partitions)
	if err != nil {
		return nil, err
	}
	for i := range found {
		if found[i] == nil {
			found[i] = fallback[i]
		}
	}
	return found, nil
}

// All returns the partitions of both stores.
func (s *ConnectorOffsetStore) All(ctx context.Context, connector string) ([]connect.PartitionOffset, error) {
	all, err := s.own.All(ctx, connector)
	if err != nil {
		return nil, err
	}
	known := make(map[string]bool, len(all))
	for _, o := range all {
		id, err := canonical(o.Partition)
		if err != nil {
			return nil, err
		}
		known[id] = true
	}
	others, err := s.worker.All(ctx, connector)
	if err != nil {
		return nil, err
	}
	for _, o := range others {
		id, err := canonical(o.Partition)
		if err != nil {
			return nil, err
		}
		if !known[id] {
			all = append(all, o)
		}
	}
	return all, nil
}

// Set writes to both stores. What is removed goes from the worker's store first, or it
// would be found there again (KAFKA-15018); what is set is copied to the worker's store
// afterwards, and it is no error when that fails.
func (s *ConnectorOffsetStore) Set(ctx context.Context, connector string, offsets []connect.PartitionOffset) error {
	if err := s.Prepare(ctx, connector, offsets); err != nil {
		return err
	}
	if err := s.own.Set(ctx, connector, offsets); err != nil {
		return err
	}
	s.Committed(connector, offsets)
	return nil
}

// Records returns the records for the connector's own topic. The transaction that they
// are written in must have Prepare before it and Committed after it.
func (s *ConnectorOffsetStore) Records(connector string, offsets []connect.PartitionOffset) ([]OffsetRecord, error) {
	return s.own.Records(connector, offsets)
}

// Prepare removes from the worker's store what offsets is about to remove.
func (s *ConnectorOffsetStore) Prepare(ctx context.Context, connector string, offsets []connect.PartitionOffset) error {
	var removed []connect.PartitionOffset
	for _, o := range offsets {
		if o.Offset == nil {
			removed = append(removed, o)
		}
	}
	if len(removed) == 0 {
		return nil
	}
	if err := s.Settle(ctx); err != nil { // or a copy could bring it back
		return err
	}
	return s.worker.Set(ctx, connector, removed)
}

// Committed begins to copy to the worker's store what offsets has set.
func (s *ConnectorOffsetStore) Committed(connector string, offsets []connect.PartitionOffset) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range offsets {
		id, err := canonical(o.Partition)
		if err != nil || o.Offset == nil {
			continue // it was not written to the own store either, or is gone by now
		}
		s.pending[mirrorKey{connector, id}] = o
	}
	if len(s.pending) > 0 && s.idle == nil {
		s.idle = make(chan struct{})
		go s.mirror()
	}
}

// mirror copies until nothing is pending.
func (s *ConnectorOffsetStore) mirror() {
	for {
		s.mu.Lock()
		work := map[string][]connect.PartitionOffset{}
		for k, o := range s.pending {
			work[k.connector] = append(work[k.connector], o)
		}
		clear(s.pending)
		if len(work) == 0 {
			close(s.idle)
			s.idle = nil
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		for connector, offsets := range work {
			ctx, cancel := context.WithTimeout(context.Background(), mirrorTimeout)
			if err := s.worker.Set(ctx, connector, offsets); err != nil {
				s.logger.Warn("Failed to write offsets to secondary backing store", "connector", connector, "error", err)
			}
			cancel()
		}
	}
}

// Settle waits until nothing is being copied.
func (s *ConnectorOffsetStore) Settle(ctx context.Context) error {
	s.mu.Lock()
	idle := s.idle
	s.mu.Unlock()
	if idle == nil {
		return nil
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
