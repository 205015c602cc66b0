package settings

import (
	cd "github.com/moldau-io/moldau/connect/configdef"
)

// ownPrefix begins the settings Apache Connect does not have.
const ownPrefix = "moldau."

// Own are the settings that only we have.
type Own struct {
	// UI says whether the web interface is served.
	UI bool
	// Metrics says whether metrics are served for Prometheus.
	Metrics bool
	// LogLevel is the least severe level that is logged: debug, info, warn or error.
	LogLevel string
	// LogFormat is how log lines are written: text or json.
	LogFormat string
}

// ownKeys lists them for the definition; a new one needs a row here and in newOwn.
func ownKeys() []cd.Key {
	return []cd.Key{
		cd.Optional(ownPrefix+"ui.enabled", cd.Boolean, true, cd.Low, "Whether the web interface is served."),
		cd.Optional(ownPrefix+"metrics.enabled", cd.Boolean, true, cd.Low, "Whether metrics are served for Prometheus at /metrics."),
		cd.Optional(ownPrefix+"log.level", cd.String, "info", cd.Low, "The least severe level that is logged.").WithValidator(cd.ValidString("debug", "info", "warn", "error")),
		cd.Optional(ownPrefix+"log.format", cd.String, "text", cd.Low, "How log lines are written.").WithValidator(cd.ValidString("text", "json")),
	}
}

func newOwn(c *cd.Config) Own {
	return Own{
		UI:        c.Bool(ownPrefix + "ui.enabled"),
		Metrics:   c.Bool(ownPrefix + "metrics.enabled"),
		LogLevel:  c.String(ownPrefix + "log.level"),
		LogFormat: c.String(ownPrefix + "log.format"),
	}
}
