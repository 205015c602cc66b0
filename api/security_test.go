package api

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moldau-io/moldau/api/access"
	"github.com/moldau-io/moldau/internal/logging"
	"github.com/moldau-io/moldau/plugins"
	"github.com/moldau-io/moldau/runtime/validate"
)

// passwords knows users by name.
type passwords map[string]string

func (p passwords) Check(user, password string) bool {
	want, ok := p[user]
	return ok && want == password
}

// secured is the API with the users of passwords and, if given, roles; what it audits
// goes to the buffer.
func secured(t *testing.T, f *fakeHerder, roles string, change func(*Options)) (*API, *bytes.Buffer) {
	t.Helper()
	audit := &bytes.Buffer{}
	o := Options{
		Herder: f, Validator: fakeValidator{}, Plugins: plugins.New(), Levels: logging.New("INFO"), Forwarder: &fakeForwarder{},
		Logger: slog.New(slog.DiscardHandler), RequestTimeout: time.Minute, HealthTimeout: time.Minute, MaxBody: 1 << 20, TopicTracking: true, TopicReset: true,
		Access: &access.Control{Users: []access.Checker{passwords{"alice": "secret", "bob": "pw", "carol": "c", "ghost": "g"}}},
		Audit:  slog.New(slog.NewTextHandler(audit, nil)),
	}
	if roles != "" {
		var err error
		if o.Access.Roles, err = access.ParseRoles([]byte(roles)); err != nil {
			t.Fatal(err)
		}
	}
	if change != nil {
		change(&o)
	}
	return New(o), audit
}

// do sends a request as a user, "name:password" or "" for nobody.
func do(h http.Handler, method, path, user, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if name, password, ok := strings.Cut(user, ":"); ok {
		r.SetBasicAuth(name, password)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// The statuses, bodies and headers are those of Apache Connect 4.1.1 with its extension,
// but for the divergences in docs/divergences.md.
func TestBasicAuthentication(t *testing.T) {
	for _, c := range []struct {
		name, method, path, user, body string
		header                         []string
		status                         int
		want                           string // in the body
		contentType                    string
	}{
		{"nobody", "GET", "/", "", "", nil, 401, unauthorizedText, "application/json"},
		{"wrong password", "GET", "/connectors", "alice:pw", "", nil, 401, unauthorizedText, "application/json"},
		{"unknown user", "GET", "/health", "eve:secret", "", nil, 401, unauthorizedText, "application/json"},
		{"no password", "GET", "/", "alice:", "", nil, 401, unauthorizedText, "application/json"},
		{"another scheme", "GET", "/", "", "", []string{"Authorization", "Bearer secret"}, 401, unauthorizedText, "application/json"},
		{"not base64", "GET", "/", "", "", []string{"Authorization", "Basic !!!"}, 401, unauthorizedText, "application/json"},
		{"right", "GET", "/", "alice:secret", "", nil, 200, "4.1.1", "application/json"},
		{"a write by nobody", "POST", "/connectors", "", `{"name":"x","config":{}}`, nil, 401, unauthorizedText, "application/json"},
		{"no resource comes first", "GET", "/nope", "", "", nil, 404, "HTTP 404 Not Found", ""},
		{"a wrong method comes first", "PUT", "/connectors", "", "{}", nil, 405, "HTTP 405", ""},
		{"what is not acceptable comes first", "GET", "/", "", "", []string{"Accept", "text/plain"}, 406, "HTTP 406", ""},
		{"OPTIONS by nobody", "OPTIONS", "/connectors", "", "", nil, 401, unauthorizedText, "text/plain"},
		{"OPTIONS", "OPTIONS", "/connectors", "bob:pw", "", nil, 200, "GET", "text/plain"},
		{"a preflight request bears no password", "OPTIONS", "/connectors", "", "", []string{"Origin", "http://a", "Access-Control-Request-Method", "POST"}, 200, "GET", "text/plain"},
		{"task configs of a worker", "POST", "/connectors/x/tasks", "", "[]", nil, 400, "unsigned", "application/json"},
		{"fencing by a worker", "PUT", "/connectors/x/fence/", "", "", nil, 204, "", ""},
		{"reading tasks is for users", "GET", "/connectors/x/tasks", "", "", nil, 401, unauthorizedText, "application/json"},
		{"the document is for users", "GET", "/openapi.json", "", "", nil, 401, unauthorizedText, "application/json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, _ := secured(t, &fakeHerder{}, "", nil)
			w := do(a.Handler(), c.method, c.path, c.user, c.body, c.header...)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) || strings.Join(w.Header()["Content-Type"], ",") != c.contentType {
				t.Errorf("%d, %v: %s", w.Code, w.Header(), w.Body)
			}
			if w.Code == 401 && w.Body.String() != unauthorizedText {
				t.Errorf("the body is %q", w.Body)
			}
			if h := w.Header().Get("WWW-Authenticate"); h != "" {
				t.Errorf("WWW-Authenticate: %s, which Connect does not send", h)
			}
		})
	}
}

