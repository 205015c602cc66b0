package transforms

import "testing"

func TestRegexRouter(t *testing.T) {
	check(t, NewRegexRouter, []run{
		{"regex=(.*);replacement=eu-$1", record(nil, nil), `eu-t null`},
		{"regex=x;replacement=y", record(nil, nil), `t null`},
		{"regex=.*?;replacement=Z", record(nil, nil), `Zt null`},
		{"regex=(t);replacement=$2", record(nil, nil), `IndexOutOfBoundsException: No group 2`},
		{"regex=[;replacement=x", nil, "config ConfigException: Invalid value [ for configuration regex: Invalid regex: Unclosed character class near index 0\n[\n^"},
	})
}
