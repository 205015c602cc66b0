package access

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func hash(t testing.TB, password string) string {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	// htpasswd writes the prefix of PHP.
	return strings.Replace(string(h), "$2a$", "$2y$", 1)
}

func TestHtpasswd(t *testing.T) {
	file := write(t, "users", "# people\n\nalice:"+hash(t, "s:cret")+"\nbob:"+hash(t, "pw")+"\n")
	h, err := LoadHtpasswd(file)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time from memory
		for _, c := range []struct {
			user, password string
			want           bool
		}{
			{"alice", "s:cret", true}, {"alice", "S:cret", false}, {"alice", "", false}, {"bob", "pw", true}, {"bob", "s:cret", false},
			{"ghost", "pw", false}, {"", "", false}, {"ALICE", "s:cret", false}, {"bob\x00pw", "", false},
		} {
			if got := h.Check(c.user, c.password); got != c.want {
				t.Errorf("Check(%q, %q) = %v", c.user, c.password, got)
			}
		}
	}
}

func TestHtpasswdErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "there is no user",
		"alice":                              "line 1",
		"alice:{SHA}5en6G6MezRroT3XKqkdPOmY": "not bcrypt",
		"a:" + hash(t, "x") + "\na:" + hash(t, "y"): "twice",
	} {
		if _, err := parseHtpasswd([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", text, err, want)
		} else if strings.Contains(err.Error(), "5en6G6") || strings.Contains(err.Error(), "$2y$") {
			t.Errorf("the error shows a hash: %v", err)
		}
	}
}

func TestJAAS(t *testing.T) {
	first := write(t, "first.properties", "alice=secret\nbob: pw\n")
	second := write(t, "second.properties", "carol=third\nempty=\n")
	file := write(t, "jaas.conf", `/* other entries
stay unused */
KafkaClient { com.example.Other required; };
// ours
KafkaConnect {
  org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule required
  file="`+first+`";
  `+fileModule+` optional debug=true file="`+second+`";
};`)
	j, err := LoadJAAS(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		user, password string
		want           bool
	}{
		{"alice", "secret", true}, {"bob", "pw", true}, {"carol", "third", true}, {"empty", "", true},
		{"alice", "pw", false}, {"alice", "", false}, {"nobody", "", false}, {"", "", false},
	} {
		if got := j.Check(c.user, c.password); got != c.want {
			t.Errorf("Check(%q, %q) = %v", c.user, c.password, got)
		}
	}
}

