package ctl

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/moldau-io/moldau/api/client"
)

const (
	envServer   = "MOLDAU_SERVER"
	envUser     = "MOLDAU_USER"
	envPassword = "MOLDAU_PASSWORD"

	defaultServer = "http://localhost:8083"
	// requestTimeout is a little more than the 90 s that Connect gives a request.
	requestTimeout = 95 * time.Second
	dialTimeout    = 5 * time.Second
	// conflictWait is how long requests wait for a rebalance.
	conflictWait = 30 * time.Second
)

// session is one run of a command: its flags and what they lead to.
type session struct {
	*App
	flags struct {
		target
		context        string
		output, color  string
		requestTimeout time.Duration
		conflictWait   time.Duration
	}
	rest *client.REST
	// progress is the line on the terminal that the next one overwrites.
	progress string
}

// register adds the flags that all commands have.
func (s *session) register(cmd *cobra.Command) {
	f, x := cmd.PersistentFlags(), &s.flags
	f.StringVarP(&x.Server, "server", "s", "", "`URL` of a worker (default $"+envServer+", the current context, "+defaultServer+")")
	f.StringVar(&x.context, "context", "", "`name` of the context to use")
	f.StringVarP(&x.User, "user", "u", "", "`name` to log in with; the password is taken from $"+envPassword+", --password-file or a prompt")
	f.StringVar(&x.PasswordFile, "password-file", "", "`file` whose first line is the password")
	f.StringVar(&x.CAFile, "ca-file", "", "PEM `file` of the CAs that may sign the server's certificate")
	f.StringVar(&x.CertFile, "cert-file", "", "PEM `file` with this client's certificate")
	f.StringVar(&x.KeyFile, "key-file", "", "PEM `file` with the certificate's private key")
	f.BoolVar(&x.Insecure, "insecure-skip-verify", false, "do not check the server's certificate")
	f.StringVarP(&x.output, "output", "o", "", "`format`: table, wide, json, yaml or name (default table, or what fits the command)")
	f.StringVar(&x.color, "color", "auto", "`when` to use colours: auto, always or never")
	f.DurationVar(&x.requestTimeout, "request-timeout", requestTimeout, "how long a request may take")
	f.DurationVar(&x.conflictWait, "conflict-wait", conflictWait, "how long to wait while the workers rebalance")
	for flag, values := range map[string][]string{"output": {"table", "wide", "json", "yaml", "name"}, "color": {"auto", "always", "never"}} {
		// It fails for a flag that does not exist or has a function already.
		if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
			panic(err)
		}
	}
	if err := cmd.RegisterFlagCompletionFunc("context", s.completeContexts); err != nil {
		panic(err)
	}
}

// target says which server is meant, and why. A context counts whole or not at all, so
// that its password never goes to another server.
func (s *session) target() (t target, why string, err error) {
	x := s.flags.target
	given := func() error {
		t.User, t.PasswordFile = x.User, x.PasswordFile
		if t.User == "" {
			t.User = s.Env(envUser)
		}
		return nil
	}
	switch fromEnv := s.Env(envServer); {
	case x.Server != "" && s.flags.context != "":
		return t, "", usage("--server and --context are both given; one of them says which server is meant")
	case x.Server != "":
		if t.Server, err = checkServer("--server "+redactURL(x.Server), x.Server); err != nil {
			return t, "", err
		}
		why, err = "--server", given()
	case s.flags.context == "" && fromEnv != "":
		if t.Server, err = checkServer("$"+envServer+"="+redactURL(fromEnv), fromEnv); err != nil {
			return t, "", err
		}
		why, err = "$"+envServer, given()
	default:
		return s.fromContext()
	}
	t.CAFile, t.CertFile, t.KeyFile, t.Insecure = x.CAFile, x.CertFile, x.KeyFile, x.Insecure
	return t, why, err
}

