package ctl

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// script is a server whose answers are given in advance: for each "METHOD path", the
// answers in turn, the last of which stays.
type script struct {
	mu      sync.Mutex
	answers map[string][]answer
	seen    []string
	bodies  []string
	auth    []string
}

type answer struct {
	status int
	body   string
	header map[string]string
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	key := r.Method + " " + r.URL.RequestURI()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		body = []byte(err.Error())
	}
	user, password, _ := r.BasicAuth()
	s.seen, s.bodies, s.auth = append(s.seen, key), append(s.bodies, string(body)), append(s.auth, user+":"+password)
	list := s.answers[key]
	if len(list) > 1 {
		s.answers[key] = list[1:]
	}
	s.mu.Unlock()
	if len(list) == 0 {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"error_code":404,"message":"HTTP 404 Not Found"}`)
		return
	}
	a := list[0]
	for k, v := range a.header {
		w.Header().Set(k, v)
	}
	w.WriteHeader(a.status)
	fmt.Fprint(w, a.body)
}

func (s *script) on(key string, answers ...answer) *script {
	s.answers[key] = answers
	return s
}

func ok(body string) answer { return answer{status: http.StatusOK, body: body} }

func refused(status int, message string) answer {
	b, err := json.Marshal(map[string]any{"error_code": status, "message": message})
	if err != nil {
		panic(err)
	}
	return answer{status: status, body: string(b)}
}

// scriptWorld is a world with a scripted server.
func scriptWorld(t *testing.T) (*world, *script) {
	w := newWorld(t)
	s := &script{answers: map[string][]answer{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	w.env[envServer] = server.URL
	w.replace = append(w.replace, server.URL, "http://server")
	return w, s
}

func status(connector string, tasks ...string) string {
	var list []string
	for i, t := range tasks {
		list = append(list, fmt.Sprintf(`{"id":%d,"worker_id":"w:1",%s}`, i, t))
	}
	return fmt.Sprintf(`{"name":"c","type":"sink","connector":{"worker_id":"w:1",%s},"tasks":[%s]}`, connector, strings.Join(list, ","))
}

const (
	run  = `"state":"RUNNING"`
	unas = `"state":"UNASSIGNED"`
	fell = `"state":"FAILED","trace":"java.lang.RuntimeException: no\n\tat a.B.c(D.java:1)\nCaused by: java.io.IOException: disk\n\tat x"`
)

func TestOddAnswers(t *testing.T) {
	w, s := scriptWorld(t)
	const list = "GET /connectors?expand=info&expand=status"
	for _, a := range []answer{
		{status: 500, body: "<html>\n<h1>Internal   Server Error</h1></html>"},
		{status: 502, body: "Bad Gateway"},
		{status: 503, body: ""},
		{status: 200, body: "<html>It works!</html>"},
		{status: 200, body: `{"a":`},
		refused(401, "User cannot access the resource."),
		{status: 401, body: "Unauthorized"},
		refused(403, "no"),
		{status: 404, body: "not here"},
		refused(500, "Request timed out. The worker is currently ensuring membership in the cluster"),
		ok(`{}`),
		ok(`{"b":{"status":{"name":"b","connector":{"state":"RUNNING","worker_id":"w:1"},"tasks":[{"id":0,"state":"RUNNING","worker_id":"w:1"},{"id":1,"state":"FAILED","worker_id":"w:2","trace":"boom\nmore"}],"type":"sink"}},"a":{"info":{"name":"a","config":{"connector.class":"x.Y"},"tasks":[],"type":"source"}}}`),
	} {
		s.on(list, a)
		w.run("connector", "list", "-o", "wide")
	}
	w.run("connector", "list", "b", "nope")
	w.env[envServer] = "http://127.0.0.1:1"
	w.run("connector", "list")
	w.golden("odd")
}

// A rebalance is waited for; a conflict that stays is an error, and so is one of
// another kind at once.
func TestConflicts(t *testing.T) {
	w, s := scriptWorld(t)
	rebalance := refused(409, "Cannot complete request because of a conflicting operation (e.g. worker rebalance)")
	rebalance.header = map[string]string{"Retry-After": "3"}
	s.on("PUT /connectors/c/pause", rebalance, refused(409, "Cannot complete request momentarily due to stale configuration (typically caused by a concurrent config change)"), answer{status: 202})
	w.run("connector", "pause", "c")
	if got := w.now.Sub(newWorld(t).now); got != 4*time.Second {
		t.Errorf("the waits took %v, want the server's 3 s and 1 s", got)
	}
	s.on("PUT /connectors/c/pause", rebalance)
	w.run("connector", "pause", "c", "--conflict-wait", "10s")
	w.run("connector", "pause", "c", "--conflict-wait", "0")
	s.on("POST /connectors", refused(409, "Connector c already exists"))
	w.run("connector", "create", "c", "connector.class=X")
	n := 0
	for _, request := range s.seen {
		if request == "POST /connectors" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("a connector that exists was created %d times", n)
	}
	w.golden("conflicts")
}

func TestWait(t *testing.T) {
	w, s := scriptWorld(t)
	s.on("POST /connectors", answer{status: 201, body: `{"name":"c","config":{},"tasks":[],"type":"sink"}`})
	create := func(more ...string) {
		w.run(append([]string{"connector", "create", "c", "connector.class=X", "--wait"}, more...)...)
	}
	const path = "GET /connectors/c/status"
	s.on(path, refused(404, "No status found for connector c"), ok(status(run)), ok(status(run, unas, unas)), ok(status(run, run, unas)), ok(status(run, run, run)))
	create()
	s.on(path, ok(status(run)), ok(status(run, run, fell)))
	create()
	s.on(path, ok(status(fell)))
	create()
	s.on(path, ok(status(run, unas)))
	create("--timeout", "2s")
	s.on(path, ok(status(run)))
	create()
	s.on(path, refused(500, "oops"))
	create()
	s.on(path, refused(500, "oops"), answer{status: 502}, ok(status(run, run)))
	create()

	// What was there before is not taken for the outcome at once.
	s.on("POST /connectors/c/restart?includeTasks=true", answer{status: 202})
	s.on(path, ok(status(run, fell)), ok(status(run, fell)), ok(status(run, fell)), ok(status(run, `"state":"RESTARTING"`)), ok(status(run, run)))
	w.run("connector", "restart", "c", "--wait")
	s.on(path, ok(status(run, fell)))
	w.run("connector", "restart", "c", "--wait")
	s.on(path, ok(status(run, run)))
	w.run("connector", "restart", "c", "--wait")

	// apply waits for what it leaves alone, too, but what is paused may stay so.
	w.file("c.json", `{"name":"c","connector.class":"X"}`)
	s.on("GET /connectors?expand=info", ok(`{"c":{"info":{"name":"c","type":"sink","tasks":[],"config":{"name":"c","connector.class":"X"}}}}`))
	s.on(path, ok(status(run, fell)))
	w.run("connector", "apply", "-f", "c.json", "--wait")
	s.on(path, ok(status(`"state":"PAUSED"`, `"state":"PAUSED"`)))
	w.run("connector", "apply", "-f", "c.json", "--wait")

	// Many connectors are asked for at once.
	s.on("GET /connectors", ok(`["a","b","c","d","e"]`))
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		s.on("PUT /connectors/"+name+"/stop", answer{status: 204})
	}
	stopped := `{"status":` + status(`"state":"STOPPED"`) + `}`
	five := func(last string) answer {
		return ok(`{"a":` + stopped + `,"b":` + stopped + `,"c":` + stopped + `,"d":` + stopped + `,"e":` + last + `}`)
	}
	s.on("GET /connectors?expand=status", five(`{"status":`+status(run, run)+`}`))
	s.on("GET /connectors/e/status", ok(status(`"state":"STOPPED"`)))
	w.run("connector", "stop", "*", "--wait")
	w.golden("wait")
}

// On a terminal there are colours and a line that is overwritten; NO_COLOR takes the
// colours away.
func TestTerminal(t *testing.T) {
	w, s := scriptWorld(t)
	w.tty = true
	s.on("GET /connectors?expand=info&expand=status", ok(`{"c":{"status":`+status(run, run, fell)+`}}`))
	w.run("connector", "list")
	w.run("connector", "list", "--color", "never")
	s.on("POST /connectors/c/restart?includeTasks=true", answer{status: 202})
	s.on("GET /connectors/c/status", ok(status(run, fell)), ok(status(run, unas)), ok(status(run, run)))
	w.run("connector", "restart", "c", "--wait")
	w.env["NO_COLOR"] = "1"
	w.run("connector", "list")
	w.in = "n\n"
	s.on("GET /connectors", ok(`["c","d"]`))
	w.run("connector", "delete", "*")
	w.in = "yes\n"
	s.on("DELETE /connectors/c", answer{status: 204}).on("DELETE /connectors/d", answer{status: 204})
	w.run("connector", "delete", "*")
	w.tty = false
	w.run("connector", "list", "--color", "always")
	w.run("connector", "list", "--color", "pink")
	w.run("connector", "list", "-o", "xml")
	w.golden("terminal")
}

// Servers of older versions lack resources; what is there is used.
func TestOldServers(t *testing.T) {
	w, s := scriptWorld(t)
	s.on("GET /", ok(`{"version":"2.2.0","commit":"x"}`))
	s.on("GET /connectors?expand=info&expand=status", ok(`["c","gone"]`)).on("GET /connectors?expand=status", ok(`["c"]`)).on("GET /connectors?expand=info", ok(`["c"]`))
	s.on("GET /connectors/c", ok(`{"name":"c","config":{"name":"c","connector.class":"X","db.password":"p","url":"http://u:secret@h/","ref":"${file:x:password}","api.key":"${env:KEY}"},"tasks":[]}`))
	s.on("GET /connectors/c/status", ok(status(run, run)))
	s.on("GET /connectors/gone", refused(404, "Connector gone not found"))
	w.run("connector", "list")
	w.run("connector", "describe", "c")
	w.run("connector", "topics", "c")
	w.run("connector", "offsets", "get", "c")
	w.run("cluster", "info")
	w.run("cluster", "health")
	s.on("PATCH /connectors/c/config", refused(405, "HTTP 405 Method Not Allowed"))
	s.on("PUT /connectors/c/config", ok(`{}`))
	w.run("connector", "patch", "c", "tasks.max=2", "ref-")
	if body := s.bodies[len(s.bodies)-1]; !strings.Contains(body, `"db.password":"p"`) || !strings.Contains(body, `"tasks.max":"2"`) || strings.Contains(body, `"ref"`) {
		t.Errorf("the whole configuration is to be written where PATCH is not known, not %s", body)
	}
	w.golden("old")
}

// A mask is never written over a secret.
func TestMasks(t *testing.T) {
	w, s := scriptWorld(t)
	s.on("GET /connectors?expand=info", ok(`{"c":{"info":{"name":"c","type":"sink","tasks":[],"config":{"name":"c","connector.class":"X","pass":"p4ss","shown.secret":"[hidden]","tasks.max":"1"}}}}`))
	s.on("GET /connector-plugins/X/config", ok(`[{"name":"pass","type":"PASSWORD","required":false,"default_value":null}]`))
	s.on("PUT /connector-plugins/X/config/validate", ok(`{"name":"X","error_count":0,"groups":[],"configs":[]}`))
	s.on("PUT /connectors/c/config", ok(`{}`))
	w.file("c.json", `{"name":"c","config":{"connector.class":"X","pass":"********","shown.secret":"s3cret","tasks.max":2}}`)
	w.run("connector", "apply", "-f", "c.json")
	var written map[string]string
	if err := json.Unmarshal([]byte(s.bodies[len(s.bodies)-1]), &written); err != nil || written["pass"] != "p4ss" || written["shown.secret"] != "s3cret" {
		t.Errorf("written: %v, %v", written, err)
	}
	w.file("c.json", `{"name":"c","config":{"connector.class":"X","pass":"new","shown.secret":"s3cret","tasks.max":1}}`)
	w.run("connector", "apply", "-f", "c.json", "--plan")
	w.file("c.json", `{"name":"c","config":{"connector.class":"X","pass":"p4ss","shown.secret":"s3cret","tasks.max":1}}`)
	w.run("connector", "apply", "-f", "c.json", "--plan")
	w.run("connector", "apply", "-f", "c.json", "--plan", "--force")
	w.file("d.json", `{"name":"d","config":{"connector.class":"X","pass":"********"}}`)
	w.run("connector", "apply", "-f", "d.json")
	w.run("connector", "create", "-f", "d.json")

	// Stars that are no secret's mask are a value like any other.
	s.on("POST /connectors", answer{status: 201, body: "{}"})
	w.file("d.json", `{"name":"d","config":{"connector.class":"X","transforms.m.replacement":"********"}}`)
	w.run("connector", "apply", "-f", "d.json")
	if body := s.bodies[len(s.bodies)-1]; !strings.Contains(body, `"transforms.m.replacement":"********"`) {
		t.Errorf("written: %s", body)
	}
	w.golden("masks")
}

// A change is not sent on to where a redirect leads, since it would arrive as a
// question and seem to have been made.
func TestRedirects(t *testing.T) {
	w, s := scriptWorld(t)
	elsewhere := answer{status: 301, header: map[string]string{"Location": "/other"}}
	s.on("PUT /connectors/c/pause", elsewhere).on("GET /connectors?expand=info&expand=status", elsewhere)
	s.on("GET /other", ok(`{}`))
	w.run("connector", "pause", "c")
	w.run("connector", "list")
	w.golden("redirects")
}

// What steers a terminal is taken out of what a server says.
func TestControlCharacters(t *testing.T) {
	w, s := scriptWorld(t)
	evil := "\u001b]0;evil\u0007\u009b2J"
	quoted := strings.Trim(canonical(evil), `"`)
	s.on("GET /connectors?expand=info&expand=status", ok(`{"c`+quoted+`":{"status":`+strings.ReplaceAll(status(run, fell), "no", quoted)+`}}`))
	s.on("GET /connectors/c", ok(`{"name":"c","type":"x`+quoted+`","config":{"a":"`+quoted+`"},"tasks":[]}`))
	s.on("GET /connectors/c/status", ok(strings.ReplaceAll(status(run, fell), "w:1", quoted)))
	s.on("GET /connectors/d", refused(500, evil))
	for _, args := range [][]string{{"connector", "list", "-o", "wide"}, {"connector", "describe", "c"}, {"connector", "describe", "d"}} {
		out, errText, _ := w.execute(t.Context(), args...)
		if text := out + errText; strings.ContainsAny(text, "\x1b\a\u009b") || !strings.Contains(text, "evil") {
			t.Errorf("%v prints %q", args, text)
		}
	}
}

