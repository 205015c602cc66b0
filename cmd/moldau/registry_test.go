package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
)

var update = flag.Bool("update", false, "write the golden files anew")

// transcript runs commands and keeps what they print.
type transcript struct {
	t       *testing.T
	text    strings.Builder
	replace []string
}

// run runs moldau with arguments. What differs from run to run is replaced in the text.
func (s *transcript) run(in string, args ...string) {
	s.t.Helper()
	var out, errout bytes.Buffer
	cmd := newRootCommand()
	cmd.SetArgs(args)
	cmd.SetIn(strings.NewReader(in))
	cmd.SetOut(&out)
	cmd.SetErr(&errout)
	err := cmd.ExecuteContext(context.Background())
	status := 0
	var exit *exitError
	switch {
	case errors.As(err, &exit):
		status = exit.code
	case err != nil:
		status = 1
		fmt.Fprintln(&errout, "moldau:", err)
	}
	fmt.Fprintf(&s.text, "$ moldau %s\n", strings.Join(args, " "))
	for line := range strings.Lines(in) {
		s.text.WriteString("< " + line)
	}
	s.text.WriteString(out.String())
	for line := range strings.Lines(errout.String()) {
		s.text.WriteString("2> " + line)
	}
	fmt.Fprintf(&s.text, "status %d\n\n", status)
}

func (s *transcript) golden(name string) {
	s.t.Helper()
	got := strings.NewReplacer(s.replace...).Replace(s.text.String())
	got = regexp.MustCompile(`dial tcp [0-9.:]+`).ReplaceAllString(got, "dial tcp ADDRESS")
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			s.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatalf("%v; go test -update writes it", err)
	}
	if got != string(want) {
		s.t.Errorf("%s is not what is printed; go test -update writes it anew\n--- printed\n%s\n--- expected\n%s", path, got, want)
	}
}

const (
	userAvro  = `{"type":"record","name":"User","namespace":"shop","fields":[{"name":"name","type":"string"}]}`
	userProto = "syntax = \"proto3\";\npackage shop;\n\nmessage User {\n  string name = 1;\n}\n"
)

// newRegistry is a registry with some subjects in it. Where a subject's name has "strict"
// in it, nothing is compatible, and where it has "silent", for no reason.
func newRegistry(t *testing.T, options ...srfake.Option) *srfake.Registry {
	t.Helper()
	r := srfake.New(options...)
	t.Cleanup(r.Close)
	r.SeedSchema("user", 1, 1, sr.Schema{Type: sr.TypeAvro, Schema: userAvro})
	r.SeedSchema("user", 2, 4, sr.Schema{Type: sr.TypeAvro, Schema: strings.Replace(userAvro, `"string"}`, `"string"},{"name":"age","type":["null","int"],"default":null}`, 1)})
	r.SeedSchema("orders/eu-value", 1, 2, sr.Schema{Type: sr.TypeAvro, Schema: `{"type":"record","name":"Order","fields":[{"name":"by","type":"shop.User"}]}`,
		References: []sr.SchemaReference{{Name: "shop.User", Subject: "user", Version: 1}}})
	r.SeedSchema("events-value", 7, 3, sr.Schema{Type: sr.TypeProtobuf, Schema: userProto})
	r.SeedSchema("strict-value", 1, 5, sr.Schema{Type: sr.TypeJSON, Schema: `{"type":"object","title":"T","properties":{"a":{"type":"string"}}}`})
	r.SeedSchema("silent-value", 1, 6, sr.Schema{Type: sr.TypeJSON, Schema: `{"type":"object"}`})
	r.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		answer := ""
		switch path := req.URL.Path; {
		case !strings.HasPrefix(path, "/compatibility/"):
		case strings.Contains(path, "strict"):
			answer = `{"is_compatible":false,"messages":["Found incompatible change: Difference{jsonPath='#/properties/a', type=TYPE_CHANGED}","{compatibility: 'BACKWARD'}"]}`
		case strings.Contains(path, "silent"):
			answer = `{"is_compatible":false}`
		case strings.Contains(path, "wrong"):
			w.WriteHeader(http.StatusUnprocessableEntity)
			answer = `{"error_code":42201,"message":"Invalid schema: it has no type"}`
		}
		if answer == "" {
			return false
		}
		fmt.Fprint(w, answer)
		return true
	})
	return r
}