func TestJAASErrors(t *testing.T) {
	empty := write(t, "empty.properties", "# nobody\n")
	for text, want := range map[string]string{
		"":                                   "no entry KafkaConnect",
		"Other { a.B required; };":           "no entry KafkaConnect",
		"KafkaConnect { };":                  "no entry KafkaConnect",
		"KafkaConnect { a.B required; };":    "a.B is not known",
		"KafkaConnect { a.B needed; };":      "control flag",
		"KafkaConnect { a.B required; }":     "; is missing",
		"KafkaConnect { a.B required x; };":  "= is missing",
		"KafkaConnect { a.B required x=; };": "value of x",
		"KafkaConnect {":                     "class is missing",
		`KafkaConnect { a.B required x="`:    "no end",
		"/* ":                                "no end",
		"KafkaConnect { " + fileModule + " required; };":                      "option file",
		"KafkaConnect { " + fileModule + " required file=/no/such/file; };":   "no/such/file",
		"KafkaConnect { " + fileModule + ` required file="` + empty + `"; };`: "is empty",
	} {
		if _, err := LoadJAAS(write(t, "jaas.conf", text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", text, err, want)
		}
	}
}

func TestJAASFile(t *testing.T) {
	for options, want := range map[string]string{
		"": "",
		"-Xmx1g -Djava.security.auth.login.config=/etc/jaas.conf -Da=b":              "/etc/jaas.conf",
		"-Djava.security.auth.login.config=/a -Djava.security.auth.login.config==/b": "/b",
		`"-Djava.security.auth.login.config=/a b/c"`:                                 "/a b/c",
		`-Djava.security.auth.login.config='/a b'`:                                   "/a b",
		"-Djava.security.auth.login.config=file:/etc/jaas.conf":                      "/etc/jaas.conf",
		"-Dother=-Djava.security.auth.login.config=/a":                               "",
	} {
		if got := JAASFile(options); got != want {
			t.Errorf("JAASFile(%q) = %q, want %q", options, got, want)
		}
	}
}

func TestRoles(t *testing.T) {
	r, err := LoadRoles(write(t, "roles", `
alice  admin    *
bob    Edit     team-a-*  shared   # his team
bob    operate  team-b-*
carol  admin    [xy]-*
*      view     public-*
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		user, connector string
		want            Level
	}{
		{"alice", "anything", Admin}, {"alice", "with/slash", Admin}, {"bob", "team-a-1", Edit}, {"bob", "team-a-/x", Edit}, {"bob", "shared", Edit},
		{"bob", "team-b-1", Operate}, {"bob", "team-c", None}, {"bob", "public-x", View}, {"ghost", "public-x", View}, {"ghost", "shared", None},
		{"carol", "x-1", Admin}, {"carol", "z-1", None}, {"*", "team-a-1", None}, {"ALICE", "x", None},
	} {
		if got := r.Connector(c.user, c.connector); got != c.want {
			t.Errorf("%s may %s %q, want %s", c.user, got, c.connector, c.want)
		}
	}
	for user, want := range map[string][2]Level{"alice": {Admin, Admin}, "bob": {Edit, None}, "carol": {Admin, None}, "ghost": {View, None}} {
		if got := [2]Level{r.Somewhere(user), r.Everywhere(user)}; got != want {
			t.Errorf("%s: %v, want %v", user, got, want)
		}
	}
	var none *Roles
	if none.Connector("x", "y") != Admin || none.Somewhere("x") != Admin || none.Everywhere("x") != Admin {
		t.Error("without roles a user may not do everything")
	}
}

func TestRolesErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                "no role in it",
		"alice admin":     "line 1",
		"alice chief *":   "chief",
		"\nalice view [a": "line 2",
	} {
		if _, err := ParseRoles([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", text, err, want)
		}
	}
}

func TestAuthorizationHeaders(t *testing.T) {
	c := &Control{Users: []Checker{&JAAS{[]map[string]string{{"al:ice": "x", "alice": "se:cret", "u": "ü"}}}}}
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for header, want := range map[string]bool{
		"Basic " + b64("alice:se:cret"): true, "basic " + b64("alice:se:cret"): true, "BASIC " + strings.TrimRight(b64("alice:se:cret"), "="): true,
		"Basic " + b64("u:ü"): true, "Basic " + b64("al:ice:x"): false, "Basic " + b64("alice:no"): false, "Basic " + b64("alice"): false,
		"Basic " + b64(":x"): false, "Bearer " + b64("alice:se:cret"): false, "Basic": false, "": false, "Basic !!!": false, " ": false,
	} {
		if _, got := c.User(header); got != want {
			t.Errorf("%q is let in: %v", header, got)
		}
	}
}

func FuzzFiles(f *testing.F) {
	f.Add("KafkaConnect { " + fileModule + ` required file="/x"; };`)
	f.Add("alice admin *\n* view [a-c]?*")
	f.Add("alice:$2y$04$abcdefghijklmnopqrstuv")
	f.Fuzz(func(t *testing.T, text string) {
		if modules, err := parseJAAS(text); err == nil && len(modules) == 0 {
			t.Error("an entry without modules")
		}
		if r, err := ParseRoles([]byte(text)); err == nil && (len(r.grants) == 0 || r.Somewhere("*") < r.Everywhere("*")) {
			t.Errorf("roles %+v", r)
		}
		if _, user := (&Control{}).User(text); user {
			t.Error("somebody was let in where nobody is known")
		}
		_ = JAASFile(text) // must end; any answer is right
	})
}