func TestBrowsersAreAskedForAPassword(t *testing.T) {
	a, _ := secured(t, &fakeHerder{}, "", nil)
	page := a.Guard(false, http.NotFoundHandler())
	for site, want := range map[string]bool{"none": true, "same-origin": true, "cross-site": false, "": false} {
		for _, h := range []http.Handler{a.Handler(), page} {
			if w := do(h, "GET", "/", "", "", "Sec-Fetch-Site", site); w.Code != 401 || (w.Header().Get("WWW-Authenticate") != "") != want {
				t.Errorf("%q: %d, WWW-Authenticate %q", site, w.Code, w.Header().Get("WWW-Authenticate"))
			}
		}
	}
	a, _ = secured(t, &fakeHerder{}, "", func(o *Options) { o.Access.Challenge = true })
	if w := do(a.Handler(), "GET", "/", "", ""); w.Header().Get("WWW-Authenticate") == "" {
		t.Error("no challenge, though it is asked for")
	}
}

func TestAdminListener(t *testing.T) {
	for admin, want := range map[bool]int{false: 200, true: 401} {
		a, _ := secured(t, &fakeHerder{}, "", func(o *Options) { o.Access.Admin = admin })
		if w := do(a.AdminHandler(), "GET", "/admin/loggers", "", ""); w.Code != want {
			t.Errorf("with Admin=%v: %d, want %d", admin, w.Code, want)
		}
		if w := do(a.AdminHandler(), "GET", "/connectors", "alice:secret", ""); w.Code != 404 {
			t.Errorf("connectors are at the admin listener: %d", w.Code)
		}
		if w := do(a.ConnectHandler(), "GET", "/admin/loggers", "alice:secret", ""); w.Code != 404 {
			t.Errorf("loggers are at the other listener: %d", w.Code)
		}
	}
}

// Without other workers nothing is signed, so nobody may pretend to be one.
func TestWorkersRequestsWhereThereAreNoWorkers(t *testing.T) {
	a, _ := secured(t, &fakeHerder{}, "alice admin *\nbob edit *", func(o *Options) { o.Alone = true })
	for user, want := range map[string]int{"": 401, "bob:pw": 403, "alice:secret": 204} {
		if w := do(a.Handler(), "PUT", "/connectors/x/fence", user, ""); w.Code != want {
			t.Errorf("%q: %d, want %d", user, w.Code, want)
		}
	}
}

const testRoles = `
alice  admin    *
bob    edit     team-*
bob    view     a*
carol  operate  *
`

