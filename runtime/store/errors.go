package store

import (
	"errors"

	"github.com/moldau-io/moldau/connect/errs"
)

// ClassPrivilegedWrite is the class of the error of a fenced writer.
const ClassPrivilegedWrite = "org.apache.kafka.connect.storage.PrivilegedWriteException"

// PrivilegedWriteError says that a privileged write to the config topic failed, most
// likely because another worker leads the group now. The privileges are given up;
// ClaimWritePrivileges must come before the next privileged write. The write may
// have taken effect.
type PrivilegedWriteError struct {
	err *errs.Error
}

func privilegedWriteError(cause error) *PrivilegedWriteError {
	return &PrivilegedWriteError{errs.Wrap(ClassPrivilegedWrite, cause, "Failed to perform fencable send to config topic")}
}

// Error returns the message and the cause.
func (e *PrivilegedWriteError) Error() string { return e.err.Error() }

// Unwrap returns the labelled error.
func (e *PrivilegedWriteError) Unwrap() error { return e.err }

// IsPrivilegedWrite says whether err means that write privileges were lost.
func IsPrivilegedWrite(err error) bool {
	var e *PrivilegedWriteError
	return errors.As(err, &e)
}
