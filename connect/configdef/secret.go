package configdef

import (
	"fmt"
	"io"
	"log/slog"
)

// Hidden stands wherever a secret would be shown.
const Hidden = "[hidden]"

// Secret is the value of a setting of type Password
// (org.apache.kafka.common.config.types.Password). However it is printed, logged
// or marshalled, its text does not show; only Value gives it. It must not be the
// key of a map: encoding/json writes a key of a string type as it is.
type Secret string

// Value returns the text. It must not reach a log, an error or a client.
func (s Secret) Value() string { return string(s) }

// String returns Hidden.
func (Secret) String() string { return Hidden }

// GoString returns Hidden.
func (Secret) GoString() string { return Hidden }

// Format writes Hidden, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) {
	// fmt reports write errors of its own writer; a Formatter has nowhere to put one.
	_, _ = io.WriteString(f, Hidden)
}

// LogValue returns Hidden.
func (Secret) LogValue() slog.Value { return slog.StringValue(Hidden) }

// MarshalText returns Hidden, for encodings that have no method of their own here.
func (Secret) MarshalText() ([]byte, error) { return []byte(Hidden), nil }

// MarshalJSON returns Hidden as a JSON string.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + Hidden + `"`), nil }
