package kafkassl

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"strings"

	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
)

// Settings are the ssl.* settings of a client that have an effect.
type Settings struct {
	// Prefix is what stands before the keys' names in messages, such as "elastic.https.".
	Prefix string

	Protocol         string   // ssl.protocol
	EnabledProtocols []string // ssl.enabled.protocols
	CipherSuites     []string // ssl.cipher.suites

	KeystoreType     string           // ssl.keystore.type
	KeystoreLocation string           // ssl.keystore.location
	KeystorePassword configdef.Secret // ssl.keystore.password
	KeyPassword      configdef.Secret // ssl.key.password
	KeystoreKey      configdef.Secret // ssl.keystore.key
	KeystoreChain    configdef.Secret // ssl.keystore.certificate.chain

	TruststoreType     string           // ssl.truststore.type
	TruststoreLocation string           // ssl.truststore.location
	TruststorePassword configdef.Secret // ssl.truststore.password
	TruststoreCerts    configdef.Secret // ssl.truststore.certificates

	// VerifyHostname is false for an empty ssl.endpoint.identification.algorithm.
	VerifyHostname bool
}

// From reads the settings of a configuration whose definition has Kafka's ssl keys
// under a prefix.
func From(cfg *configdef.Config, prefix string) Settings {
	text := func(name string) string { return cfg.String(prefix + name) }
	secret := func(name string) configdef.Secret { return cfg.Password(prefix + name) }
	endpoint, set := cfg.StringOK(prefix + "ssl.endpoint.identification.algorithm")
	return Settings{
		Prefix:   prefix,
		Protocol: text("ssl.protocol"), EnabledProtocols: cfg.List(prefix + "ssl.enabled.protocols"), CipherSuites: cfg.List(prefix + "ssl.cipher.suites"),
		KeystoreType: text("ssl.keystore.type"), KeystoreLocation: text("ssl.keystore.location"), KeystorePassword: secret("ssl.keystore.password"),
		KeyPassword: secret("ssl.key.password"), KeystoreKey: secret("ssl.keystore.key"), KeystoreChain: secret("ssl.keystore.certificate.chain"),
		TruststoreType: text("ssl.truststore.type"), TruststoreLocation: text("ssl.truststore.location"),
		TruststorePassword: secret("ssl.truststore.password"), TruststoreCerts: secret("ssl.truststore.certificates"),
		VerifyHostname: !set || endpoint != "",
	}
}

func (s Settings) invalid(name string, value any, format string, args ...any) error {
	return errs.InvalidValue(s.Prefix+name, value, errs.Config(format, args...).Message)
}

func versions() map[string]uint16 {
	return map[string]uint16{
		"TLSv1": tls.VersionTLS10, "TLSv1.1": tls.VersionTLS11, "TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13,
	}
}

// Client returns the configuration of a TLS client.
func (s Settings) Client() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if err := s.versions(c); err != nil {
		return nil, err
	}
	if err := s.suites(c); err != nil {
		return nil, err
	}
	roots, err := s.roots()
	if err != nil {
		return nil, err
	}
	c.RootCAs = roots
	cert, err := s.certificate()
	if err != nil {
		return nil, err
	}
	if cert != nil {
		c.Certificates = []tls.Certificate{*cert}
	}
	if !s.VerifyHostname {
		// The chain is checked all the same, only not against the host's name.
		c.InsecureSkipVerify = true
		c.VerifyConnection = func(state tls.ConnectionState) error { return verifyChain(state, roots) }
	}
	return c, nil
}

func verifyChain(state tls.ConnectionState, roots *x509.CertPool) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("the server sent no certificate")
	}
	opts := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
	for _, c := range state.PeerCertificates[1:] {
		opts.Intermediates.AddCert(c)
	}
	_, err := state.PeerCertificates[0].Verify(opts)
	return err
}

func (s Settings) versions(c *tls.Config) error {
	enabled := s.EnabledProtocols
	if len(enabled) == 0 && s.Protocol != "" {
		enabled = []string{s.Protocol}
	}
	known := versions()
	var have []uint16
	for _, name := range enabled {
		v, ok := known[name]
		if !ok {
			return s.invalid("ssl.enabled.protocols", strings.Join(s.EnabledProtocols, ","), "%s is not supported; use TLSv1.2 and TLSv1.3", name)
		}
		have = append(have, v)
	}
	if len(have) > 0 {
		c.MinVersion, c.MaxVersion = slices.Min(have), slices.Max(have)
	}
	if s.Protocol != "" && s.Protocol != "TLS" {
		v, ok := known[s.Protocol]
		if !ok {
			return s.invalid("ssl.protocol", s.Protocol, "is not supported; use TLSv1.2 or TLSv1.3")
		}
		if c.MaxVersion == 0 || v < c.MaxVersion {
			c.MaxVersion = max(v, c.MinVersion)
		}
	}
	return nil
}

