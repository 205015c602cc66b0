package kafka

import (
	"context"
	"errors"
	"net"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/connect/errs"
)

const (
	commonErrors = "org.apache.kafka.common.errors."
	classTimeout = commonErrors + "TimeoutException"
)

// JavaError returns err with the Java class it stands for: a broker's error code
// under its exception, an expired context under TimeoutException, and anything else
// under KafkaException. Errors that have a label, and nil, are returned as they are.
func JavaError(err error) error {
	var labelled *errs.Error
	var code *kerr.Error
	switch {
	case err == nil || errors.As(err, &labelled):
		return err
	case errors.As(err, &code):
		class := "UnknownServer"
		if c, ok := errorClasses[code.Code]; ok {
			class = c
		}
		e := errs.Wrap(commonErrors+class+"Exception", err, "%s", code.Description)
		e.Retry = code.Retriable
		return e
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, kgo.ErrRecordTimeout), errors.Is(err, kgo.ErrRecordRetries):
		return errs.Wrap(classTimeout, err, "%s", err.Error())
	case errors.Is(err, kgo.ErrClientClosed), errors.Is(err, context.Canceled):
		return errs.Wrap(errs.ClassKafka, err, "%s", err.Error())
	}
	e := errs.Wrap(errs.ClassKafka, err, "%s", err.Error())
	e.Retry = transient(err)
	return e
}

// Retriable says whether err may go away by itself: a broker that moves, restarts or
// cannot be reached for now.
func Retriable(err error) bool {
	var labelled *errs.Error
	if errors.As(err, &labelled) {
		return labelled.Retry
	}
	return kerr.IsRetriable(err) || transient(err)
}

func transient(err error) bool {
	var ne net.Error
	var eof *kgo.ErrFirstReadEOF
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, kgo.ErrClientClosed):
		return false
	case errors.As(err, &ne), errors.As(err, &eof):
		return true
	}
	return kgo.IsRetryableBrokerErr(err) || errors.Is(err, context.DeadlineExceeded)
}

// FencedError says that another producer with the same transactional id took over.
type FencedError struct{ Cause error }

// Error returns the text of Java's ProducerFencedException and the cause.
func (e *FencedError) Error() string {
	return "There is a newer producer with the same transactionalId which fences the current one: " + e.Cause.Error()
}

// Unwrap returns the cause.
func (e *FencedError) Unwrap() error { return e.Cause }

// maybeFenced wraps err if it means that the producer was fenced.
func maybeFenced(err error) error {
	if errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch) || errors.Is(err, kerr.InvalidProducerIDMapping) {
		return &FencedError{err}
	}
	return err
}

// authorization says whether err means that the broker forbids what was asked.
func authorization(err error) bool {
	return errors.Is(err, kerr.TopicAuthorizationFailed) || errors.Is(err, kerr.ClusterAuthorizationFailed) ||
		errors.Is(err, kerr.GroupAuthorizationFailed) || errors.Is(err, kerr.TransactionalIDAuthorizationFailed)
}
