package main

import (
	"io"
	"log/slog"
	"strings"

	"github.com/moldau-io/moldau/internal/logging"
)

// logs makes the loggers of a worker from its settings.
func logs(out io.Writer, props map[string]string) (*logging.Levels, slog.Handler) {
	level := props["moldau.log.level"]
	if level == "" {
		level = "info"
	}
	all := &slog.HandlerOptions{Level: slog.Level(-100)}
	if strings.TrimSpace(props["moldau.log.format"]) == "json" {
		return logging.New(level), slog.NewJSONHandler(out, all)
	}
	return logging.New(level), slog.NewTextHandler(out, all)
}
