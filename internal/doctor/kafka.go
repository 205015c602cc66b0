package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/runtime/settings"
)

// bootstrap is the setting with the brokers to begin with.
const bootstrap = "bootstrap.servers"

// maxToken bounds what an identity provider may answer, in bytes.
const maxToken = 1 << 20

// kafka examines the brokers and what the worker needs of them.
func (d *doctor) kafka(ctx context.Context) {
	d.part = "kafka"
	if d.reach(ctx, bootstrap, d.worker.BootstrapServers) == 0 {
		return
	}
	client, err := d.client()
	if err != nil {
		d.problem("correct the settings of the Kafka clients", "%s", message(err))
		return
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	inner, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	meta, err := admin.BrokerMetadata(inner)
	if err != nil {
		d.problem(d.brokerCure(err), "the brokers accept connections but do not answer: %v", err)
		return
	}
	d.ok("cluster %s has %s", meta.Cluster, plural(len(meta.Brokers), "broker", "brokers"))
	var advertised []string
	for _, b := range meta.Brokers {
		advertised = append(advertised, net.JoinHostPort(b.Host, fmt.Sprint(b.Port)))
	}
	d.reach(ctx, "the brokers' advertised.listeners", advertised)
	if d.Mode == settings.Standalone {
		d.offsetFile()
	} else {
		d.topics(ctx, client, admin, len(meta.Brokers))
		d.group(ctx, admin)
	}
	d.clock(ctx, client, admin)
}

// reach connects to addresses and returns how many can be reached. Of the brokers to
// begin with, one is enough.
func (d *doctor) reach(ctx context.Context, what string, addresses []string) (reached int) {
	var failed []func(say func(cure, format string, args ...any))
	for _, address := range addresses {
		inner, cancel := context.WithTimeout(ctx, d.Timeout)
		begin := d.Now()
		conn, err := d.Dial(inner, "tcp", address)
		cancel()
		if err != nil {
			failed = append(failed, func(say func(cure, format string, args ...any)) {
				say(dialCure(what, address, err), "%s: cannot connect to %s: %v", what, address, plainError(err))
			})
			continue
		}
		reached++
		if err := conn.Close(); err != nil {
			d.note("", "%s: closing the connection to %s: %v", what, address, err)
		}
		if took := d.Now().Sub(begin); took > time.Second {
			d.warn("look for a slow network or name server", "%s: connecting to %s took %s", what, address, took.Round(time.Millisecond))
		}
	}
	say := d.problem
	if what == bootstrap && reached > 0 {
		say = d.warn
	}
	for _, tell := range failed {
		tell(say)
	}
	if reached > 0 && len(failed) == 0 {
		d.ok("%s: %s", what, strings.Join(addresses, ", "))
	}
	return reached
}

// plainError is the innermost text of a network error.
func plainError(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		var call *os.SyscallError
		if errors.As(op.Err, &call) {
			return call.Err
		}
		return op.Err
	}
	return err
}

func dialCure(what, address string, err error) string {
	var dns *net.DNSError
	host, _, splitErr := net.SplitHostPort(address)
	switch {
	case splitErr != nil:
		return "write it as host:port"
	case errors.As(err, &dns) && what != bootstrap:
		return "the broker tells clients to use the name " + host + ", which is not known here; set advertised.listeners of the broker, or add the name to the name server"
	case errors.As(err, &dns):
		return "check the name " + host
	case errors.Is(err, syscall.ECONNREFUSED) && what != bootstrap:
		return "the broker tells clients to use this address, but nothing listens there as seen from here; set its advertised.listeners"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "start the broker, or correct the port"
	case errors.Is(err, context.DeadlineExceeded):
		return "look for a firewall between this machine and the broker"
	}
	return "check the address and the network"
}

// brokerCure guesses why a broker that accepts connections does not answer.
func (d *doctor) brokerCure(err error) string {
	text := strings.ToLower(err.Error())
	switch {
	case strings.Contains(text, "sasl"), strings.Contains(text, "authentication"):
		return "check sasl.mechanism and the user and password in sasl.jaas.config"
	case strings.Contains(text, "certificate"), strings.Contains(text, "x509"):
		return "check ssl.truststore.location, and the name in the broker's certificate"
	case errors.Is(err, io.EOF), strings.Contains(text, "eof"), strings.Contains(text, "tls"), strings.Contains(text, "closed"), strings.Contains(text, "reset"), errors.Is(err, context.DeadlineExceeded):
		cure := "check security.protocol: brokers that want TLS or a password hang up on clients that offer none, and the reverse"
		if strings.HasPrefix(strings.ToUpper(d.worker.Config.Originals()["security.protocol"]), "SASL") {
			cure += "; and the user and password in sasl.jaas.config"
		}
		return cure
	}
	return "see the broker's log"
}

// own are the settings of the worker's own clients.
func (d *doctor) own() map[string]string {
	props := map[string]string{}
	for k, v := range d.worker.Config.Originals() {
		if !strings.HasPrefix(k, "producer.") && !strings.HasPrefix(k, "consumer.") && !strings.HasPrefix(k, "admin.") {
			props[k] = v
		}
	}
	props["bootstrap.servers"], props["client.id"] = strings.Join(d.worker.BootstrapServers, ","), "moldau-doctor"
	return props
}

func (d *doctor) client() (*kgo.Client, error) {
	a, err := kafka.NewAdminSettings(d.own(), kafka.Env{Dial: d.Dial, Post: d.post})
	if err != nil {
		return nil, err
	}
	for _, w := range a.Warnings {
		d.note("", "%s", w)
	}
	// A person waits: what fails twice is told.
	return kgo.NewClient(append(a.Opts, kgo.RequestRetries(1), kgo.RetryTimeout(d.Timeout))...)
}

// post asks an identity provider for a token.
func (d *doctor) post(ctx context.Context, r kafka.TokenRequest) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, strings.NewReader(r.Body))
	if err != nil {
		return 0, nil, err
	}
	for k, v := range r.Headers {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxToken))
	return resp.StatusCode, body, errors.Join(err, resp.Body.Close())
}

// offsetFile examines where a standalone worker keeps its offsets.
func (d *doctor) offsetFile() {
	d.part = "offsets"
	path := d.worker.OffsetFile
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		d.problem("name a file", "offset.storage.file.filename=%s is a folder", path)
	case err == nil:
		d.ok("offset.storage.file.filename=%s is there", path)
	case errors.Is(err, os.ErrNotExist):
		if dir, err := os.Stat(filepath.Dir(path)); err != nil || !dir.IsDir() {
			d.problem("make the folder "+filepath.Dir(path), "offset.storage.file.filename=%s is in a folder that does not exist", path)
			return
		}
		d.ok("offset.storage.file.filename=%s will be made", path)
	default:
		d.problem("let the worker's user read and write it", "offset.storage.file.filename=%s: %v", path, err)
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
