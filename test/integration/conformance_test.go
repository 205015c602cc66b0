//go:build integration

package integration

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/moldau-io/moldau/test/refstack"
)

// suite runs a conformance suite against a worker and fails for each scenario that
// does not pass, but for those in known, which must fail.
func suite(t *testing.T, known map[string]string, interpreter, script string, args ...string) {
	t.Helper()
	cmd := exec.Command(interpreter, append([]string{script}, args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	runErr := cmd.Run()
	passed := map[string]bool{}
	failed := map[string]string{}
	var last, summary string
	lines := bufio.NewScanner(&out)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		line := lines.Text()
		if name, ok := strings.CutPrefix(line, "PASS "); ok {
			passed[strings.Fields(name)[0]] = true
			last = ""
		} else if name, ok := strings.CutPrefix(line, "FAIL "); ok {
			last = strings.Fields(name)[0]
			failed[last] = ""
		} else if counts.MatchString(line) {
			summary = line
		} else if last != "" {
			failed[last] += line + "\n"
		}
	}
	if summary == "" {
		t.Fatalf("the suite did not run (%v):\n%s", runErr, out.String())
	}
	t.Log(summary)
	for name, text := range failed {
		if _, ok := known[name]; !ok {
			t.Errorf("%s:\n%s", name, tail([]byte(text), 3000))
		}
	}
	for name, why := range known {
		if passed[name] {
			t.Errorf("%s passes now; take it from the list of known failures (%s)", name, why)
		}
	}
	if len(passed) == 0 {
		t.Error("no scenario passed")
	}
}

var counts = regexp.MustCompile(`^\d+ passed, \d+ failed`)

// knownFailures reads a list of scenarios that are known not to pass: a name and the
// reason a line.
func knownFailures(t *testing.T, path string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, why, ok := strings.Cut(line, " ")
		if !ok {
			t.Fatalf("%s: %q gives no reason", path, line)
		}
		out[name] = strings.TrimSpace(why)
	}
	return out
}

func restSuite(t *testing.T, url string, known map[string]string, more ...string) {
	t.Helper()
	args := append([]string{"check", "--url", url, "--tmp", t.TempDir()}, more...)
	suite(t, known, "python3", filepath.Join("..", "conformance", "rest", "rest_conformance.py"), args...)
}

func dataSuite(t *testing.T, url, bootstrap string, known map[string]string, more ...string) {
	t.Helper()
	args := append([]string{"check", "--url", url, "--bootstrap", bootstrap, "--tmp", t.TempDir()}, more...)
	suite(t, known, python(t), filepath.Join("..", "conformance", "data", "data_conformance.py"), args...)
}

// workerSettings are what the suites ask of a worker.
var workerSettings = map[string]string{"exactly.once.source.support": "enabled", "offset.flush.interval.ms": "1000"}

// The oracle is kept honest: a part of the suites runs against Apache Connect itself.
func TestSuitesAgainstApacheConnect(t *testing.T) {
	servers.connect(t, "exactly.once.source.support=enabled", "offset.flush.interval.ms=1000")
	url := servers.url(refstack.Connect)
	t.Run("rest", func(t *testing.T) { restSuite(t, url, nil, "--quick") })
	t.Run("data", func(t *testing.T) { dataSuite(t, url, servers.addr("kafka"), nil, "--quick", "--skip-quirks") })
	// With the worker that runs already.
	t.Run("errors", func(t *testing.T) { compareErrors(t, url) })
}

func TestRESTConformanceOfWorker(t *testing.T) {
	path, url := properties(t, unique(t, "g"), workerSettings)
	start(t, url, "worker", path).ready()
	restSuite(t, url, knownFailures(t, filepath.Join("..", "conformance", "rest", "known-failures.txt")))
}

func TestDataConformanceOfWorker(t *testing.T) {
	path, url := properties(t, unique(t, "g"), workerSettings)
	start(t, url, "worker", path).ready()
	dataSuite(t, url, servers.addr("kafka"), knownFailures(t, filepath.Join("..", "conformance", "data", "known-failures.txt")), "--skip-quirks")
}

func TestRESTConformanceOfDev(t *testing.T) {
	p, _ := dev(t, workerSettings)
	restSuite(t, p.url, knownFailures(t, filepath.Join("..", "conformance", "rest", "known-failures-dev.txt")))
}

func TestDataConformanceOfDev(t *testing.T) {
	p, bootstrap := dev(t, map[string]string{"offset.flush.interval.ms": "1000"})
	dataSuite(t, p.url, bootstrap, knownFailures(t, filepath.Join("..", "conformance", "data", "known-failures-dev.txt")), "--no-eos", "--skip-quirks")
}
