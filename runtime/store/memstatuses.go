package store

import (
	"context"

	"github.com/moldau-io/moldau/runtime/state"
)

// memoryStatuses is the status store that lives as long as the process does
// (MemoryStatusBackingStore). Writes take effect at once.
type memoryStatuses struct{ *statusTable }

// NewMemoryStatuses returns a status store in memory.
func NewMemoryStatuses() StatusStore { return memoryStatuses{newStatusTable()} }

func (s memoryStatuses) Start(context.Context) error { return nil }
func (s memoryStatuses) Stop(context.Context) error  { return nil }
func (s memoryStatuses) Flush(context.Context) error { return nil }

func (s memoryStatuses) put(k statusKey, st status) {
	if st.state != state.Destroyed {
		s.mu.Lock()
		defer s.mu.Unlock()
		e := s.entry(k)
		e.status, e.known = st, true
		return
	}
	if k.kind == connectorKind { // the tasks have tombstones of their own
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.connectors, k.connector)
		return
	}
	s.remove(k)
}

func (s memoryStatuses) PutConnector(st state.ConnectorStatus) {
	s.put(statusKey{kind: connectorKind, connector: st.Connector}, ofConnector(st))
}

func (s memoryStatuses) PutConnectorSafe(st state.ConnectorStatus) { s.PutConnector(st) }

func (s memoryStatuses) PutTask(st state.TaskStatus) {
	s.put(statusKey{kind: taskKind, connector: st.ID.Connector, task: st.ID.Task}, ofTask(st))
}

func (s memoryStatuses) PutTaskSafe(st state.TaskStatus) { s.PutTask(st) }

func (s memoryStatuses) PutTopic(st state.TopicStatus) { s.setTopic(st, st.Connector, st.Topic) }

func (s memoryStatuses) DeleteTopic(connector, topic string) {
	s.remove(statusKey{kind: topicKind, connector: connector, topic: topic})
}
