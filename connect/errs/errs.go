// Package errs holds the one error type that crosses package borders: an error
// that carries the Java exception class it stands for, so that status traces,
// REST messages and dead-letter headers read as Apache Kafka Connect's do.
//
// It holds no I/O and knows nothing of connectors; it is the lowest package of
// the tree.
package errs

import (
	"errors"
	"fmt"
	"strings"
)

// Java exception classes that Connect reports to clients.
const (
	ClassConnect         = "org.apache.kafka.connect.errors.ConnectException"
	ClassData            = "org.apache.kafka.connect.errors.DataException"
	ClassRetriable       = "org.apache.kafka.connect.errors.RetriableException"
	ClassSchemaBuilder   = "org.apache.kafka.connect.errors.SchemaBuilderException"
	ClassSchemaProjector = "org.apache.kafka.connect.errors.SchemaProjectorException"
	ClassNotFound        = "org.apache.kafka.connect.errors.NotFoundException"
	ClassAlreadyExists   = "org.apache.kafka.connect.errors.AlreadyExistsException"
	ClassConfig          = "org.apache.kafka.common.config.ConfigException"
	ClassSerialization   = "org.apache.kafka.common.errors.SerializationException"
	ClassKafka           = "org.apache.kafka.common.KafkaException"
	ClassBadRequest      = "org.apache.kafka.connect.runtime.rest.errors.BadRequestException"

	ClassIllegalArgument      = "java.lang.IllegalArgumentException"
	ClassIllegalState         = "java.lang.IllegalStateException"
	ClassNullPointer          = "java.lang.NullPointerException"
	ClassClassCast            = "java.lang.ClassCastException"
	ClassNumberFormat         = "java.lang.NumberFormatException"
	ClassIndexOutOfBounds     = "java.lang.IndexOutOfBoundsException"
	ClassArithmetic           = "java.lang.ArithmeticException"
	ClassUnsupportedOperation = "java.lang.UnsupportedOperationException"
)

// Error is an error labelled with the Java exception it stands for.
type Error struct {
	// Class is the fully qualified Java exception class.
	Class string
	// Message is the text of the exception. It may be empty.
	Message string
	// NoMessage says that the Java exception's getMessage() is null.
	NoMessage bool
	// Cause is what led to it, or nil.
	Cause error
	// Retry marks an error that may go away when the operation is tried again
	// (Java's RetriableException and its subclasses).
	Retry bool
	// Blameless marks an error that says nothing about the record it happened to, such as
	// a schema registry that is down: the record must not be skipped for it.
	Blameless bool
	// Hint names the cure, when one is known. It is never part of Message.
	Hint string
}

// Error returns the message and the cause in Go's manner.
func (e *Error) Error() string {
	msg := e.Message
	if msg == "" {
		msg = e.Class
	}
	if e.Cause != nil && !strings.Contains(msg, e.Cause.Error()) {
		msg += ": " + e.Cause.Error()
	}
	if e.Hint != "" {
		msg += " (" + e.Hint + ")"
	}
	return msg
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// WithHint returns a copy of e that names a cure.
func (e *Error) WithHint(format string, args ...any) *Error {
	c := *e
	c.Hint = sprintf(format, args)
	return &c
}

func sprintf(format string, args []any) string {
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}

// New makes an error of the given Java class. Without args the text is taken as it is.
func New(class, format string, args ...any) *Error {
	return &Error{Class: class, Message: sprintf(format, args), Retry: retriable(class)}
}

// Wrap makes an error of the given class with a cause.
func Wrap(class string, cause error, format string, args ...any) *Error {
	return &Error{Class: class, Message: sprintf(format, args), Cause: cause, Retry: retriable(class)}
}

// Null makes an error whose Java message is null.
func Null(class string) *Error { return &Error{Class: class, NoMessage: true} }

// Connect makes a ConnectException: it fails the task.
func Connect(format string, args ...any) *Error { return New(ClassConnect, format, args...) }

// Data makes a DataException: the record is wrong.
func Data(format string, args ...any) *Error { return New(ClassData, format, args...) }

// Config makes a ConfigException with the given text.
func Config(format string, args ...any) *Error { return New(ClassConfig, format, args...) }

// InvalidValue makes the three-part ConfigException:
// "Invalid value <value> for configuration <name>: <message>".
func InvalidValue(name string, value any, message string) *Error {
	text := fmt.Sprintf("Invalid value %v for configuration %s", javaNull(value), name)
	if message != "" {
		text += ": " + message
	}
	return &Error{Class: ClassConfig, Message: text}
}

func javaNull(v any) any {
	if v == nil {
		return "null"
	}
	return v
}

// Retriable makes a RetriableException: the operation is tried again.
func Retriable(format string, args ...any) *Error { return New(ClassRetriable, format, args...) }

// IllegalArgument makes an IllegalArgumentException.
func IllegalArgument(format string, args ...any) *Error {
	return New(ClassIllegalArgument, format, args...)
}

func retriable(class string) bool {
	switch class {
	case ClassRetriable,
		"org.apache.kafka.common.errors.RetriableException",
		"org.apache.kafka.common.errors.TimeoutException":
		return true
	}
	return false
}

// IsRetriable says whether err, or what it wraps, may go away on another try.
// The outermost *Error decides.
func IsRetriable(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Retry
}

// IsBlameless says whether err speaks of the circumstances rather than of the record.
// The outermost *Error decides.
func IsBlameless(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Blameless
}

// Class returns the Java class of the outermost labelled error in err's chain,
// or ConnectException for an error without a label.
func Class(err error) string {
	var e *Error
	if errors.As(err, &e) && e.Class != "" {
		return e.Class
	}
	return ClassConnect
}

// Message returns what Java's getMessage() would: the message of a labelled
// error without its causes, or err.Error(). The second result is false for null.
func Message(err error) (string, bool) {
	if e, ok := err.(*Error); ok {
		if e.NoMessage {
			return "", false
		}
		return e.Message, true
	}
	return err.Error(), true
}

// String returns Java's Throwable.toString(): "class: message", or the class alone.
func String(err error) string {
	m, ok := Message(err)
	if !ok {
		return Class(err)
	}
	return Class(err) + ": " + m
}

// Trace returns a text in the form of a Java stack trace: the error, then each
// cause on a line of its own that starts with "Caused by: ". Where a Java trace
// has frames it has the place in our terms, given by where.
func Trace(err error, where ...string) string {
	var b strings.Builder
	b.WriteString(String(err))
	for _, w := range where {
		b.WriteString("\n\tat " + w)
	}
	hint := ""
	if e, ok := err.(*Error); ok {
		hint = e.Hint
	}
	for cause := errors.Unwrap(err); cause != nil; cause = errors.Unwrap(cause) {
		b.WriteString("\nCaused by: " + String(cause))
		if e, ok := cause.(*Error); ok && e.Hint != "" {
			hint = e.Hint // the innermost knows best
		}
	}
	if hint != "" {
		b.WriteString("\n\t(" + hint + ")")
	}
	b.WriteString("\n")
	return b.String()
}
