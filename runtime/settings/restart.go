package settings

import (
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/internal/suggest"
)

// restartPrefix begins a connector's settings for tasks that start again by themselves.
const restartPrefix = ownPrefix + "task.restart."

// Names of them.
const (
	restartPolicyKey  = restartPrefix + "policy"
	restartErrorsKey  = restartPrefix + "errors"
	restartBackoffKey = restartPrefix + "backoff.ms"
	restartMaxKey     = restartPrefix + "backoff.max.ms"
	restartLimitKey   = restartPrefix + "limit"
	restartResetKey   = restartPrefix + "reset.ms"
)

// RestartPolicy says when a task that has failed starts again by itself. Connect has
// none: its zero value is Connect's behaviour.
type RestartPolicy struct {
	// OnFailure is policy=on-failure.
	OnFailure bool
	// AnyError says that errors count which are not retriable, too.
	AnyError bool
	// Backoff is the longest wait before the first restart; it doubles from one to the
	// next, up to MaxBackoff.
	Backoff, MaxBackoff time.Duration
	// Limit is the number of restarts in a row; negative for no limit.
	Limit int
	// Reset is how long a task must run for the count to begin anew.
	Reset time.Duration
}

func restartKeys() []cd.Key {
	const group = "Restart"
	key := func(order int, name string, t cd.Type, def any, display, doc string) cd.Key {
		return cd.Optional(name, t, def, cd.Low, doc).WithGroup(group, order, cd.WidthMedium, display)
	}
	whole := cd.Between[int64](0, math.MaxInt64/int64(time.Millisecond))
	return []cd.Key{
		key(0, restartPolicyKey, cd.String, "none", "Restart Policy", "When a failed task starts again by itself: none for never, or on-failure.").
			WithValidator(cd.ValidString("none", "on-failure")),
		key(1, restartErrorsKey, cd.String, "retriable", "Errors", "After which errors: retriable for those that may go away by themselves, or any.").
			WithValidator(cd.ValidString("retriable", "any")),
		key(2, restartBackoffKey, cd.Long, int64(1000), "Back-off", "The longest wait before the first restart in milliseconds; it doubles from one to the next. Half of it is random.").
			WithValidator(whole),
		key(3, restartMaxKey, cd.Long, int64(300_000), "Longest Back-off", "The longest wait before any restart in milliseconds.").
			WithValidator(whole),
		key(4, restartLimitKey, cd.Int, int32(10), "Limit", "How many times in a row a task is restarted; -1 for no limit.").
			WithValidator(cd.AtLeast[int32](-1)),
		key(5, restartResetKey, cd.Long, int64(600_000), "Reset", "How long a task must have run, in milliseconds, for the count to begin anew.").
			WithValidator(whole),
	}
}

// restartKeysOf are the keys to define for a configuration: none where it has none of
// them, so that answers about others stay as Connect gives them. A name that is close to
// one of them is defined, too, as one that is never right.
func restartKeysOf(props map[string]string) []cd.Key {
	keys := restartKeys()
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.Name
	}
	var unknown []cd.Key
	given := false
	for _, name := range slices.Sorted(maps.Keys(props)) {
		if !strings.HasPrefix(name, restartPrefix) {
			continue
		}
		given = true
		if slices.Contains(names, name) {
			continue
		}
		text := "There is no such setting; there are " + strings.Join(names, ", ") + "."
		if close, ok := suggest.Closest(name, names); ok {
			text = "There is no such setting; did you mean " + close + "?"
		}
		refuse := func(name string, value any) error {
			if value == nil { // the default
				return nil
			}
			return errs.InvalidValue(name, value, text)
		}
		unknown = append(unknown, cd.Optional(name, cd.String, nil, cd.Low, "Not a setting.").WithValidator(cd.LambdaValidator(refuse, "nothing")))
	}
	if !given {
		return nil
	}
	return append(keys, unknown...)
}

// ParseRestartPolicy reads a connector's policy.
func ParseRestartPolicy(props map[string]string) (RestartPolicy, error) {
	c, err := cd.New(restartKeysOf(props)...).Parse(props)
	if err != nil || len(c.Def().Names()) == 0 {
		return RestartPolicy{}, err
	}
	return RestartPolicy{
		OnFailure: c.String(restartPolicyKey) == "on-failure", AnyError: c.String(restartErrorsKey) == "any",
		Backoff: millis(c.Long(restartBackoffKey)), MaxBackoff: millis(c.Long(restartMaxKey)),
		Limit: int(c.Int(restartLimitKey)), Reset: millis(c.Long(restartResetKey)),
	}, nil
}
