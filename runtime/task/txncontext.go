package task

import (
	"sync"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
)

// boundaries are the ends of transactions that a task asks for
// (WorkerTransactionContext). The plugin may ask from any goroutine.
type boundaries struct {
	mu                      sync.Mutex
	commitOn, abortOn       map[*connect.Record]struct{}
	commitBatch, abortBatch bool
}

var _ connect.TransactionContext = (*boundaries)(nil)

// CommitTransaction asks for a commit after the present batch.
func (b *boundaries) CommitTransaction() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.commitBatch = true
}

// AbortTransaction asks for an abort after the present batch.
func (b *boundaries) AbortTransaction() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.abortBatch = true
}

// CommitTransactionOn asks for a commit after a record.
func (b *boundaries) CommitTransactionOn(r *connect.Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.commitOn == nil {
		b.commitOn = map[*connect.Record]struct{}{}
	}
	b.commitOn[r] = struct{}{}
}

// AbortTransactionOn asks for an abort after a record.
func (b *boundaries) AbortTransactionOn(r *connect.Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.abortOn == nil {
		b.abortOn = map[*connect.Record]struct{}{}
	}
	b.abortOn[r] = struct{}{}
}

// batch returns, and forgets, what is to be done after a batch.
func (b *boundaries) batch() (commit, abort bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.commitBatch && b.abortBatch {
		return false, false, errs.New(errs.ClassIllegalState, "Connector requested both commit and abort of same transaction")
	}
	commit, abort = b.commitBatch, b.abortBatch
	b.commitBatch, b.abortBatch = false, false
	return commit, abort, nil
}

// record returns, and forgets, what is to be done after a record.
func (b *boundaries) record(r *connect.Record) (commit, abort bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, commit = b.commitOn[r]
	_, abort = b.abortOn[r]
	if commit && abort {
		partition := any(r.Partition)
		if r.Partition == connect.NoPartition {
			partition = "null"
		}
		return false, false, errs.New(errs.ClassIllegalState, "Connector requested both commit and abort of same record against topic/partition %s/%v", r.Topic, partition)
	}
	delete(b.commitOn, r)
	delete(b.abortOn, r)
	return commit, abort, nil
}
