package settings

import (
	"slices"
	"strings"

	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
)

// OverridePolicy says which client settings a connector may override with
// producer.override.*, consumer.override.* and admin.override.* (KIP-458).
type OverridePolicy struct {
	name  string
	allow func(setting string) bool
}

// Name is the policy's name as error texts have it: All, None, Principal or Allowlist.
func (p OverridePolicy) Name() string { return p.name }

// Allows says whether a connector may set a client setting, named without prefix.
func (p OverridePolicy) Allows(setting string) bool { return p.allow(setting) }

// Check returns the text of what is wrong with an override, "" if nothing.
func (p OverridePolicy) Check(setting string) string {
	if p.allow(setting) {
		return ""
	}
	return "The '" + p.name + "' policy does not allow '" + setting + "' to be overridden in the connector configuration."
}

// overridePolicyPackage is where Connect's policies are.
const overridePolicyPackage = "org.apache.kafka.connect.connector.policy."

// NewOverridePolicy returns the policy of a class name or alias, as in
// connector.client.config.override.policy. The policy Allowlist (KIP-1188) reads
// connector.client.config.override.allowlist from props.
func NewOverridePolicy(class string, props map[string]string) (OverridePolicy, error) {
	const suffix = "ConnectorClientConfigOverridePolicy"
	short := strings.TrimSuffix(strings.TrimPrefix(configdef.Trim(class), overridePolicyPackage), suffix)
	switch short {
	case "All":
		return OverridePolicy{short, func(string) bool { return true }}, nil
	case "None":
		return OverridePolicy{short, func(string) bool { return false }}, nil
	case "Principal":
		principal := []string{"sasl.jaas.config", "sasl.mechanism", "security.protocol"}
		return OverridePolicy{short, func(setting string) bool { return slices.Contains(principal, setting) }}, nil
	case "Allowlist":
		value, err := configdef.ParseType(keyOverrideAllowlist, props[keyOverrideAllowlist], configdef.List)
		if err != nil {
			return OverridePolicy{}, err
		}
		allowed, _ := value.([]string)
		return OverridePolicy{short, func(setting string) bool { return slices.Contains(allowed, setting) }}, nil
	}
	return OverridePolicy{}, errs.Connect("Failed to find any class that implements interface "+
		"org.apache.kafka.connect.connector.policy.ConnectorClientConfigOverridePolicy and which name matches %s", class).
		WithHint("known are All, None, Principal and Allowlist")
}
