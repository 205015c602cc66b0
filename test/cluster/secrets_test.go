package cluster

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// A connector whose secrets change is restarted with the new ones when their time is
// over, and not while they are the same or cannot be read.
func TestSecretsThatChange(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secrets.properties")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("tasks=1")
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, map[string]string{
			"config.providers": "file", "config.providers.file.class": "FileConfigProvider", "config.providers.file.param.moldau.ttl.ms": "60000",
		})
		defer c.close()
		c.start(0)
		wait(30 * time.Second)
		reference := map[string]string{"connector.class": sourceClass, "tasks.max": "9", tasksKey: "${file:" + file + ":tasks}"}
		c.put("follows", reference)
		fixed := maps.Clone(reference)
		fixed["config.action.reload"] = "none"
		c.put("stays", fixed)
		wait(10 * time.Minute)
		starts := c.ledger.starts
		runs := func(want ...string) {
			t.Helper()
			on := map[string]bool{}
			for _, what := range c.ledger.all() {
				on[what] = true
			}
			for _, what := range want {
				if !on[what] {
					t.Errorf("%s does not run; there are %v", what, c.ledger.all())
				}
			}
			if len(on) != len(want) {
				t.Errorf("%v run, expected %v", c.ledger.all(), want)
			}
		}
		runs("follows", "follows-0", "stays", "stays-0")
		if starts != 4 {
			t.Errorf("%d starts while nothing changed", starts)
		}
		write("tasks=2")
		wait(2 * time.Minute)
		runs("follows", "follows-0", "follows-1", "stays", "stays-0")
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		wait(10 * time.Minute)
		runs("follows", "follows-0", "follows-1", "stays", "stays-0")
		write("tasks=3")
		wait(2 * time.Minute)
		runs("follows", "follows-0", "follows-1", "follows-2", "stays", "stays-0")
	})
}
