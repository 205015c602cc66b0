package settings

import (
	"regexp"
	"strconv"
	"strings"

	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
)

// REST are the settings of the REST server (RestServerConfig).
type REST struct {
	Listeners []Listener
	// Admin are the listeners of the admin part. With AdminOff there is none; without
	// Admin and AdminOff it is on the Listeners.
	Admin    []Listener
	AdminOff bool
	// AdvertisedHost and AdvertisedPort are where other workers find this one; "" and 0
	// are those of the listener.
	AdvertisedHost string
	AdvertisedPort int
	// AdvertisedProtocol is http or https.
	AdvertisedProtocol string
	// AllowOrigin and AllowMethods are for requests of web pages (CORS); "" is off.
	AllowOrigin, AllowMethods string
	// Headers are put on every answer.
	Headers []HeaderRule
	// Extensions are the class names of rest.extension.classes.
	Extensions []string
	// ClientAuth is required, requested or none.
	ClientAuth string
}

// Listener is where a server listens.
type Listener struct {
	// Scheme is http or https.
	Scheme string
	// Host is a name or address, "" for the default interface.
	Host string
	// Port is 0 for any free one.
	Port int
	// Text is the listener as it was given.
	Text string
}

var listenerForm = regexp.MustCompile(`^(.*)://\[?([0-9a-zA-Z\-%._:]*)\]?:(-?[0-9]+)$`)

// ParseListener reads a listener such as https://host:8443.
func ParseListener(text string) (Listener, error) {
	m := listenerForm.FindStringSubmatch(text)
	if m == nil {
		return Listener{}, errs.Config("Listener doesn't have the right format (protocol://hostname:port).").WithHint("it is %q", text)
	}
	l := Listener{Scheme: strings.ToLower(m[1]), Host: m[2], Text: text}
	if l.Scheme != "http" && l.Scheme != "https" {
		return Listener{}, errs.Config(`Listener protocol must be either "http" or "https".`).WithHint("it is %q", text)
	}
	port, err := strconv.ParseInt(m[3], 10, 32)
	if err != nil || port < 0 || port > 65535 {
		return Listener{}, errs.Config("Listener %s has port %s, but ports are 0 to 65535.", text, m[3])
	}
	l.Port = int(port)
	return l, nil
}

func newREST(c *cd.Config) (REST, error) {
	r := REST{
		AdvertisedHost: c.String("rest.advertised.host.name"),
		AdvertisedPort: int(c.Int("rest.advertised.port")),
		AllowOrigin:    c.String("access.control.allow.origin"),
		AllowMethods:   c.String("access.control.allow.methods"),
		Extensions:     c.List("rest.extension.classes"),
		ClientAuth:     c.String("ssl.client.auth"),
		AdminOff:       !c.IsNull("admin.listeners") && len(c.List("admin.listeners")) == 0,
	}
	var err error
	if r.Headers, err = parseHeaderRules(c.String("response.http.headers.config")); err != nil {
		return r, err
	}
	if r.Listeners, err = parseListeners(c.List("listeners")); err != nil {
		return r, err
	}
	if r.Admin, err = parseListeners(c.List("admin.listeners")); err != nil {
		return r, err
	}
	r.AdvertisedProtocol = advertisedProtocol(c)
	return r, nil
}

func parseListeners(texts []string) ([]Listener, error) {
	var listeners []Listener
	for _, text := range texts {
		l, err := ParseListener(text)
		if err != nil {
			return nil, err
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

// advertisedProtocol is RestServer.determineAdvertisedProtocol: http, if there is
// such a listener.
func advertisedProtocol(c *cd.Config) string {
	if protocol, ok := c.StringOK("rest.advertised.listener"); ok {
		return strings.ToLower(protocol)
	}
	listeners := strings.ToLower(c.Originals()["listeners"])
	if !strings.Contains(listeners, "http://") && strings.Contains(listeners, "https://") {
		return "https"
	}
	return "http"
}

// Advertised returns the scheme, host and port to give to other workers, given
// where the server listens: bound has the ports in place of 0, in the order of
// Listeners, and host is what this machine is called (RestServer.advertisedUrl).
func (r REST) Advertised(bound []int, host string) (scheme, advertisedHost string, port int) {
	scheme, advertisedHost = r.AdvertisedProtocol, host
	for i, l := range r.Listeners {
		if l.Scheme != scheme {
			continue
		}
		if l.Host != "" {
			advertisedHost = l.Host
		}
		if port = l.Port; port == 0 && i < len(bound) {
			port = bound[i]
		}
		break
	}
	if port == 0 && len(bound) > 0 {
		port = bound[0]
	}
	if r.AdvertisedHost != "" {
		advertisedHost = r.AdvertisedHost
	}
	if r.AdvertisedPort != 0 {
		port = r.AdvertisedPort
	}
	return scheme, advertisedHost, port
}