func TestLogin(t *testing.T) {
	w, s := scriptWorld(t)
	s.on("GET /connectors?expand=info&expand=status", ok(`{}`))
	last := func() string { return s.auth[len(s.auth)-1] }
	list := func(want string, more ...string) {
		t.Helper()
		n := len(s.auth)
		w.run(append([]string{"connector", "list"}, more...)...)
		switch {
		case len(s.auth) == n && want != "":
			t.Error("no request was sent")
		case len(s.auth) > n && last() != want:
			t.Errorf("logged in as %q, want %q", last(), want)
		}
	}
	list(":")
	list("", "--user", "ann")
	w.env[envPassword] = "from-env"
	list("ann:from-env", "--user", "ann")
	list("ann:from-file", "--user", "ann", "--password-file", w.file("password", "from-file\r\n"))
	list("", "--user", "ann:secret")
	list("", "--password-file", "password")
	list("", "--server", "http://ann:secret@127.0.0.1:1")
	delete(w.env, envPassword)
	w.env[envUser], w.tty, w.secret = "bob", true, "typed"
	list("bob:typed")
	w.tty = false
	list("", "--ca-file", "none.pem")
	list("", "--ca-file", "password")
	list("", "--cert-file", "x.pem")
	w.golden("login")
}

func TestContexts(t *testing.T) {
	w, s := scriptWorld(t)
	s.on("GET /connectors?expand=info&expand=status", ok(`{}`))
	url := w.env[envServer]
	delete(w.env, envServer)
	w.run("context", "current")
	w.run("context", "list")
	w.run("context", "use", "prod")
	w.run("context", "set", "prod")
	w.run("context", "set", "prod", "--server", "ftp://x")
	w.run("context", "set", "prod", "--server", url, "--user", "ops", "--password-env", "OPS")
	w.run("context", "set", "test", "--server", "localhost:1")
	w.run("context", "list")
	w.run("context", "list", "-o", "wide")
	w.run("context", "list", "-o", "json")
	w.run("connector", "list")
	w.env["OPS"] = "s3cret"
	w.run("connector", "list")
	if got := s.auth[len(s.auth)-1]; got != "ops:s3cret" {
		t.Errorf("logged in as %q", got)
	}
	w.run("context", "use", "test")
	w.run("context", "current")
	w.run("connector", "list", "--context", "prod")
	w.run("connector", "list", "--context", "none")
	w.run("connector", "list", "--context", "prod", "--server", url)
	// A context's password goes nowhere else.
	n := len(s.auth)
	w.run("context", "use", "prod")
	w.run("connector", "list", "--server", url)
	if len(s.auth) != n+1 || s.auth[n] != ":" {
		t.Errorf("with --server, logged in as %q", s.auth[n:])
	}
	w.run("context", "set", "prod", "--insecure-skip-verify")
	w.run("context", "delete", "prod")
	w.run("context", "delete", "prod")
	w.run("__complete", "context", "use", "")
	w.golden("contexts")
	path := filepath.Join(w.dir, "config", "config.yaml")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || strings.Contains(string(text), "s3cret") || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v: %s", err, info.Mode(), text)
	}
}

