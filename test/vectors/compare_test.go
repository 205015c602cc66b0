package vectors

import "testing"

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		want, got string
		same      bool
	}{
		{`{"bytes":null}`, `{"bytes":null}`, true},
		{`{"bytes":null}`, `{}`, false},
		{`{"a":1,"b":2}`, `{"b":2,"a":1}`, true},
		{`{"a":1}`, `{"a":1,"b":2}`, false},
		{`1`, `1.0`, false},
		{`1.0E10`, `1e10`, true},
		{`0.0`, `-0.0`, false},
		{`[1,2]`, `[2,1]`, false},
		{`[[1,"a"],[2,"b"]]`, `[[2,"b"],[1,"a"]]`, true},
		{`[[1,"a"],[2,"b"]]`, `[[2,"b"],[2,"b"]]`, false},
		{`{"error":{"class":"C","message":"m"}}`, `{"error":{"class":"C","message":"m","causeClass":"D"}}`, true},
		{`{"error":{"class":"C","message":"m","causeClass":"D"}}`, `{"error":{"class":"C","message":"m"}}`, false},
		{`{"error":{"class":"C","message":"m"}}`, `{"error":{"class":"C","message":"n"}}`, false},
		{`{"error":{"class":"C","message":"m","jvmMessage":true}}`, `{"error":{"class":"C","message":null}}`, true},
		{`{"error":{"class":"C","message":"m","jvmMessage":true}}`, `{"error":{"class":"D","message":"m"}}`, false},
		{`{"ok":true}`, `{"value":{"schema":null,"payload":1}}`, true},
		{`{"ok":true}`, `{"error":{"class":"C","message":"m"}}`, false},
		// {"a":1,"b":2} against {"b":2,"a":1} and against {"b":2,"a":3}.
		{`{"bytes":"eyJhIjoxLCJiIjoyfQ==","mapOrder":true}`, `{"bytes":"eyJiIjoyLCJhIjoxfQ=="}`, true},
		{`{"bytes":"eyJhIjoxLCJiIjoyfQ==","mapOrder":true}`, `{"bytes":"eyJiIjoyLCJhIjozfQ=="}`, false},
	} {
		if err := Compare([]byte(c.want), []byte(c.got)); (err == nil) != c.same {
			t.Errorf("Compare(%s, %s) = %v", c.want, c.got, err)
		}
	}
}

func TestFilesAreComplete(t *testing.T) {
	for name, want := range map[string]int{Transforms: 4034, JSONConverter: 679, SimpleConverters: 362, HeaderConverter: 348, ConfigDef: 75, Values: 2200} {
		lines, err := Lines(name)
		if err != nil || len(lines) != want {
			t.Errorf("%s: %d lines, %v; expected %d", name, len(lines), err, want)
		}
	}
}