func TestRolesDecide(t *testing.T) {
	const create = `{"name":"%s","config":{}}`
	for _, c := range []struct {
		user, method, path, body string
		status                   int
	}{
		{"ghost:g", "GET", "/", "", 200},
		{"ghost:g", "GET", "/health", "", 200},
		{"ghost:g", "GET", "/connectors", "", 403},
		{"ghost:g", "GET", "/connector-plugins", "", 403},
		{"bob:pw", "GET", "/connectors/a%20b", "", 200},
		{"bob:pw", "GET", "/connectors/b", "", 403},
		{"bob:pw", "PUT", "/connectors/a%20b/config", "{}", 403},
		{"bob:pw", "DELETE", "/connectors/a%20b", "", 403},
		{"bob:pw", "PUT", "/connectors/team-1/config", "{}", 201},
		{"bob:pw", "PATCH", "/connectors/team-1/config", "{}", 200},
		{"bob:pw", "DELETE", "/connectors/team-1", "", 204},
		{"bob:pw", "POST", "/connectors", fmt.Sprintf(create, "team-1"), 201},
		{"bob:pw", "POST", "/connectors", fmt.Sprintf(create, " team-1 "), 201},
		{"bob:pw", "POST", "/connectors", fmt.Sprintf(create, "other"), 403},
		{"bob:pw", "PUT", "/connector-plugins/P/config/validate", "{}", 500},
		{"bob:pw", "GET", "/admin/loggers", "", 200},
		{"bob:pw", "PUT", "/admin/loggers/x", `{"level":"DEBUG"}`, 403},
		{"carol:c", "PUT", "/connectors/x/pause", "", 202},
		{"carol:c", "PUT", "/connectors/x/resume", "", 202},
		{"carol:c", "PUT", "/connectors/x/stop", "", 204},
		{"carol:c", "POST", "/connectors/x/restart", "", 204},
		{"carol:c", "POST", "/connectors/x/tasks/0/restart", "", 204},
		{"carol:c", "PUT", "/connectors/x/topics/reset", "", 202},
		{"carol:c", "POST", "/connectors", fmt.Sprintf(create, "x"), 403},
		{"carol:c", "DELETE", "/connectors/x/offsets", "", 403},
		{"carol:c", "PUT", "/connector-plugins/P/config/validate", "{}", 403},
		{"alice:secret", "DELETE", "/connectors/x/offsets", "", 200},
		{"alice:secret", "PUT", "/admin/loggers/x", `{"level":"DEBUG"}`, 200},
	} {
		t.Run(c.user+" "+c.method+" "+c.path, func(t *testing.T) {
			f := &fakeHerder{}
			a, audit := secured(t, f, testRoles, nil)
			w := do(a.Handler(), c.method, c.path, c.user, c.body)
			if w.Code != c.status {
				t.Errorf("%d %s, want %d", w.Code, w.Body, c.status)
			}
			if w.Code == 403 {
				if len(f.calls) > 0 {
					t.Errorf("the herder was called: %v", f.calls)
				}
				if !strings.Contains(w.Body.String(), `{"error_code":403,"message":"User `) {
					t.Errorf("the answer is %s", w.Body)
				}
			}
			writes := c.method != "GET" && !strings.HasSuffix(c.path, "/validate")
			if lines := strings.Count(audit.String(), "\n"); (lines == 1) != writes || lines > 1 {
				t.Errorf("%d audit lines: %s", lines, audit)
			}
		})
	}
}

func TestListsShowWhatTheCallerMayView(t *testing.T) {
	for user, want := range map[string]string{"alice:secret": `["a b"]`, "bob:pw": `["a b"]`, "carol:c": `[]`} {
		a, _ := secured(t, &fakeHerder{}, "alice admin *\nbob view a*\ncarol edit team-*", func(o *Options) {
			o.Stats = func() Stats { return Stats{Tasks: map[string]TaskStats{"a b-0": {Connector: "a b"}}} }
		})
		if w := do(a.Handler(), "GET", "/connectors", user, ""); w.Body.String() != want {
			t.Errorf("%s sees %s, want %s", user, w.Body, want)
		}
		for _, path := range []string{"/connectors?expand=info", "/moldau/v1/stats"} {
			if w := do(a.Handler(), "GET", path, user, ""); w.Code != 200 || strings.Contains(w.Body.String(), "a b") != (want != "[]") {
				t.Errorf("%s sees %s at %s", user, w.Body, path)
			}
		}
	}
}

func TestGuardForAll(t *testing.T) {
	a, _ := secured(t, &fakeHerder{}, "alice view *\nbob admin team-*", nil)
	h := a.Guard(true, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }))
	for user, want := range map[string]int{"alice:secret": 204, "bob:pw": 403, "": 401} {
		if w := do(h, "GET", "/metrics", user, ""); w.Code != want {
			t.Errorf("%q: %d, want %d", user, w.Code, want)
		}
	}
}

