package kafka

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/pavlo-v-chernykh/keystore-go/v4"
	"github.com/youmark/pkcs8"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
)

const (
	storePEM                  = "PEM"
	classInvalidConfiguration = commonErrors + "InvalidConfigurationException"
	jksMagic                  = 0xfeedfeed
)

func invalidConfiguration(format string, args ...any) *errs.Error {
	return errs.New(classInvalidConfiguration, format, args...)
}

// keySettings are the ssl.keystore.* settings; a nil string is null.
type keySettings struct {
	kind                       string
	path                       *string
	password, keyPassword      *configdef.Secret
	privateKey, certificateSet *configdef.Secret
}

// loadKey returns the certificate to identify ourselves with, nil without any settings
// (DefaultSslEngineFactory.createKeystore).
func loadKey(s keySettings) (*tls.Certificate, error) {
	switch pem := s.kind == storePEM; {
	case s.privateKey != nil && !pem:
		return nil, invalidConfiguration("SSL private key can be specified only for PEM, but key store type is %s.", s.kind)
	case s.privateKey != nil && s.certificateSet == nil:
		return nil, invalidConfiguration("SSL private key is specified, but certificate chain is not specified.")
	case s.privateKey != nil && s.path != nil:
		return nil, invalidConfiguration("Both SSL key store location and separate private key are specified.")
	case s.privateKey != nil && s.password != nil, pem && s.path != nil && s.password != nil:
		return nil, invalidConfiguration("SSL key store password cannot be specified with PEM format, only key password may be specified.")
	case s.privateKey != nil:
		return keyFromPEM(s.privateKey.Value(), s.certificateSet.Value(), s.keyPassword)
	case s.certificateSet != nil:
		return nil, invalidConfiguration("SSL certificate chain is specified, but private key is not specified")
	case pem && s.path != nil:
		text, err := os.ReadFile(*s.path)
		if err == nil {
			var c *tls.Certificate
			if c, err = keyFromPEM(string(text), string(text), s.keyPassword); err == nil {
				return c, nil
			}
		}
		return nil, errs.Wrap(classInvalidConfiguration, err, "Failed to load PEM SSL keystore %s", *s.path)
	case s.path == nil && s.password != nil:
		return nil, invalidConfiguration("SSL key store is not specified, but key store password is specified.")
	case s.path != nil && s.password == nil:
		return nil, invalidConfiguration("SSL key store is specified, but key store password is not specified.")
	case s.path == nil:
		return nil, nil
	}
	keyPassword := s.password
	if s.keyPassword != nil {
		keyPassword = s.keyPassword
	}
	c, err := keyFromFile(*s.path, *s.password, *keyPassword)
	if err != nil {
		return nil, storeError(*s.path, s.kind, "ssl.keystore.password", err)
	}
	return c, nil
}

// trustSettings are the ssl.truststore.* settings.
type trustSettings struct {
	kind         string
	path         *string
	password     *configdef.Secret
	certificates *configdef.Secret
}

// loadTrust returns the certificates to trust, nil for the system's
// (DefaultSslEngineFactory.createTruststore).
func loadTrust(s trustSettings) (*x509.CertPool, error) {
	var certs []*x509.Certificate
	var err error
	switch pem := s.kind == storePEM; {
	case s.certificates != nil && !pem:
		return nil, invalidConfiguration("SSL trust store certs can be specified only for PEM, but trust store type is %s.", s.kind)
	case s.certificates != nil && s.path != nil:
		return nil, invalidConfiguration("Both SSL trust store location and separate trust certificates are specified.")
	case s.certificates != nil && s.password != nil, pem && s.path != nil && s.password != nil:
		return nil, invalidConfiguration("SSL trust store password cannot be specified for PEM format.")
	case s.certificates != nil:
		certs, err = certificatesFromPEM(s.certificates.Value())
	case pem && s.path != nil:
		var text []byte
		if text, err = os.ReadFile(*s.path); err == nil {
			certs, err = certificatesFromPEM(string(text))
		}
		if err != nil {
			err = errs.Wrap(classInvalidConfiguration, err, "Failed to load PEM SSL keystore %s", *s.path)
		}
	case s.path == nil && s.password != nil:
		return nil, invalidConfiguration("SSL trust store is not specified, but trust store password is specified.")
	case s.path == nil:
		return nil, nil
	default:
		if certs, err = trustFromFile(*s.path, s.password); err != nil {
			err = storeError(*s.path, s.kind, "ssl.truststore.password", err)
		}
	}
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, c := range certs {
		pool.AddCert(c)
	}
	return pool, nil
}

func storeError(path, kind, passwordKey string, err error) error {
	e := errs.Wrap(errs.ClassKafka, err, "Failed to load SSL keystore %s of type %s", path, kind)
	if !errors.Is(err, os.ErrNotExist) && !errors.Is(err, os.ErrPermission) {
		e = e.WithHint("check %s and that the file is a JKS or PKCS12 store", passwordKey)
	}
	return e
}

