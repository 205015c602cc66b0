package kafkassl

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	keystore "github.com/pavlo-v-chernykh/keystore-go/v4"
	"github.com/youmark/pkcs8"
	pkcs12 "software.sslmate.com/src/go-pkcs12"
)

// maxStore is the largest store that is read, in bytes.
const maxStore = 16 << 20

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, plainPathError(err)
	}
	if info.Size() > maxStore {
		return nil, errors.New("the file is too large for a store")
	}
	data, err := os.ReadFile(path)
	return data, plainPathError(err)
}

// plainPathError leaves out the path, which the message names anyway.
func plainPathError(err error) error {
	var e *os.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

const jksMagic = 0xfeedfeed

// isJKS looks at the content: Java reads PKCS#12 under the type JKS, too.
func isJKS(data []byte) bool { return len(data) > 4 && binary.BigEndian.Uint32(data) == jksMagic }

// trusted returns the certificates of a trust store.
func trusted(kind string, data []byte, password string) ([]*x509.Certificate, error) {
	switch {
	case kind == "PEM":
		return pemCertificates(data)
	case kind != "JKS" && kind != "PKCS12":
		return nil, fmt.Errorf("stores of type %s are not supported; there are JKS, PKCS12 and PEM", kind)
	case isJKS(data):
		if password != "" {
			// Java checks the store's integrity with the password, and reads it without one.
			store := keystore.New()
			if err := store.Load(bytes.NewReader(data), []byte(password)); err != nil {
				return nil, err
			}
		}
		return jksCertificates(data)
	}
	certs, err := pkcs12.DecodeTrustStore(data, password)
	if err == nil {
		return certs, nil
	}
	// Stores that were not made by Java do not mark what is trusted.
	//lint:ignore SA1019 only the certificates are taken, and DecodeChain wants a key beside them
	//lint:ignore SA1019 only keys come out wrong, and nothing else reads a store without one
	blocks, pemErr := pkcs12.ToPEM(data, password)
	if pemErr != nil {
		return nil, err
	}
	for _, b := range blocks {
		if b.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			return nil, err
		}
		certs = append(certs, c)
	}
	return certs, nil
}

// jksCertificates reads the trusted certificates of a JKS store, and the first one
// of each key's chain, as Java's trust manager does. No password is needed for that.
func jksCertificates(data []byte) ([]*x509.Certificate, error) {
	r := &jksReader{data: data[4:]}
	version, count := r.u32(), r.u32()
	if version != 1 && version != 2 {
		return nil, fmt.Errorf("JKS version %d is not supported", version)
	}
	var out []*x509.Certificate
	certificate := func(keep bool) error {
		if version == 2 {
			r.text()
		}
		der := r.bytes(int(r.u32()))
		if r.short || !keep {
			return nil
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		out = append(out, c)
		return nil
	}
	for range count {
		tag := r.u32()
		r.text()
		r.bytes(8) // when it was made
		certs := uint32(1)
		switch tag {
		case 1:
			r.bytes(int(r.u32()))
			certs = r.u32()
		case 2:
		default:
			return nil, fmt.Errorf("unknown entry %d in the JKS store", tag)
		}
		for i := range certs {
			if err := certificate(i == 0); err != nil {
				return nil, err
			}
			if r.short {
				return nil, errors.New("the JKS store is cut short")
			}
		}
	}
	return out, nil
}

// jksReader reads a JKS store; short is set once there was too little of it.
type jksReader struct {
	data  []byte
	short bool
}

func (r *jksReader) bytes(n int) []byte {
	if n < 0 || n > len(r.data) {
		r.short, r.data = true, nil
		return nil
	}
	out := r.data[:n]
	r.data = r.data[n:]
	return out
}

func (r *jksReader) u32() uint32 {
	if b := r.bytes(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *jksReader) text() {
	if b := r.bytes(2); b != nil {
		r.bytes(int(binary.BigEndian.Uint16(b)))
	}
}

// identity returns the private key and its certificates.
func identity(kind string, data []byte, storePassword, keyPassword string) (*tls.Certificate, error) {
	if keyPassword == "" && kind != "PEM" {
		keyPassword = storePassword
	}
	switch {
	case kind == "PEM":
		return pemPair(data, data, keyPassword)
	case kind != "JKS" && kind != "PKCS12":
		return nil, fmt.Errorf("stores of type %s are not supported; there are JKS, PKCS12 and PEM", kind)
	case isJKS(data):
		return jksIdentity(data, storePassword, keyPassword)
	}
	key, leaf, chain, err := pkcs12.DecodeChain(data, storePassword)
	if err != nil {
		return nil, err
	}
	cert := &tls.Certificate{PrivateKey: key, Certificate: [][]byte{leaf.Raw}}
	for _, c := range chain {
		cert.Certificate = append(cert.Certificate, c.Raw)
	}
	return cert, nil
}

func jksIdentity(data []byte, storePassword, keyPassword string) (*tls.Certificate, error) {
	store := keystore.New()
	if err := store.Load(bytes.NewReader(data), []byte(storePassword)); err != nil {
		return nil, err
	}
	for _, alias := range store.Aliases() {
		if !store.IsPrivateKeyEntry(alias) {
			continue
		}
		entry, err := store.GetPrivateKeyEntry(alias, []byte(keyPassword))
		if err != nil {
			return nil, err
		}
		key, err := x509.ParsePKCS8PrivateKey(entry.PrivateKey)
		if err != nil {
			return nil, err
		}
		cert := &tls.Certificate{PrivateKey: key}
		for _, c := range entry.CertificateChain {
			cert.Certificate = append(cert.Certificate, c.Content)
		}
		return cert, nil
	}
	return nil, errors.New("there is no private key in the store")
}

func pemCertificates(data []byte) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for {
		var b *pem.Block
		if b, data = pem.Decode(data); b == nil {
			break
		}
		if b.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil, errors.New("there is no PEM block CERTIFICATE")
	}
	return out, nil
}

// pemPair reads certificates and a PKCS#8 key, which may be encrypted; keys in the
// older forms of OpenSSL are taken, too.
func pemPair(chain, key []byte, password string) (*tls.Certificate, error) {
	certs, err := pemCertificates(chain)
	if err != nil {
		return nil, err
	}
	cert := &tls.Certificate{}
	for _, c := range certs {
		cert.Certificate = append(cert.Certificate, c.Raw)
	}
	for data := key; ; {
		var b *pem.Block
		if b, data = pem.Decode(data); b == nil {
			return nil, errors.New("there is no PEM block with a private key")
		}
		switch b.Type {
		case "PRIVATE KEY":
			cert.PrivateKey, err = x509.ParsePKCS8PrivateKey(b.Bytes)
		case "ENCRYPTED PRIVATE KEY":
			cert.PrivateKey, err = pkcs8.ParsePKCS8PrivateKey(b.Bytes, []byte(password))
		case "RSA PRIVATE KEY":
			cert.PrivateKey, err = x509.ParsePKCS1PrivateKey(b.Bytes)
		case "EC PRIVATE KEY":
			cert.PrivateKey, err = x509.ParseECPrivateKey(b.Bytes)
		default:
			continue
		}
		return cert, err
	}
}
