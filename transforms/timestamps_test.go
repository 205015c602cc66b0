package transforms

import (
	"math"
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/schema"
)

func TestTimestampConverter(t *testing.T) {
	at := schema.NewStruct().Field("at", i64).Field("x", optStr).MustBuild()
	date := schema.DateBuilder().Optional().MustBuild()
	check(t, of(NewTimestampConverter, Value), []run{
		{"target.type=string;format=yyyy-MM-dd HH:mm:ss;field=at", record(at, strct(at, millis2(), nil)), `t struct{at=string 2023-11-14 22:13:20, x=string? null}`},
		{"target.type=Timestamp;field=at;unix.precision=seconds", record(at, strct(at, 1700000000, "x")), `t struct{at=int64:Timestamp/1 Tue Nov 14 22:13:20 UTC 2023, x=string? x}`},
		{"target.type=unix;unix.precision=nanoseconds", record(stamp, schema.OfDate(math.MaxInt64)), `t int64 9223372036854775807`},
		{"target.type=Date", record(nil, -1), `t date Wed Dec 31 00:00:00 UTC 1969`},
		{"target.type=Time", record(nil, -1), `t date Thu Jan 01 23:59:59 UTC 1970`},
		{"target.type=unix;format=yyyy-MM-dd", record(nil, "2024-13-01"), `t int64 1735689600000`},
		{"target.type=unix;format=yyyy-MM-dd", record(nil, "x"), `DataException: Could not parse timestamp: value (x) does not match pattern (yyyy-MM-dd)`},
		{"target.type=unix", record(nil, "2024-01-01"), `NullPointerException: there is no format to read the timestamp 2024-01-01 with`},
		{"target.type=unix", record(nil, true), `DataException: TimestampConverter does not support class java.lang.Boolean objects as timestamps`},
		{"target.type=unix", record(i32, int32(1)), `ConnectException: Schema Schema{INT32} does not correspond to a known timestamp type format`},
		{"target.type=unix", record(date, nil), `t int64? null`},
		{"target.type=unix;field=zip", record(nil, object("a", 1)), `t {a=int64 1, zip=null}`},
		{"target.type=unix;field=a", record(str, "x"), `DataException: Only Struct objects supported for [converting timestamp formats], found: java.lang.String`},
		{"target.type=string", nil, `config ConfigException: TimestampConverter requires format option to be specified when using string timestamps`},
		{"target.type=unix;format=bb", nil, `config ConfigException: Invalid value java.lang.IllegalArgumentException: Illegal pattern character 'b' for configuration TimestampConverter requires a SimpleDateFormat-compatible pattern for string timestamps: bb`},
	})
}

func millis2() int { return int(millis) }

func TestTimestampRouter(t *testing.T) {
	bare := record(nil, nil)
	bare.Timestamp = connect.NoTimestamp
	odd := record(nil, nil)
	odd.Topic = "${timestamp}$1\\"
	check(t, NewTimestampRouter, []run{
		{"", record(nil, nil), `t-20231114 null`},
		{"topic.format=${timestamp}_${topic}.${topic};timestamp.format=YYYY", record(nil, nil), `2023_t.t null`},
		{"", odd, `20231114$1\-20231114 null`},
		{"timestamp.format=b", record(nil, nil), `IllegalArgumentException: Illegal pattern character 'b'`},
		{"", bare, `DataException: Timestamp missing on record: SourceRecord{sourcePartition={}, sourceOffset={}} ConnectRecord{topic='t', kafkaPartition=2, ` +
			`key=null, keySchema=null, value=null, valueSchema=null, timestamp=null, headers=ConnectHeaders(headers=)}`},
	})
}
