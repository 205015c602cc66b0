package ctl

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"
)

// target says which server to talk to and how. Passwords are not in it, only where
// they are.
type target struct {
	Server       string `yaml:"server" json:"server"`
	User         string `yaml:"user,omitempty" json:"user,omitempty"`
	PasswordFile string `yaml:"password_file,omitempty" json:"password_file,omitempty"`
	PasswordEnv  string `yaml:"password_env,omitempty" json:"password_env,omitempty"`
	CAFile       string `yaml:"ca_file,omitempty" json:"ca_file,omitempty"`
	CertFile     string `yaml:"cert_file,omitempty" json:"cert_file,omitempty"`
	KeyFile      string `yaml:"key_file,omitempty" json:"key_file,omitempty"`
	Insecure     bool   `yaml:"insecure_skip_verify,omitempty" json:"insecure_skip_verify,omitempty"`
}

// contexts is the file of contexts.
type contexts struct {
	Current  string            `yaml:"current,omitempty"`
	Contexts map[string]target `yaml:"contexts"`
}

func (s *session) loadContexts() (*contexts, string, error) {
	path, err := s.ConfigFile()
	if err != nil {
		return nil, "", usage("there is no place for contexts: %v", err).next("name a file in $MOLDAU_CONFIG")
	}
	c := &contexts{Contexts: map[string]target{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return c, path, nil
	}
	if err != nil {
		return nil, path, usage("cannot read the contexts: %v", err)
	}
	if err := yaml.Unmarshal(text, c); err != nil {
		return nil, path, usage("%s is not a file of contexts: %v", path, err)
	}
	if c.Contexts == nil {
		c.Contexts = map[string]target{}
	}
	return c, path, nil
}

// save writes the file whole or not at all; only its owner may read it.
func (c *contexts) save(path string) error {
	text, err := yaml.Marshal(c)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".config-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func (c *contexts) get(name string) (target, error) {
	t, ok := c.Contexts[name]
	if !ok {
		f := fail(ExitNotFound, "there is no context %q", name)
		if len(c.Contexts) == 0 {
			return t, f.next("make one: moldau context set %s --server http://host:8083", name)
		}
		return t, f.next("there are: %s", strings.Join(slices.Sorted(maps.Keys(c.Contexts)), ", "))
	}
	return t, nil
}

// checkServer refuses what is no URL of a server, and passwords in it, which would
// be in the list of processes and in files.
func checkServer(where, text string) (string, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return "", usage("%s is not a URL such as http://localhost:8083", where)
	}
	if u.User != nil {
		return "", usage("%s has a user in it", where).next("leave it out, and use --user NAME with the password in $%s or --password-file", envPassword)
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return "", usage("%s has a query or a fragment, which a server's URL has not", where)
	}
	return strings.TrimSuffix(text, "/"), nil
}

func (s *session) contextCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "context",
		Short: "Say which server the commands talk to",
		Long: `A context is a name for a server and how to log in there. Commands use the current
one unless --server, $MOLDAU_SERVER or --context says otherwise. Passwords are not
stored: a context names the file or the environment variable that holds one.

Contexts are in $MOLDAU_CONFIG, else in moldau/config.yaml in the user's folder for
configuration.`,
	}
	cmd.AddCommand(s.contextSet(), s.contextUse(), s.contextList(), s.contextCurrent(), s.contextDelete())
	return cmd
}

