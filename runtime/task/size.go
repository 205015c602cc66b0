package task

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/connect/errs"
)

// Sizes of Kafka's record format, version 2.
const (
	batchOverhead  = 61
	recordOverhead = 21
)

const (
	defaultMaxRequest = 1 << 20
	defaultBuffer     = 32 << 20
)

// recordSize is the size in bytes that Java's producer compares with
// max.request.size: a batch of that one record, not compressed
// (AbstractRecords.estimateSizeInBytesUpperBound).
func recordSize(r *kgo.Record) int {
	n := batchOverhead + recordOverhead + bytesSize(r.Key) + bytesSize(r.Value) + varintSize(len(r.Headers))
	for i := range r.Headers {
		n += varintSize(len(r.Headers[i].Key)) + len(r.Headers[i].Key) + bytesSize(r.Headers[i].Value)
	}
	return n
}

func bytesSize(b []byte) int {
	if b == nil {
		return 1
	}
	return varintSize(len(b)) + len(b)
}

// varintSize is the length of a non-negative number as a zigzag varint.
func varintSize(n int) int {
	size := 1
	for v := uint64(n) << 1; v >= 0x80; v >>= 7 {
		size++
	}
	return size
}

// checkTopic returns the error with which Java's producer refuses a topic's name, or nil.
func checkTopic(topic string) error {
	if validTopic(topic) {
		return nil
	}
	return errs.New(commonErrors+"InvalidTopicException", "Invalid topics: ["+topic+"]").
		WithHint("a topic name has 1 to 249 letters, digits, dots, underscores and dashes; a transform such as RegexRouter may have made this one")
}

// checkSize returns the error with which Java's producer refuses a record of n bytes
// (recordSize) before sending it, or nil.
func checkSize(r *kgo.Record, n, maxRequest int, buffer int64, override string) error {
	if n > maxRequest {
		return errs.New(commonErrors+"RecordTooLargeException",
			"The message is %d bytes when serialized which is larger than %d, which is the value of the max.request.size configuration.", n, maxRequest).
			WithHint("raise %smax.request.size in the connector's configuration, and max.message.bytes of the topic %s, to more than %d; or keep large payloads out of the topic with the ClaimCheck transform", override, r.Topic, n)
	}
	if int64(n) > buffer {
		return errs.New(commonErrors+"RecordTooLargeException",
			"The message is %d bytes when serialized which is larger than the total memory buffer you have configured with the buffer.memory configuration.", n).
			WithHint("raise %sbuffer.memory in the connector's configuration; or keep large payloads out of the topic with the ClaimCheck transform", override)
	}
	return nil
}

// validTopic follows org.apache.kafka.common.internals.Topic.validate.
func validTopic(name string) bool {
	if name == "" || name == "." || name == ".." || len(name) > 249 {
		return false
	}
	return strings.IndexFunc(name, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-'
	}) < 0
}