func (s Settings) suites(c *tls.Config) error {
	if len(s.CipherSuites) == 0 {
		return nil
	}
	known := map[string]uint16{}
	var names []string
	for _, suite := range tls.CipherSuites() {
		known[suite.Name] = suite.ID
		names = append(names, suite.Name)
	}
	for _, name := range s.CipherSuites {
		id, ok := known[name]
		if !ok {
			return s.invalid("ssl.cipher.suites", strings.Join(s.CipherSuites, ","), "%s is not supported; there are %s", name, strings.Join(names, ", "))
		}
		c.CipherSuites = append(c.CipherSuites, id)
	}
	return nil
}

func (s Settings) roots() (*x509.CertPool, error) {
	var (
		certs []*x509.Certificate
		err   error
	)
	kind := strings.ToUpper(s.TruststoreType)
	switch {
	case s.TruststoreCerts != "":
		if kind != "PEM" {
			return nil, s.invalid("ssl.truststore.type", s.TruststoreType, "must be PEM where %sssl.truststore.certificates is set", s.Prefix)
		}
		if s.TruststoreLocation != "" {
			return nil, s.invalid("ssl.truststore.location", s.TruststoreLocation, "must not be set together with %sssl.truststore.certificates", s.Prefix)
		}
		if certs, err = pemCertificates([]byte(s.TruststoreCerts.Value())); err != nil {
			return nil, s.invalid("ssl.truststore.certificates", configdef.Hidden, "%v", err)
		}
	case s.TruststoreLocation != "":
		data, err := readFile(s.TruststoreLocation)
		if err != nil {
			return nil, s.invalid("ssl.truststore.location", s.TruststoreLocation, "%v", err)
		}
		if certs, err = trusted(kind, data, s.TruststorePassword.Value()); err != nil {
			return nil, s.invalid("ssl.truststore.location", s.TruststoreLocation, "%v; check the file, %sssl.truststore.type=%s and %sssl.truststore.password",
				err, s.Prefix, s.TruststoreType, s.Prefix)
		}
	default:
		return nil, nil
	}
	if len(certs) == 0 {
		return nil, s.invalid("ssl.truststore.location", s.TruststoreLocation, "there is no certificate in it that is trusted")
	}
	pool := x509.NewCertPool()
	for _, c := range certs {
		pool.AddCert(c)
	}
	return pool, nil
}

func (s Settings) certificate() (*tls.Certificate, error) {
	kind := strings.ToUpper(s.KeystoreType)
	password := s.KeyPassword
	switch {
	case s.KeystoreKey != "" || s.KeystoreChain != "":
		if kind != "PEM" {
			return nil, s.invalid("ssl.keystore.type", s.KeystoreType, "must be PEM where %sssl.keystore.key is set", s.Prefix)
		}
		if s.KeystoreKey == "" || s.KeystoreChain == "" {
			return nil, s.invalid("ssl.keystore.key", configdef.Hidden, "%sssl.keystore.key and %sssl.keystore.certificate.chain must be set together", s.Prefix, s.Prefix)
		}
		cert, err := pemPair([]byte(s.KeystoreChain.Value()), []byte(s.KeystoreKey.Value()), password.Value())
		if err != nil {
			return nil, s.invalid("ssl.keystore.key", configdef.Hidden, "%v; check %sssl.keystore.certificate.chain and %sssl.key.password", err, s.Prefix, s.Prefix)
		}
		return cert, nil
	case s.KeystoreLocation != "":
		data, err := readFile(s.KeystoreLocation)
		if err != nil {
			return nil, s.invalid("ssl.keystore.location", s.KeystoreLocation, "%v", err)
		}
		cert, err := identity(kind, data, s.KeystorePassword.Value(), password.Value())
		if err != nil {
			return nil, s.invalid("ssl.keystore.location", s.KeystoreLocation, "%v; check the file, %sssl.keystore.type=%s, %sssl.keystore.password and %sssl.key.password",
				err, s.Prefix, s.KeystoreType, s.Prefix, s.Prefix)
		}
		return cert, nil
	}
	return nil, nil
}
