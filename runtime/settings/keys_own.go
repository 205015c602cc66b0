package settings

import (
	"math"
	"time"

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
	// JAASFile, HtpasswdFile and RolesFile say who may use the REST API; "" is none.
	JAASFile, HtpasswdFile, RolesFile string
	// MaskSecrets hides secrets of connectors in answers of the REST API.
	MaskSecrets bool
	// StuckAfter is how long a Poll or Put may take before its task counts as stuck; 0
	// for ever.
	StuckAfter time.Duration
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
		cd.Optional(ownPrefix+"rest.jaas.file", cd.String, "", cd.Low, "The JAAS login configuration of BasicAuthSecurityRestExtension; without it, the one that java.security.auth.login.config in KAFKA_OPTS names."),
		cd.Optional(ownPrefix+"rest.htpasswd.file", cd.String, "", cd.Low, "Users of the REST API with bcrypt hashes of their passwords, as htpasswd -B writes them."),
		cd.Optional(ownPrefix+"rest.roles.file", cd.String, "", cd.Low, "What users of the REST API may do: lines of a user, a role (view, operate, edit, admin) and patterns of connectors' names."),
		cd.Optional(ownPrefix+"rest.mask.secrets", cd.Boolean, false, cd.Low, "Whether passwords in connectors' configurations are shown as [hidden], and kept when they are written back so. Set it alike on all workers."),
		cd.Optional(ownPrefix+"task.stuck.after.ms", cd.Long, int64(300_000), cd.Low, "How long in milliseconds a connector's poll or put may take before its task is said to be stuck, in log, status and metrics; 0 never to say so. Nothing is stopped for it.").WithValidator(cd.Between[int64](0, math.MaxInt64/int64(time.Millisecond))),
		cd.Optional(ownPrefix+"log.level", cd.String, "info", cd.Low, "The least severe level that is logged.").WithValidator(cd.ValidString("debug", "info", "warn", "error")),
		cd.Optional(ownPrefix+"log.format", cd.String, "text", cd.Low, "How log lines are written.").WithValidator(cd.ValidString("text", "json")),
	}
}

func newOwn(c *cd.Config) Own {
	return Own{
		UI:       c.Bool(ownPrefix + "ui.enabled"),
		Metrics:  c.Bool(ownPrefix + "metrics.enabled"),
		JAASFile: c.String(ownPrefix + "rest.jaas.file"), HtpasswdFile: c.String(ownPrefix + "rest.htpasswd.file"), RolesFile: c.String(ownPrefix + "rest.roles.file"),
		MaskSecrets: c.Bool(ownPrefix + "rest.mask.secrets"),
		StuckAfter:  millis(c.Long(ownPrefix + "task.stuck.after.ms")),
		LogLevel:    c.String(ownPrefix + "log.level"),
		LogFormat:   c.String(ownPrefix + "log.format"),
	}
}
