package task

import (
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// logReporter writes failures to the log, in the words of Java's LogReporter.
type logReporter struct {
	life     *lifecycle
	messages bool
}

func (r *logReporter) report(f *failure, done func(error)) {
	r.life.log.Error(r.message(f), "error", errs.Trace(f.err, r.life.frames(f.err)...))
	r.life.meter.logged.Add(1)
	done(nil)
}

func (r *logReporter) message(f *failure) string {
	text := "Error encountered in task " + r.life.id.String() + ". Executing stage '" + string(f.stage) + "' with class '" + f.class + "'"
	if r.messages {
		if f.consumed != nil {
			text += ", where consumed record is " + consumedText(f.consumed)
		} else {
			text += ", where source record is = " + sourceText(f.source)
		}
	}
	return text + "."
}

// consumedText is what Connect logs of a record that was read from a topic: where it
// was, and never what was in it.
func consumedText(r *kgo.Record) string {
	b := append([]byte("{topic='"), r.Topic...)
	b = strconv.AppendInt(append(b, "', partition="...), int64(r.Partition), 10)
	b = strconv.AppendInt(append(b, ", offset="...), r.Offset, 10)
	if t := r.Attrs.TimestampType(); t >= 0 {
		b = strconv.AppendInt(append(b, ", timestamp="...), r.Timestamp.UnixMilli(), 10)
		name := "CreateTime"
		if t == 1 {
			name = "LogAppendTime"
		}
		b = append(append(b, ", timestampType="...), name...)
	}
	return string(append(b, '}'))
}

// sourceText is SourceRecord.toString.
func sourceText(r *connect.Record) string {
	b := schema.OfMap(r.SourcePartition).AppendText([]byte("SourceRecord{sourcePartition="))
	b = schema.OfMap(r.SourceOffset).AppendText(append(b, ", sourceOffset="...))
	b = append(append(b, "} ConnectRecord{topic='"...), r.Topic...)
	b = append(b, "', kafkaPartition="...)
	if r.Partition == connect.NoPartition {
		b = append(b, "null"...)
	} else {
		b = strconv.AppendInt(b, int64(r.Partition), 10)
	}
	b = r.Key.AppendText(append(b, ", key="...))
	b = append(append(b, ", keySchema="...), r.KeySchema.String()...)
	b = r.Value.AppendText(append(b, ", value="...))
	b = append(append(b, ", valueSchema="...), r.ValueSchema.String()...)
	b = append(b, ", timestamp="...)
	if r.Timestamp == connect.NoTimestamp {
		b = append(b, "null"...)
	} else {
		b = strconv.AppendInt(b, r.Timestamp, 10)
	}
	b = append(b, ", headers=ConnectHeaders(headers="...)
	for i, h := range r.Headers {
		if i > 0 {
			b = append(b, ", "...)
		} else {
			b = append(b, '[')
		}
		b = append(append(b, "ConnectHeader(key="...), h.Key...)
		b = h.Value.AppendText(append(b, ", value="...))
		b = append(append(append(b, ", schema="...), h.Schema.String()...), ')')
	}
	if len(r.Headers) > 0 {
		b = append(b, ']')
	}
	return string(append(b, ")}"...))
}
