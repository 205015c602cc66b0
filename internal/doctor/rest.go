package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/runtime/settings"
)

// expirySoon is when a certificate's end is worth a warning.
const expirySoon = 14 * 24 * time.Hour

// rest examines the listeners and the address that other workers are told.
func (d *doctor) rest(ctx context.Context) {
	d.part = "rest"
	rest := d.worker.REST
	ports := []int{}
	for _, l := range rest.Listeners {
		ports = append(ports, d.listener(ctx, "listeners", l))
	}
	for _, l := range rest.Admin {
		d.listener(ctx, "admin.listeners", l)
	}
	d.files()
	d.open()
	if d.worker.Cluster != nil {
		d.advertised(ctx, ports)
	}
}

// listener tries to listen and returns the port.
func (d *doctor) listener(ctx context.Context, key string, l settings.Listener) int {
	if l.Scheme == "https" {
		d.certificate(key, l)
	}
	address := net.JoinHostPort(l.Host, strconv.Itoa(l.Port))
	sock, err := d.Listen("tcp", address)
	var dns *net.DNSError
	switch {
	case err == nil:
		port := l.Port
		if tcp, ok := sock.Addr().(*net.TCPAddr); ok && port == 0 {
			port = tcp.Port
		}
		if err := sock.Close(); err != nil {
			d.note("", "%s=%s: closing it again: %v", key, l.Text, err)
			return port
		}
		d.ok("%s=%s is free", key, l.Text)
		return port
	case errors.Is(err, syscall.EADDRINUSE):
		if version := d.worksThere(ctx, l); version != "" {
			d.problem("stop that worker, or choose another port", "%s=%s: the port is taken by a Kafka Connect worker, version %s", key, l.Text, version)
		} else {
			d.problem("stop what uses the port, or choose another", "%s=%s: the port is taken", key, l.Text)
		}
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.As(err, &dns):
		d.problem("use an address of this machine, or leave the host out for all of them", "%s=%s: %s is no address of this machine", key, l.Text, l.Host)
	case errors.Is(err, syscall.EACCES):
		d.problem("choose a port above 1023", "%s=%s: this user may not use the port", key, l.Text)
	default:
		d.problem("check the address", "%s=%s: %v", key, l.Text, plainError(err))
	}
	return l.Port
}

// worksThere returns the version of a worker that answers at a listener's address, ""
// for none.
func (d *doctor) worksThere(ctx context.Context, l settings.Listener) string {
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	host := l.Host
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.Scheme+"://"+net.JoinHostPort(host, strconv.Itoa(l.Port))+"/", nil)
	if err != nil {
		return ""
	}
	// Who answers is to be found out, nothing is sent: the certificate does not matter.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return ""
	}
	var root struct {
		Version string  `json:"version"`
		Cluster *string `json:"kafka_cluster_id"`
	}
	err = json.NewDecoder(io.LimitReader(resp.Body, 1<<16)).Decode(&root)
	if err := errors.Join(err, resp.Body.Close()); err != nil || root.Cluster == nil {
		return ""
	}
	return root.Version
}

// certificate examines the key store of an HTTPS listener.
func (d *doctor) certificate(key string, l settings.Listener) {
	props := d.worker.Prefixed(key + ".https.")
	if len(props) == 0 {
		props = d.worker.Config.Originals()
	}
	config, err := kafka.ServerTLS(props, d.worker.REST.ClientAuth)
	switch {
	case err != nil:
		d.problem("correct the ssl.* settings of the listener", "%s=%s: %s", key, l.Text, message(err))
		return
	case config == nil:
		d.problem("set ssl.keystore.location and ssl.keystore.password, or listeners.https.ssl.*", "%s=%s asks for TLS but there is no certificate", key, l.Text)
		return
	}
	for _, pair := range config.Certificates {
		if len(pair.Certificate) == 0 {
			continue
		}
		leaf, err := x509.ParseCertificate(pair.Certificate[0])
		if err != nil {
			d.problem("replace the certificate", "%s=%s: the certificate cannot be read: %v", key, l.Text, err)
			continue
		}
		switch until := leaf.NotAfter.Sub(d.Now()); {
		case until < 0:
			d.problem("replace the certificate", "%s=%s: the certificate expired on %s", key, l.Text, leaf.NotAfter.UTC().Format(time.DateOnly))
		case until < expirySoon:
			d.warn("replace the certificate", "%s=%s: the certificate expires on %s", key, l.Text, leaf.NotAfter.UTC().Format(time.DateOnly))
		default:
			d.ok("%s=%s: the certificate is good until %s", key, l.Text, leaf.NotAfter.UTC().Format(time.DateOnly))
		}
	}
}

// files looks for the files that say who may use the REST API.
func (d *doctor) files() {
	for _, key := range []string{"moldau.rest.jaas.file", "moldau.rest.htpasswd.file", "moldau.rest.roles.file"} {
		path := d.worker.Config.Originals()[key]
		if path == "" {
			continue
		}
		f, err := os.Open(path)
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			d.problem("name a file that the worker's user can read", "%s=%s: %v", key, path, pathError(err))
		}
	}
}

// pathError is the error of a file without its name.
func pathError(err error) error {
	var of *os.PathError
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// open warns of a REST API that anybody who reaches the machine can use.
func (d *doctor) open() {
	rest := d.worker.REST
	if len(rest.Extensions) > 0 || d.worker.Config.Originals()["moldau.rest.htpasswd.file"] != "" || strings.EqualFold(rest.ClientAuth, "required") {
		return
	}
	for _, l := range rest.Listeners {
		if ip := net.ParseIP(l.Host); l.Host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			d.note("keep the port inside a trusted network, or set up a login", "%s: whoever reaches the port can read and change connectors, their passwords too", l.Text)
			return
		}
	}
}

// advertised examines the address that other workers will use.
func (d *doctor) advertised(ctx context.Context, ports []int) {
	name, err := d.Hostname()
	if err != nil {
		name = "localhost"
	}
	scheme, host, port := d.worker.REST.Advertised(ports, name)
	url := scheme + "://" + net.JoinHostPort(host, strconv.Itoa(port)) + "/"
	const cure = "set rest.advertised.host.name to a name that the other workers know this machine by"
	ip := net.ParseIP(host)
	switch {
	case ip != nil && ip.IsUnspecified():
		d.problem(cure, "other workers will be told to find this one at %s, which is no address", url)
		return
	case host == "localhost", ip != nil && ip.IsLoopback():
		d.warn(cure+", unless all workers are on this machine", "other workers will be told to find this one at %s, which is their own machine", url)
		return
	case ip != nil:
		d.ok("other workers will find this one at %s", url)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	addresses, err := d.Lookup(ctx, host)
	if err != nil {
		d.warn(cure, "other workers will be told to find this one at %s, but the name is not known even here", url)
		return
	}
	for _, a := range addresses {
		if ip := net.ParseIP(a); ip != nil && !ip.IsLoopback() {
			d.ok("other workers will find this one at %s (%s)", url, strings.Join(addresses, ", "))
			return
		}
	}
	d.warn(cure+", unless all workers are on this machine", "other workers will be told to find this one at %s, which is %s here", url, strings.Join(addresses, ", "))
}
