package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWorkerSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "worker.properties")
	if err := os.WriteFile(file, []byte("group.id=file\nconfig.storage.topic=configs\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name           string
		files, environ []string
		want           map[string]string
		err            string
	}{
		{"file", []string{file}, []string{"HOME=/"}, map[string]string{"group.id": "file", "config.storage.topic": "configs"}, ""},
		{"environment", nil, []string{"CONNECT_GROUP_ID=env", "CONNECT_A__B___C_D=1"}, map[string]string{"group.id": "env", "a_b-c.d": "1"}, ""},
		{"both", []string{file}, []string{"CONNECT_GROUP_ID=env"}, map[string]string{"group.id": "env", "config.storage.topic": "configs"}, ""},
		{"neither", nil, []string{"HOME=/", "CONNECT_LOG4J_ROOT_LOGLEVEL=INFO"}, nil, "no settings: name a worker.properties file, or set CONNECT_BOOTSTRAP_SERVERS"},
		{"no such file", []string{file + "x"}, []string{"CONNECT_GROUP_ID=env"}, nil, "no such file"},
	} {
		got, err := workerSettings(c.files, c.environ)
		if !maps.Equal(got, c.want) || (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, %v; want %v, %q", c.name, got, err, c.want, c.err)
		}
	}
}
