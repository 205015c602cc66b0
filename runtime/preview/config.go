package preview

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// config is a connector's configuration. Values that are not strings are taken as
// they are written, and null as not given.
type config map[string]string

// UnmarshalJSON reads an object.
func (c *config) UnmarshalJSON(b []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	*c = make(config, len(raw))
	for key, value := range raw {
		var text string
		switch {
		case bytes.Equal(value, []byte("null")):
			continue
		case value[0] == '"':
			if err := json.Unmarshal(value, &text); err != nil {
				return err
			}
		case value[0] == '{' || value[0] == '[':
			return fmt.Errorf("the value of %s must be a string, a number or a boolean", key)
		default:
			text = string(value)
		}
		(*c)[key] = text
	}
	return nil
}

// ReadConfig reads a connector as it is posted to the REST API, {"name":…,"config":{…}},
// or its configuration alone.
func ReadConfig(b []byte) (map[string]string, error) {
	var posted struct {
		Name   string `json:"name"`
		Config config `json:"config"`
	}
	if err := json.Unmarshal(b, &posted); err == nil && posted.Config != nil {
		if _, ok := posted.Config["name"]; !ok && posted.Name != "" {
			posted.Config["name"] = posted.Name
		}
		return posted.Config, nil
	}
	var plain config
	if err := json.Unmarshal(b, &plain); err != nil {
		return nil, fmt.Errorf("not a connector's configuration: %w", err)
	}
	return plain, nil
}
