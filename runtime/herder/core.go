package herder

import (
	"maps"
	"slices"
	"time"

	"github.com/moldau-io/moldau/runtime/state"
)

const (
	// readRetries is how often a worker that lags behind the config topic leaves and
	// tries again before it gives up what it runs.
	readRetries = 5
	// claimBackoff is the wait between two tries to claim the config topic.
	claimBackoff = 250 * time.Millisecond
	// keyRetry is the wait before a session key that could not be written is written again.
	keyRetry = time.Second
	// keyPatience is how long a written key may take to be read back.
	keyPatience = 30 * time.Second

	protocolEager     = 0
	protocolSessioned = 2
)

// CoreConfig holds the settings that decisions depend on.
type CoreConfig struct {
	// KeyTTL is inter.worker.key.ttl.ms.
	KeyTTL time.Duration
	// MaxDelay is scheduled.rebalance.max.delay.ms: a tenth of it, divided by the tries
	// left, is the pause of a worker that cannot read the config topic.
	MaxDelay time.Duration
	// UnsyncBackoff is worker.unsync.backoff.ms, the same pause under the eager protocol.
	UnsyncBackoff time.Duration
}

// Core is the state machine of a worker. It does no I/O and reads no clock.
type Core struct {
	cfg CoreConfig

	snapshot   *state.ConfigSnapshot
	assignment *state.Assignment
	generation int
	leader     bool
	protocol   int

	// known are the connectors of the last ConfigsChanged: the snapshot may be ahead of
	// what the worker was told of, and it is by what it was told that it must act.
	known             map[string]bool
	runningConnectors map[string]bool
	runningTasks      map[state.TaskID]bool
	tasksToRestart    map[state.TaskID]bool

	resolved     bool
	rejoining    bool
	left         bool
	reconfigure  bool
	canRead      bool
	fenced       bool
	claimed      bool
	retriesLeft  int
	scheduled    time.Time
	waitUntil    time.Time
	keyWriteNext time.Time
	keyPending   bool

	connectorUpdates map[string]bool
	targetChanges    map[string]bool
	taskUpdates      map[string]bool
	restarts         map[string]state.RestartRequest
}

// NewCore returns the state machine of a worker that has read the config topic up
// to the snapshot and is not yet a member of the group.
func NewCore(cfg CoreConfig, snapshot *state.ConfigSnapshot) *Core {
	known := map[string]bool{}
	for _, name := range snapshot.Connectors() {
		known[name] = true
	}
	return &Core{
		cfg: cfg, known: known, snapshot: snapshot, resolved: true, canRead: true, retriesLeft: readRetries, generation: -1,
		runningConnectors: map[string]bool{}, runningTasks: map[state.TaskID]bool{}, tasksToRestart: map[state.TaskID]bool{},
		connectorUpdates: map[string]bool{}, targetChanges: map[string]bool{}, taskUpdates: map[string]bool{},
		restarts: map[string]state.RestartRequest{},
	}
}

// Snapshot is what the worker goes by; the config topic may be further.
func (c *Core) Snapshot() *state.ConfigSnapshot { return c.snapshot }

// Assignment is the last one, nil before the first and after the group was lost.
func (c *Core) Assignment() *state.Assignment { return c.assignment }

// Generation is the group's generation of the last assignment.
func (c *Core) Generation() int { return c.generation }

// Leader says whether this worker leads the group.
func (c *Core) Leader() bool { return c.leader && c.assignment != nil }

// Sessioned says whether requests between workers must be signed (KIP-507).
func (c *Core) Sessioned() bool { return c.protocol >= protocolSessioned }

// Settled says that no rebalance is expected or under way: requests may be served.
func (c *Core) Settled() bool {
	return c.assignment != nil && c.resolved && !c.rejoining && !c.reconfigure && c.canRead
}

