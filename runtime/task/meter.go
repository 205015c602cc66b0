package task

import (
	"sync"
	"sync/atomic"
	"time"
)

// meter counts what a task does. All fields may be used by several goroutines.
type meter struct {
	mu       sync.Mutex
	phase    Phase
	since    time.Time
	running  time.Duration
	paused   time.Duration
	txns     int64
	txnRecs  int64
	txnMin   int64
	txnMax   int64
	work     windowed
	commit   windowed
	batches  int64
	batchRec int64
	batchMax int64

	// What the task's goroutine and what the producer's writes for each record is kept
	// apart, so that the two cores do not take a cache line from each other.
	_                       [128]byte
	read                    atomic.Int64
	active, activeMax       atomic.Int64
	working, lastWork       atomic.Int64 // Unix nanoseconds, 0 for never
	lastCommit, lastError   atomic.Int64
	commitFailures          atomic.Int64
	commitSeq, commitSkip   atomic.Int64
	partitions, lag         atomic.Int64
	ahead                   atomic.Int64 // bytes that a sink has read ahead
	sent                    atomic.Int64 // bytes that a source has handed to the producer
	_                       [128]byte
	written                 atomic.Int64
	bytesRead, bytesWritten atomic.Int64
	settled                 atomic.Int64 // bytes of sent that the producer is done with
	_                       [128]byte

	failures, errors, skipped, retries atomic.Int64
	logged, dead, deadFailures         atomic.Int64
}

// windowed is a Timing under construction.
type windowed struct {
	count     int64
	total     time.Duration
	cur, prev time.Duration
	started   time.Time
}

const window = 30 * time.Second

func (w *windowed) roll(now time.Time) {
	switch age := now.Sub(w.started); {
	case age < window:
	case age < 2*window:
		w.prev, w.cur, w.started = w.cur, 0, w.started.Add(window)
	default:
		w.prev, w.cur, w.started = 0, 0, now
	}
}

func (w *windowed) add(now time.Time, d time.Duration) {
	w.roll(now)
	w.count++
	w.total += d
	w.cur = max(w.cur, d)
}

func (w *windowed) timing(now time.Time) Timing {
	w.roll(now)
	return Timing{Count: w.count, Total: w.total, Max: max(w.cur, w.prev)}
}

func (m *meter) setPhase(p Phase) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.account(time.Now())
	m.phase = p
}

// account adds the time since the last call to the present phase.
func (m *meter) account(now time.Time) {
	switch m.phase {
	case PhaseRunning:
		m.running += now.Sub(m.since)
	case PhasePaused:
		m.paused += now.Sub(m.since)
	}
	m.since = now
}

func (m *meter) workBegins(now time.Time) { m.working.Store(now.UnixNano()) }

// workEnds notes the end of a Poll or Put; a Poll without records does not count.
func (m *meter) workEnds(began, now time.Time, counts bool) {
	m.working.Store(0)
	m.lastWork.Store(now.UnixNano())
	if counts {
		m.mu.Lock()
		m.work.add(now, now.Sub(began))
		m.mu.Unlock()
	}
}

func (m *meter) batch(n int) {
	m.mu.Lock()
	m.batches++
	m.batchRec += int64(n)
	m.batchMax = max(m.batchMax, int64(n))
	m.mu.Unlock()
}

func (m *meter) addActive(n int64) {
	now := m.active.Add(n)
	for now > 0 {
		seen := m.activeMax.Load()
		if now <= seen || m.activeMax.CompareAndSwap(seen, now) {
			return
		}
	}
}

func (m *meter) committed(began time.Time, ok bool) {
	now := time.Now()
	if !ok {
		m.commitFailures.Add(1)
		return
	}
	m.lastCommit.Store(now.UnixNano())
	m.mu.Lock()
	m.commit.add(now, now.Sub(began))
	m.mu.Unlock()
}

// inFlight is how many bytes the producer holds.
func (m *meter) inFlight() int64 {
	settled := m.settled.Load() // first: what is settled was sent before
	return m.sent.Load() - settled
}

func (m *meter) transaction(records int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.txns == 0 || records < m.txnMin {
		m.txnMin = records
	}
	m.txns++
	m.txnRecs += records
	m.txnMax = max(m.txnMax, records)
}

func stamp(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos)
}

func (m *meter) stats() Stats {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	since := m.since
	running, paused := m.running, m.paused
	switch m.phase {
	case PhaseRunning:
		running += now.Sub(since)
	case PhasePaused:
		paused += now.Sub(since)
	}
	phase := m.phase
	if phase == "" {
		phase = PhaseNew
	}
	return Stats{
		Phase: phase, Since: since, RunningTime: running, PausedTime: paused,
		RecordsRead: m.read.Load(), RecordsWritten: m.written.Load(),
		BytesRead: m.bytesRead.Load(), BytesWritten: m.bytesWritten.Load(),
		RecordsActive: max(0, m.active.Load()), RecordsActiveMax: m.activeMax.Load(),
		BytesInFlight: m.inFlight() + m.ahead.Load(),
		Batches:       m.batches, BatchRecords: m.batchRec, BatchMax: m.batchMax,
		Work: m.work.timing(now), Working: stamp(m.working.Load()), LastWork: stamp(m.lastWork.Load()),
		Commit: m.commit.timing(now), CommitFailures: m.commitFailures.Load(),
		CommitSeq: m.commitSeq.Load(), CommitSkipped: m.commitSkip.Load(), LastCommit: stamp(m.lastCommit.Load()),
		Transactions: m.txns, TransactionRecords: m.txnRecs, TransactionMin: m.txnMin, TransactionMax: m.txnMax,
		Partitions: int(m.partitions.Load()), Lag: m.lag.Load(),
		RecordFailures: m.failures.Load(), RecordErrors: m.errors.Load(), RecordsSkipped: m.skipped.Load(),
		Retries: m.retries.Load(), ErrorsLogged: m.logged.Load(),
		DeadLetters: m.dead.Load(), DeadLetterFailures: m.deadFailures.Load(),
		LastError: stamp(m.lastError.Load()),
	}
}
