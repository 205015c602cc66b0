package settings

import (
	"strings"
	"testing"
	"time"
)

func TestParseRestartPolicy(t *testing.T) {
	p, err := ParseRestartPolicy(map[string]string{"name": "x"})
	if err != nil || p != (RestartPolicy{}) {
		t.Errorf("none: %+v, %v", p, err)
	}
	p, err = ParseRestartPolicy(map[string]string{restartPolicyKey: "on-failure", restartErrorsKey: "any", restartLimitKey: "-1", restartBackoffKey: "50"})
	if want := (RestartPolicy{true, true, 50 * time.Millisecond, 5 * time.Minute, -1, 10 * time.Minute}); err != nil || p != want {
		t.Errorf("%+v, %v", p, err)
	}
	for name, c := range map[string]struct{ value, want string }{
		restartPolicyKey:               {"always", "Invalid value always for configuration moldau.task.restart.policy: String must be one of: none, on-failure"},
		restartErrorsKey:               {"some", "Invalid value some for configuration moldau.task.restart.errors: String must be one of: retriable, any"},
		restartBackoffKey:              {"-1", "Invalid value -1 for configuration moldau.task.restart.backoff.ms: Value must be at least 0"},
		restartLimitKey:                {"-2", "Invalid value -2 for configuration moldau.task.restart.limit: Value must be at least -1"},
		restartPrefix + "limits":       {"3", "Invalid value 3 for configuration moldau.task.restart.limits: There is no such setting; did you mean moldau.task.restart.limit?"},
		restartPrefix + "altogether.x": {"3", "There is no such setting; there are moldau.task.restart.policy, "},
	} {
		if _, err := ParseRestartPolicy(map[string]string{name: c.value}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s=%s: %v", name, c.value, err)
		}
	}
}
