package settings

import (
	"strings"
	"unicode/utf16"
)

// EnvPrefix begins the environment variables that hold worker settings.
const EnvPrefix = "CONNECT_"

// notSettings are variables (or, with a final "_", beginnings of such) that the
// Docker images' scripts read themselves.
var notSettings = []string{"CONNECT_LOG4J_", "CONNECT_TOOLS_LOG4J_", "CONNECT_CUB_", "CONNECT_KAFKA_OPTS", "CONNECT_JMX_"}

// FromEnvironment returns the worker settings in an environment of "NAME=value"
// strings, named as the cp-kafka-connect images want them: CONNECT_ is cut off,
// the rest lowered, and "___" becomes "-", "__" becomes "_", a single "_" between
// other characters becomes ".". As in those images, where values go through a
// properties file, backslashes in values are escapes; a value whose escapes are
// malformed is taken as it is.
func FromEnvironment(environ []string) map[string]string {
	props := make(map[string]string)
	for _, entry := range environ {
		name, value, ok := strings.Cut(entry, "=")
		if !ok || !strings.HasPrefix(name, EnvPrefix) || len(name) == len(EnvPrefix) || excluded(name) {
			continue
		}
		value = strings.TrimLeft(value, " \t\f")
		if text, err := unescape(utf16.Encode([]rune(value))); err == nil {
			value = text
		}
		props[settingName(name[len(EnvPrefix):])] = value
	}
	return props
}

func excluded(name string) bool {
	for _, not := range notSettings {
		if name == not || strings.HasSuffix(not, "_") && strings.HasPrefix(name, not) {
			return true
		}
	}
	return false
}

func settingName(env string) string {
	lower := strings.ToLower(env)
	var b strings.Builder
	for i := 0; i < len(lower); i++ {
		single := lower[i] == '_' && i > 0 && lower[i-1] != '_' && i+1 < len(lower) && lower[i+1] != '_'
		if single {
			b.WriteByte('.')
		} else {
			b.WriteByte(lower[i])
		}
	}
	name := strings.ReplaceAll(b.String(), "___", "-")
	return strings.ReplaceAll(name, "__", "_")
}
