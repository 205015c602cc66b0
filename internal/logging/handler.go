package logging

import (
	"context"
	"log/slog"
)

// handler lets through what its logger's level allows. The handler behind it must
// be open to all levels.
type handler struct {
	next   slog.Handler
	logger *logger
}

func (h *handler) Enabled(_ context.Context, level slog.Level) bool {
	return int64(level) >= h.logger.enabled.Load()
}

func (h *handler) Handle(ctx context.Context, r slog.Record) error { return h.next.Handle(ctx, r) }

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.next.WithAttrs(attrs), h.logger}
}

func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{h.next.WithGroup(name), h.logger}
}