func TestAuditLine(t *testing.T) {
	const secret = "hunter2-in-the-body"
	for _, c := range []struct{ name, method, path, user, body, want string }{
		{"done", "POST", "/connectors", "alice:secret", `{"name":"x y","config":{"password":"` + secret + `"}}`, `user=alice from=192.0.2.1:1234 method=POST path=/connectors connector="x y" result=done status=201 forwarded=false`},
		{"denied", "DELETE", "/connectors/x?forward=true", "eve:" + secret, "", `user=eve from=192.0.2.1:1234 method=DELETE path=/connectors/x connector="" result=denied status=401 forwarded=true`},
		{"failed", "PUT", "/connectors/x/config", "alice:secret", `{"name":"` + secret + `"}`, `connector=x result=failed status=400`},
		{"a line cannot be forged", "DELETE", "/connectors/x%0Auser=root", "alice:secret", "", `path="/connectors/x\nuser=root" connector="x\nuser=root"`},
		{"by a worker", "PUT", "/connectors/x/fence", "", "", `user=(worker) `},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, audit := secured(t, &fakeHerder{}, "", nil)
			do(a.Handler(), c.method, c.path, c.user, c.body)
			if got := audit.String(); !strings.Contains(got, c.want) || strings.Count(got, "\n") != 1 || strings.Contains(got, secret) {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
	a, audit := secured(t, &fakeHerder{}, "", nil)
	do(a.Handler(), "GET", "/connectors", "alice:secret", "")
	if audit.Len() > 0 {
		t.Errorf("a read was audited: %s", audit)
	}
}

func TestCORS(t *testing.T) {
	for _, c := range []struct {
		name, allowed, methods, method, origin, asks string
		want                                         map[string]string
	}{
		{"off", "", "", "GET", "http://a", "", map[string]string{}},
		{"simple", "http://ok.example", "", "GET", "http://ok.example", "", map[string]string{"Vary": "Origin", "Access-Control-Allow-Origin": "http://ok.example"}},
		{"another origin", "http://ok.example", "", "GET", "http://bad.example", "", map[string]string{"Vary": "Origin"}},
		{"no more than the whole", "http://ok.example", "", "GET", "http://ok.example.bad", "", map[string]string{"Vary": "Origin"}},
		{"no origin", "*", "", "GET", "", "", map[string]string{"Vary": "Origin"}},
		{"any", "*", "", "GET", "null", "", map[string]string{"Vary": "Origin", "Access-Control-Allow-Origin": "null"}},
		{"an expression", `http://.*\.ok\.example, https://b`, "", "GET", "http://x.ok.example", "", map[string]string{"Vary": "Origin", "Access-Control-Allow-Origin": "http://x.ok.example"}},
		{"preflight", "http://ok.example", "GET,PUT", "OPTIONS", "http://ok.example", "DELETE", map[string]string{
			"Vary": "Origin", "Access-Control-Allow-Origin": "http://ok.example", "Access-Control-Allow-Methods": "GET,PUT", "Access-Control-Allow-Headers": "Content-Type", "Access-Control-Max-Age": "60"}},
		{"preflight without methods", "*", " ", "OPTIONS", "http://a", "POST", map[string]string{
			"Vary": "Origin", "Access-Control-Allow-Origin": "http://a", "Access-Control-Allow-Methods": "GET,POST,HEAD", "Access-Control-Allow-Headers": "Content-Type", "Access-Control-Max-Age": "60"}},
		{"preflight of another origin", "http://ok.example", "", "OPTIONS", "http://bad", "PUT", map[string]string{"Vary": "Origin"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := CORS(c.allowed, c.methods, newTestAPI(&fakeHerder{}, nil))
			if err != nil {
				t.Fatal(err)
			}
			w := do(h, c.method, "/connectors", "", "", "Origin", c.origin, "Access-Control-Request-Method", c.asks)
			got := map[string]string{}
			for k, v := range w.Header() {
				if strings.HasPrefix(k, "Access-Control") || k == "Vary" {
					got[k] = strings.Join(v, "|")
				}
			}
			if w.Code != 200 || fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("%d %v, want %v", w.Code, got, c.want)
			}
			// A preflight request goes on to the resource, as in Connect.
			if c.method == "OPTIONS" && w.Header().Get("Allow") == "" {
				t.Error("no Allow header")
			}
		})
	}
	if _, err := CORS("http://(", "", nil); err == nil || !strings.Contains(err.Error(), "access.control.allow.origin") {
		t.Errorf("a broken expression: %v", err)
	}
}

// zeros is a body without end; it counts what was read of it.
type zeros struct{ read, left int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.left)
	z.read, z.left = z.read+n, z.left-n
	return int(n), nil
}

