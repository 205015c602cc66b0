//go:build integration

package integration

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Each invariant of docs/invariants.md is broken on purpose, and a test notices. The
// same tests pass when none is broken.
func TestBrokenInvariants(t *testing.T) {
	for i, c := range []struct{ folder, test string }{
		{"task", "TestSourceTellsOfDurableOffsetsOnly"},
		{"task", "TestSourceCommitsThePrefixOnly"},
		{"task", "TestSinkCrashPoints"},
		{"task", "TestSinkDoesNotCommitWhatPutRefuses"},
		{"store", "TestFencing"},
		{"group", "TestCutOffWorkerStopsInTime"},
	} {
		number := i + 1
		t.Run("I"+strconv.Itoa(number), func(t *testing.T) {
			run := func(broken int) (passed bool, words string) {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				defer cancel()
				cmd := exec.CommandContext(ctx, "go", "test", "-tags", "moldau_broken", "-run", "^"+c.test+"$", "-count", "1", "../../runtime/"+c.folder)
				cmd.Env = append(os.Environ(), "MOLDAU_BROKEN="+strconv.Itoa(broken))
				out, err := cmd.CombinedOutput()
				return err == nil, string(out)
			}
			if passed, words := run(0); !passed {
				t.Fatalf("%s fails though nothing is broken:\n%s", c.test, words)
			}
			// A build that fails, or a test that hangs, notices nothing.
			if passed, words := run(number); passed || !strings.Contains(words, "--- FAIL: "+c.test) || strings.Contains(words, "test timed out") {
				t.Errorf("%s does not notice that I%d is broken:\n%s", c.test, number, words)
			}
		})
	}
}
