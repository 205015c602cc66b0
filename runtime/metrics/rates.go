package metrics

import (
	"sync"
	"time"
)

const (
	// rateWindow is the time that a rate is over, if it is asked for often enough.
	rateWindow = time.Minute
	// rateLeast is the least time between two points a rate is made of.
	rateLeast = time.Second
)

// rates turns counts into rates, from what they were when they were last asked for.
type rates struct {
	mu     sync.Mutex
	points map[rateKey][]point
}

type rateKey struct{ metric, connector, task string }

type point struct {
	at    time.Time
	count float64
}

// rate returns how much a count grows in a second; 0 where that is not known yet.
func (r *rates) rate(key rateKey, now time.Time, count float64) float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.points == nil {
		r.points = map[rateKey][]point{}
	}
	known := r.points[key]
	if len(known) > 0 && count < known[len(known)-1].count {
		known = nil // another run of the task
	}
	for len(known) > 1 && now.Sub(known[1].at) >= rateWindow {
		known = known[1:]
	}
	value := 0.0
	if len(known) > 0 && now.Sub(known[0].at) >= rateLeast {
		value = (count - known[0].count) / now.Sub(known[0].at).Seconds()
	}
	if len(known) == 0 || now.Sub(known[len(known)-1].at) >= rateLeast {
		known = append(known, point{now, count})
	}
	r.points[key] = known
	return value
}

// forget drops what was not asked for in a while.
func (r *rates) forget(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, known := range r.points {
		if now.Sub(known[len(known)-1].at) > 10*rateWindow {
			delete(r.points, key)
		}
	}
}
