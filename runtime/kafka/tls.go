package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"maps"
	"slices"
	"strings"

	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
)

// tlsVersions are Java's names for the versions that can be had.
var tlsVersions = map[string]uint16{
	"TLSv1": tls.VersionTLS10, "TLSv1.1": tls.VersionTLS11, "TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13,
}

// newTLS makes a client's TLS settings of the ssl.* ones.
func newTLS(c *cd.Config) (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13}
	if err := setVersions(t, c.List("ssl.enabled.protocols")); err != nil {
		return nil, err
	}
	if err := setCiphers(t, c.List("ssl.cipher.suites")); err != nil {
		return nil, err
	}
	if class := c.Class("ssl.engine.factory.class"); class != "" && class != "org.apache.kafka.common.security.ssl.DefaultSslEngineFactory" {
		return nil, errs.InvalidValue("ssl.engine.factory.class", class, "Java classes cannot be loaded; remove the setting")
	}
	key, err := loadKey(keySettings{
		kind: storeType(c, "ssl.keystore.type"), path: optional(c, "ssl.keystore.location"),
		password: secret(c, "ssl.keystore.password"), keyPassword: secret(c, "ssl.key.password"),
		privateKey: secret(c, "ssl.keystore.key"), certificateSet: secret(c, "ssl.keystore.certificate.chain"),
	})
	if err != nil {
		return nil, err
	}
	if key != nil {
		t.Certificates = []tls.Certificate{*key}
	}
	if t.RootCAs, err = loadTrust(trustSettings{
		kind: storeType(c, "ssl.truststore.type"), path: optional(c, "ssl.truststore.location"),
		password: secret(c, "ssl.truststore.password"), certificates: secret(c, "ssl.truststore.certificates"),
	}); err != nil {
		return nil, err
	}
	checkName := true
	switch algorithm, _ := c.StringOK("ssl.endpoint.identification.algorithm"); strings.ToLower(algorithm) {
	case "https":
	case "":
		checkName = false
	default:
		return nil, errs.InvalidValue("ssl.endpoint.identification.algorithm", algorithm, "Unknown identification algorithm: must be https, or empty to accept certificates of any host")
	}
	verifyAsJava(t, checkName)
	return t, nil
}

func storeType(c *cd.Config, key string) string { return strings.ToUpper(c.String(key)) }

func optional(c *cd.Config, key string) *string {
	if s, ok := c.StringOK(key); ok && s != "" {
		return &s
	}
	return nil
}

func secret(c *cd.Config, key string) *cd.Secret {
	if c.IsNull(key) {
		return nil
	}
	s := c.Password(key)
	return &s
}

func setVersions(t *tls.Config, names []string) error {
	if len(names) == 0 {
		return nil
	}
	t.MinVersion, t.MaxVersion = tls.VersionTLS13, 0
	for _, name := range names {
		v, ok := tlsVersions[name]
		if !ok {
			return errs.InvalidValue("ssl.enabled.protocols", name, "Unsupported protocol; must be one of: "+strings.Join(slices.Sorted(maps.Keys(tlsVersions)), ", "))
		}
		t.MinVersion, t.MaxVersion = min(t.MinVersion, v), max(t.MaxVersion, v)
	}
	return nil
}

// setCiphers sets the suites of TLS 1.2 and below. Those of TLS 1.3 cannot be chosen; a
// list without any of them keeps TLS 1.3 out, one with them alone what is older.
func setCiphers(t *tls.Config, names []string) error {
	if len(names) == 0 {
		return nil
	}
	known := map[string]*tls.CipherSuite{}
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		known[s.Name] = s
	}
	newest := false
	for _, name := range names {
		s, ok := known[name]
		if !ok {
			return errs.InvalidValue("ssl.cipher.suites", name, "Unsupported CipherSuite; must be one of: "+strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		if slices.Equal(s.SupportedVersions, []uint16{tls.VersionTLS13}) {
			newest = true
		} else {
			t.CipherSuites = append(t.CipherSuites, s.ID)
		}
	}
	if !newest {
		t.MaxVersion = min(t.MaxVersion, tls.VersionTLS12)
	}
	if len(t.CipherSuites) == 0 {
		t.MinVersion = tls.VersionTLS13
	}
	if t.MinVersion > t.MaxVersion {
		return errs.InvalidValue("ssl.cipher.suites", strings.Join(names, ","), "none of them belongs to a version of ssl.enabled.protocols")
	}
	return nil
}

// verifyAsJava checks a server as Java does: its chain always, its name only if asked
// to, and the name by the subject where the certificate has no alternative names, which
// Go's own check no longer does. Connections need forHost.
func verifyAsJava(t *tls.Config, checkName bool) {
	t.InsecureSkipVerify = true // VerifyConnection takes its place
	roots := t.RootCAs
	t.VerifyConnection = func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) == 0 {
			return x509.UnknownAuthorityError{}
		}
		leaf := s.PeerCertificates[0]
		opts := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
		for _, c := range s.PeerCertificates[1:] {
			opts.Intermediates.AddCert(c)
		}
		if _, err := leaf.Verify(opts); err != nil {
			return &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: err}
		}
		if !checkName {
			return nil
		}
		if len(leaf.DNSNames)+len(leaf.IPAddresses)+len(leaf.URIs)+len(leaf.EmailAddresses) == 0 && commonNameMatches(leaf.Subject.CommonName, s.ServerName) {
			return nil
		}
		if err := leaf.VerifyHostname(s.ServerName); err != nil {
			return &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: err}
		}
		return nil
	}
}

// forHost returns the settings for connections to one host. The state of a connection
// names no host that is an address, which is to be checked all the same.
func forHost(t *tls.Config, host string) *tls.Config {
	own := t.Clone()
	own.ServerName = host
	if verify := t.VerifyConnection; verify != nil {
		own.VerifyConnection = func(s tls.ConnectionState) error {
			s.ServerName = host
			return verify(s)
		}
	}
	return own
}

// commonNameMatches compares a host with a common name, whose first label may be "*".
func commonNameMatches(name, host string) bool {
	if name == "" || host == "" {
		return false
	}
	if rest, ok := strings.CutPrefix(name, "*."); ok {
		_, host, ok = strings.Cut(host, ".")
		return ok && strings.EqualFold(rest, host)
	}
	return strings.EqualFold(name, host)
}
