package kafkassl

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	keystore "github.com/pavlo-v-chernykh/keystore-go/v4"
	"github.com/youmark/pkcs8"
	pkcs12 "software.sslmate.com/src/go-pkcs12"

	"github.com/moldau-io/moldau/connect/configdef"
)

const password = "changeit"

// authority signs certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key}
}

func (a *authority) issue(t *testing.T, name string) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// handshake connects with the settings to a server that asks for a client
// certificate of the authority if mutual.
func handshake(t *testing.T, a *authority, s Settings, name string, mutual bool) error {
	t.Helper()
	client, err := s.Client()
	if err != nil {
		t.Fatal(err)
	}
	cert, key := a.issue(t, "server.example.org")
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	server := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}, ClientCAs: pool}
	if mutual {
		server.ClientAuth = tls.RequireAndVerifyClientCert
	}
	client = client.Clone()
	client.ServerName = name
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan error, 1)
	go func() {
		there, err := l.Accept()
		if err != nil {
			done <- err
			return
		}
		defer there.Close()
		c := tls.Server(there, server)
		if err = c.Handshake(); err == nil {
			_, err = c.Write([]byte("x"))
		}
		done <- err
	}()
	here, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := tls.Client(here, client)
	err = c.Handshake()
	if err == nil {
		// With TLS 1.3 the server's opinion of the client comes with the first read.
		_, err = c.Read(make([]byte, 1))
	}
	here.Close()
	<-done
	return err
}

