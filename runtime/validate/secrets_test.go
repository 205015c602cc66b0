package validate

import (
	"maps"
	"slices"
	"testing"

	"github.com/moldau-io/moldau/plugins/standard"
	"github.com/moldau-io/moldau/runtime/settings"
)

func TestSecrets(t *testing.T) {
	v := New(Options{Plugins: standard.Registry(), Settings: &settings.Worker{Key: settings.ConverterSettings{Class: "org.apache.kafka.connect.json.JsonConverter"}}})
	const es = "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector"
	for _, c := range []struct {
		name   string
		config map[string]string
		want   []string
	}{
		{"by their types", map[string]string{
			"connector.class": es, "topics": "t", "connection.username": "u", "connection.password": "p", "connection.url": "http://x",
			"consumer.override.ssl.keystore.certificate.chain": "PEM", "consumer.override.max.poll.records": "1",
		}, []string{"connection.password", "consumer.override.ssl.keystore.certificate.chain"}},
		{"references are none", map[string]string{"connector.class": es, "connection.password": "${file:/x:y}", "connection.api.key": "a${env:X}"}, []string{"connection.api.key"}},
		{"of a converter", map[string]string{
			"connector.class": es, "value.converter": "io.confluent.connect.avro.AvroConverter", "value.converter.basic.auth.user.info": "u:p", "value.converter.schema.registry.url": "http://r",
		}, []string{"value.converter.basic.auth.user.info"}},
		{"by their names, of an unknown class", map[string]string{"connector.class": "a.B", "db.password": "p", "db.user": "u"}, []string{"db.password"}},
		{"without a class", map[string]string{"token": "x", "name": "n"}, []string{"token"}},
		{"of a transform that is unknown", map[string]string{"connector.class": es, "transforms": "a", "transforms.a.type": "x.Y", "transforms.a.pepper": "p"}, []string{"transforms.a.pepper"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := slices.Sorted(maps.Keys(v.Secrets(c.config))); !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}
