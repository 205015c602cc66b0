package dlq

import (
	"encoding/hex"
	"hash/fnv"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// prefix begins the names of the headers that say why a record is in a dead-letter
// topic (DeadLetterQueueReporter).
const prefix = "__connect.errors."

// Letter is a record of a dead-letter topic.
type Letter struct {
	// Partition and Offset are the letter's own.
	Partition int32
	Offset    int64
	Timestamp time.Time
	// Key, Value and Headers are those of the record that failed; nil is null.
	Key, Value []byte
	Headers    []kgo.RecordHeader
	// Context says what went wrong; without context headers all of it is zero.
	Context Context
}

// Context is what the context headers say.
type Context struct {
	// Topic is where the failed record was read, "" if that is not known.
	Topic     string
	Partition int32
	Offset    int64
	Connector string
	Task      string
	Stage     string
	// Class is the transform or converter that was at work.
	Class     string
	Exception string
	Message   string
	// Trace is the whole stack trace.
	Trace string
}

// Parse takes a record of a dead-letter topic apart. A header that cannot be read is as
// one that is not there.
func Parse(r *kgo.Record) Letter {
	l := Letter{Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp, Key: r.Key, Value: r.Value}
	c := &l.Context
	for _, h := range r.Headers {
		name, ours := strings.CutPrefix(h.Key, prefix)
		if !ours {
			l.Headers = append(l.Headers, h)
			continue
		}
		text := string(h.Value)
		switch name {
		case "topic":
			c.Topic = text
		case "partition":
			if n, err := strconv.ParseInt(text, 10, 32); err == nil {
				c.Partition = int32(n)
			}
		case "offset":
			if n, err := strconv.ParseInt(text, 10, 64); err == nil {
				c.Offset = n
			}
		case "connector.name":
			c.Connector = text
		case "task.id":
			c.Task = text
		case "stage":
			c.Stage = text
		case "class.name":
			c.Class = text
		case "exception.class.name":
			c.Exception = text
		case "exception.message":
			c.Message = text
		case "exception.stacktrace":
			c.Trace = text
		}
	}
	return l
}

// particular matches what differs between messages of one cause: quoted texts, numbers.
var particular = regexp.MustCompile(`"[^"]*"|'[^']*'|\d+`)

// Cause identifies what went wrong: equal for letters of one connector that failed at
// the same place with the same exception and a message that differs in quoted texts
// and numbers alone.
func (l Letter) Cause() string {
	c := l.Context
	h := fnv.New32a()
	message := particular.ReplaceAllString(c.Message, "…")
	for _, s := range []string{c.Connector, c.Stage, c.Class, c.Exception, message} {
		h.Write(append([]byte(s), 0)) // a hash's Write returns no error
	}
	return hex.EncodeToString(h.Sum(nil))
}