// watch prints what changes, goes on while the server is away, and ends with Ctrl-C.
func TestWatch(t *testing.T) {
	w, s := scriptWorld(t)
	states := func(text string) answer { return ok(`{"c":{"status":` + text + `}}`) }
	s.on("GET /connectors?expand=info&expand=status", states(status(run, run)), states(status(run, run)), states(status(run, fell)),
		answer{status: 502}, answer{status: 502}, states(status(run, run)), ok(`{}`))
	for _, tty := range []bool{false, true} {
		w.tty = tty
		ctx, cancel := context.WithCancel(t.Context())
		looks := 0
		w.onSleep = func() {
			if looks++; looks == 7 || tty {
				cancel()
			}
		}
		out, errText, code := w.execute(ctx, "connector", "watch")
		fmt.Fprintf(&w.transcript, "%s%s[exit %d]\n", out, stderr(errText), code)
		cancel()
		s.on("GET /connectors?expand=info&expand=status", states(status(run, run)))
	}
	w.onSleep = nil
	w.run("connector", "watch", "--interval", "1ms")
	w.golden("watch")
}

func TestTimeout(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	w := newWorld(t)
	w.env[envServer] = server.URL
	_, errText, code := w.execute(t.Context(), "connector", "list", "--request-timeout", "50ms")
	if code != ExitUnreachable || !strings.Contains(errText, "--request-timeout") {
		t.Errorf("exit %d: %s", code, errText)
	}
}

