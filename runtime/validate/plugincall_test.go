package validate

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moldau-io/moldau/runtime/herder"
)

func TestPluginThatHangsDoesNotHoldARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		defer close(hang)
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		begun := time.Now()
		_, err := call(ctx, "performing multi-property validation for the connector", func() int { <-hang; return 1 })
		var timeout *herder.TimeoutError
		if !errors.As(err, &timeout) || time.Since(begun) != 90*time.Second {
			t.Fatalf("%v after %s", err, time.Since(begun))
		}
		const want = "Request timed out. The worker is currently performing multi-property validation for the connector, which began at 2000-01-01T00:00:00.000Z."
		if timeout.Error() != want {
			t.Errorf("%s\nwant %s", timeout, want)
		}
	})
}

func TestPluginThatPanics(t *testing.T) {
	_, err := call(t.Context(), "validating", func() int { panic("oops") })
	if err == nil || !strings.Contains(err.Error(), "a panic while validating: oops") {
		t.Error(err)
	}
	if v, err := call(t.Context(), "validating", func() int { return 7 }); v != 7 || err != nil {
		t.Error(v, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := call(ctx, "validating", func() int { select {} }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
