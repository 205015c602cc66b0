package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/herder"
)

// errorBody is the body of every error.
type errorBody struct {
	ErrorCode int    `json:"error_code"`
	Message   string `json:"message"`
}

// statusError is an error that already knows its status.
type statusError struct {
	status  int
	message string
	// untyped errors are answered without a Content-Type: those found before a
	// resource was, as Jersey does.
	untyped bool
}

func (e *statusError) Error() string { return e.message }

func jersey(status int) error {
	return &statusError{status, "HTTP " + itoa(status) + " " + http.StatusText(status), true}
}

const (
	conflictMessage = "Cannot complete request because of a conflicting operation (e.g. worker rebalance)"
	staleMessage    = "Cannot complete request momentarily due to stale configuration (typically caused by a concurrent config change)"
	noLeaderMessage = "Cannot complete request momentarily due to no known leader URL, likely because a rebalance was underway."
)

// statusOf is the one table from errors to statuses and messages
// (ConnectExceptionMapper).
func statusOf(err error) (status int, message string) {
	var known *statusError
	var of *herder.StatusError
	var timeout *herder.TimeoutError
	var labelled *errs.Error
	switch {
	case errors.As(err, &known):
		return known.status, known.message
	case errors.As(err, &of):
		return of.Status, of.Message
	case errors.Is(err, herder.ErrRebalanceNeeded):
		return http.StatusConflict, staleMessage
	case errors.As(err, &timeout):
		return http.StatusInternalServerError, timeout.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusInternalServerError, "Request timed out"
	case errors.As(err, &labelled):
		message = labelled.Message
		switch labelled.Class {
		case errs.ClassBadRequest:
			return http.StatusBadRequest, message
		case errs.ClassNotFound:
			return http.StatusNotFound, message
		case errs.ClassAlreadyExists:
			return http.StatusConflict, message
		}
		return http.StatusInternalServerError, message
	}
	return http.StatusInternalServerError, err.Error()
}

func badRequest(message string) error { return errs.New(errs.ClassBadRequest, message) }