func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	w := newWorld(t)
	w.env[envServer] = server.URL
	_, errText, code := w.execute(t.Context(), "connector", "list")
	if code != ExitUnreachable || !strings.Contains(errText, "--ca-file") {
		t.Errorf("exit %d: %s", code, errText)
	}
	ca := w.file("ca.pem", pemOf(server))
	for _, flags := range [][]string{{"--ca-file", ca}, {"--insecure-skip-verify"}} {
		if _, errText, code := w.execute(t.Context(), append([]string{"connector", "list"}, flags...)...); code != 0 {
			t.Errorf("%v: exit %d: %s", flags, code, errText)
		}
	}
	w.env[envServer] = strings.Replace(server.URL, "https:", "http:", 1)
	if _, errText, code = w.execute(t.Context(), "connector", "list"); code == 0 {
		t.Errorf("plain HTTP on a TLS port: exit %d: %s", code, errText)
	}
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	w.env[envServer] = strings.Replace(plain.URL, "http:", "https:", 1)
	if _, errText, code = w.execute(t.Context(), "connector", "list"); code != ExitUnreachable || !strings.Contains(errText, "http://") {
		t.Errorf("TLS on a plain port: exit %d: %s", code, errText)
	}
}

func pemOf(server *httptest.Server) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

// Every command says what it does, and nothing that is not a command is taken for one.
func TestHelp(t *testing.T) {
	w := newWorld(t)
	root := &cobra.Command{Use: "moldau"}
	root.AddCommand(w.app(io.Discard, io.Discard).Commands()...)
	var walk func(cmd *cobra.Command, path []string)
	walk = func(cmd *cobra.Command, path []string) {
		for _, c := range cmd.Commands() {
			at := append(path[:len(path):len(path)], c.Name())
			if c.Short == "" {
				t.Errorf("%v has no description", at)
			}
			out, _, _ := w.execute(t.Context(), append(at, "--help")...)
			own, _, _ := strings.Cut(out, "\nGlobal Flags:")
			fmt.Fprintf(&w.transcript, "$ moldau %s --help\n%s\n", strings.Join(at, " "), own)
			walk(c, at)
		}
	}
	walk(root, nil)
	for _, args := range [][]string{
		{"connector", "lsit"}, {"connector", "offsets", "gte"}, {"connector", "get"}, {"connector", "list", "--bogus"}, {"connector", "offsets", "reset", "a", "b"},
		{"connector", "restart", "a", "--task", "0", "--only-failed"}, {"connector", "apply"}, {"connector", "apply", "-f", "x", "--exit-code"}, {"connector", "create"},
		{"connector", "create", "a", "b"}, {"connector", "create", "a", "b=c"}, {"connector", "patch", "a"}, {"connector", "patch", "a", "b"}, {"plugin", "validate"},
	} {
		w.run(args...)
	}
	w.golden("help")
}
