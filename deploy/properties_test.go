package deploy_test

import (
	"bufio"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/plugins/standard"
	"github.com/moldau-io/moldau/runtime/settings"
)

// commented is a key that a sample shows without setting it.
var commented = regexp.MustCompile(`^#([a-z][a-z0-9_-]*(\.[a-z0-9_-]+)+=.*)$`)

// uncomment sets all keys that a sample shows and returns the path of that file.
func uncomment(t *testing.T, path string) (full string, shown int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	keys := map[string]bool{}
	for lines := bufio.NewScanner(strings.NewReader(string(text))); lines.Scan(); {
		line := lines.Text()
		if m := commented.FindStringSubmatch(line); m != nil {
			line = strings.ReplaceAll(m[1], "/etc/moldau/secrets", t.TempDir()) // it must exist
			shown++
		}
		if key, _, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			if keys[key] {
				t.Errorf("%s has %s twice", path, key)
			}
			keys[key] = true
		}
		fmt.Fprintln(&b, line)
	}
	full = filepath.Join(t.TempDir(), filepath.Base(path))
	if err := os.WriteFile(full, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return full, shown
}

// load reads a worker's settings as the commands do and returns the keys that nothing
// reads.
func load(t *testing.T, mode settings.Mode, props map[string]string) (*settings.Worker, []string) {
	t.Helper()
	w, err := settings.LoadWorker(t.Context(), mode, props, settings.WorkerOptions{
		Plugins: settings.Catalogue(standard.Registry()), Logger: slog.New(slog.DiscardHandler), Environ: []string{"KAFKA_PASSWORD=secret"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	unknown := w.Unknown
	for prefix, def := range map[string]*configdef.Def{
		"producer.": settings.ProducerDef(), "consumer.": settings.ConsumerDef(), "admin.": settings.AdminDef(),
	} {
		for key := range w.Prefixed(prefix) {
			if !slices.Contains(def.Names(), key) && !strings.HasPrefix(key, "listeners") {
				unknown = append(unknown, prefix+key)
			}
		}
	}
	slices.Sort(unknown)
	return w, unknown
}

func TestSampleProperties(t *testing.T) {
	for file, mode := range map[string]settings.Mode{"worker.properties": settings.Distributed, "standalone.properties": settings.Standalone} {
		t.Run(file, func(t *testing.T) {
			full, shown := uncomment(t, file)
			if shown < 2 {
				t.Errorf("only %d keys are shown in comments", shown)
			}
			for _, path := range []string{file, full} {
				props, err := settings.LoadProperties(path)
				if err != nil {
					t.Fatal(err)
				}
				w, unknown := load(t, mode, props)
				if len(unknown) > 0 {
					t.Errorf("%s has unknown keys %q", path, unknown)
				}
				if got := w.BootstrapServers; !slices.Equal(got, []string{"localhost:9092"}) {
					t.Errorf("%s: bootstrap.servers is %q", path, got)
				}
				props["sceduled.rebalance.max.delay.ms"], props["producer.ack"] = "0", "all"
				if _, unknown := load(t, mode, props); !slices.Equal(unknown, []string{"producer.ack", "sceduled.rebalance.max.delay.ms"}) {
					t.Errorf("with two wrong keys, %q are unknown", unknown)
				}
			}
		})
	}
}

// Values that a comment gives as defaults are the defaults.
func TestSampleDefaults(t *testing.T) {
	props, err := settings.LoadProperties("worker.properties")
	if err != nil {
		t.Fatal(err)
	}
	set, _ := load(t, settings.Distributed, props)
	full, _ := uncomment(t, "worker.properties")
	if props, err = settings.LoadProperties(full); err != nil {
		t.Fatal(err)
	}
	all, _ := load(t, settings.Distributed, props)
	examples := []string{
		"moldau.rest.", "rest.advertised.", "security.protocol", "sasl.", "ssl.truststore.", "config.providers",
	}
	for _, key := range all.Config.Def().Names() {
		if slices.ContainsFunc(examples, func(p string) bool { return strings.HasPrefix(key, p) }) {
			continue
		}
		if got, want := fmt.Sprint(all.Config.Get(key)), fmt.Sprint(set.Config.Get(key)); got != want {
			t.Errorf("%s is shown as %s, the default is %s", key, got, want)
		}
	}
}
