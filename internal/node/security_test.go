package node

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// authority signs certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a
}

// issue returns a certificate and its key, in PEM.
func (a *authority) issue(t *testing.T, usage ...x509.ExtKeyUsage) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "127.0.0.1"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: usage,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &private.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
}

// client trusts the authority and shows a certificate of signer, none if that is nil.
func (a *authority) client(t *testing.T, signer *authority, usage x509.ExtKeyUsage) *http.Client {
	t.Helper()
	config := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	config.RootCAs.AddCert(a.cert)
	if signer != nil {
		cert, key := signer.issue(t, usage)
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		// The certificate is shown even where the server names no authority of it.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	transport := &http.Transport{TLSClientConfig: config}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func file(t *testing.T, name string, text ...[]byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	var all []byte
	for _, part := range text {
		all = append(all, part...)
	}
	if err := os.WriteFile(path, all, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestClientCertificates(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	cert, key := ca.issue(t, x509.ExtKeyUsageServerAuth)
	store, trust := file(t, "server.pem", key, cert), file(t, "trust.pem", ca.pem)
	const usage = x509.ExtKeyUsageClientAuth
	for _, c := range []struct {
		auth   string
		client *http.Client
		name   string
		want   bool
	}{
		{"required", ca.client(t, ca, usage), "right", true},
		{"required", ca.client(t, nil, usage), "none", false},
		{"required", ca.client(t, other, usage), "of another authority", false},
		{"required", ca.client(t, ca, x509.ExtKeyUsageServerAuth), "a server's", false},
		{"requested", ca.client(t, ca, usage), "right", true},
		{"requested", ca.client(t, nil, usage), "none", true},
		{"requested", ca.client(t, other, usage), "of another authority", false},
		{"none", ca.client(t, nil, usage), "none", true},
	} {
		t.Run(c.auth+" "+c.name, func(t *testing.T) {
			t.Parallel()
			r := run(t, map[string]string{
				"listeners": "https://127.0.0.1:0", "ssl.client.auth": c.auth, "ssl.keystore.type": "PEM", "ssl.keystore.location": store,
				"ssl.truststore.type": "PEM", "ssl.truststore.location": trust,
			}, nil)
			resp, err := c.client.Get("https://" + r.bound[0] + "/")
			if err == nil {
				resp.Body.Close()
			}
			if ok := err == nil && resp.StatusCode == 200; ok != c.want {
				t.Errorf("let in: %v (%v)", ok, err)
			}
			// Plain HTTP is not answered as if it were TLS.
			if plain, err := http.Get("http://" + r.bound[0] + "/"); err == nil {
				plain.Body.Close()
				if plain.StatusCode != 400 {
					t.Errorf("plain HTTP is answered %d", plain.StatusCode)
				}
			}
		})
	}
}

func bcrypted(t *testing.T, password string) string {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(h)
}

func TestUsersAndRoles(t *testing.T) {
	users := file(t, "users", []byte("alice:"+bcrypted(t, "secret")+"\nbob:"+bcrypted(t, "pw")+"\n"))
	roles := file(t, "roles", []byte("alice admin *\nbob view team-*\n"))
	r := run(t, map[string]string{"moldau.rest.htpasswd.file": users, "moldau.rest.roles.file": roles}, func(o *Options) { o.Solo = false })
	as := func(user string) string { return strings.Replace(r.url, "http://", "http://"+user, 1) }
	const create = `{"name":"c","config":{"connector.class":"FileStreamSource","file":"/dev/null","topic":"t"},"initial_state":"STOPPED"}`
	for _, c := range []struct {
		user, method, path, body string
		status                   int
	}{
		{"", "GET", "/", "", 401}, {"bob:secret@", "GET", "/", "", 401}, {"bob:pw@", "GET", "/", "", 200},
		{"", "POST", "/connectors", create, 401}, {"bob:pw@", "POST", "/connectors", create, 403}, {"alice:secret@", "POST", "/connectors", create, 201},
		{"bob:pw@", "GET", "/connectors/c", "", 403}, {"", "GET", "/ui/", "", 401}, {"bob:pw@", "GET", "/ui/", "", 200},
		// Requests of workers need no user, but a signature.
		{"", "POST", "/connectors/c/tasks", "[]", 400}, {"", "PUT", "/connectors/c/fence", "", 400},
		{"alice:secret@", "DELETE", "/connectors/c", "", 204},
	} {
		if status, answer := send(t, http.DefaultClient, c.method, as(c.user)+c.path, c.body); status != c.status {
			t.Errorf("%s %s by %q: %d %s, want %d", c.method, c.path, c.user, status, answer, c.status)
		}
	}
	text := r.logs.String()
	for _, want := range []string{`user=alice`, `connector=c result=done status=201`, `user=bob`, `result=denied status=403`} {
		if !strings.Contains(text, want) {
			t.Errorf("the log has no %q", want)
		}
	}
	for _, secret := range []string{"secret@", "pw@", "$2a$"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log shows %q", secret)
		}
	}
}

func TestAccessSettings(t *testing.T) {
	users := file(t, "users.properties", []byte("alice=secret\n"))
	jaas := file(t, "jaas.conf", []byte(`KafkaConnect { org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule required file="`+users+`"; };`))
	const extension = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension"
	for _, c := range []struct {
		name  string
		props map[string]string
		opts  string
		want  string // in the error; "" is a start
	}{
		{"a file", map[string]string{"rest.extension.classes": extension, "moldau.rest.jaas.file": jaas}, "", ""},
		{"KAFKA_OPTS", map[string]string{"rest.extension.classes": extension}, "-Xmx1g -Djava.security.auth.login.config=" + jaas, ""},
		{"no login configuration", map[string]string{"rest.extension.classes": extension}, "", "moldau.rest.jaas.file"},
		{"an unknown extension", map[string]string{"rest.extension.classes": "a.B"}, "", "a.B is not known"},
		{"roles without users", map[string]string{"moldau.rest.roles.file": users}, "", "needs users"},
		{"no such file", map[string]string{"moldau.rest.htpasswd.file": "/no/such/file"}, "", "/no/such/file"},
		{"a broken origin", map[string]string{"access.control.allow.origin": "("}, "", "access.control.allow.origin"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("KAFKA_OPTS", c.opts)
			r, err := tryRun(t, c.props, nil)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v, want %q in it", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for user, want := range map[string]int{"": 401, "alice:secret@": 200, "alice:no@": 401} {
				if status, answer := send(t, http.DefaultClient, "GET", strings.Replace(r.url, "http://", "http://"+user, 1)+"/connectors", ""); status != want {
					t.Errorf("%q: %d %s, want %d", user, status, answer, want)
				}
			}
		})
	}
}

