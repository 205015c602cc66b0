package standard

import (
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/connecttest"
	"github.com/moldau-io/moldau/plugins"
)

func TestTransformsAreDefinedWell(t *testing.T) {
	registry := Registry()
	n := 0
	for _, p := range registry.List(plugins.Transformation) {
		n++
		t.Run(p.Class, func(t *testing.T) {
			connecttest.Transform{New: func() connect.Transform {
				tr, err := p.NewTransform()
				if err != nil {
					t.Fatal(err)
				}
				return tr
			}}.Run(t)
		})
	}
	if n < 40 {
		t.Errorf("only %d transforms", n)
	}
}

// The names by which users know transforms lead to them, and no further transform
// takes a short name from one of Connect's own.
func TestTransformNames(t *testing.T) {
	registry := Registry()
	for name, want := range map[string]string{
		"Filter":          "org.apache.kafka.connect.transforms.Filter",
		"RegexRouter":     "org.apache.kafka.connect.transforms.RegexRouter",
		"TimestampRouter": "org.apache.kafka.connect.transforms.TimestampRouter",
		"io.confluent.connect.transforms.ExtractTopic$Header":                  "io.moldau.transforms.ExtractTopic$Header",
		"io.confluent.connect.transforms.Filter$Key":                           "io.moldau.transforms.Filter$Key",
		"io.confluent.connect.transforms.MessageTimestampRouter":               "io.moldau.transforms.MessageTimestampRouter",
		"io.aiven.kafka.connect.transforms.ExtractTopic$Value":                 "io.moldau.transforms.ExtractTopic$Value",
		"io.aiven.kafka.connect.transforms.KeyToValue":                         "io.moldau.transforms.KeyToValue",
		"io.aiven.kafka.connect.transforms.TombstoneHandler":                   "io.moldau.transforms.TombstoneHandler",
		"com.github.jcustenborder.kafka.connect.transform.common.TimestampNow": "io.moldau.transforms.TimestampNow",
		"com.github.jcustenborder.kafka.connect.transform.common.ToJSON$Value": "io.moldau.transforms.ToJson$Value",
		"com.github.cjmatta.kafka.connect.smt.InsertUuid$Value":                "io.moldau.transforms.InsertUuid$Value",
		"ClaimCheck": "io.moldau.transforms.ClaimCheck",
	} {
		if p, ok := registry.Find(plugins.Transformation, name); !ok || p.Class != want {
			t.Errorf("%s leads to %q, want %s", name, p.Class, want)
		}
	}
	for _, p := range registry.List(plugins.Transformation, plugins.Predicate) {
		short := p.Class[strings.LastIndexByte(p.Class, '.')+1:]
		if strings.Contains(short, "$") {
			continue // nested classes have no short name, as in Connect
		}
		if found, ok := registry.Find(p.Kind, short); !ok || found.Class != p.Class {
			t.Errorf("%s leads to %q, not to %s", short, found.Class, p.Class)
		}
	}
}
