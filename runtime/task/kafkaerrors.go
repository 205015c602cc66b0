package task

import (
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/kafka"
)

const (
	commonErrors       = "org.apache.kafka.common.errors."
	classInvalidRecord = "org.apache.kafka.common.InvalidRecordException"
)

// javaError is kafka.JavaError without the client's own error below it: traces show
// what Java's would.
func javaError(err error) *errs.Error {
	var e *errs.Error
	if errors.Is(err, kerr.InvalidProducerEpoch) {
		return errs.New(commonErrors+"InvalidProducerEpochException", "Producer attempted to produce with an old epoch.")
	}
	if !errors.As(err, &e) {
		errors.As(kafka.JavaError(err), &e)
		c := *e
		c.Cause = nil
		e = &c
	}
	return e
}

// withoutCode returns err without a broker's error code at the end of its causes,
// where a labelled error above it says the same in Java's words.
func withoutCode(err error) error {
	e, ok := err.(*errs.Error)
	if !ok || e.Cause == nil {
		return err
	}
	c := *e
	if _, ok := e.Cause.(*kerr.Error); ok {
		c.Cause = nil
		return &c
	}
	below := withoutCode(e.Cause)
	if below == e.Cause {
		return err
	}
	c.Cause = below
	return &c
}

// produceError is the exception that Java's producer gives for err, with which r
// could not be written.
func produceError(err error, r *kgo.Record) *errs.Error {
	switch {
	case errors.Is(err, kerr.InvalidRecord):
		if r.Key == nil {
			// The broker says why, but the client does not pass it on; a missing key is
			// what compacted topics refuse.
			return errs.New(classInvalidRecord, "One or more records have been rejected due to 1 record errors in total, and only showing the first three errors at most: "+
				"[RecordError(batchIndex=0, message='Compacted topic cannot accept message without key in topic partition %s-%d')]", r.Topic, r.Partition).
				WithHint("the topic has cleanup.policy=compact: give the records a key, for instance with the ValueToKey transform")
		}
		return errs.New(classInvalidRecord, "This record has failed the validation on the broker and hence be rejected.")
	case errors.Is(err, kerr.MessageTooLarge):
		return errs.New(commonErrors+"RecordTooLargeException", "The request included a message larger than the max message size the server will accept.").
			WithHint("the record for topic %s has %d bytes: raise the topic's max.message.bytes (and the broker's message.max.bytes), and producer.override.max.request.size in the connector's configuration; or keep large payloads out of the topic with the ClaimCheck transform", r.Topic, recordSize(r))
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return errs.New(commonErrors+"TopicAuthorizationException", "Not authorized to access topics: ["+r.Topic+"]")
	case strings.HasPrefix(err.Error(), "invalid record partitioning choice"):
		return errs.New(errs.ClassIllegalArgument, fmt.Sprintf("Invalid partition given with record: the topic %s does not have it (%v)", r.Topic, err))
	}
	return javaError(err)
}

// isFenced says whether err means that another producer took over the transactional
// id, or that the broker ended the transaction: nothing of it may be touched any more.
func isFenced(err error) bool {
	var f *kafka.FencedError
	return errors.As(err, &f) || errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch) ||
		errors.Is(err, kerr.InvalidProducerIDMapping) || errors.Is(err, kerr.TransactionalIDAuthorizationFailed)
}
