//go:build integration

package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// packages are what tests use from Python's package index: a Kafka client with its
// serializers, and two clients of Connect's REST API that know nothing of this project.
var packages = []string{"confluent-kafka[avro,json,protobuf,schemaregistry]==2.12.1", "kafka-connect-py==1.0.0", "kafka-connect-healthcheck==0.3.0"}

// environment makes a virtual environment with them, once for a machine.
var environment = sync.OnceValues(func() (dir string, err error) {
	dir = filepath.Join(os.TempDir(), "moldau-test-python")
	mark := filepath.Join(dir, strings.Join(packages, ","))
	if _, err := os.Stat(mark); err == nil {
		return dir, nil
	}
	for _, args := range [][]string{
		{"python3", "-m", "venv", dir},
		append([]string{filepath.Join(dir, "bin", "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"}, packages...),
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			return "", &commandError{args, out, err}
		}
	}
	return dir, os.WriteFile(mark, nil, 0o600)
})

type commandError struct {
	args []string
	out  []byte
	err  error
}

func (e *commandError) Error() string {
	return strings.Join(e.args, " ") + ": " + e.err.Error() + "\n" + string(e.out)
}

// python returns an interpreter that has the packages; their commands are beside it.
func python(t *testing.T) string {
	t.Helper()
	dir, err := environment()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "bin", "python")
}
