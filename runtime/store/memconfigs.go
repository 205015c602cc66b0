package store

import (
	"context"
	"log/slog"
	"sync"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/state"
)

// memoryConfigs is the config store of a standalone worker: it lives as long as the
// process does (MemoryConfigBackingStore). Its records are those of the config topic,
// applied at once, so that both stores behave alike. The listener is called by the
// goroutine that writes.
type memoryConfigs struct {
	*configState
	listener ConfigListener

	writing sync.Mutex
	next    int64 // the offset of the next record
}

// NewMemoryConfigs returns a config store in memory.
func NewMemoryConfigs(logger *slog.Logger) ConfigStore {
	return &memoryConfigs{configState: newConfigState("memory", logger)}
}

func (s *memoryConfigs) SetListener(l ConfigListener) { s.listener = l }

func (s *memoryConfigs) Start(context.Context) error {
	s.listen(s.listener)
	return nil
}

func (s *memoryConfigs) Stop(context.Context) error                 { return nil }
func (s *memoryConfigs) Refresh(context.Context) error              { return nil }
func (s *memoryConfigs) ClaimWritePrivileges(context.Context) error { return nil }

func (s *memoryConfigs) put(records ...record) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	for _, r := range records {
		s.read(&r.key, r.value, 0, s.next)
		s.next++
	}
	return nil
}

func (s *memoryConfigs) PutConnector(_ context.Context, connector string, config state.Config, target state.TargetState) error {
	var records []record
	if target != "" {
		records = append(records, encodeTarget(connector, target))
	}
	return s.put(append(records, encodeConnector(connector, config))...)
}

func (s *memoryConfigs) RemoveConnector(_ context.Context, connector string) error {
	return s.put(record{key: connectorPrefix + connector}, record{key: targetStatePrefix + connector})
}

func (s *memoryConfigs) PutTaskConfigs(_ context.Context, connector string, configs []state.Config) error {
	if !s.Contains(connector) {
		return errs.IllegalArgument("Cannot put tasks for non-existing connector")
	}
	return s.put(append(encodeTasks(connector, configs), encodeCommit(connector, len(configs)))...)
}

func (s *memoryConfigs) RemoveTaskConfigs(_ context.Context, connector string) error {
	if !s.Contains(connector) {
		return errs.IllegalArgument("Cannot remove tasks for non-existing connector")
	}
	return s.put(encodeCommit(connector, 0))
}

func (s *memoryConfigs) PutTaskCountRecord(_ context.Context, connector string, tasks int) error {
	return s.put(encodeTaskCount(connector, tasks))
}

func (s *memoryConfigs) PutSessionKey(_ context.Context, key state.SessionKey) error {
	return s.put(encodeSessionKey(key))
}

func (s *memoryConfigs) PutRestartRequest(_ context.Context, r state.RestartRequest) error {
	return s.put(encodeRestart(r))
}

func (s *memoryConfigs) PutTargetState(_ context.Context, connector string, target state.TargetState) error {
	if !s.Contains(connector) {
		return errs.IllegalArgument("No connector `%s` configured", connector)
	}
	return s.put(encodeTarget(connector, target))
}

func (s *memoryConfigs) PutLoggerLevel(_ context.Context, logger, level string) error {
	return s.put(encodeLogger(logger, level))
}
