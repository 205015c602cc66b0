package kafka

import (
	"context"
	"crypto/tls"
	"maps"
	"net"
	"strings"
	"time"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/settings"
)

// ServerTLS makes the TLS settings of an HTTPS server from ssl.* settings, as the
// REST server of Connect reads them. clientAuth is required, requested or none. It
// returns nil when there is no keystore.
func ServerTLS(props map[string]string, clientAuth string) (*tls.Config, error) {
	t, err := restTLS(props)
	if err != nil {
		return nil, err
	}
	if len(t.Certificates) == 0 {
		return nil, nil
	}
	s := &tls.Config{MinVersion: t.MinVersion, MaxVersion: t.MaxVersion, CipherSuites: t.CipherSuites, Certificates: t.Certificates, ClientCAs: t.RootCAs}
	switch strings.ToLower(clientAuth) {
	case "", "none":
	case "requested":
		s.ClientAuth = tls.VerifyClientCertIfGiven
	case "required":
		s.ClientAuth = tls.RequireAndVerifyClientCert
	default:
		return nil, errs.InvalidValue("ssl.client.auth", clientAuth, "must be required, requested or none")
	}
	return s, nil
}

// restConnect bounds connecting to another worker, its TLS handshake included.
const restConnect = 30 * time.Second

// RESTDialTLS makes what dials other workers over TLS, for http.Transport.
func RESTDialTLS(props map[string]string) (func(ctx context.Context, network, addr string) (net.Conn, error), error) {
	t, err := restTLS(props)
	if err != nil {
		return nil, err
	}
	d := &dialer{dial: (&net.Dialer{}).DialContext, timeout: restConnect, tls: t, sendBuffer: -1, receiveBuffer: -1}
	return d.Dial, nil
}

func restTLS(props map[string]string) (*tls.Config, error) {
	own := map[string]string{"bootstrap.servers": "localhost:9092"}
	for k, v := range props {
		if strings.HasPrefix(k, "ssl.") && k != "ssl.client.auth" {
			own[k] = v
		}
	}
	c, err := parse(settings.AdminDef(), maps.Clone(own), nil)
	if err != nil {
		return nil, err
	}
	return newTLS(c)
}
