package node

import (
	"crypto/tls"
	"net/http"

	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/runtime/settings"
)

// serverTLS are the TLS settings of a listener, nil for plain HTTP. Those under the
// listener's own prefix take the place of the worker's.
func (n *node) serverTLS(setting string, l settings.Listener) (*tls.Config, error) {
	if l.Scheme != "https" {
		return nil, nil
	}
	props := n.settings.Prefixed(setting + ".https.")
	if len(props) == 0 {
		props = n.settings.Config.Originals()
	}
	auth := n.settings.REST.ClientAuth
	if own, ok := props["ssl.client.auth"]; ok {
		auth = own
	}
	return kafka.ServerTLS(props, auth)
}

// peerTransport is how this worker calls others.
func (n *node) peerTransport() (http.RoundTripper, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	if n.settings.REST.AdvertisedProtocol != "https" {
		return t, nil
	}
	props := n.settings.Prefixed("listeners.https.")
	if len(props) == 0 {
		props = n.settings.Config.Originals()
	}
	dial, err := kafka.RESTDialTLS(props)
	if err != nil {
		return nil, err
	}
	t.DialTLSContext = dial
	return t, nil
}
