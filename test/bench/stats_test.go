package main

import (
	"slices"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0}, {[]float64{4}, 4}, {[]float64{9, 1}, 5}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 3, 100}, 3.5},
	} {
		before := slices.Clone(c.values)
		if got := median(c.values); got != c.want {
			t.Errorf("median of %v is %v, want %v", before, got, c.want)
		}
		if !slices.Equal(before, c.values) {
			t.Errorf("median changed %v to %v", before, c.values)
		}
	}
}

func TestSamples(t *testing.T) {
	samples := []sample{{records: 10, cpu: time.Second}, {records: 10, cpu: 5 * time.Second}, {records: 10, cpu: 2 * time.Second}}
	if got := of(samples, func(s sample) float64 { return rate(s.records, s.cpu) }); got != 5 {
		t.Errorf("the median rate is %v, want 5", got)
	}
	if got := rate(10, 0); got != 0 {
		t.Errorf("the rate in no time is %v, want 0", got)
	}
}
