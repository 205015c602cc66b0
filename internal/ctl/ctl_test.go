package ctl

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/moldau-io/moldau/internal/logging"
	"github.com/moldau-io/moldau/internal/node"
	"github.com/moldau-io/moldau/plugins/standard"
	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/runtime/settings"
)

var update = flag.Bool("update", false, "write the golden files anew")

// world is where commands of a test run: its files, environment and clock. What they
// print becomes a transcript.
type world struct {
	t *testing.T
	// home is the package's folder, dir the one the commands run in.
	home, dir string
	env       map[string]string
	now       time.Time
	// real makes commands wait for real, for a server that works; else time passes at
	// once.
	real bool
	// tty makes all streams terminals.
	tty    bool
	in     string
	secret string
	// onSleep is called at each wait.
	onSleep    func()
	transcript bytes.Buffer
	replace    []string
}

func newWorld(t *testing.T) *world {
	home, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Chdir(dir) // paths of one length, whatever the folder is called
	return &world{t: t, home: home, dir: dir, env: map[string]string{}, now: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC), replace: []string{dir, "DIR"}}
}

// file writes a file and returns its path.
func (w *world) file(name, text string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		w.t.Fatal(err)
	}
	return path
}

func (w *world) app(out, err io.Writer) *App {
	a := &App{
		In: strings.NewReader(w.in), Out: out, Err: err, InTTY: w.tty, OutTTY: w.tty, ErrTTY: w.tty || w.real,
		Width:        func() int { return 60 },
		Env:          func(name string) string { return w.env[name] },
		ConfigFile:   func() (string, error) { return filepath.Join(w.dir, "config", "config.yaml"), nil },
		ReadPassword: func(prompt string) (string, error) { fmt.Fprintln(err, prompt); return w.secret, nil },
		ReadLine:     func(prompt string) (string, error) { fmt.Fprint(err, prompt); return w.in, nil },
		Now:          func() time.Time { return w.now }, settle: settleTime,
		Sleep: func(ctx context.Context, d time.Duration) error {
			w.now = w.now.Add(d)
			if w.onSleep != nil {
				w.onSleep()
			}
			return ctx.Err()
		},
	}
	if w.real {
		a.Now, a.settle = time.Now, time.Second
		a.Sleep = func(ctx context.Context, _ time.Duration) error {
			select {
			case <-time.After(20 * time.Millisecond):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return a
}

// execute runs a command line and returns what it printed and its exit code.
func (w *world) execute(ctx context.Context, args ...string) (out, errText string, code int) {
	var o, e bytes.Buffer
	root := &cobra.Command{Use: "moldau", SilenceErrors: true, SilenceUsage: true}
	root.SetOut(&o)
	root.SetErr(&e)
	root.AddCommand(w.app(&o, &e).Commands()...)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var coded interface{ ExitCode() int }
	switch {
	case errors.As(err, &coded):
		code = coded.ExitCode()
	case err != nil:
		w.t.Errorf("moldau %s: an error without a code: %v", strings.Join(args, " "), err)
	}
	return o.String(), e.String(), code
}

// run adds a command and what it prints to the transcript.
func (w *world) run(args ...string) {
	w.t.Helper()
	out, errText, code := w.execute(w.t.Context(), args...)
	for i, a := range args {
		if a == "" || strings.ContainsAny(a, " *?[]|()$\"") {
			args[i] = "'" + a + "'"
		}
	}
	fmt.Fprintf(&w.transcript, "$ moldau %s\n%s%s", strings.Join(args, " "), out, stderr(sortOutcomes(overwritten(errText, w.real))))
	if code != 0 {
		fmt.Fprintf(&w.transcript, "[exit %d]\n", code)
	}
	w.transcript.WriteString("\n")
}

// outcomes are lines that say what became of a connector, in the order it happened.
var outcomes = regexp.MustCompile(`(?m)^(\S+ is (?:RUNNING|PAUSED|STOPPED|gone).*\n)+`)

func sortOutcomes(text string) string {
	return outcomes.ReplaceAllStringFunc(text, func(block string) string {
		lines := strings.SplitAfter(block, "\n")
		slices.Sort(lines)
		return strings.Join(lines, "")
	})
}

// overwritten leaves of each line what a terminal shows in the end.
func overwritten(text string, do bool) string {
	if !do {
		return text
	}
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		if at := strings.LastIndex(line, "\r\x1b[K"); at >= 0 {
			lines[i] = line[at+len("\r\x1b[K"):]
		}
	}
	return strings.Join(lines, "")
}

func stderr(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("2> " + strings.TrimSuffix(line, "\n") + "\n")
	}
	return b.String()
}

// golden compares the transcript with a file.
func (w *world) golden(name string) {
	w.t.Helper()
	got := strings.NewReplacer(w.replace...).Replace(w.transcript.String())
	got = strings.ReplaceAll(regexp.MustCompile(`dial tcp [0-9.:]+`).ReplaceAllString(got, "dial tcp ADDRESS"), "\x1b", "\\e")
	got = strings.ReplaceAll(got, "\r", "\\r")
	path := filepath.Join(w.home, "testdata", name+".txt")
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(got), 0o644)); err != nil {
			w.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatalf("%v; go test -update writes it", err)
	}
	if got != string(want) {
		w.t.Errorf("%s is not what is printed; go test -update writes it anew\n--- printed\n%s\n--- expected\n%s", path, got, want)
	}
}

// startNode runs a worker with a broker in memory, and some more settings, until the end
// of the test and returns its URL.
func startNode(t *testing.T, more map[string]string) string {
	t.Helper()
	broker, err := kafka.StartBroker(kafka.BrokerConfig{InMemory: true})
	if err != nil {
		t.Fatal(err)
	}
	props := map[string]string{
		"bootstrap.servers": broker.Addr(), "group.id": "ctl", "listeners": "http://127.0.0.1:0",
		"config.storage.topic": "configs", "offset.storage.topic": "offsets", "status.storage.topic": "statuses",
		"config.storage.replication.factor": "1", "offset.storage.replication.factor": "1", "status.storage.replication.factor": "1",
		"offset.storage.partitions": "1", "status.storage.partitions": "1", "offset.flush.interval.ms": "100",
		"key.converter":   "org.apache.kafka.connect.storage.StringConverter",
		"value.converter": "org.apache.kafka.connect.storage.StringConverter",
	}
	maps.Copy(props, more)
	ready := make(chan node.Addresses, 1)
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		ended <- node.Run(ctx, node.Options{
			Mode: settings.Distributed, Solo: true, Plugins: standard.Registry(), Levels: logging.New("error"), LogTo: slog.DiscardHandler,
			Commit: "abc", Dial: broker.Dial, Ready: func(a node.Addresses) { ready <- a },
			Props: props,
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, broker.Close()); err != nil {
			t.Error(err)
		}
	})
	select {
	case a := <-ready:
		return strings.TrimSuffix(a.REST, "/")
	case err := <-ended:
		ended <- err
		t.Fatalf("the worker ended: %v", err)
		return ""
	}
}

// nodeWorld is a world with a worker that has some more settings.
func nodeWorld(t *testing.T, more map[string]string) *world {
	w := newWorld(t)
	w.real = true
	url := startNode(t, more)
	w.env[envServer], w.env["NO_COLOR"] = url, "1"
	host := strings.TrimPrefix(url, "http://")
	w.replace = append(w.replace, url, "http://worker:8083", host, "worker:8083")
	return w
}