func TestLargeBodyIsNotRead(t *testing.T) {
	for _, target := range []struct{ method, path string }{
		{"POST", "/connectors"}, {"PUT", "/connectors/x/config"}, {"PATCH", "/connectors/x/offsets"}, {"POST", "/connectors/x/tasks"},
		{"PUT", "/connectors/x/fence"}, {"PUT", "/connector-plugins/x/config/validate"}, {"PUT", "/admin/loggers/x"},
	} {
		for _, length := range []int64{100 << 20, -1} {
			body := &zeros{left: 100 << 20}
			r := httptest.NewRequest(target.method, target.path, body)
			r.ContentLength = length
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			newTestAPI(&fakeHerder{}, nil).ServeHTTP(w, r)
			limit := int64(64 << 10)
			if length > 0 {
				limit = 0
			}
			if w.Code != http.StatusRequestEntityTooLarge || body.read > limit {
				t.Errorf("%s %s: %d after %d bytes: %s", target.method, target.path, w.Code, body.read, w.Body)
			}
		}
	}
}

func TestPathTricks(t *testing.T) {
	for path, want := range map[string]int{
		"/connectors/..%2f..%2fadmin/status": 400,
		"/connectors/%2e%2e/status":          400,
		"/connectors/.%2E/status":            400,
		"/connectors/a%00b/status":           400,
		"/connectors/a%5cb/status":           400,
		"/connectors//status":                400,
		"/connectors/a%252fb/status":         400,
		"/connectors/../connectors":          404,
		"/connectors/%c0%ae%c0%ae/status":    404,
		"/connectors/x%0d%0aX-Bad:%201":      404,
		"/connectors/<script>alert(1)":       404,
		"/connectors/{connector}":            404,
		"/connectors/*":                      404,
		"/ui/../connectors":                  404,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RequestURI = path
		raw, query, _ := strings.Cut(path, "?")
		r.URL.RawPath, r.URL.Path, r.URL.RawQuery = raw, unescape(raw), query
		w := httptest.NewRecorder()
		newTestAPI(&fakeHerder{}, nil).ServeHTTP(w, r)
		if w.Code != want || w.Header().Get("X-Bad") != "" || w.Header().Get("Location") != "" {
			t.Errorf("%s: %d %v %s, want %d", path, w.Code, w.Header(), w.Body, want)
		}
	}
}

// listening serves a handler on a port of its own.
func listening(t *testing.T, h http.Handler, change func(*Server)) (*Server, string) {
	t.Helper()
	s := NewServer(slog.New(slog.DiscardHandler))
	if change != nil {
		change(s)
	}
	addr, err := s.Listen("listeners", "http://127.0.0.1:0", nil, false)
	if err != nil {
		t.Fatal(err)
	}
	s.Serve(h, h)
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s, addr.String()
}

func TestSlowHeadersAreCutOff(t *testing.T) {
	_, addr := listening(t, newTestAPI(&fakeHerder{}, nil), func(s *Server) { s.header = 50 * time.Millisecond })
	var conns []net.Conn
	for range 50 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	// Others are served meanwhile.
	resp, err := http.Get("http://" + addr + "/")
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%v %v", resp, err)
	}
	resp.Body.Close()
	for _, c := range conns {
		// The server closes the connection: reading ends without a deadline of ours.
		if answer, err := io.ReadAll(c); err == nil && strings.HasPrefix(string(answer), "HTTP/1.1 200") {
			t.Errorf("half a request was answered: %s", answer)
		}
	}
}

