package task

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/moldau-io/moldau/connect/errs"
)

// classRuntime is the class that a panic of a plugin stands for: like Java's
// RuntimeException it may be tolerated where it concerns a single record.
const classRuntime = "java.lang.RuntimeException"

// guard calls fn and turns a panic into an error.
func (l *lifecycle) guard(doing string, fn func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = l.panicked(v, doing)
		}
	}()
	return fn()
}

// panicked makes an error of a recovered panic and remembers where it was raised.
// It must be called by the deferred function that recovered it.
func (l *lifecycle) panicked(v any, doing string) error {
	e := errs.New(classRuntime, "panic while "+doing+": "+fmt.Sprint(v))
	pcs := make([]uintptr, 40)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	var lines []string
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, "runtime.") {
			file := f.File[strings.LastIndexByte(f.File, '/')+1:]
			lines = append(lines, fmt.Sprintf("%s(%s:%d)", f.Function, file, f.Line))
		}
		if !more || len(lines) == 20 {
			break
		}
	}
	l.log.Error(e.Message, "stack", strings.Join(lines, " "))
	l.panicMu.Lock()
	defer l.panicMu.Unlock()
	// Only the last ones can still be on their way to the status.
	if l.panics == nil || len(l.panics) >= 16 {
		l.panics = map[*errs.Error][]string{}
	}
	l.panics[e] = lines
	return e
}

// frames returns where err's panic was raised, or nothing if it was none.
func (l *lifecycle) frames(err error) []string {
	l.panicMu.Lock()
	defer l.panicMu.Unlock()
	for err != nil {
		if e, ok := err.(*errs.Error); ok {
			if lines, ok := l.panics[e]; ok {
				return lines
			}
		}
		u, ok := err.(interface{ Unwrap() error })
		if !ok {
			return nil
		}
		err = u.Unwrap()
	}
	return nil
}
