package validate

import (
	"context"
	"runtime/debug"
	"time"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/herder"
)

// call runs a plugin's code, no longer than ctx allows, and turns its panics into
// errors. Code that does not come back keeps its goroutine: nothing can end it.
func call[T any](ctx context.Context, stage string, run func() T) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	began := time.Now()
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			if r := recover(); r != nil {
				o.err = errs.Connect("a panic while %s: %v\n%s", stage, r, debug.Stack())
			}
			done <- o
		}()
		o.value = run()
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		var none T
		if context.Cause(ctx) == context.DeadlineExceeded {
			return none, &herder.TimeoutError{Stage: stage, Started: began}
		}
		return none, ctx.Err()
	}
}
