package transforms

import (
	"testing"

	"github.com/moldau-io/moldau/connect"
)

func TestInsertField(t *testing.T) {
	bare := record(nil, object("a", 1))
	bare.Partition, bare.Timestamp = connect.NoPartition, connect.NoTimestamp
	check(t, of(NewInsertField, Value), []run{
		{"topic.field=tp;partition.field=p!;timestamp.field=ts?;static.field=s;static.value=v", outerRecord(),
			`t struct:Outer/3/d{id=int32 7, name=string? ann, level=int32?(9) 9, in=struct:Inner?{x=int32 1, y=string? null}, ` +
				`tp=string? t, p=int32 2, ts=int64:Timestamp/1? Tue Nov 14 22:13:20 UTC 2023, s=string? v}`},
		{"offset.field=o", sink(record(nil, object("a", 1))), `t {a=int64 1, o=int64 42}`},
		{"offset.field=o", record(nil, object("a", 1)), `DataException: Only SinkRecord supported for [field insertion], found: org.apache.kafka.connect.source.SourceRecord`},
		{"partition.field=p;timestamp.field=ts;topic.field=a", bare, `t @-9223372036854775808 {a=string t}`},
		{"topic.field=id", outerRecord(), `SchemaBuilderException: Cannot create field because of field name duplication id`},
		{"topic.field=x!!", record(nil, object()), `t {x!=string t}`},
		{"topic.field=x", record(nil, nil), `t null`},
		{"", nil, `config ConfigException: No field insertion configured`},
	})
	check(t, of(NewInsertField, Key), []run{{"topic.field=x", keyed(record(nil, object())), `t key {x=string t} null`}})
}
