package connecttest

import (
	"bytes"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/configdef"
)

// checkDefinition checks a plugin's description of its settings.
func checkDefinition(t *testing.T, made func() connect.Configured) {
	t.Helper()
	first, second := made().ConfigDef(), made().ConfigDef()
	if first == nil {
		t.Fatal("ConfigDef returns nil")
	}
	if !slices.Equal(first.Names(), second.Names()) {
		t.Errorf("ConfigDef differs from call to call: %v, %v", first.Names(), second.Names())
	}
	if !reflect.DeepEqual(first.DefaultValues(), second.DefaultValues()) {
		t.Errorf("the defaults differ from call to call")
	}
	for _, k := range first.Keys() {
		if strings.TrimSpace(k.Doc) == "" {
			t.Errorf("%s has no documentation", k.Name)
		}
		if k.Type == configdef.Password && k.HasDefault && k.Default != nil && fmt.Sprint(k.Default) != "" && k.Default != configdef.Hidden {
			t.Errorf("%s is a secret with a default", k.Name)
		}
		if !k.HasDefault || k.Validator == nil || k.Default == nil {
			continue
		}
		parsed, err := configdef.ParseType(k.Name, k.Default, k.Type)
		if err == nil {
			err = k.Validator.Validate(k.Name, parsed)
		}
		if err != nil {
			t.Errorf("the default of %s is not valid: %v", k.Name, err)
		}
	}
}

// secrets returns the values of settings of type Password.
func secrets(def *configdef.Def, props map[string]string) []string {
	var out []string
	for name, value := range props {
		if k, ok := def.Key(name); ok && k.Type == configdef.Password && value != "" {
			out = append(out, value)
		}
	}
	return out
}

func checkSecrets(t *testing.T, def *configdef.Def, props map[string]string, where string, text string) {
	t.Helper()
	for _, s := range secrets(def, props) {
		if strings.Contains(text, s) {
			t.Errorf("%s shows a secret", where)
		}
	}
}

// goroutines returns the stacks of goroutines that run code of the plugin's
// package, other than the caller's.
func goroutines(plugin any) []string {
	t := reflect.TypeOf(plugin)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	path := t.PkgPath()
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	stacks := bytes.Split(buf, []byte("\n\n"))
	var out []string
	for _, s := range stacks[1:] { // the first is the caller's
		// Tests of the package itself are no goroutines of the plugin.
		if strings.Contains(string(s), path+".") && !strings.Contains(string(s), "_test.go:") {
			out = append(out, string(s))
		}
	}
	return out
}

func checkGoroutines(t *testing.T, plugin any) {
	t.Helper()
	for _, s := range goroutines(plugin) {
		t.Errorf("a goroutine is left after Stop:\n%s", s)
	}
}
