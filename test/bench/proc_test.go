package main

import (
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	for _, c := range []struct {
		line string
		want time.Duration
		bad  bool
	}{
		{"4711 (moldau) S 1 4711 4711 0 -1 4194560 100 0 0 0 250 50 7 9 20 0 12 0 100 1000 200", 3 * time.Second, false},
		{"4711 (a) b (c) R 1 4711 4711 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 12 0 100 1000 200", 30 * time.Millisecond, false},
		{"4711 moldau S 1", 0, true},
		{"4711 (moldau) S 1 2 3", 0, true},
		{"4711 (moldau) S 1 4711 4711 0 -1 4194560 100 0 0 0 x 50 0 0", 0, true},
	} {
		got, err := parseStat(c.line)
		if got != c.want || (err != nil) != c.bad {
			t.Errorf("%q: %v, %v; want %v", c.line, got, err, c.want)
		}
	}
}

func TestParseStatus(t *testing.T) {
	got, err := parseStatus("Name:\tjava\nVmPeak:\t  900 kB\nVmHWM:\t  4096 kB\nVmRSS:\t  2048 kB\nThreads:\t3\n")
	if want := (memory{now: 2 << 20, peak: 4 << 20}); err != nil || got != want {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	for _, text := range []string{"", "VmHWM:\t4096 kB\n", "VmHWM:\t1 kB\nVmRSS:\tx kB\n", "VmHWM:\t1 kB\nVmRSS:\t12\n"} {
		if got, err := parseStatus(text); err == nil {
			t.Errorf("%q reads as %v, want an error", text, got)
		}
	}
}