func (s *session) contextSet() *cobra.Command {
	var passwordEnv string
	cmd := &cobra.Command{
		Use:   "set NAME --server URL",
		Short: "Make a context or change one",
		Example: `  moldau context set prod --server https://connect.example.org:8083 --user ops --password-env OPS_PASSWORD
  moldau context use prod`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, path, err := s.loadContexts()
			if err != nil {
				return err
			}
			t, exists := c.Contexts[args[0]]
			if s.flags.Server != "" {
				if t.Server, err = checkServer("--server "+redactURL(s.flags.Server), s.flags.Server); err != nil {
					return err
				}
			}
			if t.Server == "" {
				return usage("--server is missing: the URL of a worker")
			}
			changed := cmd.Flags().Changed
			for flag, to := range map[string]struct{ from, to *string }{
				"user": {&s.flags.User, &t.User}, "password-file": {&s.flags.PasswordFile, &t.PasswordFile}, "password-env": {&passwordEnv, &t.PasswordEnv},
				"ca-file": {&s.flags.CAFile, &t.CAFile}, "cert-file": {&s.flags.CertFile, &t.CertFile}, "key-file": {&s.flags.KeyFile, &t.KeyFile},
			} {
				if changed(flag) {
					*to.to = *to.from
				}
			}
			if changed("insecure-skip-verify") {
				t.Insecure = s.flags.Insecure
			}
			if err := absolute(&t.PasswordFile, &t.CAFile, &t.CertFile, &t.KeyFile); err != nil {
				return err
			}
			if err := t.check(); err != nil {
				return err
			}
			c.Contexts[args[0]] = t
			if c.Current == "" {
				c.Current = args[0]
			}
			if err := c.save(path); err != nil {
				return fmt.Errorf("writing the contexts: %w", err)
			}
			verb := "made"
			if exists {
				verb = "changed"
			}
			s.printf("context %s %s\n", args[0], verb)
			return nil
		},
		ValidArgsFunction: s.completeContexts,
	}
	cmd.Flags().StringVar(&passwordEnv, "password-env", "", "environment `variable` that will hold the password")
	return cmd
}

// absolute makes paths independent of the folder the command runs in.
func absolute(paths ...*string) error {
	for _, p := range paths {
		if *p == "" {
			continue
		}
		abs, err := filepath.Abs(*p)
		if err != nil {
			return err
		}
		*p = abs
	}
	return nil
}

func (s *session) contextUse() *cobra.Command {
	return &cobra.Command{
		Use: "use NAME", Short: "Make a context the current one", Args: cobra.ExactArgs(1), ValidArgsFunction: s.completeContexts,
		RunE: func(_ *cobra.Command, args []string) error {
			c, path, err := s.loadContexts()
			if err != nil {
				return err
			}
			t, err := c.get(args[0])
			if err != nil {
				return err
			}
			c.Current = args[0]
			if err := c.save(path); err != nil {
				return fmt.Errorf("writing the contexts: %w", err)
			}
			s.printf("now using %s: %s\n", args[0], t.Server)
			return nil
		},
	}
}

func (s *session) contextList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the contexts", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			c, _, err := s.loadContexts()
			if err != nil {
				return err
			}
			type row struct {
				Name    string `json:"name"`
				Current bool   `json:"current"`
				target
			}
			rows := []row{}
			t := newTable("", "NAME", "SERVER", "USER").wide("PASSWORD", "CA", "CERTIFICATE")
			for _, name := range slices.Sorted(maps.Keys(c.Contexts)) {
				x := c.Contexts[name]
				rows = append(rows, row{name, name == c.Current, x})
				mark := ""
				if name == c.Current {
					mark = "*"
				}
				password := x.PasswordFile
				if x.PasswordEnv != "" {
					password = "$" + x.PasswordEnv
				}
				t.add(mark, name, x.Server, dash(x.User), dash(password), dash(x.CAFile), dash(x.CertFile))
			}
			if len(rows) == 0 {
				s.notef("no contexts; make one: moldau context set NAME --server URL\n")
			}
			return s.show(rows, t)
		},
	}
}

func (s *session) contextCurrent() *cobra.Command {
	return &cobra.Command{
		Use: "current", Short: "Print which server the commands talk to, and why", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			t, why, err := s.target()
			if err != nil {
				return err
			}
			t.Server = redactURL(t.Server)
			table := newTable("SERVER", "FROM", "USER")
			table.add(t.Server, why, dash(t.User))
			return s.show(struct {
				target
				From string `json:"from"`
			}{t, why}, table)
		},
	}
}

func (s *session) contextDelete() *cobra.Command {
	return &cobra.Command{
		Use: "delete NAME", Short: "Delete a context", Args: cobra.ExactArgs(1), ValidArgsFunction: s.completeContexts,
		RunE: func(_ *cobra.Command, args []string) error {
			c, path, err := s.loadContexts()
			if err != nil {
				return err
			}
			if _, err := c.get(args[0]); err != nil {
				return err
			}
			delete(c.Contexts, args[0])
			if c.Current == args[0] {
				c.Current = ""
			}
			if err := c.save(path); err != nil {
				return fmt.Errorf("writing the contexts: %w", err)
			}
			s.printf("context %s deleted\n", args[0])
			return nil
		},
	}
}