// Passwords of connectors are in no log line at any level, and in no error.
func TestSecretsAreNotShown(t *testing.T) {
	const secret = "s3cr3t-hunter2"
	r := run(t, nil, nil)
	const es = `"connector.class":"io.confluent.connect.elasticsearch.ElasticsearchSinkConnector","connection.username":"u","connection.password":"` + secret + `"`
	overrides := `"consumer.override.sasl.jaas.config":"org.apache.kafka.common.security.plain.PlainLoginModule required username=\"u\" password=\"` + secret + `\";"`
	for _, c := range []struct {
		name, method, path, body string
		status                   int
	}{
		{"invalid", "POST", "/connectors", `{"name":"bad","config":{` + es + `,"connection.url":"nope","batch.size":"x"}}`, 400},
		{"no class", "POST", "/connectors", `{"name":"bad","config":{"connection.password":"` + secret + `"}}`, 400},
		{"validation without a class", "PUT", "/connector-plugins/ElasticsearchSink/config/validate", `{"name":"x","connection.password":"` + secret + `"}`, 500},
		{"validation", "PUT", "/connector-plugins/ElasticsearchSinkConnector/config/validate", `{"name":"x",` + es + `,"topics":"t","connection.url":"http://127.0.0.1:1"}`, 200},
		{"broken overrides", "POST", "/connectors", `{"name":"bad","config":{` + es + `,"topics":"t","connection.url":"http://127.0.0.1:1","consumer.override.max.poll.records":"x",` + overrides + `}}`, 0},
		{"another name", "PUT", "/connectors/bad/config", `{"name":"y",` + es + `}`, 400},
		{"broken JSON", "PUT", "/connectors/bad/config", `{"connection.password":"` + secret + `",}`, 500},
		{"an object", "PUT", "/connectors/bad/config", `{"connection.password":{"a":"` + secret + `"}}`, 500},
	} {
		status, answer := send(t, http.DefaultClient, c.method, r.url+c.path, c.body)
		if status != c.status && c.status != 0 {
			t.Errorf("%s: %d %s, want %d", c.name, status, answer, c.status)
		}
		if strings.Contains(answer, secret) {
			t.Errorf("%s: the answer shows the secret: %s", c.name, answer)
		}
	}
	status, answer := send(t, http.DefaultClient, "POST", r.url+"/connectors",
		`{"name":"es","config":{`+es+`,"topics":"t","connection.url":"http://127.0.0.1:1","max.retries":"0","connection.timeout.ms":"100"}}`)
	if status == 201 {
		// Its task fails to reach the server; that is logged, too.
		for {
			_, answer = send(t, http.DefaultClient, "GET", r.url+"/connectors/es/status", "")
			if strings.Contains(answer, `"state":"FAILED"`) || strings.Contains(answer, `"tasks":[{`) {
				break
			}
		}
	}
	if strings.Contains(answer, secret) {
		t.Errorf("the answer shows the secret: %s", answer)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if text := r.logs.String(); strings.Contains(text, secret) || len(text) < 1000 {
		for _, line := range strings.Split(text, "\n") {
			if strings.Contains(line, secret) {
				t.Errorf("the log shows the secret: %s", line)
			}
		}
	}
}
