package ctl

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/moldau-io/moldau/internal/suggest"
)

// App is the world of the commands.
type App struct {
	In       io.Reader
	Out, Err io.Writer
	// InTTY, OutTTY and ErrTTY say which of them are terminals.
	InTTY, OutTTY, ErrTTY bool
	// Width is the number of columns of the terminal, 0 if that is not known.
	Width func() int
	// Env looks an environment variable up, "" for one that is not set.
	Env func(name string) string
	// ConfigFile returns the path of the file of contexts.
	ConfigFile func() (string, error)
	// ReadLine asks for a line, ReadPassword for one that is not shown.
	ReadLine, ReadPassword func(prompt string) (string, error)
	// Now and Sleep are the clock.
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error
	// settle is how long a state that was there before a change is not yet taken for
	// its outcome: workers read changes from a topic.
	settle time.Duration
}

// settleTime is the App's settle.
const settleTime = 3 * time.Second

// System is the App of this process.
func System() *App {
	terminal := func(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
	return &App{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		InTTY: terminal(os.Stdin), OutTTY: terminal(os.Stdout), ErrTTY: terminal(os.Stderr),
		Width: func() int {
			width, _, err := term.GetSize(int(os.Stderr.Fd()))
			if err != nil {
				return 0
			}
			return width
		},
		Env: os.Getenv,
		ConfigFile: func() (string, error) {
			if path := os.Getenv("MOLDAU_CONFIG"); path != "" {
				return path, nil
			}
			dir, err := os.UserConfigDir()
			return filepath.Join(dir, "moldau", "config.yaml"), err
		},
		ReadLine: func(prompt string) (string, error) {
			fmt.Fprint(os.Stderr, prompt)
			return interruptible(func() (string, error) {
				line, err := bufio.NewReader(os.Stdin).ReadString('\n')
				if err == io.EOF && line != "" {
					err = nil
				}
				return line, err
			})
		},
		ReadPassword: func(prompt string) (string, error) {
			fmt.Fprint(os.Stderr, prompt)
			before, err := term.GetState(int(os.Stdin.Fd()))
			if err != nil {
				return "", err
			}
			line, err := interruptible(func() (string, error) {
				b, err := term.ReadPassword(int(os.Stdin.Fd()))
				return string(b), err
			})
			fmt.Fprintln(os.Stderr)
			return line, errors.Join(err, term.Restore(int(os.Stdin.Fd()), before))
		},
		Now: time.Now, settle: settleTime,
		Sleep: func(ctx context.Context, d time.Duration) error {
			t := time.NewTimer(d)
			defer t.Stop()
			select {
			case <-t.C:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	}
}

// interruptible reads from the terminal until Ctrl-C, which the process catches: without
// this it would do nothing at a prompt. The read itself cannot be ended; it is left to
// the end of the process, which is next.
func interruptible(read func() (string, error)) (string, error) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		text, err := read()
		answers <- answer{text, err}
	}()
	select {
	case a := <-answers:
		return a.text, a.err
	case <-signals:
		return "", context.Canceled
	}
}

// Commands returns the operator's commands. Their errors are printed already and have
// an ExitCode.
func (a *App) Commands() []*cobra.Command {
	s := &session{App: a}
	cmds := []*cobra.Command{s.connectorCommand(), s.pluginCommand(), s.clusterCommand(), s.contextCommand()}
	for _, cmd := range cmds {
		s.register(cmd)
		s.prepare(cmd)
	}
	return cmds
}

// prepare makes every command of a tree report its errors in one way.
func (s *session) prepare(cmd *cobra.Command) {
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return s.report(usage("%v", err).next("%s --help", c.CommandPath()))
	})
	if check := cmd.Args; check != nil {
		cmd.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return s.report(usage("%v", err).next("usage: %s", c.UseLine()))
			}
			return nil
		}
	}
	if cmd.HasSubCommands() && cmd.RunE == nil {
		cmd.Args = cobra.ArbitraryArgs
		cmd.RunE = func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.Help()
			}
			wrong := usage("there is no command %q", c.CommandPath()+" "+args[0]).next("%s --help", c.CommandPath())
			var there []string
			for _, child := range c.Commands() {
				there = append(there, child.Name())
			}
			if meant, ok := suggest.Closest(args[0], there); ok {
				wrong.next("%s %s", c.CommandPath(), meant)
			}
			return s.report(wrong)
		}
	} else if run := cmd.RunE; run != nil {
		cmd.RunE = func(c *cobra.Command, args []string) error {
			if err := s.checkOutput(); err != nil {
				return s.report(err)
			}
			return s.report(run(c, args))
		}
	}
	for _, child := range cmd.Commands() {
		s.prepare(child)
	}
}

// exit ends the process with a code; what there is to say is printed.
type exit struct{ code int }

func (e *exit) Error() string { return fmt.Sprintf("exit status %d", e.code) }

// ExitCode is the status to end with.
func (e *exit) ExitCode() int { return e.code }

// report prints an error and the next step.
func (s *session) report(err error) error {
	if err == nil {
		return nil
	}
	var done *exit
	if errors.As(err, &done) {
		return done
	}
	e := explain(err)
	s.endProgress()
	for _, part := range e.all() {
		if part.text != "" {
			s.errorf("%s %s\n", s.errStyle().red("error:"), clean(part.text))
		}
		if part.cure != "" {
			s.errorf("  next: %s\n", clean(part.cure))
		}
	}
	return &exit{e.code}
}
