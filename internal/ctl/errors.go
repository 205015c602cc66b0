package ctl

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"

	"github.com/moldau-io/moldau/api/client"
)

// The exit codes, which scripts can use.
const (
	// ExitFailed: the server, a connector or a task failed.
	ExitFailed = 1
	// ExitUsage: wrong flags, arguments, files or connector settings.
	ExitUsage = 2
	// ExitNotFound: there is no such connector, plugin, logger or context.
	ExitNotFound = 3
	// ExitConflict: it exists already, or the workers are rebalancing.
	ExitConflict = 4
	// ExitUnreachable: no answer from the server.
	ExitUnreachable = 5
	// ExitDiffers: apply --plan --exit-code found something to change.
	ExitDiffers = 6
	// ExitDenied: the server wants other credentials.
	ExitDenied = 7
	// ExitTimeout: --wait did not see the state within --timeout.
	ExitTimeout = 8
)

// failure is an error as it is shown: what is wrong, the next step and the exit code.
type failure struct {
	code int
	text string
	cure string
	// more are further errors, each shown on its own.
	more []*failure
	err  error
}

func (f *failure) Error() string { return f.text }

func (f *failure) Unwrap() error { return f.err }

func (f *failure) all() []*failure { return append([]*failure{f}, f.more...) }

// next adds what to do about it.
func (f *failure) next(format string, args ...any) *failure {
	f.cure = fmt.Sprintf(format, args...)
	return f
}

func fail(code int, format string, args ...any) *failure {
	return &failure{code: code, text: fmt.Sprintf(format, args...)}
}

func usage(format string, args ...any) *failure { return fail(ExitUsage, format, args...) }

// about puts what was being done before an error, and keeps its code and next step.
func about(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	f := *explain(err)
	f.text = fmt.Sprintf(format, args...) + ": " + f.text
	return &f
}

// join makes one error of several; the code is that of the first.
func join(all []error) error {
	var out *failure
	for _, err := range all {
		f := *explain(err)
		if out == nil {
			out = &f
			continue
		}
		out.more = append(out.more, f.all()...)
	}
	if out == nil {
		return nil
	}
	return out
}

// explain turns any error into one that can be shown.
func explain(err error) *failure {
	var known *failure
	var status *client.StatusError
	var unreachable *client.UnreachableError
	var strange *client.NotJSONError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &status):
		return explainStatus(status)
	case errors.As(err, &unreachable):
		return explainUnreachable(unreachable)
	case errors.As(err, &strange):
		return (&failure{code: ExitFailed, text: strange.Error(), err: err}).next("check that the server's URL is that of a Kafka Connect REST API")
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission):
		return &failure{code: ExitUsage, text: err.Error(), err: err}
	case errors.Is(err, context.Canceled):
		return &failure{code: ExitFailed, text: "interrupted", err: err}
	}
	return &failure{code: ExitFailed, text: err.Error(), err: err}
}

func explainStatus(e *client.StatusError) *failure {
	f := &failure{code: ExitFailed, text: e.Error(), err: e}
	switch {
	case e.Status < http.StatusBadRequest:
		f.text = fmt.Sprintf("the server sends %s elsewhere (HTTP %d)", e.Method, e.Status)
		f.next("use the URL it leads to: %s", redactURL(e.Location))
	case e.Status == http.StatusUnauthorized:
		f.code = ExitDenied
		f.next("log in with --user NAME and the password in $%s, --password-file or at the prompt", envPassword)
	case e.Status == http.StatusForbidden:
		f.code = ExitDenied
		f.next("the server does not allow this; ask its administrator, or use another --user")
	case e.Status == http.StatusNotFound && e.Message == "", e.Status == http.StatusNotFound && e.Message == "HTTP 404 Not Found":
		f.code = ExitNotFound
		f.text = fmt.Sprintf("the server does not know %s %s (HTTP 404)", e.Method, e.Path)
		f.next("check the URL, and whether this version of Connect has it: moldau cluster info")
	case e.Status == http.StatusNotFound:
		f.code = ExitNotFound
		switch {
		case strings.HasPrefix(e.Path, "/connectors"):
			f.next("moldau connector list shows what there is")
		case strings.HasPrefix(e.Path, "/connector-plugins"):
			f.next("moldau plugin list --all shows what there is")
		case strings.HasPrefix(e.Path, "/admin"):
			f.next("moldau cluster loggers shows what there is; levels are TRACE, DEBUG, INFO, WARN, ERROR, FATAL and OFF")
		}
	case e.Rebalancing():
		f.code = ExitConflict
		f.next("the workers are rebalancing; try again, or wait longer with --conflict-wait")
	case e.Status == http.StatusConflict:
		f.code = ExitConflict
		if strings.Contains(e.Message, "already exists") {
			f.next("change it with moldau connector apply or patch")
		}
	case e.Status == http.StatusMethodNotAllowed:
		f.next("this version of Connect does not have it; see moldau cluster info")
	case e.Status == http.StatusBadGateway, e.Status == http.StatusServiceUnavailable, e.Status == http.StatusGatewayTimeout:
		if e.Message == "" {
			f.code = ExitUnreachable
			f.next("something before the worker answers, not the worker; check that it runs")
		}
	case strings.Contains(e.Message, "Failed to find any class"):
		f.code = ExitUsage
		// What follows are Java objects, many to a line.
		f.text, _, _ = strings.Cut(f.text, ", available connectors are:")
		f.next("moldau plugin list shows the connectors of this server")
	case e.Status == http.StatusBadRequest, e.Status == http.StatusUnprocessableEntity:
		f.code = ExitUsage
		if strings.Contains(e.Message, "STOPPED state") {
			f.next("moldau connector stop NAME first, or let --stop do all of it")
		} else if strings.Contains(e.Message, "configuration is invalid") {
			f.next("moldau plugin describe CLASS explains the settings")
		}
	case e.Status == http.StatusInternalServerError && e.Message != "":
		f.next("the worker's log says more; moldau cluster health asks whether it is well")
	}
	return f
}

func explainUnreachable(e *client.UnreachableError) *failure {
	f := &failure{code: ExitUnreachable, text: "cannot reach " + e.Error(), err: e}
	var dns *net.DNSError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var record tls.RecordHeaderError
	var timeout net.Error
	switch {
	case errors.Is(e, context.Canceled):
		f.code, f.text = ExitFailed, "interrupted"
	case errors.As(e, &dns):
		f.next("check the name in the URL")
	case errors.Is(e, syscall.ECONNREFUSED):
		f.next("start the worker, or name another server with --server, $%s or moldau context use", envServer)
	case errors.As(e, &authority):
		f.next("name the CA that signed the server's certificate with --ca-file")
	case errors.As(e, &host):
		f.next("use a name that is in the server's certificate")
	case errors.As(e, &record):
		f.next("the server does not speak TLS on this port; try http://")
	case errors.As(e, &timeout) && timeout.Timeout():
		f.next("the server is too slow or hangs; see its log, or give it more time with --request-timeout")
	case strings.Contains(e.Error(), "server gave HTTP response to HTTPS client"):
		f.next("the server does not speak TLS on this port; try http://")
	}
	return f
}
