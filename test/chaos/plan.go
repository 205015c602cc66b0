package chaos

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"time"
)

// Fault is a kind of fault with how often it is chosen and how long it lasts.
type Fault struct {
	Name string
	// Weight is how often it is chosen, relative to the others.
	Weight int
	// Shortest and Longest bound how long it lasts.
	Shortest, Longest time.Duration
}

// Step is a fault at its time.
type Step struct {
	Fault string
	// Quiet is the time before it, from the end of the one before.
	Quiet time.Duration
	// Lasts is how long it lasts.
	Lasts time.Duration
	// Pick chooses what it hits, modulo the number of those.
	Pick int
}

func (s Step) String() string {
	return fmt.Sprintf("%s (%d) for %.1f s after %.1f s", s.Fault, s.Pick, s.Lasts.Seconds(), s.Quiet.Seconds())
}

// Plan is an endless row of faults, one after the other. Equal seeds and names give
// equal plans; plans of different names run side by side.
type Plan struct {
	rnd    *rand.Rand
	faults []Fault
	sum    int
	calm   time.Duration
}

// NewPlan makes a plan of some faults with pauses of up to twice the time calm
// between them.
func NewPlan(seed uint64, name string, calm time.Duration, faults ...Fault) *Plan {
	other := uint64(len(name))
	for _, c := range []byte(name) {
		other = other*131 + uint64(c)
	}
	p := &Plan{rnd: rand.New(rand.NewPCG(seed, other)), faults: faults, calm: calm}
	for _, f := range faults {
		p.sum += f.Weight
	}
	return p
}

// Next returns the next step.
func (p *Plan) Next() Step {
	at, f := p.rnd.IntN(p.sum), p.faults[0]
	for _, f = range p.faults {
		if at -= f.Weight; at < 0 {
			break
		}
	}
	return Step{
		Fault: f.Name, Quiet: p.calm/4 + rand64(p.rnd, p.calm*7/4),
		Lasts: f.Shortest + rand64(p.rnd, f.Longest-f.Shortest), Pick: p.rnd.IntN(1 << 20),
	}
}

func rand64(r *rand.Rand, below time.Duration) time.Duration {
	return time.Duration(r.Int64N(int64(max(below, 1))))
}

// Seed is that of MOLDAU_SEED, else a new one.
func Seed() (uint64, error) {
	text := os.Getenv("MOLDAU_SEED")
	if text == "" {
		return uint64(rand.Uint32()), nil
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("MOLDAU_SEED=%s is no seed: %w", text, err)
	}
	return seed, nil
}

// Length is how long the test that the environment variable names lasts, else the
// default.
func Length(variable string, otherwise time.Duration) (time.Duration, error) {
	text := os.Getenv(variable)
	if text == "" {
		return otherwise, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%s=%s is no length of time such as 3m or 1h", variable, text)
	}
	return d, nil
}