// pemBlock matches as Kafka's own parser does: more loosely than encoding/pem, so that
// values squeezed into one line of a properties file are read.
func pemBlock(name string) *regexp.Regexp {
	name = strings.ReplaceAll(name, " ", `\s+`)
	return regexp.MustCompile(`-+BEGIN\s*[^\n]*?` + name + `[^-]*-+\s+(?:\s*[^\r\n]*:[^\r\n]*[\r\n]+)*([a-zA-Z0-9/+=\s]*)-+END\s*[^\n]*?` + name + `[^-]*-+\s+`)
}

func pemEntries(text, name string) ([][]byte, error) {
	var entries [][]byte
	for _, m := range pemBlock(name).FindAllStringSubmatch(text+"\n", -1) {
		b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(m[1]), ""))
		if err != nil {
			return nil, invalidConfiguration("A %s entry is not valid base64", name)
		}
		entries = append(entries, b)
	}
	if len(entries) == 0 {
		return nil, invalidConfiguration("No matching %s entries in PEM file", name)
	}
	return entries, nil
}

func certificatesFromPEM(text string) ([]*x509.Certificate, error) {
	entries, err := pemEntries(text, "CERTIFICATE")
	if err != nil {
		return nil, errs.Wrap(classInvalidConfiguration, err, "Invalid PEM truststore configs")
	}
	certs := make([]*x509.Certificate, len(entries))
	for i, b := range entries {
		if certs[i], err = x509.ParseCertificate(b); err != nil {
			return nil, errs.Wrap(classInvalidConfiguration, err, "Invalid PEM truststore configs")
		}
	}
	return certs, nil
}

func keyFromPEM(keyText, certText string, password *configdef.Secret) (*tls.Certificate, error) {
	const invalid = "Invalid PEM keystore configs"
	certs, err := certificatesFromPEM(certText)
	if err != nil {
		return nil, errs.Wrap(classInvalidConfiguration, errors.Unwrap(err), invalid)
	}
	entries, err := pemEntries(keyText, "PRIVATE KEY")
	if err != nil {
		return nil, errs.Wrap(classInvalidConfiguration, err, invalid)
	}
	if len(entries) != 1 {
		return nil, errs.Wrap(classInvalidConfiguration, invalidConfiguration("Expected one private key, but found %d", len(entries)), invalid)
	}
	var key any
	if password != nil {
		key, err = pkcs8.ParsePKCS8PrivateKey(entries[0], []byte(password.Value()))
	} else {
		key, err = parsePlainKey(entries[0])
	}
	if err != nil {
		return nil, errs.Wrap(classInvalidConfiguration, errs.Wrap(classInvalidConfiguration, err, "Private key could not be loaded"), invalid).
			WithHint("the key must be in PKCS#8, and encrypted exactly when ssl.key.password is set")
	}
	return certificate(key, certs)
}

// parsePlainKey also takes the older forms that openssl writes, which Java refuses.
func parsePlainKey(der []byte) (any, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key, nil
	}
	return nil, err
}

func certificate(key any, certs []*x509.Certificate) (*tls.Certificate, error) {
	signer, ok := key.(crypto.Signer)
	if !ok || len(certs) == 0 {
		return nil, invalidConfiguration("The key store has no private key with a certificate chain")
	}
	if pub, ok := certs[0].PublicKey.(interface{ Equal(crypto.PublicKey) bool }); ok && !pub.Equal(signer.Public()) {
		return nil, invalidConfiguration("The private key does not belong to the first certificate of the chain")
	}
	c := &tls.Certificate{PrivateKey: key, Leaf: certs[0]}
	for _, cert := range certs {
		c.Certificate = append(c.Certificate, cert.Raw)
	}
	return c, nil
}

// isJKS tells the two formats apart by their first bytes, as Java's own loader does
// whatever type is set.
func isJKS(b []byte) bool { return len(b) >= 4 && binary.BigEndian.Uint32(b) == jksMagic }

func keyFromFile(path string, password, keyPassword configdef.Secret) (*tls.Certificate, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if !isJKS(b) {
		key, leaf, chain, err := pkcs12.DecodeChain(b, password.Value())
		if err != nil {
			return nil, err
		}
		return certificate(key, append([]*x509.Certificate{leaf}, chain...))
	}
	ks := keystore.New(keystore.WithOrderedAliases(), keystore.WithCaseExactAliases())
	if err := ks.Load(bytes.NewReader(b), []byte(password.Value())); err != nil {
		return nil, err
	}
	for _, alias := range ks.Aliases() {
		if !ks.IsPrivateKeyEntry(alias) {
			continue
		}
		entry, err := ks.GetPrivateKeyEntry(alias, []byte(keyPassword.Value()))
		if err != nil {
			return nil, fmt.Errorf("the key '%s': %w", alias, err)
		}
		key, err := x509.ParsePKCS8PrivateKey(entry.PrivateKey)
		if err != nil {
			return nil, fmt.Errorf("the key '%s': %w", alias, err)
		}
		certs := make([]*x509.Certificate, len(entry.CertificateChain))
		for i, c := range entry.CertificateChain {
			if certs[i], err = x509.ParseCertificate(c.Content); err != nil {
				return nil, fmt.Errorf("the certificates of the key '%s': %w", alias, err)
			}
		}
		return certificate(key, certs)
	}
	return nil, errors.New("there is no private key in it")
}

