package main

import (
	"cmp"
	"slices"
	"time"
)

// sample is what one run of a pipeline took.
type sample struct {
	records int
	// wall is from the first record that came out to the last one.
	wall time.Duration
	// cpu is what the process used, from the order to the last record.
	cpu time.Duration
	// peak is the most memory the process held, in bytes.
	peak int64
}

// median is the middle of the values, the mean of the middle two where their number is
// even, and zero where there are none. The values stay as they are.
func median[T int64 | float64 | time.Duration](values []T) T {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.SortedFunc(slices.Values(values), cmp.Compare[T])
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return sorted[mid-1] + (sorted[mid]-sorted[mid-1])/2
}

// of takes one number from each sample and returns the median.
func of[T int64 | float64 | time.Duration](samples []sample, get func(sample) T) T {
	values := make([]T, 0, len(samples))
	for _, s := range samples {
		values = append(values, get(s))
	}
	return median(values)
}

// rate is records a second, zero if no time passed.
func rate(records int, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(records) / d.Seconds()
}
