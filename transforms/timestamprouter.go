package transforms

import (
	"context"
	"strings"
	"time"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/javatime"
)

// timestampRouter makes the topic of the topic and the timestamp (TimestampRouter).
type timestampRouter struct {
	topicFormat string
	pattern     string
	format      *javatime.Format // made with the first record
	buf         []byte
	// The last answer, which is often the next one too.
	last struct{ topic, timestamp, result string }
}

// NewTimestampRouter makes a TimestampRouter.
func NewTimestampRouter() connect.Transform { return &timestampRouter{} }

func (t *timestampRouter) ConfigDef() *cd.Def {
	return cd.New(
		cd.Optional("topic.format", cd.String, "${topic}-${timestamp}", cd.High,
			"Format string which can contain <code>${topic}</code> and <code>${timestamp}</code> as placeholders for the topic and timestamp, respectively."),
		cd.Optional("timestamp.format", cd.String, "yyyyMMdd", cd.High,
			"Format string for the timestamp that is compatible with <code>java.text.SimpleDateFormat</code>."),
	)
}

func (t *timestampRouter) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	t.topicFormat, t.pattern, t.format = c.String("topic.format"), c.String("timestamp.format"), nil
	return nil
}

func (t *timestampRouter) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	if r.Timestamp == connect.NoTimestamp {
		return nil, errs.Data("Timestamp missing on record: " + recordText(r))
	}
	if t.format == nil {
		f, err := javatime.Compile(t.pattern, time.Now())
		if err != nil {
			return nil, err
		}
		t.format = f
	}
	t.buf = t.format.Append(t.buf[:0], r.Timestamp)
	if t.last.topic != r.Topic || t.last.timestamp != string(t.buf) || t.last.result == "" {
		t.last.topic, t.last.timestamp = r.Topic, string(t.buf)
		// A topic that holds ${timestamp} is expanded as well, as in Connect.
		t.last.result = strings.ReplaceAll(strings.ReplaceAll(t.topicFormat, "${topic}", r.Topic), "${timestamp}", t.last.timestamp)
	}
	c := r.Copy()
	c.Topic = t.last.result
	return c, nil
}

func (t *timestampRouter) Close() error { return nil }
