package settings

// Names of settings that several parts need.
const (
	keyConfigProviders   = "config.providers"
	keyOverridePolicy    = "connector.client.config.override.policy"
	keyOverrideAllowlist = "connector.client.config.override.allowlist"
)
