package settings

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestLoadConnector(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c")
	const missing = "Connector configuration at '<path>' is missing the mandatory 'name' configuration"
	for text, want := range map[string]struct {
		file ConnectorFile
		err  string
	}{
		`{"name":"n","k":"v"}`:                               {ConnectorFile{"n", map[string]string{"name": "n", "k": "v"}, ""}, ""},
		`{"name":"n","k":5,"b":true,"d":1.50,"e":1e3}`:       {ConnectorFile{"n", map[string]string{"name": "n", "k": "5", "b": "true", "d": "1.50", "e": "1e3"}, ""}, ""},
		`{"name":"n","k":"\u00e9\n"}`:                        {ConnectorFile{"n", map[string]string{"name": "n", "k": "é\n"}, ""}, ""},
		`{"k":"v"}`:                                          {err: missing},
		`{"name":"n","config":{"k":"v"}}`:                    {ConnectorFile{"n", map[string]string{"name": "n", "k": "v"}, ""}, ""},
		`{"name":"n","config":{"name":"n"},"extra":[1]}`:     {ConnectorFile{"n", map[string]string{"name": "n"}, ""}, ""},
		`{"name":"n","config":{"name":"m"}}`:                 {err: "Connector name configuration in 'config' doesn't match the one specified in 'name' at '<path>'"},
		`{"name":"n","config":{},"initial_state":"STOPPED"}`: {ConnectorFile{"n", map[string]string{"name": "n"}, "STOPPED"}, ""},
		`{"name":"n","config":{},"initial_state":"paused"}`:  {ConnectorFile{"n", map[string]string{"name": "n"}, "PAUSED"}, ""},
		`{"name":"n","config":{},"initial_state":"x"}`:       {err: `Connector configuration at '<path>' has initial_state "x", which is none of RUNNING, PAUSED and STOPPED`},
		`{"config":{"k":"v"}}`:                               {err: missing},
		"name=n\nk=v":                                        {ConnectorFile{"n", map[string]string{"name": "n", "k": "v"}, ""}, ""},
		"# c\nname: n":                                       {ConnectorFile{"n", map[string]string{"name": "n"}, ""}, ""},
		"k=v":                                                {err: missing},
		"":                                                   {err: missing},
		"[]":                                                 {err: missing},
		`{"name":"n","k":"v"} trailing`:                      {ConnectorFile{"n", map[string]string{"name": "n", "k": "v"}, ""}, ""},
		`{"name":"n","k":"v",}`:                              {err: missing},
		`{"name":"n","k":{"a":1}}`:                           {err: `Connector configuration at '<path>' is neither an object of settings nor {"name": …, "config": {…}}`},
		`{"name":"n","config":{"k":{}}}`:                     {err: `Connector configuration at '<path>' is neither an object of settings nor {"name": …, "config": {…}}`},
		`{"name":"n","k":null}`:                              {err: "Connector configuration at '<path>': null value can not be supplied as the configuration value of 'k'"},
	} {
		write(t, path, text)
		got, err := LoadConnector(path)
		if e, _ := messageOrNone(err); strings.ReplaceAll(e, path, "<path>") != want.err {
			t.Errorf("%s: error %q, want %q", text, e, want.err)
		}
		if err == nil && !reflect.DeepEqual(got, want.file) {
			t.Errorf("%s: %+v, want %+v", text, got, want.file)
		}
	}
	if _, err := LoadConnector(path + ".not"); err == nil {
		t.Error("no error for a file that is not there")
	}
}
