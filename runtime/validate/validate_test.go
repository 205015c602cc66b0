package validate_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/moldau-io/moldau/plugins/standard"
	"github.com/moldau-io/moldau/runtime/settings"
	"github.com/moldau-io/moldau/runtime/validate"
)

func validator(t *testing.T) *validate.Validator {
	t.Helper()
	registry := standard.Registry()
	worker, err := settings.LoadWorker(t.Context(), settings.Distributed, map[string]string{
		"bootstrap.servers": "127.0.0.1:1", "group.id": "g", "config.storage.topic": "c", "offset.storage.topic": "o", "status.storage.topic": "s",
		"key.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter": "org.apache.kafka.connect.json.JsonConverter",
		"exactly.once.source.support": "enabled",
	}, settings.WorkerOptions{Plugins: settings.Catalogue(registry), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := worker.Close(); err != nil {
			t.Error(err)
		}
	})
	return validate.New(validate.Options{Plugins: registry, Settings: worker})
}

// outcome is what is compared of a validation.
type outcome struct {
	ErrorCount int              `json:"error_count"`
	Groups     []string         `json:"groups"`
	Values     map[string]value `json:"values"`
}

type value struct {
	Value   *string  `json:"value"`
	Errors  []string `json:"errors"`
	Visible bool     `json:"visible"`
}

func outcomeOf(infos *validate.Infos) outcome {
	out := outcome{infos.ErrorCount, infos.Groups, map[string]value{}}
	for _, c := range infos.Configs {
		errors := append([]string{}, c.Value.Errors...)
		slices.Sort(errors)
		out.Values[c.Value.Name] = value{c.Value.Value, errors, c.Value.Visible}
	}
	return out
}

// What Apache Connect 4.1.1 answered to configurations made at random: good and bad
// values of connectors, transforms, predicates, converters, overrides and topic groups.
func TestValidationsAreConnects(t *testing.T) {
	packed, err := os.ReadFile("testdata/validations.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	v := validator(t)
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<24)
	n := 0
	for lines.Scan() {
		n++
		var c struct {
			Config map[string]any `json:"config"`
			Result outcome        `json:"result"`
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		config := map[string]*string{}
		for k, given := range c.Config {
			if given != nil {
				text := fmt.Sprint(given)
				config[k] = &text
			} else {
				config[k] = nil
			}
		}
		infos, err := v.Validate(t.Context(), config)
		if err != nil {
			t.Errorf("%v: %v", c.Config, err)
			continue
		}
		got := outcomeOf(infos)
		if got.ErrorCount != c.Result.ErrorCount || !slices.Equal(got.Groups, c.Result.Groups) {
			t.Errorf("%v: %d errors, groups %q, want %d, %q", c.Config, got.ErrorCount, got.Groups, c.Result.ErrorCount, c.Result.Groups)
		}
		for _, name := range slices.Sorted(maps.Keys(c.Result.Values)) {
			if want := c.Result.Values[name]; !reflect.DeepEqual(want, got.Values[name]) {
				t.Errorf("%v: %s: %s, want %s", c.Config, name, show(got.Values[name]), show(want))
			}
		}
		if len(got.Values) != len(c.Result.Values) {
			t.Errorf("%v: %d values, want %d", c.Config, len(got.Values), len(c.Result.Values))
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if n < 150 {
		t.Errorf("only %d validations", n)
	}
}

func show(v value) string {
	text := "null"
	if v.Value != nil {
		text = *v.Value
	}
	return fmt.Sprintf("%s %q", text, v.Errors)
}

func TestWholeConfigurations(t *testing.T) {
	v := validator(t)
	for _, c := range []struct {
		name   string
		config map[string]string
		want   string
	}{
		{"good", map[string]string{"name": "n", "connector.class": "FileStreamSource", "topic": "t"}, ""},
		{"no class", map[string]string{"name": "n"}, "Connector config {name=n} contains no connector type"},
		{"bad value", map[string]string{"name": "n", "connector.class": "FileStreamSource", "topic": "t", "tasks.max": "x"},
			"Connector configuration is invalid and contains the following 2 error(s):\nInvalid value x for configuration tasks.max: Not a number of type INT\nInvalid value null for configuration tasks.max: Value must be non-null\nYou can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`"},
		{"not a number in an override", map[string]string{"name": "n", "connector.class": "FileStreamSource", "topic": "t", "producer.override.linger.ms": "x"},
			"Invalid value x for configuration linger.ms: Not a number of type LONG"},
		{"a version that is not there", map[string]string{"name": "n", "connector.class": "FileStreamSource", "topic": "t", "key.converter": "org.apache.kafka.connect.storage.StringConverter", "key.converter.plugin.version": "9"},
			"Connector configuration is invalid and contains the following 2 error(s):\nPlugin org.apache.kafka.connect.storage.StringConverter not found that matches the version range [9,9], available versions: [4.1.1]\n" +
				"Plugin org.apache.kafka.connect.storage.StringConverter not found that matches the version range [9,9], available versions: [4.1.1]\nYou can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			if err := v.Check(t.Context(), c.config); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestPluginConfig(t *testing.T) {
	v := validator(t)
	keys, err := v.PluginConfig(t.Context(), "org.apache.kafka.connect.transforms.Filter", "")
	if err != nil || len(keys) != 0 {
		t.Errorf("%v, %v", keys, err)
	}
	for _, c := range []struct{ name, version, want string }{
		{"Nope", "", "Unknown plugin Nope."},
		{"java.lang.String", "", "java.lang.String is not a plugin. Valid types are sink, source, converter, header_converter, transformation, predicate."},
		{"FileStreamSink", "[", "Invalid version specification: ["},
	} {
		if _, err := v.PluginConfig(t.Context(), c.name, c.version); err == nil || err.Error() != c.want {
			t.Errorf("%s %s: %v, want %s", c.name, c.version, err, c.want)
		}
	}
}