func TestStores(t *testing.T) {
	a := newAuthority(t)
	cert, key := a.issue(t, "client")
	der := must[[]byte](t)(x509.MarshalPKCS8PrivateKey(key))
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	jks := func(fill func(keystore.KeyStore) error) []byte {
		store := keystore.New()
		if err := fill(store); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := store.Store(&b, []byte(password)); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	caPEM, certPEM, keyPEM := pemOf("CERTIFICATE", a.cert.Raw), pemOf("CERTIFICATE", cert.Raw), pemOf("PRIVATE KEY", der)
	encrypted := pemOf("ENCRYPTED PRIVATE KEY", must[[]byte](t)(pkcs8.MarshalPrivateKey(key, []byte("of the key"), nil)))
	trustJKS := file("trust.jks", jks(func(s keystore.KeyStore) error {
		return s.SetTrustedCertificateEntry("ca", keystore.TrustedCertificateEntry{CreationTime: time.Now(), Certificate: keystore.Certificate{Type: "X509", Content: a.cert.Raw}})
	}))
	keyJKS := file("key.jks", jks(func(s keystore.KeyStore) error {
		return s.SetPrivateKeyEntry("me", keystore.PrivateKeyEntry{CreationTime: time.Now(), PrivateKey: der,
			CertificateChain: []keystore.Certificate{{Type: "X509", Content: cert.Raw}}}, []byte("of the key"))
	}))
	trustP12 := file("trust.p12", must[[]byte](t)(pkcs12.Modern.EncodeTrustStore([]*x509.Certificate{a.cert}, password)))
	keyP12 := file("key.p12", must[[]byte](t)(pkcs12.Modern.Encode(key, cert, []*x509.Certificate{a.cert}, password)))
	pemTrust := Settings{TruststoreType: "PEM", TruststoreCerts: configdef.Secret(caPEM), VerifyHostname: true}

	for _, c := range []struct {
		name   string
		set    Settings
		mutual bool
	}{
		{"trust in PEM", pemTrust, false},
		{"trust in a PEM file", Settings{TruststoreType: "PEM", TruststoreLocation: file("ca.pem", caPEM), VerifyHostname: true}, false},
		{"trust in JKS", Settings{TruststoreType: "JKS", TruststoreLocation: trustJKS, TruststorePassword: password, VerifyHostname: true}, false},
		{"trust in JKS without password", Settings{TruststoreType: "JKS", TruststoreLocation: trustJKS, VerifyHostname: true}, false},
		{"trust in PKCS12", Settings{TruststoreType: "PKCS12", TruststoreLocation: trustP12, TruststorePassword: password, VerifyHostname: true}, false},
		{"PKCS12 called JKS", Settings{TruststoreType: "jks", TruststoreLocation: trustP12, TruststorePassword: password, VerifyHostname: true}, false},
		{"key in PEM", func() Settings {
			s := pemTrust
			s.KeystoreType, s.KeystoreKey, s.KeystoreChain = "PEM", configdef.Secret(keyPEM), configdef.Secret(certPEM)
			return s
		}(), true},
		{"encrypted key in a PEM file", func() Settings {
			s := pemTrust
			s.KeystoreType, s.KeystoreLocation, s.KeyPassword = "PEM", file("both.pem", append(encrypted, certPEM...)), "of the key"
			return s
		}(), true},
		{"key in JKS", func() Settings {
			s := pemTrust
			s.KeystoreType, s.KeystoreLocation, s.KeystorePassword, s.KeyPassword = "JKS", keyJKS, password, "of the key"
			return s
		}(), true},
		{"key in PKCS12", func() Settings {
			s := pemTrust
			s.KeystoreType, s.KeystoreLocation, s.KeystorePassword = "PKCS12", keyP12, password
			return s
		}(), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := handshake(t, a, c.set, "server.example.org", c.mutual); err != nil {
				t.Errorf("handshake: %v", err)
			}
		})
	}
	t.Run("host name", func(t *testing.T) {
		if err := handshake(t, a, pemTrust, "other.example.org", false); err == nil || !strings.Contains(err.Error(), "other.example.org") {
			t.Errorf("a wrong host name gives %v", err)
		}
		s := pemTrust
		s.VerifyHostname = false
		if err := handshake(t, a, s, "other.example.org", false); err != nil {
			t.Errorf("without the check: %v", err)
		}
		s.TruststoreCerts = configdef.Secret(pemOf("CERTIFICATE", newAuthority(t).cert.Raw))
		if err := handshake(t, a, s, "other.example.org", false); err == nil {
			t.Error("another authority is trusted when the host name is not checked")
		}
	})
	t.Run("version", func(t *testing.T) {
		s := pemTrust
		s.Protocol, s.EnabledProtocols = "TLSv1.2", []string{"TLSv1.2"}
		c, err := s.Client()
		if err != nil || c.MaxVersion != tls.VersionTLS12 || c.MinVersion != tls.VersionTLS12 {
			t.Errorf("versions %x to %x, %v", c.MinVersion, c.MaxVersion, err)
		}
	})
	for _, c := range []struct {
		name string
		set  Settings
		want []string
	}{
		{"no file", Settings{TruststoreType: "JKS", TruststoreLocation: "/none"}, []string{"x.ssl.truststore.location", "/none", "no such file"}},
		{"wrong password", Settings{TruststoreType: "JKS", TruststoreLocation: trustJKS, TruststorePassword: "secret"}, []string{"ssl.truststore.location", "ssl.truststore.password"}},
		{"wrong password of PKCS12", Settings{TruststoreType: "PKCS12", TruststoreLocation: trustP12, TruststorePassword: "secret"}, []string{"ssl.truststore.location", "password"}},
		{"not a store", Settings{KeystoreType: "JKS", KeystoreLocation: file("junk", []byte("junk")), KeystorePassword: "secret"}, []string{"ssl.keystore.location", "x.ssl.keystore.type=JKS"}},
		{"type", Settings{KeystoreType: "BKS", KeystoreLocation: keyJKS}, []string{"BKS", "PKCS12"}},
		{"no key", Settings{KeystoreType: "JKS", KeystoreLocation: trustJKS, KeystorePassword: password}, []string{"no private key"}},
		{"key without certificate", Settings{KeystoreType: "PEM", KeystoreKey: configdef.Secret(keyPEM)}, []string{"ssl.keystore.certificate.chain", "together"}},
		{"PEM under JKS", Settings{TruststoreType: "JKS", TruststoreCerts: configdef.Secret(caPEM)}, []string{"ssl.truststore.type", "JKS", "PEM"}},
		{"not PEM", Settings{TruststoreType: "PEM", TruststoreCerts: "secret"}, []string{"ssl.truststore.certificates", "[hidden]", "CERTIFICATE"}},
		{"protocol", Settings{EnabledProtocols: []string{"SSLv3"}}, []string{"ssl.enabled.protocols", "SSLv3", "TLSv1.2"}},
		{"suite", Settings{CipherSuites: []string{"TLS_NULL"}}, []string{"ssl.cipher.suites", "TLS_NULL", "TLS_ECDHE"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.set.Prefix = "x."
			_, err := c.set.Client()
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%q shows a secret", err)
			}
		})
	}
}

func FuzzJKS(f *testing.F) {
	f.Add([]byte{0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 'a', 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		if certs, err := trusted("JKS", data, ""); err != nil && len(certs) > 0 {
			t.Error("certificates and an error")
		}
	})
}
