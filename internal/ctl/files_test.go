package ctl

import (
	"strings"
	"testing"
)

func TestFiles(t *testing.T) {
	for _, c := range []struct{ file, text, want, wrong string }{
		{"a.json", `{"name":"a","connector.class":"X","tasks.max":2,"b":true,"big":12345678901234567890,"f":1.50}`, "a: b=true big=12345678901234567890 connector.class=X f=1.50 name=a tasks.max=2", ""},
		{"a.json", `{"name":"a","config":{"connector.class":"X"},"initial_state":"paused","tasks":[],"type":"sink"}`, "a: connector.class=X name=a PAUSED", ""},
		{"a.json", `[{"name":"a","connector.class":"X"},{"name":"b","config":{"connector.class":"Y"}}]`, "a: connector.class=X name=a; b: connector.class=Y name=b", ""},
		{"a.yaml", "name: a\nconnector.class: X\ntasks.max: 2\nyes: yes\nlist: [a, 2]\ntext: |\n  one\n  two\nhex: 0x1F\n", "a: connector.class=X hex=0x1F list=a,2 name=a tasks.max=2 text=one\ntwo\n yes=yes", ""},
		{"a.yml", "---\nname: a\nconfig: {connector.class: X}\n---\nname: b\nconfig: &x {connector.class: Y}\n---\n", "a: connector.class=X name=a; b: connector.class=Y name=b", ""},
		{"a.properties", "name = a\nconnector.class: X\nx=\\u00e9 \\\n  y\n", "a: connector.class=X name=a x=é y", ""},
		{"a.json", `{"name":"a"}`, "", "no connector.class"},
		{"a.json", `{"connector.class":"X"}`, "", "no name"},
		{"a.json", `{"name":"a","config":{"connector.class":"X","name":"b"}}`, "", `"b" in its config`},
		{"a.json", `{"name":"a","config":{"connector.class":"X"},"state":"x"}`, "", `"state" is not known`},
		{"a.json", `{"name":"a","config":{"connector.class":"X"},"initial_state":"x"}`, "", "RUNNING, PAUSED or STOPPED"},
		{"a.json", "{\"name\":\"a\",\n}", "", "line 2: not JSON"},
		{"a.json", `{"name":"a"} x`, "", "not JSON"},
		{"a.json", `{"name":"a","connector.class":"X","x":null}`, "", "value of x must be text"},
		{"a.json", `{"name":"a","connector.class":"X","x":{}}`, "", "value of x must be text"},
		{"a.json", `7`, "", "is an object of settings"},
		{"a.json", ``, "", "is empty"},
		{"a.yaml", "name: a\nname: b\n", "", "twice"},
		{"a.yaml", "a: [\n", "", "not YAML"},
		{"a.yaml", "a: &a [*a]\n", "", "nested too deeply"},
		{"a.yaml", "a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\n" +
			"e: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f]\n", "", "nested too deeply"},
		{"a.yaml", "? [x]\n: y\n", "", "a key must be text"},
		{"b.txt", `{"name":"a","connector.class":"X"}`, "a: connector.class=X name=a", ""},
	} {
		w := newWorld(t)
		path := w.file(c.file, c.text)
		s := &session{App: w.app(nil, nil)}
		found, err := s.load([]string{path})
		if c.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), c.wrong) || explain(err).code != ExitUsage {
				t.Errorf("%s: error %v, want one with %q", c.text, err, c.wrong)
			}
			continue
		}
		var got []string
		for _, d := range found {
			line := d.name + ":"
			for _, ch := range diff(nil, d.config) {
				line += " " + ch.Key + "=" + *ch.After
			}
			if d.state != "" {
				line += " " + d.state
			}
			got = append(got, line)
		}
		if text := strings.Join(got, "; "); err != nil || text != c.want {
			t.Errorf("%s:\ngot  %s, %v\nwant %s", c.text, text, err, c.want)
		}
	}
}

func TestFolders(t *testing.T) {
	w := newWorld(t)
	w.file("conf/a.json", `{"name":"a","connector.class":"X"}`)
	w.file("conf/.b.json", `not read`)
	w.file("conf/readme.md", `not read`)
	w.file("other/c.json", `{"name":"a","connector.class":"X"}`)
	w.file("empty/readme.md", ``)
	s := &session{App: w.app(nil, nil)}
	if found, err := s.load([]string{"conf"}); err != nil || len(found) != 1 {
		t.Errorf("%v, %v", found, err)
	}
	for _, c := range []struct {
		paths []string
		wrong string
	}{
		{[]string{"conf", "other"}, "conf/a.json and in other/c.json"},
		{[]string{"empty"}, "no files that end in"},
		{[]string{"none"}, "cannot read none"},
	} {
		if _, err := s.load(c.paths); err == nil || !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%v: error %v, want one with %q", c.paths, err, c.wrong)
		}
	}
	w.in = "name: a\nconnector.class: X\n"
	s.App = w.app(nil, nil)
	if found, err := s.load([]string{"-"}); err != nil || len(found) != 1 || found[0].source != "standard input" {
		t.Errorf("%v, %v", found, err)
	}
}

func FuzzDocuments(f *testing.F) {
	for _, seed := range []string{`{"name":"a"}`, "a: b\n---\nc: [1, &x 2, *x]\n", "a: &a {b: *a}", "", "- 1\n- ~\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		values, err := documents(text)
		if err != nil {
			return
		}
		for _, v := range values {
			if _, err := define("fuzz", v); err != nil && explain(err).code != ExitUsage {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}

func TestMatchers(t *testing.T) {
	for _, c := range []struct {
		arg, name string
		want      bool
	}{
		{"a", "a", true}, {"a", "ab", false}, {"a*", "ab", true}, {"a*", "a/b", true}, {"?", "a", true}, {"[ab]", "b", true}, {"[ab]", "[ab]", true},
		{"/b/", "abc", true}, {"/^b/", "abc", false}, {"/^a.c$/", "abc", true}, {"/", "/", true},
	} {
		m, err := newMatcher(c.arg)
		if err != nil || m.matches(c.name) != c.want {
			t.Errorf("%s matches %s: %v, %v", c.arg, c.name, !c.want, err)
		}
	}
	for _, arg := range []string{"/[/", "[a"} {
		if _, err := newMatcher(arg); err == nil {
			t.Errorf("%s is taken for a pattern", arg)
		}
	}
}

func TestSecrets(t *testing.T) {
	x := secrets{typed: map[string]bool{"typed": true}}
	for _, c := range []struct{ key, value, want string }{
		{"typed", "v", masked}, {"typed", "", ""}, {"typed", "${file:/x:y}", "${file:/x:y}"}, {"typed", "a${env:X}", masked},
		{"database.password", "v", masked}, {"connection.passwd", "v", masked}, {"aws.secret.access.key", "v", masked}, {"api_key", "v", masked},
		{"producer.override.sasl.jaas.config", "v", masked}, {"http.header.Authorization", "Bearer x", masked}, {"ssl.keystore.key", "PEM", masked},
		{"key.converter", "v", "v"}, {"ssl.keystore.location", "v", "v"}, {"sasl.oauthbearer.token.endpoint.url", "http://x", "http://x"}, {"tasks.max", "1", "1"},
		{"connection.url", "jdbc:x://me:pw@host/db", "jdbc:x://me:" + masked + "@host/db"}, {"connection.url", "http://host:80/a@b", "http://host:80/a@b"},
	} {
		if got := x.value(c.key, c.value); got != c.want {
			t.Errorf("%s=%s is shown as %s, want %s", c.key, c.value, got, c.want)
		}
	}
}
