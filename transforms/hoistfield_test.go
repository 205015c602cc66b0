package transforms

import "testing"

func TestHoistField(t *testing.T) {
	check(t, of(NewHoistField, Value), []run{
		{"field=f", record(nil, 1), `t {f=int64 1}`},
		{"field=f", record(nil, nil), `t {f=null}`},
		{"field=f", record(optStr, nil), `t struct{f=string? null}`},
		{"field=f", record(str, nil), `DataException: Invalid value: null used for required field: "f", schema type: STRING`},
		{"field=", record(str, "x"), `SchemaBuilderException: fieldName cannot be null.`},
		{"", nil, `config ConfigException: Missing required configuration "field" which has no default value.`},
	})
	check(t, of(NewHoistField, Key), []run{{"field=f", keyed(record(str, "x")), `t key struct{f=string x} null`}})
}

func TestFilter(t *testing.T) { check(t, NewFilter, []run{{"", record(nil, 1), "dropped"}}) }