// fromContext takes the context, with single flags over it.
func (s *session) fromContext() (t target, why string, err error) {
	c, _, err := s.loadContexts()
	if err != nil {
		return t, "", err
	}
	x, name := s.flags.target, s.flags.context
	if name == "" {
		name = c.Current
	}
	if name == "" {
		t.Server, why = defaultServer, "the default"
		t.User = s.Env(envUser)
	} else {
		if t, err = c.get(name); err != nil {
			return t, "", err
		}
		if t.Server, err = checkServer("the server "+redactURL(t.Server)+" of context "+name, t.Server); err != nil {
			return t, "", err
		}
		why = "context " + name
	}
	for _, o := range []struct{ from, to *string }{
		{&x.User, &t.User}, {&x.PasswordFile, &t.PasswordFile}, {&x.CAFile, &t.CAFile}, {&x.CertFile, &t.CertFile}, {&x.KeyFile, &t.KeyFile},
	} {
		if *o.from != "" {
			*o.to = *o.from
		}
	}
	t.Insecure = t.Insecure || x.Insecure
	return t, why, nil
}

// check finds what contradicts itself.
func (t target) check() error {
	if (t.CertFile == "") != (t.KeyFile == "") {
		return usage("--cert-file and --key-file go together: one of them is missing")
	}
	if strings.Contains(t.User, ":") {
		return usage("a user's name has no ':' in it").next("give the password in $%s, --password-file or at the prompt, not on the command line", envPassword)
	}
	if t.User == "" && (t.PasswordFile != "" || t.PasswordEnv != "") {
		return usage("there is a password but no user").next("add --user NAME")
	}
	return nil
}

// password finds the user's password.
func (s *session) password(t target) (string, error) {
	if t.PasswordFile != "" {
		text, err := os.ReadFile(t.PasswordFile)
		if err != nil {
			return "", usage("cannot read the password: %v", err)
		}
		first, _, _ := strings.Cut(string(text), "\n")
		return strings.TrimSuffix(first, "\r"), nil
	}
	if t.PasswordEnv != "" {
		if p := s.Env(t.PasswordEnv); p != "" {
			return p, nil
		}
		return "", usage("the password is to be in $%s, which is not set", t.PasswordEnv)
	}
	if p := s.Env(envPassword); p != "" {
		return p, nil
	}
	if !s.InTTY {
		return "", usage("there is no password for user %s", t.User).next("set $%s, or use --password-file", envPassword)
	}
	p, err := s.ReadPassword("Password of " + t.User + " for " + t.Server + ": ")
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	return p, nil
}

// client connects to the server that is meant.
func (s *session) client() (*client.REST, error) {
	if s.rest != nil {
		return s.rest, nil
	}
	t, _, err := s.target()
	if err != nil {
		return nil, err
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	config, err := t.tls()
	if err != nil {
		return nil, err
	}
	rest := &client.REST{URL: t.Server, User: t.User, ConflictWait: s.flags.conflictWait, Sleep: s.Sleep}
	if t.User != "" {
		if rest.Password, err = s.password(t); err != nil {
			return nil, err
		}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	transport.DialContext = (&net.Dialer{Timeout: dialTimeout}).DialContext
	rest.HTTP = &http.Client{Transport: transport, Timeout: s.flags.requestTimeout, CheckRedirect: client.CheckRedirect}
	told := false
	rest.OnConflict = func(message string) {
		if !told {
			told = true
			s.endProgress()
			s.notef("waiting: %s\n", message)
		}
	}
	s.rest = rest
	return rest, nil
}

func (t target) tls() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: t.Insecure}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, usage("cannot read the CA: %v", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, usage("%s has no certificate in PEM", t.CAFile)
		}
	}
	if t.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, usage("cannot use the client certificate: %v", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// redactURL takes a password out of a URL.
func redactURL(text string) string {
	if u, err := url.Parse(text); err == nil {
		return u.Redacted()
	}
	return text
}
