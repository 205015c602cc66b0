package herder

import (
	"errors"
	"time"

	"github.com/moldau-io/moldau/connect/errs"
)

// Java classes of the errors that requests end with.
const (
	classNotLeader       = "org.apache.kafka.connect.runtime.distributed.NotLeaderException"
	classNotAssigned     = "org.apache.kafka.connect.runtime.distributed.NotAssignedException"
	classRebalanceNeeded = "org.apache.kafka.connect.runtime.distributed.RebalanceNeededException"
)

// ForwardError says that another worker must serve the request: the leader, or the
// owner of a connector or task.
type ForwardError struct {
	// URL is the other worker's advertised URL, "" when it is not known.
	URL string
	// Err is what to answer when the request cannot be forwarded.
	Err *errs.Error
}

// Error returns the text of Java's exception.
func (e *ForwardError) Error() string { return e.Err.Error() }

// Unwrap returns the labelled error.
func (e *ForwardError) Unwrap() error { return e.Err }

// ErrRebalanceNeeded says that a rebalance stood in the way of a request for longer
// than it could wait; clients are answered 409.
var ErrRebalanceNeeded error = errs.New(classRebalanceNeeded, "Request cannot be completed because a rebalance is expected")

// ErrShuttingDown answers requests that a stopping worker can no longer serve.
var ErrShuttingDown error = errs.Connect("Worker is shutting down")

// TimeoutError says that a request was given up, and what the herder was doing.
type TimeoutError struct {
	// Stage is what the herder does, or did last; "" when nothing is known.
	Stage     string
	Started   time.Time
	Completed time.Time
}

// Error returns the text that clients see.
func (e *TimeoutError) Error() string {
	if s := e.Summary(); s != "" {
		return "Request timed out. " + s
	}
	return "Request timed out"
}

// Summary says what the herder is doing or did last, "" when nothing is known.
func (e *TimeoutError) Summary() string {
	const form = "2006-01-02T15:04:05.000Z"
	switch {
	case e.Stage == "":
		return ""
	case e.Completed.IsZero():
		return "The worker is currently " + e.Stage + ", which began at " + e.Started.UTC().Format(form) + "."
	}
	return "The last operation the worker completed was " + e.Stage + ", which began at " +
		e.Started.UTC().Format(form) + " and completed at " + e.Completed.UTC().Format(form) + "."
}

// Statuses that some errors carry to clients.
const (
	statusForbidden   = 403
	statusConflict    = 409
	statusUnavailable = 503
)

// StatusError is an error with an HTTP status of its own.
type StatusError struct {
	Status  int
	Message string
}

// Error returns the message.
func (e *StatusError) Error() string { return e.Message }

// NotFound makes Connect's NotFoundException.
func notFound(format string, args ...any) error { return errs.New(errs.ClassNotFound, format, args...) }

func badRequest(format string, args ...any) error {
	return errs.New(errs.ClassBadRequest, format, args...)
}

func (h *Herder) notLeader(message string) error {
	url := ""
	if a := h.core.Assignment(); a != nil {
		url = a.LeaderURL
	}
	return &ForwardError{URL: url, Err: errs.New(classNotLeader, message)}
}

// wrap gives an error without a label the ConnectException Java wraps it in.
func wrap(err error, message string) error {
	var labelled *errs.Error
	if errors.As(err, &labelled) {
		return err
	}
	return errs.Wrap(errs.ClassConnect, err, message)
}
