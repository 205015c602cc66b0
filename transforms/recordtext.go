package transforms

import (
	"strconv"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/schema"
)

// recordText is ConnectRecord.toString, which an error of TimestampRouter shows.
func recordText(r *connect.Record) string {
	var b []byte
	number := func(n int64, there bool) {
		if there {
			b = strconv.AppendInt(b, n, 10)
		} else {
			b = append(b, "null"...)
		}
	}
	if r.Sink {
		b = append(b, "SinkRecord{kafkaOffset="...)
		b = strconv.AppendInt(b, r.Offset, 10)
		b = append(b, ", timestampType="+timestampTypeText(r.TimestampType)+", originalTopic="+r.Original.Topic+", originalKafkaPartition="...)
		number(int64(r.Original.Partition), r.Original.Partition != connect.NoPartition)
		b = append(b, ", originalKafkaOffset="...)
		b = strconv.AppendInt(b, r.Original.Offset, 10)
	} else {
		b = append(b, "SourceRecord{sourcePartition="...)
		b = appendOffsets(b, r.SourcePartition)
		b = append(b, ", sourceOffset="...)
		b = appendOffsets(b, r.SourceOffset)
	}
	b = append(b, "} ConnectRecord{topic='"+r.Topic+"', kafkaPartition="...)
	number(int64(r.Partition), r.Partition != connect.NoPartition)
	b = r.Key.AppendText(append(b, ", key="...))
	b = append(b, ", keySchema="+r.KeySchema.String()+", value="...)
	b = r.Value.AppendText(b)
	b = append(b, ", valueSchema="+r.ValueSchema.String()+", timestamp="...)
	number(r.Timestamp, r.Timestamp != connect.NoTimestamp)
	b = append(b, ", headers=ConnectHeaders(headers="...)
	if len(r.Headers) > 0 {
		b = append(b, '[')
		for i, h := range r.Headers {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = h.Value.AppendText(append(b, "ConnectHeader(key="+h.Key+", value="...))
			b = append(b, ", schema="+h.Schema.String()+")"...)
		}
		b = append(b, ']')
	}
	return string(append(b, ")}"...))
}

// timestampTypeText is TimestampType.toString, which is not the enum's name.
func timestampTypeText(t connect.TimestampType) string {
	switch t {
	case connect.CreateTime:
		return "CreateTime"
	case connect.LogAppendTime:
		return "LogAppendTime"
	}
	return "NoTimestampType"
}

func appendOffsets(b []byte, m *schema.MapValue) []byte {
	if m == nil {
		return append(b, "{}"...)
	}
	return schema.OfMap(m).AppendText(b)
}
