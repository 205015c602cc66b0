package settings

import "strings"

// secretParts are in the names of settings that hold secrets, by custom.
var secretParts = [...]string{
	"password", "passwd", "secret", "token", "credential", "sasl.jaas.config", "api.key", "apikey", "access.key", "private.key", "privatekey",
	"ssl.keystore.key", "user.info", "passphrase",
}

// notSecretParts are in names that secretParts catch by mistake.
var notSecretParts = [...]string{"token.endpoint.url", "jwks.endpoint.url"}

// LooksSecret says whether a setting holds a secret going by its name, for settings
// that no definition describes.
func LooksSecret(key string) bool {
	key = strings.ToLower(key)
	for _, p := range notSecretParts {
		if strings.Contains(key, p) {
			return false
		}
	}
	for _, p := range secretParts {
		if strings.Contains(key, p) {
			return true
		}
	}
	return false
}
