package herder

import "github.com/moldau-io/moldau/runtime/state"

// configListener hears of the config topic's changes and gathers them for the
// herder's goroutine. It never blocks: that goroutine may be waiting for the store
// which calls.
type configListener struct{ h *Herder }

func (l configListener) OnConnectorUpdate(name string) {
	l.note(func(c *ConfigsChanged) { c.Connectors = append(c.Connectors, name) })
}

func (l configListener) OnConnectorRemove(name string) {
	l.note(func(c *ConfigsChanged) { c.Connectors = append(c.Connectors, name) })
}

func (l configListener) OnTasksUpdate(connector string, tasks []state.TaskID) {
	l.note(func(c *ConfigsChanged) {
		c.Tasks = append(c.Tasks, tasks...)
		c.Planned = append(c.Planned, connector)
	})
}

func (l configListener) OnTargetStateChange(name string) {
	l.note(func(c *ConfigsChanged) { c.Targets = append(c.Targets, name) })
}

func (l configListener) OnSessionKey(state.SessionKey) {
	l.note(func(c *ConfigsChanged) { c.SessionKey = true })
}

func (l configListener) OnRestart(r state.RestartRequest) {
	l.note(func(c *ConfigsChanged) { c.Restarts = append(c.Restarts, r) })
}

func (l configListener) OnLoggerLevel(logger, level string) {
	if l.h.o.LoggerLevel != nil {
		l.h.o.LoggerLevel(logger, level)
	}
}

func (l configListener) note(add func(*ConfigsChanged)) {
	h := l.h
	snapshot := h.o.Configs.Snapshot()
	h.mu.Lock()
	if h.pending == nil {
		h.pending = &ConfigsChanged{}
	}
	h.pending.Snapshot = snapshot
	add(h.pending)
	h.mu.Unlock()
	select {
	case h.changes <- struct{}{}:
	default:
	}
}
