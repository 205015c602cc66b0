package api

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/runtime/herder"
)

// info is a connector as it is shown, with secrets masked where that is asked for.
func (a *API) info(i herder.Info) connectorInfo {
	i.Config = a.masked(i.Config, i.Config)
	return infoOf(i)
}

// masked returns a configuration without its secrets; whole is the connector's, which
// says what they are.
func (a *API) masked(config, whole map[string]string) map[string]string {
	if !a.o.MaskSecrets || config == nil {
		return config
	}
	all := maps.Clone(whole)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, config)
	secrets := a.o.Validator.Secrets(all)
	out := maps.Clone(config)
	for key := range out {
		if secrets[key] {
			out[key] = configdef.Hidden
		}
	}
	return out
}

// unmask puts the stored values in the place of masked ones, so that a client can
// write back what it has read. It says whether there were any.
func (a *API) unmask(name string, given map[string]*string) (bool, error) {
	if !a.o.MaskSecrets {
		return false, nil
	}
	var hidden []string
	for key, value := range given {
		if value != nil && *value == configdef.Hidden {
			hidden = append(hidden, key)
		}
	}
	if len(hidden) == 0 {
		return false, nil
	}
	stored := map[string]string{}
	if info, err := a.o.Herder.Connector(name); err == nil {
		stored = info.Config
	}
	var missing []string
	for _, key := range hidden {
		if value, ok := stored[key]; ok {
			given[key] = &value
		} else {
			missing = append(missing, key)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return true, badRequest("The value of " + strings.Join(missing, ", ") + " is masked as " + configdef.Hidden +
			", and connector " + name + " has none that could be kept; give the value itself")
	}
	return true, nil
}

// unmasking lets a write of a connector's configuration keep its secrets. What is
// handed to another worker is unmasked, too: that one may mask nothing.
func (a *API) unmasking(serve func(r *http.Request, body []byte) (int, any, error)) func(r *http.Request, body []byte) (int, any, error) {
	return func(r *http.Request, body []byte) (int, any, error) {
		if !a.o.MaskSecrets || !bytes.Contains(body, []byte(configdef.Hidden)) {
			return serve(r, body)
		}
		given, err := objectOfStrings(body)
		if err != nil {
			return serve(r, body) // which words the error
		}
		found, err := a.unmask(param(r, "connector"), given)
		if err != nil {
			return 0, nil, err
		}
		if !found {
			return serve(r, body)
		}
		unmasked, err := json.Marshal(given)
		if err != nil {
			return 0, nil, err
		}
		callerOf(r.Context()).body = unmasked
		return serve(r, unmasked)
	}
}

// forwardedBody is what another worker is to be sent of a request.
func forwardedBody(ctx context.Context, body []byte) []byte {
	if b := callerOf(ctx).body; b != nil {
		return b
	}
	return body
}
