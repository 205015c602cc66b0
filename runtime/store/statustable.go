package store

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/moldau-io/moldau/runtime/state"
)

// statusTable is what the records of a status topic add up to. It is safe for
// concurrent use.
type statusTable struct {
	mu         sync.Mutex
	connectors map[string]*statusEntry
	tasks      map[string]map[int]*statusEntry
	topics     map[string]map[string]state.TopicStatus // by connector, then topic
	reads      uint64                                  // how many statuses were read
}

// statusEntry is the status of one connector or task. It exists from the first write
// on, and has a status once one was read back.
type statusEntry struct {
	status  status
	known   bool
	writes  int    // how often it was written by this worker
	read    uint64 // the number of the read that it is of
	removed bool   // a tombstone was read
}

func newStatusTable() *statusTable {
	return &statusTable{
		connectors: map[string]*statusEntry{}, tasks: map[string]map[int]*statusEntry{}, topics: map[string]map[string]state.TopicStatus{},
	}
}

// entry returns the entry of a connector or task and makes it if need be.
func (t *statusTable) entry(k statusKey) *statusEntry {
	if k.kind == connectorKind {
		e := t.connectors[k.connector]
		if e == nil {
			e = &statusEntry{}
			t.connectors[k.connector] = e
		}
		return e
	}
	row := t.tasks[k.connector]
	if row == nil {
		row = map[int]*statusEntry{}
		t.tasks[k.connector] = row
	}
	e := row[k.task]
	if e == nil {
		e = &statusEntry{}
		row[k.task] = e
	}
	return e
}

// safe says whether s may take the place of what is known: nothing, a status of the
// same worker, or one of no newer generation.
func (e *statusEntry) safe(s status) bool {
	return !e.known || e.status.worker == s.worker || e.status.generation <= s.generation
}

// set takes over a status that was read.
func (t *statusTable) set(k statusKey, s status) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.entry(k)
	// A worker that loses a task may say so after the new owner has said that it runs.
	if k.kind == taskKind && s.state == state.Unassigned && e.known && e.status.state == state.Running && e.status.generation >= s.generation {
		return
	}
	t.reads++
	e.status, e.known, e.read = s, true, t.reads
}

func (t *statusTable) setTopic(s state.TopicStatus, connector, topic string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.topics[connector] == nil {
		t.topics[connector] = map[string]state.TopicStatus{}
	}
	t.topics[connector][topic] = s
}

// remove forgets what a tombstone names. Those of a connector's tasks come beside its
// own, maybe in other partitions: an old one of the connector says nothing of them.
func (t *statusTable) remove(k statusKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch k.kind {
	case connectorKind:
		if e := t.connectors[k.connector]; e != nil {
			e.removed = true
		}
		delete(t.connectors, k.connector)
	case taskKind:
		if e := t.tasks[k.connector][k.task]; e != nil {
			e.removed = true
			delete(t.tasks[k.connector], k.task)
		}
		if len(t.tasks[k.connector]) == 0 {
			delete(t.tasks, k.connector)
		}
	case topicKind:
		delete(t.topics[k.connector], k.topic)
		if len(t.topics[k.connector]) == 0 {
			delete(t.topics, k.connector)
		}
	}
}

// Connector returns a connector's status.
func (t *statusTable) Connector(connector string) (state.ConnectorStatus, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.connectors[connector]
	if e == nil || !e.known {
		return state.ConnectorStatus{}, false
	}
	return e.status.of(connector), true
}

// Task returns a task's status.
func (t *statusTable) Task(id state.TaskID) (state.TaskStatus, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.tasks[id.Connector][id.Task]
	if e == nil || !e.known {
		return state.TaskStatus{}, false
	}
	return e.status.ofTask(id), true
}

// Read returns the number of the read that a status is of.
func (t *statusTable) Read(connector string, task int) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.connectors[connector]
	if task >= 0 {
		e = t.tasks[connector][task]
	}
	if e == nil {
		return 0
	}
	return e.read
}

// Tasks returns the statuses of a connector's tasks, by number.
func (t *statusTable) Tasks(connector string) []state.TaskStatus {
	t.mu.Lock()
	defer t.mu.Unlock()
	row := t.tasks[connector]
	all := make([]state.TaskStatus, 0, len(row))
	for _, n := range slices.Sorted(maps.Keys(row)) {
		if e := row[n]; e.known {
			all = append(all, e.status.ofTask(state.TaskID{Connector: connector, Task: n}))
		}
	}
	return all
}

// Topic returns a connector's use of a topic.
func (t *statusTable) Topic(connector, topic string) (state.TopicStatus, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.topics[connector][topic]
	return s, ok
}

// Topics returns the topics a connector uses, by name.
func (t *statusTable) Topics(connector string) []state.TopicStatus {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.SortedFunc(maps.Values(t.topics[connector]), func(a, b state.TopicStatus) int { return strings.Compare(a.Topic, b.Topic) })
}

// Connectors returns the names of the connectors that have or had a status.
func (t *statusTable) Connectors() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(maps.Keys(t.connectors))
}
