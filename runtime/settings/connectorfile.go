package settings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/moldau-io/moldau/connect/errs"
)

// ConnectorFile is a connector as a file for a standalone worker has it.
type ConnectorFile struct {
	Name   string
	Config map[string]string
	// State is the state to begin in: RUNNING, PAUSED, STOPPED, or "" if not said.
	State string
}

// LoadConnector reads a connector's file (ConnectStandalone): a JSON object of
// settings, the body of a request to create a connector ({"name", "config",
// "initial_state"}), or a properties file, whatever the file is called.
func LoadConnector(path string) (ConnectorFile, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return ConnectorFile{}, fmt.Errorf("cannot read the connector's file: %w; check its path", err)
	}
	var fields map[string]json.RawMessage
	jsonErr := json.NewDecoder(bytes.NewReader(text)).Decode(&fields)
	if jsonErr == nil && fields != nil {
		return connectorFromJSON(path, fields)
	}
	props, err := ReadProperties(bytes.NewReader(text))
	if err != nil {
		return ConnectorFile{}, fmt.Errorf("%s: %w", path, err)
	}
	file, missing := named(path, props)
	if missing != nil && strings.HasPrefix(strings.TrimSpace(string(text)), "{") {
		return file, missing.WithHint("it was read as properties, since it is not JSON: %v", jsonErr)
	} else if missing != nil {
		return file, missing
	}
	return file, nil
}

// connectorFromJSON takes an object of scalars as settings, any other as a request.
func connectorFromJSON(path string, fields map[string]json.RawMessage) (ConnectorFile, error) {
	config, flat, err := scalars(path, fields)
	if err != nil {
		return ConnectorFile{}, err
	}
	if flat {
		file, missing := named(path, config)
		if missing != nil {
			return file, missing
		}
		return file, nil
	}
	var request struct {
		Name   string                     `json:"name"`
		Config map[string]json.RawMessage `json:"config"`
		State  string                     `json:"initial_state"`
	}
	whole, err := json.Marshal(fields)
	if err != nil {
		return ConnectorFile{}, fmt.Errorf("%s: %w", path, err)
	}
	if err := json.Unmarshal(whole, &request); err != nil || request.Config == nil {
		return ConnectorFile{}, notAConnector(path)
	}
	if config, flat, err = scalars(path, request.Config); err != nil {
		return ConnectorFile{}, err
	} else if !flat {
		return ConnectorFile{}, notAConnector(path)
	}
	switch own, ok := config[keyName]; {
	case !ok && request.Name != "":
		config[keyName] = request.Name
	case ok && own != request.Name:
		return ConnectorFile{}, errs.Connect("Connector name configuration in 'config' doesn't match the one specified in 'name' at '" + path + "'")
	}
	file, missing := named(path, config)
	if missing != nil {
		return file, missing
	}
	switch file.State = strings.ToUpper(request.State); file.State {
	case "", "RUNNING", "PAUSED", "STOPPED":
		return file, nil
	}
	return file, errs.Connect("Connector configuration at '%s' has initial_state %q, which is none of RUNNING, PAUSED and STOPPED", path, request.State)
}

func notAConnector(path string) error {
	return errs.Connect(`Connector configuration at '%s' is neither an object of settings nor {"name": …, "config": {…}}`, path)
}

// named checks that a connector has a name.
func named(path string, config map[string]string) (ConnectorFile, *errs.Error) {
	name, ok := config[keyName]
	if !ok {
		return ConnectorFile{}, errs.Connect("Connector configuration at '" + path + "' is missing the mandatory 'name' configuration")
	}
	return ConnectorFile{Name: name, Config: config}, nil
}

// scalars returns the fields as texts, as they are written; flat is false if one is
// an object or an array.
func scalars(path string, fields map[string]json.RawMessage) (config map[string]string, flat bool, err error) {
	config = make(map[string]string, len(fields))
	for name, raw := range fields {
		switch raw[0] {
		case '{', '[':
			return nil, false, nil
		case '"':
			var text string
			if err := json.Unmarshal(raw, &text); err != nil {
				return nil, false, fmt.Errorf("%s: %s: %w", path, name, err)
			}
			config[name] = text
		case 'n':
			return nil, false, errs.Connect("Connector configuration at '%s': null value can not be supplied as the configuration value of '%s'", path, name)
		default:
			config[name] = string(raw)
		}
	}
	return config, true, nil
}
