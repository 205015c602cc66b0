package javatime

import (
	"testing"
	"time"
)

func TestZonesLoad(t *testing.T) {
	zones := allZones()
	if len(zones) < 500 {
		t.Fatalf("%d zones", len(zones))
	}
	for _, z := range zones {
		if _, err := time.LoadLocation(z.id); err != nil {
			t.Errorf("%s: %v", z.id, err)
		}
	}
}