func TestLongHeadIsRefused(t *testing.T) {
	_, addr := listening(t, newTestAPI(&fakeHerder{}, nil), nil)
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("a", 64<<10)+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || !strings.Contains(line, "431") {
		t.Errorf("%q, %v", line, err)
	}
}

func TestShutdownLetsRequestsEnd(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	s, addr := listening(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		w.WriteHeader(http.StatusNoContent)
	}), nil)
	status := make(chan int, 1)
	go func() {
		resp, err := http.Get("http://" + addr + "/")
		if err != nil {
			status <- 0
			return
		}
		resp.Body.Close()
		status <- resp.StatusCode
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(context.Background()) }()
	<-s.Draining()
	close(leave)
	if got := <-status; got != http.StatusNoContent {
		t.Errorf("the request under way was answered %d", got)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", addr); err == nil {
		t.Error("the server still listens")
	}
}

func TestBodyDeadlineIsLifted(t *testing.T) {
	// A request whose body was read is served without a deadline on its connection:
	// the next one on it is, too.
	a, _ := secured(t, &fakeHerder{}, "", nil)
	_, addr := listening(t, a.Handler(), nil)
	var statuses []int
	for range 2 {
		req, err := http.NewRequest("PUT", "http://"+addr+"/connectors/x/config", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.SetBasicAuth("alice", "secret")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		statuses = append(statuses, resp.StatusCode)
	}
	if !slices.Equal(statuses, []int{201, 201}) {
		t.Errorf("statuses %v", statuses)
	}
}

// hanging is a validator whose plugins do not come back until they are let go.
type hanging struct {
	fakeValidator
	leave chan struct{}
}

func (h hanging) Validate(context.Context, map[string]*string) (*validate.Infos, error) {
	<-h.leave
	return &validate.Infos{}, nil
}

func (hanging) PluginConfig(context.Context, string, string) ([]validate.KeyInfo, error) {
	panic("oops")
}

func TestPluginsCannotHoldRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leave := make(chan struct{})
		defer close(leave)
		a, audit := secured(t, &fakeHerder{}, "", func(o *Options) { o.Validator, o.Access = hanging{leave: leave}, nil })
		h := a.Handler()
		begun := time.Now()
		w := do(h, "PUT", "/connector-plugins/P/config/validate", "", "{}")
		if took := time.Since(begun); w.Code != 500 || w.Body.String() != `{"error_code":500,"message":"Request timed out"}` || took != time.Minute+serveGrace {
			t.Errorf("%d %s after %s", w.Code, w.Body, took)
		}
		if audit.Len() > 0 {
			t.Errorf("a check of a configuration was audited: %s", audit)
		}
		if w := do(h, "GET", "/connector-plugins/P/config", "", ""); w.Code != 500 || !strings.Contains(w.Body.String(), "The worker failed to handle this request") || strings.Contains(w.Body.String(), "oops") {
			t.Errorf("a panic is answered %d %s", w.Code, w.Body)
		}
	})
}

func FuzzPaths(f *testing.F) {
	for _, s := range []string{"/connectors/a%20b", "/connectors/..%2f", "/connectors/%2e%2e/tasks/1/status", "//", "/%", "/connectors/x/tasks/99999999999/status", "/connectors?expand=info", "/admin/loggers/%ff"} {
		f.Add(s)
	}
	h := newTestAPI(&fakeHerder{}, &fakeForwarder{})
	f.Fuzz(func(t *testing.T, path string) {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "TRACE"} {
			r := httptest.NewRequest(method, "/", nil)
			raw, query, _ := strings.Cut(path, "?")
			r.RequestURI, r.URL.RawPath, r.URL.Path, r.URL.RawQuery = path, raw, unescape(raw), query
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			// The fake herder fails nothing, so no path may.
			if w.Code >= 500 && method != "PUT" && method != "TRACE" {
				t.Errorf("%s %q: %d %s", method, path, w.Code, w.Body)
			}
			if w.Header().Get("Location") != "" {
				t.Errorf("%s %q: Location %s", method, path, w.Header().Get("Location"))
			}
		}
	})
}