func trustFromFile(path string, password *configdef.Secret) ([]*x509.Certificate, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	switch {
	case isJKS(b) && password == nil:
		certs, err = jksCertificates(b)
	case isJKS(b):
		certs, err = trustFromJKS(b, *password)
	default:
		text := ""
		if password != nil {
			text = password.Value()
		}
		certs, err = trustFromPKCS12(b, text)
	}
	if err == nil && len(certs) == 0 {
		err = errors.New("there is no trusted certificate in it")
	}
	return certs, err
}

func trustFromJKS(b []byte, password configdef.Secret) ([]*x509.Certificate, error) {
	ks := keystore.New(keystore.WithCaseExactAliases())
	if err := ks.Load(bytes.NewReader(b), []byte(password.Value())); err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	for _, alias := range ks.Aliases() {
		var der []byte
		switch {
		case ks.IsTrustedCertificateEntry(alias):
			entry, err := ks.GetTrustedCertificateEntry(alias)
			if err != nil {
				return nil, err
			}
			der = entry.Certificate.Content
		case ks.IsPrivateKeyEntry(alias): // Java trusts the certificate of a key, too
			chain, err := ks.GetPrivateKeyEntryCertificateChain(alias)
			if err != nil {
				return nil, err
			}
			if len(chain) > 0 {
				der = chain[0].Content
			}
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("the certificate '%s': %w", alias, err)
		}
		certs = append(certs, c)
	}
	return certs, nil
}

// trustFromPKCS12 reads stores of keytool, whose certificates are marked as trusted,
// and those of openssl, whose are not.
func trustFromPKCS12(b []byte, password string) ([]*x509.Certificate, error) {
	certs, err := pkcs12.DecodeTrustStore(b, password)
	if err == nil {
		return certs, nil
	}
	if _, leaf, chain, chainErr := pkcs12.DecodeChain(b, password); chainErr == nil {
		return append([]*x509.Certificate{leaf}, chain...), nil
	}
	return nil, err
}

// jksCertificates reads the trusted certificates of a JKS store without its password,
// and so without checking that nobody changed it. Java does the same.
func jksCertificates(b []byte) ([]*x509.Certificate, error) {
	r := bytes.NewReader(b)
	var head struct{ Magic, Version, Count uint32 }
	if err := binary.Read(r, binary.BigEndian, &head); err != nil {
		return nil, err
	}
	field := func(size int) ([]byte, error) {
		var n uint32
		if size == 2 {
			var short uint16
			if err := binary.Read(r, binary.BigEndian, &short); err != nil {
				return nil, err
			}
			n = uint32(short)
		} else if err := binary.Read(r, binary.BigEndian, &n); err != nil {
			return nil, err
		}
		if int64(n) > int64(r.Len()) {
			return nil, io.ErrUnexpectedEOF
		}
		p := make([]byte, n)
		_, err := io.ReadFull(r, p)
		return p, err
	}
	cert := func() (*x509.Certificate, error) {
		if head.Version == 2 {
			if _, err := field(2); err != nil { // the certificate's type
				return nil, err
			}
		}
		der, err := field(4)
		if err != nil {
			return nil, err
		}
		return x509.ParseCertificate(der)
	}
	var certs []*x509.Certificate
	for range head.Count {
		var tag uint32
		if err := binary.Read(r, binary.BigEndian, &tag); err != nil {
			return nil, err
		}
		if _, err := field(2); err != nil { // the alias
			return nil, err
		}
		if _, err := r.Seek(8, io.SeekCurrent); err != nil { // the date
			return nil, err
		}
		chain := uint32(1)
		switch tag {
		case 1:
			if _, err := field(4); err != nil { // the encrypted key
				return nil, err
			}
			if err := binary.Read(r, binary.BigEndian, &chain); err != nil {
				return nil, err
			}
		case 2:
		default:
			return nil, fmt.Errorf("unknown entry of kind %d", tag)
		}
		for i := range chain {
			c, err := cert()
			if err != nil {
				return nil, err
			}
			if i == 0 {
				certs = append(certs, c)
			}
		}
	}
	return certs, nil
}
