package json

import (
	"context"
	"testing"

	"github.com/moldau-io/moldau/connect"
)

// flat is a small record; event has the shape of a Wikipedia change; enveloped
// carries its schema.
const (
	flat  = `{"id":4711,"name":"Jane Doe","email":"jane.doe@example.org","age":42,"score":13.75,"active":true,"city":"Prague","zip":"110 00","created":1700000000123,"note":null}`
	event = `{"$schema":"/mediawiki/recentchange/1.0.0","meta":{"uri":"https://en.wikipedia.org/wiki/Vltava","request_id":"e5bb2e0c-6f1a-4d6b-9d43-4a3c2a1f7b5e","id":"0a1c5a0e-1f3b-4a8e-8d5c-0f1e2d3c4b5a","dt":"2024-02-29T12:34:56Z","domain":"en.wikipedia.org","stream":"mediawiki.recentchange","topic":"eqiad.mediawiki.recentchange","partition":0,"offset":4932187213},"id":1735923045,"type":"edit","namespace":0,"title":"Vltava","title_url":"https://en.wikipedia.org/wiki/Vltava","comment":"/* History */ added a \"citation\" – see talk","timestamp":1709210096,"user":"Bedřich","bot":false,"notify_url":"https://en.wikipedia.org/w/index.php?diff=1209876543&oldid=1201234567","minor":true,"patrolled":false,"length":{"old":18234,"new":18301},"revision":{"old":1201234567,"new":1209876543},"server_url":"https://en.wikipedia.org","server_name":"en.wikipedia.org","server_script_path":"/w","wiki":"enwiki","parsedcomment":"<span class=\"autocomment\">History</span> added a &quot;citation&quot;"}`

	enveloped = `{"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"},{"type":"string","optional":true,"field":"name"},{"type":"string","optional":true,"field":"email"},{"type":"int32","optional":false,"field":"age"},{"type":"double","optional":true,"field":"score"},{"type":"boolean","optional":false,"field":"active"},{"type":"struct","fields":[{"type":"string","optional":false,"field":"city"},{"type":"string","optional":true,"field":"zip"}],"optional":true,"name":"Address","field":"address"},{"type":"int64","optional":false,"name":"org.apache.kafka.connect.data.Timestamp","version":1,"field":"created"},{"type":"array","items":{"type":"string","optional":false},"optional":true,"field":"tags"}],"optional":false,"name":"Person"},"payload":{"id":4711,"name":"Jane Doe","email":"jane.doe@example.org","age":42,"score":13.75,"active":true,"address":{"city":"Prague","zip":"110 00"},"created":1700000000123,"tags":["a","bc","def"]}}`
)

func benchConverter(b *testing.B, schemas string) *Converter {
	b.Helper()
	c := New()
	if err := c.Configure(map[string]string{"schemas.enable": schemas}, false); err != nil {
		b.Fatal(err)
	}
	return c
}

var benchInputs = []struct{ name, schemas, text string }{
	{"flat", "false", flat}, {"event", "false", event}, {"enveloped", "true", enveloped},
}

func BenchmarkToConnectData(b *testing.B) {
	for _, in := range benchInputs {
		b.Run(in.name, func(b *testing.B) {
			c, text := benchConverter(b, in.schemas), []byte(in.text)
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := c.ToConnectData(context.Background(), "t", nil, text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkFromConnectData(b *testing.B) {
	for _, in := range benchInputs {
		b.Run(in.name, func(b *testing.B) {
			c, sv := decoded(b, in.schemas, in.text)
			b.ReportAllocs()
			b.SetBytes(int64(len(in.text)))
			for b.Loop() {
				if _, err := c.FromConnectData(context.Background(), "t", nil, sv.Schema, sv.Value); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendConnectData(b *testing.B) {
	for _, in := range benchInputs {
		b.Run(in.name, func(b *testing.B) {
			c, sv := decoded(b, in.schemas, in.text)
			var buf []byte
			b.ReportAllocs()
			b.SetBytes(int64(len(in.text)))
			for b.Loop() {
				var err error
				if buf, _, err = c.AppendConnectData(context.Background(), buf[:0], "t", nil, sv.Schema, sv.Value); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func decoded(b *testing.B, schemas, text string) (*Converter, connect.SchemaAndValue) {
	b.Helper()
	c := benchConverter(b, schemas)
	sv, err := c.ToConnectData(context.Background(), "t", nil, []byte(text))
	if err != nil {
		b.Fatal(err)
	}
	return c, sv
}