// Next returns when Step wants a Tick, or the zero time.
func (c *Core) Next() time.Time {
	var next time.Time
	consider := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	consider(c.scheduled)
	consider(c.waitUntil)
	if c.Leader() && c.Sessioned() && !c.keyPending {
		if key, ok := c.snapshot.SessionKey(); ok && c.cfg.KeyTTL > 0 {
			consider(later(time.UnixMilli(key.CreationTimestamp).Add(c.cfg.KeyTTL), c.keyWriteNext))
		} else if !ok {
			consider(c.keyWriteNext)
		}
	}
	return next
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// Step takes one event at a time and returns what to do, in order.
func (c *Core) Step(now time.Time, ev Event) []Action {
	var out []Action
	switch ev := ev.(type) {
	case Joined:
		out = c.joined(now, ev)
	case Revoked:
		return c.revoked(ev)
	case Lost:
		return c.lost()
	case ConfigsRead:
		if ev.Snapshot == nil {
			return c.unread(now)
		}
		c.snapshot, c.canRead, c.retriesLeft, c.waitUntil = ev.Snapshot, true, readRetries, time.Time{}
		if c.left {
			c.left, c.rejoining = false, true
			out = append(out, Rejoin{"caught up with the config topic"})
		}
	case ConfigsChanged:
		out = c.changed(ev)
	case Claimed:
		if ev.OK {
			c.fenced, c.claimed = false, true
		} else {
			c.fenced, c.waitUntil = true, now.Add(claimBackoff)
			return nil
		}
	case Fenced:
		c.fenced = true
	case SessionKeyWritten:
		c.keyPending = false
		// The key shows in the snapshot only when it was read back.
		c.keyWriteNext = now.Add(keyPatience)
		if !ev.OK {
			c.keyWriteNext = now.Add(keyRetry)
			c.canRead = false
		}
	case Tick:
	}
	return append(out, c.advance(now)...)
}

func (c *Core) joined(now time.Time, ev Joined) []Action {
	if c.left {
		// It was on its way when the worker left; the group knows nothing of it now.
		return nil
	}
	c.assignment, c.generation, c.protocol = ev.Assignment, ev.Generation, ev.Protocol
	c.resolved, c.rejoining, c.left = false, false, false
	c.scheduled = time.Time{}
	if ev.Assignment.Delay > 0 {
		c.scheduled = now.Add(ev.Assignment.Delay)
	}
	wasLeader := c.leader
	c.leader = ev.Leader
	if !c.leader {
		c.claimed, c.fenced = false, false
		return nil
	}
	out := []Action{SweepStatuses{}}
	if !wasLeader || !c.claimed {
		out = append(out, ClaimWrites{})
	}
	return out
}

func (c *Core) revoked(ev Revoked) []Action {
	var out []Action
	if len(ev.Connectors) > 0 {
		out = append(out, StopConnectors{ev.Connectors})
	}
	if len(ev.Tasks) > 0 {
		out = append(out, StopTasks{ev.Tasks})
	}
	gone := map[string]bool{}
	for _, name := range ev.Connectors {
		delete(c.runningConnectors, name)
		gone[name] = !c.snapshot.Contains(name)
	}
	for _, id := range ev.Tasks {
		delete(c.runningTasks, id)
		gone[id.Connector] = !c.snapshot.Contains(id.Connector)
	}
	var forget []string
	for name, deleted := range gone {
		if deleted {
			forget = append(forget, name)
		}
	}
	if len(forget) > 0 {
		slices.Sort(forget)
		out = append(out, ForgetTopics{forget})
	}
	c.giveUp(ev)
	return out
}

// giveUp takes what was revoked out of the assignment. Until the group has answered
// nothing of it may start again, whatever the config topic says meanwhile.
func (c *Core) giveUp(ev Revoked) {
	c.rejoining = true
	if c.assignment == nil {
		return
	}
	names, ids := map[string]bool{}, map[state.TaskID]bool{}
	for _, name := range ev.Connectors {
		names[name] = true
	}
	for _, id := range ev.Tasks {
		ids[id] = true
	}
	a := c.assignment.Clone()
	a.Connectors = slices.DeleteFunc(a.Connectors, func(name string) bool { return names[name] })
	a.Tasks = slices.DeleteFunc(a.Tasks, func(id state.TaskID) bool { return ids[id] })
	c.assignment = a
}

func (c *Core) lost() []Action {
	c.assignment, c.leader, c.claimed = nil, false, false
	c.resolved, c.rejoining = true, true
	c.scheduled = time.Time{}
	clear(c.runningConnectors)
	clear(c.runningTasks)
	clear(c.tasksToRestart)
	return []Action{AbandonAll{}}
}

// unread handles a config topic that cannot be read: others must not wait for this
// worker, and after some tries it must not go on with configurations that may be old.
func (c *Core) unread(now time.Time) []Action {
	c.canRead, c.left = false, true
	out := []Action{LeaveGroup{"taking too long to read the log"}}
	switch {
	case c.protocol == protocolEager:
		c.waitUntil = now.Add(c.cfg.UnsyncBackoff)
	case c.retriesLeft > 0:
		c.waitUntil = now.Add(c.cfg.MaxDelay / 10 / time.Duration(c.retriesLeft))
		c.retriesLeft--
	default:
		c.retriesLeft = readRetries
		c.waitUntil = now
		out = append(c.revoked(Revoked{slices.Sorted(maps.Keys(c.runningConnectors)), sortedTasks(c.runningTasks)}), out...)
	}
	return out
}

func sortedTasks(set map[state.TaskID]bool) []state.TaskID {
	return slices.SortedFunc(maps.Keys(set), state.CompareTaskIDs)
}

func (c *Core) changed(ev ConfigsChanged) []Action {
	var out []Action
	for _, name := range ev.Connectors {
		// What the worker knew before decides: a new or removed connector moves work
		// between workers, a changed one concerns its owner alone.
		if exists := ev.Snapshot.Contains(name); c.known[name] != exists {
			c.reconfigure = true
			if exists {
				c.known[name] = true
			} else {
				delete(c.known, name)
			}
		} else {
			c.connectorUpdates[name] = true
		}
	}
	if len(ev.Planned) > 0 {
		c.reconfigure = true
		for _, id := range ev.Tasks {
			c.taskUpdates[id.Connector] = true
		}
		out = append(out, AbortFencing{slices.Compact(slices.Sorted(slices.Values(ev.Planned)))})
	}
	for _, name := range ev.Targets {
		c.targetChanges[name] = true
	}
	for _, r := range ev.Restarts {
		if known, ok := c.restarts[r.Connector]; !ok || r.Compare(known) > 0 {
			c.restarts[r.Connector] = r
		}
	}
	if ev.SessionKey {
		c.keyWriteNext = time.Time{}
	}
	if ev.Snapshot.Offset() >= c.snapshot.Offset() {
		c.snapshot = ev.Snapshot
	}
	return out
}

// advance does what is due, in the order of Java's tick.
func (c *Core) advance(now time.Time) []Action {
	if !c.waitUntil.IsZero() {
		if now.Before(c.waitUntil) {
			return nil
		}
		c.waitUntil = time.Time{}
	}
	if !c.canRead {
		return []Action{ReadConfigs{}}
	}
	if c.assignment == nil {
		// Nothing runs: what is started later starts with the newest configuration.
		clear(c.connectorUpdates)
		clear(c.targetChanges)
		clear(c.taskUpdates)
		c.reconfigure = false
		return nil
	}
	var out []Action
	if !c.scheduled.IsZero() && !now.Before(c.scheduled) {
		c.resolved = false
	}
	if !c.resolved {
		done, more := c.resolve(now)
		out = append(out, more...)
		if !done {
			return out
		}
	}
	if c.fenced {
		if c.leader {
			return append(out, ClaimWrites{})
		}
		c.fenced = false
	}
	if c.keyDue(now) {
		c.keyPending = true
		out = append(out, WriteSessionKey{})
	}
	for _, name := range slices.Sorted(maps.Keys(c.restarts)) {
		out = append(out, Restart{c.restarts[name]})
	}
	clear(c.restarts)
	return append(out, c.applyUpdates()...)
}

// resolve follows up on an assignment (DistributedHerder.handleRebalanceCompleted).
func (c *Core) resolve(now time.Time) (done bool, out []Action) {
	if c.rejoining {
		return false, nil
	}
	rejoin := func(reason string) (bool, []Action) {
		c.rejoining = true
		return false, append(out, Rejoin{reason})
	}
	a := c.assignment
	if a.Failed() {
		if c.leader || c.snapshot.Offset() < a.Offset {
			c.canRead = false
			c.rejoining = true
			return false, append(out, ReadConfigs{}, Rejoin{"assignment failed"})
		}
		return rejoin("assignment failed")
	}
	if !c.scheduled.IsZero() && !now.Before(c.scheduled) {
		c.scheduled = time.Time{}
		return rejoin("scheduled rebalance")
	}
	if c.snapshot.Offset() < a.Offset {
		c.canRead = false
		return false, []Action{ReadConfigs{}}
	}
	if c.snapshot.Offset() != a.Offset {
		return rejoin("config offset is ahead of the assignment's")
	}
	out = c.startWork()
	c.resolved = true
	if a.Revokes() {
		a = a.Clone()
		a.RevokedConnectors, a.RevokedTasks = nil, nil
		c.assignment = a
		return rejoin("work was revoked")
	}
	return true, out
}

func (c *Core) startWork() []Action {
	var out []Action
	var names []string
	for _, name := range c.assignment.Connectors {
		if !c.runningConnectors[name] {
			names = append(names, name)
		}
	}
	for id := range c.tasksToRestart {
		delete(c.runningTasks, id)
	}
	clear(c.tasksToRestart)
	var ids []state.TaskID
	for _, id := range c.assignment.Tasks {
		if !c.runningTasks[id] {
			ids = append(ids, id)
		}
	}
	if len(names) > 0 {
		out = append(out, StartConnectors{names})
	}
	if len(ids) > 0 {
		out = append(out, StartTasks{ids})
	}
	clear(c.runningConnectors)
	clear(c.runningTasks)
	for _, name := range c.assignment.Connectors {
		c.runningConnectors[name] = true
	}
	for _, id := range c.assignment.Tasks {
		c.runningTasks[id] = true
	}
	return out
}

func (c *Core) keyDue(now time.Time) bool {
	if !c.leader || !c.Sessioned() || c.keyPending || now.Before(c.keyWriteNext) {
		return false
	}
	key, ok := c.snapshot.SessionKey()
	return !ok || c.cfg.KeyTTL > 0 && !now.Before(time.UnixMilli(key.CreationTimestamp).Add(c.cfg.KeyTTL))
}

// applyUpdates does what the config topic asked for.
func (c *Core) applyUpdates() []Action {
	var out []Action
	if c.reconfigure {
		c.reconfigure, c.rejoining = false, true
		out = append(out, Rejoin{"configuration changed"})
		if c.protocol == protocolEager {
			clear(c.connectorUpdates)
			clear(c.targetChanges)
			clear(c.taskUpdates)
			return out
		}
	}
	var stop, start []string
	for _, name := range slices.Sorted(maps.Keys(c.connectorUpdates)) {
		if c.assignment.HasConnector(name) {
			stop = append(stop, name)
			if c.snapshot.Contains(name) {
				start = append(start, name)
			}
		}
	}
	clear(c.connectorUpdates)
	if len(stop) > 0 {
		out = append(out, StopConnectors{stop})
	}
	if len(start) > 0 {
		out = append(out, StartConnectors{start})
	}
	for _, name := range slices.Sorted(maps.Keys(c.targetChanges)) {
		if target, ok := c.snapshot.TargetState(name); ok && c.snapshot.Contains(name) {
			out = append(out, SetTargetState{name, target})
		}
	}
	clear(c.targetChanges)
	var tasks []state.TaskID
	for _, id := range c.assignment.Tasks {
		if c.taskUpdates[id.Connector] {
			tasks = append(tasks, id)
			c.tasksToRestart[id] = true
		}
	}
	clear(c.taskUpdates)
	if len(tasks) > 0 {
		out = append(out, StopTasks{tasks})
	}
	return out
}
