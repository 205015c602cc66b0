package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/settings"
)

func read(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// serverTLS is that of a broker whose certificate the test authority signed. It asks
// for the client's certificate if mutual is set.
func serverTLS(t testing.TB, mutual bool) *tls.Config {
	t.Helper()
	cert, err := tls.X509KeyPair([]byte(read(t, "server.crt")), []byte(read(t, "server.key")))
	if err != nil {
		t.Fatal(err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{cert}}
	if mutual {
		c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		c.ClientCAs.AppendCertsFromPEM([]byte(read(t, "ca.crt")))
	}
	return c
}

// try produces and consumes one record with clients of these settings.
func try(t testing.TB, b *Broker, env Env, keyValues ...string) error {
	t.Helper()
	env.Dial = b.Dial
	props := map[string]string{"bootstrap.servers": b.Addr()}
	for i := 0; i < len(keyValues); i += 2 {
		props[keyValues[i]] = keyValues[i+1]
	}
	p, err := NewProducer(props, env)
	if err != nil {
		return err
	}
	producer, err := kgo.NewClient(p.Opts...)
	if err != nil {
		return err
	}
	defer producer.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := producer.Ping(ctx); err != nil {
		return err
	}
	if err := producer.ProduceSync(ctx, &kgo.Record{Topic: "secured", Value: []byte("v")}).FirstErr(); err != nil {
		return err
	}
	props = maps.Clone(props)
	props["group.id"], props["auto.offset.reset"] = "g", "earliest"
	c, err := NewConsumer(props, env)
	if err != nil {
		return err
	}
	consumer, err := kgo.NewClient(append(c.Opts, kgo.ConsumeTopics("secured"))...)
	if err != nil {
		return err
	}
	defer consumer.Close()
	fetches := consumer.PollFetches(ctx)
	if fetches.NumRecords() == 0 && fetches.Err() == nil {
		return errors.New("no records")
	}
	return fetches.Err()
}

func TestTLS(t *testing.T) {
	b := startBroker(t, BrokerConfig{InMemory: true, TLS: serverTLS(t, false)})
	ssl := func(kv ...string) []string { return append([]string{"security.protocol", "ssl"}, kv...) }
	oneLine := strings.ReplaceAll(read(t, "ca.crt"), "\n", " ")
	for name, props := range map[string][]string{
		"JKS":                    ssl("ssl.truststore.location", "testdata/trust.jks", "ssl.truststore.password", "changeit"),
		"JKS without a password": ssl("ssl.truststore.location", "testdata/trust.jks"),
		"PKCS12":                 ssl("ssl.truststore.location", "testdata/trust.pkcs12", "ssl.truststore.password", "changeit", "ssl.truststore.type", "PKCS12"),
		"PKCS12 said to be JKS":  ssl("ssl.truststore.location", "testdata/trust.pkcs12", "ssl.truststore.password", "changeit"),
		"PEM file":               ssl("ssl.truststore.location", "testdata/ca.crt", "ssl.truststore.type", "PEM"),
		"PEM text":               ssl("ssl.truststore.certificates", read(t, "ca.crt"), "ssl.truststore.type", "PEM"),
		"PEM in one line":        ssl("ssl.truststore.certificates", oneLine, "ssl.truststore.type", "PEM"),
		"TLS 1.2 with one suite": ssl("ssl.truststore.location", "testdata/trust.jks", "ssl.enabled.protocols", "TLSv1.2", "ssl.cipher.suites", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
		"TLS 1.3":                ssl("ssl.truststore.location", "testdata/trust.jks", "ssl.enabled.protocols", "TLSv1.3"),
		"any name":               ssl("ssl.truststore.location", "testdata/trust.jks", "ssl.endpoint.identification.algorithm", ""),
	} {
		if err := try(t, b, Env{}, props...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	var unknown x509.UnknownAuthorityError
	if err := shake(t, b, ssl()...); !errors.As(err, &unknown) || Retriable(err) {
		t.Errorf("without a trust store: %v", err)
	}
}

// shake connects and does the TLS handshake.
func shake(t testing.TB, b *Broker, keyValues ...string) error {
	t.Helper()
	p, err := NewProducer(with(keyValues...), Env{Dial: b.Dial})
	if err != nil {
		t.Fatal(err)
	}
	c, err := kgo.NewClient(p.Opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	dial := c.OptValue(kgo.Dialer).(func(context.Context, string, string) (net.Conn, error))
	conn, err := dial(context.Background(), "tcp", b.Addr())
	if err != nil {
		return err
	}
	return conn.Close()
}

// TestTLSNames has a broker that is dialled by a name its certificate does not have.
func TestTLSNames(t *testing.T) {
	cert, err := tls.X509KeyPair([]byte(read(t, "client.chain.crt")), []byte(read(t, "client.key")))
	if err != nil {
		t.Fatal(err)
	}
	b := startBroker(t, BrokerConfig{InMemory: true, TLS: &tls.Config{Certificates: []tls.Certificate{cert}}})
	props := []string{"security.protocol", "SSL", "ssl.truststore.location", "testdata/trust.jks"}
	var wrong x509.HostnameError
	if err := shake(t, b, props...); !errors.As(err, &wrong) {
		t.Errorf("a wrong name: %v", err)
	}
	if err := try(t, b, Env{}, append(props, "ssl.endpoint.identification.algorithm", "")...); err != nil {
		t.Errorf("names that are not checked: %v", err)
	}
	for _, c := range []struct {
		name, host string
		want       bool
	}{
		{"broker.example", "BROKER.example", true}, {"*.example", "b.example", true}, {"*.example", "a.b.example", false},
		{"*.example", "example", false}, {"", "", false}, {"b", "c", false},
	} {
		if commonNameMatches(c.name, c.host) != c.want {
			t.Errorf("%s for %s", c.name, c.host)
		}
	}
}

func TestMutualTLS(t *testing.T) {
	b := startBroker(t, BrokerConfig{InMemory: true, TLS: serverTLS(t, true)})
	mutual := func(kv ...string) []string {
		return append([]string{"security.protocol", "SSL", "ssl.truststore.location", "testdata/trust.jks"}, kv...)
	}
	for name, props := range map[string][]string{
		"JKS":               mutual("ssl.keystore.location", "testdata/client.jks", "ssl.keystore.password", "changeit", "ssl.key.password", "keysecret"),
		"PKCS12":            mutual("ssl.keystore.location", "testdata/client.pkcs12", "ssl.keystore.password", "changeit", "ssl.keystore.type", "pkcs12"),
		"PEM file":          mutual("ssl.keystore.location", "testdata/client.pem", "ssl.keystore.type", "PEM"),
		"PEM text":          mutual("ssl.keystore.key", read(t, "client.key"), "ssl.keystore.certificate.chain", read(t, "client.chain.crt"), "ssl.keystore.type", "PEM"),
		"encrypted PEM key": mutual("ssl.keystore.key", read(t, "client.enc.key"), "ssl.keystore.certificate.chain", read(t, "client.chain.crt"), "ssl.keystore.type", "PEM", "ssl.key.password", "pemsecret"),
	} {
		if err := try(t, b, Env{}, props...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := shake(t, b, mutual("ssl.enabled.protocols", "TLSv1.2")...); err == nil {
		t.Error("no certificate was asked for")
	}
}

func TestWrongKeyStores(t *testing.T) {
	for _, c := range []struct {
		props []string
		want  string
	}{
		{[]string{"ssl.keystore.key", "k"}, "SSL private key can be specified only for PEM, but key store type is JKS."},
		{[]string{"ssl.keystore.key", "k", "ssl.keystore.type", "PEM"}, "SSL private key is specified, but certificate chain is not specified."},
		{[]string{"ssl.keystore.key", "k", "ssl.keystore.certificate.chain", "c", "ssl.keystore.location", "f", "ssl.keystore.type", "PEM"}, "Both SSL key store location and separate private key are specified."},
		{[]string{"ssl.keystore.key", "k", "ssl.keystore.certificate.chain", "c", "ssl.keystore.password", "p", "ssl.keystore.type", "PEM"}, "SSL key store password cannot be specified with PEM format, only key password may be specified."},
		{[]string{"ssl.keystore.certificate.chain", "c"}, "SSL certificate chain is specified, but private key is not specified"},
		{[]string{"ssl.keystore.location", "f", "ssl.keystore.password", "p", "ssl.keystore.type", "PEM"}, "SSL key store password cannot be specified with PEM format, only key password may be specified."},
		{[]string{"ssl.keystore.location", "f", "ssl.keystore.type", "PEM"}, "Failed to load PEM SSL keystore f"},
		{[]string{"ssl.keystore.password", "p"}, "SSL key store is not specified, but key store password is specified."},
		{[]string{"ssl.keystore.location", "f"}, "SSL key store is specified, but key store password is not specified."},
		{[]string{"ssl.keystore.location", "testdata/client.jks", "ssl.keystore.password", "changeit"}, "Failed to load SSL keystore testdata/client.jks of type JKS"},
		{[]string{"ssl.keystore.location", "testdata/trust.jks", "ssl.keystore.password", "changeit"}, "Failed to load SSL keystore testdata/trust.jks of type JKS: there is no private key in it"},
		{[]string{"ssl.keystore.location", "testdata/ca.crt", "ssl.keystore.password", "changeit"}, "Failed to load SSL keystore testdata/ca.crt of type JKS"},
		{[]string{"ssl.keystore.key", "k", "ssl.keystore.certificate.chain", "c", "ssl.keystore.type", "PEM"}, "Invalid PEM keystore configs"},
		{[]string{"ssl.truststore.certificates", "c"}, "SSL trust store certs can be specified only for PEM, but trust store type is JKS."},
		{[]string{"ssl.truststore.certificates", "c", "ssl.truststore.type", "PEM"}, "Invalid PEM truststore configs"},
		{[]string{"ssl.truststore.certificates", "c", "ssl.truststore.type", "PEM", "ssl.truststore.location", "f"}, "Both SSL trust store location and separate trust certificates are specified."},
		{[]string{"ssl.truststore.location", "f", "ssl.truststore.type", "PEM", "ssl.truststore.password", "p"}, "SSL trust store password cannot be specified for PEM format."},
		{[]string{"ssl.truststore.location", "testdata/apache.txt", "ssl.truststore.type", "PEM"}, "Failed to load PEM SSL keystore testdata/apache.txt"},
		{[]string{"ssl.engine.factory.class", "a.B"}, "Invalid value a.B for configuration ssl.engine.factory.class: Java classes cannot be loaded"},
	} {
		_, err := NewProducer(with(append(c.props, "security.protocol", "SSL")...), Env{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %s", c.props, err, c.want)
		}
	}
}

func TestSASL(t *testing.T) {
	const plainPassword, scramPassword = "plain-secret", "scram-secret"
	for _, secure := range []bool{false, true} {
		cfg := BrokerConfig{InMemory: true, Options: []kfake.Opt{kfake.EnableSASL(), kfake.Superuser("PLAIN", "p", plainPassword), kfake.Superuser("SCRAM-SHA-256", "s256", scramPassword), kfake.Superuser("SCRAM-SHA-512", "s512", scramPassword)}}
		protocol := "SASL_PLAINTEXT"
		if secure {
			cfg.TLS, protocol = serverTLS(t, false), "SASL_SSL"
		}
		b := startBroker(t, cfg)
		login := func(mechanism, jaas string) error {
			return try(t, b, Env{}, "security.protocol", protocol, "sasl.mechanism", mechanism, "sasl.jaas.config", jaas, "ssl.truststore.location", "testdata/trust.jks")
		}
		plain := `org.apache.kafka.common.security.plain.PlainLoginModule required username="p" password="` + plainPassword + `";`
		scram := func(user, password string) string {
			return `org.apache.kafka.common.security.scram.ScramLoginModule required username=` + user + ` password="` + password + `";`
		}
		for mechanism, jaas := range map[string]string{"PLAIN": plain, "SCRAM-SHA-256": scram("s256", scramPassword), "SCRAM-SHA-512": scram("s512", scramPassword)} {
			if err := login(mechanism, jaas); err != nil {
				t.Errorf("%s %s: %v", protocol, mechanism, err)
			}
		}
		if err := login("SCRAM-SHA-256", scram("s256", "wrong")); err == nil {
			t.Error("a wrong password was accepted")
		}
		if err := login("PLAIN", scram("p", plainPassword)); err == nil || !strings.Contains(err.Error(), "does not fit sasl.mechanism=PLAIN") {
			t.Errorf("a module of another mechanism: %v", err)
		}
	}
}

func TestJAAS(t *testing.T) {
	for text, want := range map[string]map[string]string{
		`a.B required;`:             {},
		`a.B REQUIRED x=y z="1 2";`: {"x": "y", "z": "1 2"},
		"a.B optional\n  x='y' // comment\n /* more */ z=w;": {"x": "y", "z": "w"},
		`a.B sufficient p="q\"r\\s\n\101";`:                  {"p": "q\"r\\s\nA"},
		`a.B requisite x="a;b=c" y = "z" ;`:                  {"x": "a;b=c", "y": "z"},
		`a.B required a.b-c_d$e=x.y-z;`:                      {"a.b-c_d$e": "x.y-z"},
		`a.B required x="";`:                                 {"x": ""},
		`a.B required x=ü;`:                                  {"x": "ü"},
	} {
		m, err := parseJAAS(text)
		if err != nil || m.class != "a.B" || !maps.Equal(m.options, want) {
			t.Errorf("%s: %v, %v", text, m, err)
		}
	}
	for text, want := range map[string]string{
		``:                            "Login module not specified in JAAS config",
		`a.B`:                         "Login module control flag not specified in JAAS config",
		`a.B ;`:                       "Login module control flag is not available in the JAAS config",
		`a.B maybe;`:                  "Invalid login module control flag 'maybe' in JAAS config",
		`a.B required`:                "JAAS config entry not terminated by semi-colon",
		`a.B required x=secret`:       "JAAS config entry not terminated by semi-colon",
		`a.B required x;`:             "Value not specified for key 'x' in JAAS config",
		`a.B required x=;`:            "Value not specified for key 'x' in JAAS config",
		`a.B required x=12secret;`:    "Value not specified for key 'x' in JAAS config",
		`a.B required ="secret";`:     "Value not specified for key 'null' in JAAS config",
		`a.B required; c.D required;`: "JAAS config property contains 2 login modules, should be 1 module",
		`com.sun.security.auth.module.JndiLoginModule required;`: "com.sun.security.auth.module.JndiLoginModule is not allowed. Update System property 'org.apache.kafka.disallowed.login.modules' to allow com.sun.security.auth.module.JndiLoginModule",
	} {
		if m, err := parseJAAS(text); err == nil || err.Error() != want {
			t.Errorf("%s: %v, %v, want %s", text, m, err, want)
		}
	}
}

func FuzzJAAS(f *testing.F) {
	f.Add(`a.B required username="u" password='p\'q' n=1;// c`)
	f.Add("a.B required /* */ x=y;")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parseJAAS(text)
		if err == nil && m.options == nil {
			t.Error("no options")
		}
	})
}

func FuzzStores(f *testing.F) {
	for _, name := range []string{"trust.jks", "client.jks", "trust.pkcs12", "client.pem", "ca.crt"} {
		f.Add([]byte(read(f, name)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		// None of these may panic or take memory that the input does not justify.
		certs, err := jksCertificates(b)
		if err == nil {
			for _, c := range certs {
				if c == nil {
					t.Error("a nil certificate")
				}
			}
		}
		if certs, err := certificatesFromPEM(string(b)); err == nil && len(certs) == 0 {
			t.Error("no certificates and no error")
		}
		if c, err := keyFromPEM(string(b), string(b), nil); err == nil && c.Leaf == nil {
			t.Error("no leaf")
		}
	})
}

// jwt is a token that ends after d.
func jwt(d time.Duration) string {
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"none"}`)) + "." + enc([]byte(`{"exp":`+strconv.FormatInt(time.Now().Add(d).Unix(), 10)+`}`)) + ".s"
}

func TestOAuth(t *testing.T) {
	ctx := context.Background()
	const module = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required "
	source := func(env Env, keyValues ...string) (sasl.Mechanism, error) {
		c, err := parse(settings.ProducerDef(), with(append(keyValues, "sasl.mechanism", "OAUTHBEARER", "key.serializer", "k", "value.serializer", "v")...), nil)
		if err != nil {
			return nil, err
		}
		return newSASL(c, env)
	}
	token := func(m sasl.Mechanism) (string, error) {
		_, first, err := m.Authenticate(ctx, "host")
		return string(first), err
	}

	t.Run("client credentials", func(t *testing.T) {
		var calls atomic.Int32
		var seen TokenRequest
		want := "a." + base64.RawURLEncoding.EncodeToString([]byte(`{"exp":99999999999}`)) + ".b"
		env := Env{Post: func(_ context.Context, r TokenRequest) (int, []byte, error) {
			seen = r
			switch calls.Add(1) {
			case 1:
				return 0, nil, errors.New("connection refused")
			case 2:
				return 503, []byte("later"), nil
			}
			return 200, []byte(`{"access_token":"` + want + `","expires_in":1}`), nil
		}}
		m, err := source(env, "sasl.jaas.config", module+`clientId="id" clientSecret="se cret" scope="all" extension_tenant="t1";`,
			"sasl.oauthbearer.token.endpoint.url", "https://idp.example/token", "sasl.login.connect.timeout.ms", "1000", "sasl.login.retry.backoff.ms", "1",
			"sasl.login.callback.handler.class", "org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler")
		if err != nil {
			t.Fatal(err)
		}
		for range 3 { // the token is kept
			got, err := token(m)
			if err != nil || got != "n,,\x01auth=Bearer "+want+"\x01tenant=t1\x01\x01" {
				t.Fatalf("%q, %v", got, err)
			}
		}
		if calls.Load() != 3 {
			t.Errorf("%d requests", calls.Load())
		}
		if seen.URL != "https://idp.example/token" || seen.Body != "grant_type=client_credentials&scope=all" || seen.ConnectTimeout != time.Second ||
			seen.Headers["Authorization"] != "Basic "+base64.StdEncoding.EncodeToString([]byte("id:se cret")) {
			t.Errorf("%+v", seen)
		}
	})

	t.Run("refused", func(t *testing.T) {
		env := Env{Post: func(context.Context, TokenRequest) (int, []byte, error) {
			return 401, []byte(`{"error":"invalid_client","error_description":"no such client"}`), nil
		}}
		m, err := source(env, "sasl.jaas.config", module+";", "sasl.oauthbearer.token.endpoint.url", "http://idp/token",
			"sasl.oauthbearer.client.credentials.client.id", "i", "sasl.oauthbearer.client.credentials.client.secret", "s")
		if err != nil {
			t.Fatal(err)
		}
		_, err = token(m)
		if err == nil || err.Error() != `The response code 401 and error response {"invalid_client" - "no such client"} was encountered reading the token endpoint response; will not attempt further retries` {
			t.Errorf("%v", err)
		}
	})

	t.Run("file", func(t *testing.T) {
		path := t.TempDir() + "/token"
		if err := os.WriteFile(path, []byte("x.e30.y\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := source(Env{}, "sasl.jaas.config", module+";", "sasl.oauthbearer.token.endpoint.url", "file://"+path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := token(m); err == nil || err.Error() != "Could not validate the access token: exp value must be non-null" {
			t.Errorf("%v", err)
		}
		want := "x." + base64.RawURLEncoding.EncodeToString([]byte(`{"exp":99999999999}`)) + ".y"
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := token(m); err != nil || !strings.Contains(got, want) {
			t.Errorf("%q, %v", got, err)
		}
	})

	t.Run("unsecured", func(t *testing.T) {
		m, err := source(Env{}, "sasl.jaas.config", module+`unsecuredLoginStringClaim_sub="alice" unsecuredLoginNumberClaim_n="1" unsecuredLoginListClaim_scope=",a,b" unsecuredLoginExtension_tenant="t";`)
		if err != nil {
			t.Fatal(err)
		}
		got, err := token(m)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(got, "Bearer ")
		parts := strings.Split(rest, ".")
		payload, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil {
			t.Fatal(err)
		}
		for _, claim := range []string{`"sub":"alice"`, `"n":1.0`, `"scope":["a","b"]`, `"exp":`, `"iat":`} {
			if !strings.Contains(string(payload), claim) {
				t.Errorf("%s has no %s", payload, claim)
			}
		}
		if !strings.HasSuffix(got, ".\x01tenant=t\x01\x01") {
			t.Errorf("%q", got)
		}
	})

	for _, c := range []struct {
		props []string
		want  string
	}{
		{[]string{"sasl.jaas.config", module + ";"}, "No OAuth Bearer tokens in Subject's private credentials"},
		{[]string{"sasl.jaas.config", module + `unsecuredLoginStringClaim_x="y";`}, "No principal name in JWT claim: sub"},
		{[]string{"sasl.jaas.config", module + `unsecuredLoginStringClaim_exp="y";`}, "Cannot explicitly set the 'exp' claim"},
		{[]string{"sasl.jaas.config", module + `unsecuredLoginStringClaim_sub="y" unsecuredLoginLifetimeSeconds="x";`}, `For input string: "x"`},
		{[]string{"sasl.jaas.config", module + `unsecuredLoginStringClaim_sub="y" unsecuredLoginExtension_auth="x";`}, "Extension name auth is invalid"},
		{[]string{"sasl.jaas.config", module + `unsecuredLoginStringClaim_sub="y" unsecuredLoginExtension_a1="x";`}, "Extension name a1 is invalid"},
		{[]string{"sasl.jaas.config", module + ";", "sasl.oauthbearer.token.endpoint.url", "http://x"}, "Invalid value null for configuration sasl.oauthbearer.client.credentials.client.id"},
		{[]string{"sasl.jaas.config", module + `clientId="i";`, "sasl.oauthbearer.token.endpoint.url", "http://x"}, "Invalid value null for configuration sasl.oauthbearer.client.credentials.client.secret"},
		{[]string{"sasl.jaas.config", module + ";", "sasl.oauthbearer.token.endpoint.url", "ftp://x"}, `only "http", "https", and "file" protocol are supported`},
		{[]string{"sasl.jaas.config", module + ";", "sasl.login.callback.handler.class", "a.B"}, "Invalid value a.B for configuration sasl.login.callback.handler.class"},
		{[]string{"sasl.jaas.config", module + ";", "sasl.login.callback.handler.class", "a.OAuthBearerLoginCallbackHandler"}, "The OAuth configuration option sasl.oauthbearer.token.endpoint.url value must be non-null"},
		{[]string{"sasl.jaas.config", module + ";", "sasl.oauthbearer.token.endpoint.url", "http://x", "sasl.oauthbearer.jwt.retriever.class", "a.JwtBearerJwtRetriever"}, "Invalid value a.JwtBearerJwtRetriever for configuration sasl.oauthbearer.jwt.retriever.class"},
	} {
		if _, err := source(Env{Post: func(context.Context, TokenRequest) (int, []byte, error) { return 500, nil, nil }}, c.props...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %s", c.props, err, c.want)
		}
	}
}

func TestTokenRefresh(t *testing.T) {
	fetched := 0
	life := time.Hour
	s := &tokenSource{fetch: func(context.Context) (string, error) { fetched++; return jwt(life), nil }, window: 0.8, buffer: 300 * time.Second, minimum: 60 * time.Second}
	for range 3 {
		if _, err := s.auth(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if left := time.Until(s.refresh); fetched != 1 || left < 47*time.Minute || left > 48*time.Minute {
		t.Errorf("fetched %d times, the next in %s", fetched, left)
	}
	s.refresh, life = time.Time{}, 100*time.Second
	if _, err := s.auth(context.Background()); err != nil {
		t.Fatal(err)
	}
	if left := time.Until(s.refresh); fetched != 2 || left < 48*time.Second || left > 51*time.Second {
		t.Errorf("fetched %d times, the next in %s", fetched, left)
	}
}

func TestErrorClasses(t *testing.T) {
	for _, c := range []struct {
		err   error
		class string
		retry bool
	}{
		{kerr.SaslAuthenticationFailed, commonErrors + "SaslAuthenticationException", false},
		{fmt.Errorf("x: %w", kerr.TopicAuthorizationFailed), commonErrors + "TopicAuthorizationException", false},
		{kerr.NotLeaderForPartition, commonErrors + "NotLeaderOrFollowerException", true},
		{kerr.MessageTooLarge, commonErrors + "RecordTooLargeException", false},
		{context.DeadlineExceeded, classTimeout, true},
		{kgo.ErrRecordTimeout, classTimeout, true},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, errs.ClassKafka, true},
		{io.EOF, errs.ClassKafka, true},
		{errors.New("other"), errs.ClassKafka, false},
		{errs.Data("x"), errs.ClassData, false},
	} {
		if got := JavaError(c.err); errs.Class(got) != c.class || errs.IsRetriable(got) != c.retry || !errors.Is(got, c.err) {
			t.Errorf("%v: %s, retriable %v", c.err, errs.Class(got), errs.IsRetriable(got))
		}
		if c.class != classTimeout && Retriable(c.err) != c.retry {
			t.Errorf("%v: retriable %v", c.err, !c.retry)
		}
	}
	if JavaError(nil) != nil {
		t.Error("no error became one")
	}
}