func files(t *testing.T, texts map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRegistry(t *testing.T) {
	r := newRegistry(t)
	dir := files(t, map[string]string{"user.avsc": userAvro, "user.proto": userProto, "user.txt": userAvro, "t.json": `{"type":"integer"}`})
	s := &transcript{t: t, replace: []string{r.URL(), "REGISTRY", dir + "/", ""}}
	url := []string{"--url", r.URL()}
	for _, args := range [][]string{
		{"subjects"}, {"subjects", "-o", "json"}, {"subjects", "-o", "xml"},
		{"show", "user"}, {"show", "user", "1", "--schema"}, {"show", "orders/eu-value", "latest"}, {"show", "events-value", "7"},
		{"show", "usr"}, {"show", "user", "9"}, {"show", "user", "first"},
		{"check", "-f", dir + "/user.avsc", "--subject", "user"},
		{"check", "-f", dir + "/user.txt", "--subject", "new", "--type", "avro"},
		{"check", "-f", dir + "/user.proto", "--subject", "events-value"},
		{"check", "-f", dir + "/t.json", "--subject", "strict-value"},
		{"check", "-f", dir + "/t.json", "--subject", "silent-value"},
		{"check", "-f", dir + "/t.json", "--subject", "wrong-value"},
		{"check", "-f", dir + "/user.txt", "--subject", "user"},
		{"check", "-f", dir + "/user.avsc", "--subject", "user", "--type", "xml"},
		{"check", "-f", dir + "/user.avsc"},
		{"check", "-f", dir + "/none.avsc", "--subject", "user"},
		{"check", "-f", dir + "/user.avsc", "--subject", "user", "--reference", "shop.User=user:1"},
		{"check", "-f", dir + "/user.avsc", "--subject", "user", "--reference", "shop.User"},
		{"check", "-f", dir + "/user.avsc", "--subject", "user", "--reference", "shop.User=user:latest"},
		{"check"}, {"check", "--subject", "user"},
	} {
		s.run("", append(append([]string{"registry"}, args...), url...)...)
	}
	s.run("", "registry", "subjects")
	s.run("", "registry", "subjects", "--url", "nonsense")
	s.run("", "registry", "subjects", "--url", "http://127.0.0.1:1")
	s.run("", "registry", "check", "-f", dir+"/user.avsc", "--subject", "user", "--url", "http://127.0.0.1:1")
	s.run("", "registry", "subjects", "--url", r.URL()+"/elsewhere")
	s.golden("registry")
}

func TestRegistryLogin(t *testing.T) {
	r := newRegistry(t, srfake.WithAuth("Basic bWU6c2VjcmV0"))
	dir := files(t, map[string]string{
		"worker.properties": "key.converter.schema.registry.url=" + r.URL() + "\nkey.converter.basic.auth.credentials.source=USER_INFO\nkey.converter.basic.auth.user.info=me:secret\n",
		"connector.json":    `{"name":"n","config":{"value.converter.schema.registry.url":"` + r.URL() + `"}}`,
		"client.properties": "schema.registry.url=" + r.URL() + "\nbasic.auth.credentials.source=USER_INFO\n",
		"wrong.json":        `{"a":`,
	})
	s := &transcript{t: t, replace: []string{r.URL(), "REGISTRY", dir + "/", ""}}
	show := func(args ...string) {
		s.run("", append([]string{"registry", "show", "user", "1", "--schema"}, args...)...)
	}
	show("--url", r.URL())
	show("--config", dir+"/worker.properties")
	show("--config", dir+"/connector.json")
	show("--config", dir+"/connector.json", "--set", "basic.auth.credentials.source=USER_INFO", "--set", "basic.auth.user.info=me:secret")
	show("--config", dir+"/client.properties")
	show("--config", dir+"/client.properties", "--set", "basic.auth.user.info=me:wrong")
	show("--config", dir+"/wrong.json")
	show("--config", dir+"/none.json")
	show("--url", r.URL(), "--set", "basic.auth.user.info")
	s.golden("registry-login")
}

func TestRegistryChecksWhatAConnectorBrings(t *testing.T) {
	r := newRegistry(t)
	config := func(key, value, more string) string {
		return `{"connector.class":"DatagenSource","topic":"orders","key.converter":"` + key + `","value.converter":"` + value + `",` + more +
			`"value.converter.schema.registry.url":"` + r.URL() + `","key.converter.schema.registry.url":"` + r.URL() + `"}`
	}
	const plain, jsonSchema, avro, protobuf = "StringConverter", "io.confluent.connect.json.JsonSchemaConverter",
		"io.confluent.connect.avro.AvroConverter", "io.confluent.connect.protobuf.ProtobufConverter"
	dir := files(t, map[string]string{
		"json.json":     config(plain, jsonSchema, `"value.converter.auto.register.schemas":"false",`),
		"avro.json":     config(avro, avro, `"transforms":"age","transforms.age.type":"org.apache.kafka.connect.transforms.InsertField$Value","transforms.age.static.field":"origin","transforms.age.static.value":"shop",`),
		"protobuf.json": config(plain, protobuf, ""),
		"imports.json":  config(plain, protobuf, `"value.converter.skip.known.types":"false",`),
		"plain.json":    config(plain, plain, ""),
		"wrong.json":    config(plain, avro, `"transforms":"x",`),
		"nowhere.json":  `{"connector.class":"DatagenSource","value.converter":"` + avro + `"}`,
	})
	s := &transcript{t: t, replace: []string{r.URL(), "REGISTRY", dir + "/", ""}}
	const sample = `{"key":{"schema":{"type":"string","optional":false},"payload":"k"},"value":{"schema":{"type":"struct","name":"shop.Order","optional":false,"fields":[{"field":"id","type":"int64","optional":false}]},"payload":{"id":1}}}` + "\n"
	strict := strings.Replace(sample, "{", `{"topic":"strict",`, 1)
	check := func(in, file string, more ...string) {
		s.run(in, append([]string{"registry", "check", "--config", dir + "/" + file}, more...)...)
	}
	check(sample+sample, "json.json")
	check(sample+strict, "json.json")
	check(sample, "avro.json")
	check(sample, "protobuf.json", "--topic", "invoices")
	const timed = `{"schema":{"type":"struct","name":"shop.Order","fields":[{"field":"at","type":"int64","name":"org.apache.kafka.connect.data.Timestamp","version":1}]},"payload":{"at":1}}` + "\n"
	check(timed, "imports.json")
	check(timed, "imports.json", "--topic", "silent")
	var asked string
	r.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		switch {
		case req.Method == http.MethodPost && req.URL.Path == "/subjects/google/protobuf/timestamp.proto":
			fmt.Fprint(w, `{"version":3,"id":9}`)
			return true
		case req.URL.Path == "/compatibility/subjects/payments-value/versions":
			b, err := io.ReadAll(req.Body)
			if err != nil {
				t.Error(err)
			}
			asked = string(b)
			fmt.Fprint(w, `{"is_compatible":true}`)
			return true
		}
		return false
	})
	check(timed, "imports.json", "--topic", "payments")
	if want := `"references":[{"name":"google/protobuf/timestamp.proto","subject":"google/protobuf/timestamp.proto","version":3}]`; !strings.Contains(asked, want) {
		t.Errorf("asked about %s, want %s", asked, want)
	}
	check(sample, "plain.json")
	check(sample, "wrong.json")
	check("nonsense\n"+sample, "json.json")
	check("", "json.json")
	check(sample, "nowhere.json")
	check(sample, "nowhere.json", "--topic", "orders")
	s.golden("registry-check")
}
