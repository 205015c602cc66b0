package settings

import (
	"context"
	"fmt"
	"strings"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/javaregex"
)

// envProvider gives environment variables (EnvVarConfigProvider, KIP-887): the key
// is the variable, and there is no path.
type envProvider struct {
	values map[string]string
}

func newEnvProvider(params map[string]string, o ProviderOptions) (Provider, error) {
	pattern, ok := params["allowlist.pattern"]
	if !ok {
		pattern = ".*"
	}
	allowed, err := javaregex.Compile(pattern)
	if err != nil {
		return nil, errs.InvalidValue("allowlist.pattern", pattern, "Invalid regex: "+messageOf(err))
	}
	p := envProvider{make(map[string]string)}
	for _, entry := range o.Environ {
		name, value, _ := strings.Cut(entry, "=")
		ok, err := allowed.Matches(name)
		if err != nil {
			return nil, fmt.Errorf("cannot match allowlist.pattern %q with the variable %s: %w", pattern, name, err)
		}
		if ok {
			p.values[name] = value
		}
	}
	return p, nil
}

func (p envProvider) Get(_ context.Context, path string, keys []string) (ProviderData, error) {
	data := ProviderData{Values: map[string]string{}}
	if path != "" {
		return data, errs.Config("Path is not supported for EnvVarConfigProvider, invalid value '" + path + "'")
	}
	pick(data.Values, p.values, keys)
	return data, nil
}

func (envProvider) Close() error { return nil }
