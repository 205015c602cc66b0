package validate

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/moldau-io/moldau/connect/configdef"
)

// clientKeysData describes the settings of Kafka's clients as Connect's REST API
// shows them: an object of lists of KeyInfo by client.
//
//go:embed data/clientkeys.json.gz
var clientKeysData []byte

// clientKeys are the settings of one kind of client by name.
type clientKeys map[string]KeyInfo

// loadClientKeys reads the table on first use; it is rarely needed.
var loadClientKeys = sync.OnceValues(func() (map[string]clientKeys, error) {
	z, err := gzip.NewReader(bytes.NewReader(clientKeysData))
	if err != nil {
		return nil, fmt.Errorf("reading the table of client settings: %w", err)
	}
	var rows map[string][]KeyInfo
	if err := json.NewDecoder(z).Decode(&rows); err != nil {
		return nil, fmt.Errorf("reading the table of client settings: %w", err)
	}
	out := map[string]clientKeys{}
	for client, keys := range rows {
		out[client] = clientKeys{}
		for _, k := range keys {
			out[client][k.Name] = k
		}
	}
	return out, nil
})

// typeNamed returns the type of that name.
func typeNamed(name string) configdef.Type {
	for t := configdef.Boolean; t <= configdef.Password; t++ {
		if t.String() == name {
			return t
		}
	}
	return configdef.String
}
