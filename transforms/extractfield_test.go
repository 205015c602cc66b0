package transforms

import (
	"slices"
	"testing"

	"github.com/moldau-io/moldau/connect/errs"
)

func TestExtractField(t *testing.T) {
	check(t, of(NewExtractField, Value), []run{
		{"field=id", outerRecord(), `t int32 7`},
		{"field=level", outerRecord(), `t int32?(9) 9`},
		{"field=level;replace.null.with.default=false", outerRecord(), `t int32?(9) null`},
		{"field=in.x;field.syntax.version=V2", outerRecord(), `t int32 1`},
		{"field=in.x", outerRecord(), `IllegalArgumentException: Unknown field: in.x`},
		{"field=id.x;field.syntax.version=v2", outerRecord(), `DataException: Cannot look up fields on non-struct type`},
		{"field=id", record(outer, nil), `t int32 null`},
		{"field=a.b;field.syntax.version=V2", record(nil, object("a", object("b", 1))), `t int64 1`},
		{"field=a.b;field.syntax.version=V2", record(nil, object("a", 1)), `DataException: Only Map objects supported in absence of schema for [nested field access], found: java.lang.Long`},
		{"field=a.b", record(nil, object("a.b", 1)), `t int64 1`},
		{"field=a", record(nil, nil), `t null`},
		{"field=`a;field.syntax.version=V2", nil, "config ConfigException: Incomplete backtick pair in path: [`a], consider adding a backslash before backtick at position 0 to escape it"},
		{"", nil, `config ConfigException: Missing required configuration "field" which has no default value.`},
	})
	check(t, of(NewExtractField, Key), []run{{"field=a", keyed(record(nil, object("a", true))), `t key boolean true null`}})
}

func TestFieldPath(t *testing.T) {
	for text, want := range map[string][]string{
		"":           nil,
		"a":          {"a"},
		"a.b":        {"a", "b"},
		"a.":         {"a", ""},
		"`a.b`.c":    {"a.b", "c"},
		"a.`b.c`":    {"a", "b.c"},
		"`a`b`.c":    {"a`b", "c"},
		"`a\\`.b`.c": {"a`.b", "c"},
		"`a\\`b`":    {"a\\`b"},
		"`a`.":       {"a", ""},
		"..":         {"", "", ""},
		"`open":      {"!"},
		"`a\\`":      {"!"},
	} {
		got, err := newFieldPath(text, "V2")
		if err != nil {
			got = fieldPath{"!"}
			if errs.Class(err) != errs.ClassConfig {
				t.Errorf("%s: %v", text, err)
			}
		}
		if !slices.Equal([]string(got), want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
