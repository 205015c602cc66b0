package worker

import (
	"context"
	"crypto/sha256"
	"maps"
	"slices"
	"strings"
	"time"
)

// lease is what a connector's configurations were resolved to with config providers
// that say how long their values are good for.
type lease struct {
	timer *time.Timer
	// seen are the configurations by their digest.
	seen map[digest]resolved
}

type digest [sha256.Size]byte

type resolved struct {
	raw    map[string]string
	result digest
}

// digestOf tells configurations apart, without keeping secrets.
func digestOf(config map[string]string) digest {
	h := sha256.New()
	for _, key := range slices.Sorted(maps.Keys(config)) {
		for _, text := range []string{key, config[key]} {
			// A hash takes all that it is given.
			_, _ = h.Write(append([]byte(text), 0))
		}
	}
	return digest(h.Sum(nil))
}

// Resolve implements herder.Worker: references to config providers are replaced. When
// the first of what they gave expires, it is looked up again, and the connector is
// restarted if anything has changed.
func (w *Worker) Resolve(ctx context.Context, connector string, config map[string]string) (map[string]string, error) {
	result, err := w.o.Providers.Resolve(ctx, config)
	if err != nil {
		return nil, err
	}
	props := result.Props
	if ttl, ok := result.TTL(); ok && !strings.EqualFold(props["config.action.reload"], "none") {
		w.mu.Lock()
		defer w.mu.Unlock()
		l := w.leases[connector]
		if l == nil {
			l = &lease{seen: map[digest]resolved{}}
			w.leases[connector] = l
		} else {
			l.timer.Stop()
		}
		l.seen[digestOf(config)] = resolved{config, digestOf(props)}
		l.timer = time.AfterFunc(ttl, func() { w.expired(connector, l, ttl) })
	}
	return props, nil
}

// lookupTimeout bounds asking providers for what has expired.
const lookupTimeout = time.Minute

func (w *Worker) expired(connector string, l *lease, ttl time.Duration) {
	w.mu.Lock()
	seen := maps.Clone(l.seen)
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	changed := false
	for _, r := range seen {
		now, err := w.o.Providers.Resolve(ctx, r.raw)
		if err != nil {
			w.o.Logger.Error("what config providers gave has expired and cannot be looked up again; the connector runs on as it is", "connector", connector, "err", err, "next", ttl)
			changed = false
			break
		}
		changed = changed || digestOf(now.Props) != r.result
	}
	w.mu.Lock()
	current := w.leases[connector] == l // else it was stopped
	switch {
	case !current:
	case changed:
		delete(w.leases, connector)
	default:
		l.timer.Reset(ttl)
	}
	w.mu.Unlock()
	if current && changed {
		w.o.TTLRestart(connector)
	}
}

// forget ends a connector's lease; w.mu is held.
func (w *Worker) forget(connector string) {
	if l := w.leases[connector]; l != nil {
		l.timer.Stop()
		delete(w.leases, connector)
	}
}
