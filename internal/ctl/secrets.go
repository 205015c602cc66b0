package ctl

import (
	"context"
	"regexp"
	"strings"

	"github.com/moldau-io/moldau/api/client"
)

// masked stands for a secret.
const masked = "********"

var (
	secretName = regexp.MustCompile(`(?i)(passwo?r?d|passphrase|secret|credential|token|authorization|api[._-]?key|access[._-]?key|private[._-]?key|jaas\.config|keystore\.key$)`)
	// plainName ends the names of settings that are about a secret but hold none.
	plainName = regexp.MustCompile(`(?i)\.(url|uri|location|file|path|type|class|alg|algorithm|enable|enabled|ms|version)$`)
	reference = regexp.MustCompile(`^\$\{[^{}]*\}$`)
	userInfo  = regexp.MustCompile(`(://[^/@:\s]*:)[^/@\s]+@`)
	hiddenBy  = regexp.MustCompile(`^(\*{3,}|\[hidden\]|<hidden>|<redacted>)$`)
)

// secrets says which settings are shown masked: those the plugin defines as passwords,
// and those whose names say so.
type secrets struct {
	show  bool
	typed map[string]bool
}

// secretsOf asks the server which settings of a connector are passwords. Servers that
// do not say (before 3.2) leave names alone to go by.
func (s *session) secretsOf(ctx context.Context, c *client.REST, class string) secrets {
	out := secrets{typed: map[string]bool{}}
	if class == "" {
		return out
	}
	keys, err := c.PluginConfig(ctx, class)
	if err != nil {
		return out
	}
	for _, k := range keys {
		if strings.EqualFold(k.Type, "PASSWORD") {
			out.typed[k.Name] = true
		}
	}
	return out
}

func (x secrets) secret(key string) bool {
	return x.typed[key] || secretName.MatchString(key) && !plainName.MatchString(key)
}

// value is what is shown of a setting's value. References to config providers are not
// secret themselves.
func (x secrets) value(key, value string) string {
	switch {
	case x.show || value == "" || reference.MatchString(value):
		return value
	case x.secret(key):
		return masked
	}
	return userInfo.ReplaceAllString(value, "${1}"+masked+"@")
}

// config is a configuration as it is shown, and how many values are masked in it.
func (x secrets) config(config map[string]string) (shown map[string]string, hidden int) {
	shown = make(map[string]string, len(config))
	for k, v := range config {
		shown[k] = x.value(k, v)
		if shown[k] != v {
			hidden++
		}
	}
	return shown, hidden
}

// hidden says whether a value stands for a secret that a server, or this command, did
// not show.
func (x secrets) hidden(key, value string) bool {
	return x.secret(key) && hiddenBy.MatchString(value) || strings.Contains(value, ":"+masked+"@")
}
