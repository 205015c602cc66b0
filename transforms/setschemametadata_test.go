package transforms

import "testing"

func TestSetSchemaMetadata(t *testing.T) {
	check(t, of(NewSetSchemaMetadata, Value), []run{
		{"schema.name=N;schema.version=8", outerRecord(),
			`t struct:N/8/d?{id=int32 7, name=string? ann, level=int32?(9) 9, in=struct:Inner?{x=int32 1, y=string? null}}`},
		{"schema.version=8;replace.null.with.default=false", outerRecord(),
			`t struct:Outer/8/d?{id=int32 7, name=string? ann, level=int32?(9) null, in=struct:Inner?{x=int32 1, y=string? null}}`},
		{"schema.name=N", record(outer, nil), `t struct:N/3/d? null`},
		{"schema.name=N", record(str, "x"), `DataException: Cannot list fields on non-struct type`},
		{"schema.name=N", record(nil, "x"), `DataException: Schema required for [updating schema metadata]`},
		{"schema.name=N", record(nil, nil), `t null`},
		{"schema.version=x", nil, `config ConfigException: Invalid value x for configuration schema.version: Not a number of type INT`},
		{"", nil, `config ConfigException: Neither schema name nor version configured`},
	})
}
