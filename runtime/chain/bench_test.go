package chain_test

import (
	"context"
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/plugins/standard"
	"github.com/moldau-io/moldau/runtime/chain"
)

const smt = "org.apache.kafka.connect.transforms."

// chains are those that are common, and the three transforms of the JSON benchmark.
var chains = map[string]map[string]string{
	"insert+replace+route": {"transforms": "i,r,t", "transforms.i.type": smt + "InsertField$Value", "transforms.i.timestamp.field": "ts",
		"transforms.i.static.field": "src", "transforms.i.static.value": "moldau", "transforms.r.type": smt + "ReplaceField$Value",
		"transforms.r.exclude": "secret", "transforms.r.renames": "name:user", "transforms.t.type": smt + "TimestampRouter"},
	"mask+cast": {"transforms": "m,c", "transforms.m.type": smt + "MaskField$Value", "transforms.m.fields": "secret",
		"transforms.c.type": smt + "Cast$Value", "transforms.c.spec": "id:string,amount:float32"},
	"key+regex": {"transforms": "k,e,x", "transforms.k.type": smt + "ValueToKey", "transforms.k.fields": "id",
		"transforms.e.type": smt + "ExtractField$Key", "transforms.e.field": "id", "transforms.x.type": smt + "RegexRouter",
		"transforms.x.regex": "(.*)", "transforms.x.replacement": "eu-$1"},
	"flatten+predicate": {"transforms": "f,d", "predicates": "p", "transforms.f.type": smt + "Flatten$Value", "transforms.f.delimiter": "_",
		"transforms.d.type": smt + "Filter", "transforms.d.predicate": "p", "predicates.p.type": smt + "predicates.RecordIsTombstone"},
}

func records() map[string]*connect.Record {
	address := schema.NewStruct().Optional().Field("street", schema.Of(schema.String)).Field("zip", schema.OptionalOf(schema.Int32)).MustBuild()
	s := schema.NewStruct().Name("Order").Field("id", schema.Of(schema.Int64)).Field("name", schema.OptionalOf(schema.String)).
		Field("secret", schema.Of(schema.String)).Field("amount", schema.Of(schema.Float64)).Field("addr", address).MustBuild()
	id, name, secret, amount := schema.OfInt64(7), schema.OfString("ann"), schema.OfString("s3cret"), schema.OfFloat64(12.5)
	addr := schema.OfStruct(schema.StructOf(address, []schema.Value{schema.OfString("Main"), schema.OfInt32(12345)}))
	loose := schema.NewMap(2)
	loose.PutString("street", schema.OfString("Main"))
	loose.PutString("zip", schema.OfInt64(12345))
	m := schema.NewMap(5)
	for _, e := range []struct {
		name  string
		value schema.Value
	}{{"id", id}, {"name", name}, {"secret", secret}, {"amount", amount}, {"addr", schema.OfMap(loose)}} {
		m.PutString(e.name, e.value)
	}
	return map[string]*connect.Record{
		"struct": {Topic: "orders", Timestamp: 1700000000123, ValueSchema: s, Value: schema.OfStruct(schema.StructOf(s, []schema.Value{id, name, secret, amount, addr}))},
		"map":    {Topic: "orders", Timestamp: 1700000000123, Value: schema.OfMap(m)},
	}
}

func BenchmarkApply(b *testing.B) {
	for name, props := range chains {
		for kind, r := range records() {
			b.Run(name+"/"+kind, func(b *testing.B) {
				c, err := chain.Build(props, standard.Registry())
				if err != nil {
					b.Fatal(err)
				}
				defer func() {
					if err := c.Close(); err != nil {
						b.Error(err)
					}
				}()
				b.ReportAllocs()
				for b.Loop() {
					if out, _, err := c.Apply(context.Background(), r); out == nil || err != nil {
						b.Fatal(out, err)
					}
				}
			})
		}
	}
}
