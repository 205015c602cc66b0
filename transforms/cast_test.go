package transforms

import (
	"math"
	"testing"

	"github.com/moldau-io/moldau/connect/schema"
)

func TestCast(t *testing.T) {
	check(t, of(NewCast, Value), []run{
		{"spec=id:string,level:int64", outerRecord(),
			`t struct:Outer/3/d?{id=string 7, name=string? ann, level=int64?(9) 9, in=struct:Inner?{x=int32 1, y=string? null}}`},
		{"spec=name:int8", outerRecord(), `DataException: Value (ann) was out of range for requested data type`},
		{"spec=in:string", outerRecord(), `DataException: Cast transformation does not support casting from STRUCT; supported types are [INT8, INT16, INT32, INT64, FLOAT32, FLOAT64, BOOLEAN, STRING, BYTES]`},
		{"spec=int8", record(nil, "+5"), `t int8 5`},
		{"spec=int8", record(nil, 300), `t int8 44`},
		{"spec=int8", record(nil, 1e10), `t int8 -1`},
		{"spec=int64", record(nil, math.Inf(-1)), `t int64 -9223372036854775808`},
		{"spec=boolean", record(nil, 0.5), `t boolean false`},
		{"spec=boolean", record(nil, "yes"), `t boolean false`},
		{"spec=float64", record(nil, " 0x1p3 "), `t float64 8.0`},
		{"spec=string", record(nil, []byte{1, 2}), `t string AQI=`},
		{"spec=int32", record(nil, []byte{1}), `DataException: Unexpected type in Cast transformation: class [B`},
		{"spec=string", record(stamp, schema.OfDate(0)), `t string:Timestamp/1 00:00:00.000Z`},
		{"spec=a:int8,zip:string", record(nil, object("a", true)), `t {a=int8 1, zip=null}`},
		{"spec=a:int8", record(nil, nil), `t null`},
		{"spec=f:bytes", nil, `config ConfigException: Cast transformation does not support casting to BYTES; supported types are [INT8, INT16, INT32, INT64, FLOAT32, FLOAT64, BOOLEAN, STRING]`},
		{"spec=int32,int8", nil, `config ConfigException: Cast transformations that specify a type to cast the entire value to may only specify a single cast in their spec`},
		{"spec=", nil, `config ConfigException: Must specify at least one field to cast.`},
	})
	check(t, of(NewCast, Key), []run{{"spec=string", keyed(record(i32, int32(5))), `t key string 5 null`}})
}

func TestParseNumbers(t *testing.T) {
	for text, want := range map[string]string{
		"1.5f": "1.5", "2D": "2", "NaN": "NaN", "-Infinity": "-Inf", "1e400": "+Inf", ".5": "0.5", "5.": "5", " 1 ": "1",
		"": "!", ".": "!", "1e": "!", "1_0": "!", "0x1": "!", "0x.8p0": "0.5", "inf": "!", "infinity": "!", "٣": "!", "1f ": "1", "+-1": "!", "NaNf": "!",
	} {
		f, ok := parseFloat(text, 64)
		got := "!"
		if ok {
			got = schema.OfFloat64(f).Text()
			if want != "!" {
				got = map[bool]string{true: want, false: got}[sameFloat(f, want)]
			}
		}
		if got != want {
			t.Errorf("parseFloat(%q) = %s, want %s", text, got, want)
		}
	}
	for _, c := range []struct {
		text string
		bits int
		want int64
		ok   bool
	}{
		{"+5", 8, 5, true}, {"-128", 8, -128, true}, {"128", 8, 0, false}, {"١٢", 16, 12, true}, {"9223372036854775808", 64, 0, false},
		{"-9223372036854775808", 64, math.MinInt64, true}, {"", 8, 0, false}, {"+", 8, 0, false}, {" 1", 8, 0, false}, {"99999999999999999999", 64, 0, false},
	} {
		if n, ok := parseInteger(c.text, c.bits); ok != c.ok || ok && n != c.want {
			t.Errorf("parseInteger(%q, %d) = %d %v", c.text, c.bits, n, ok)
		}
	}
}

func sameFloat(f float64, text string) bool {
	switch text {
	case "NaN":
		return f != f
	case "+Inf":
		return math.IsInf(f, 1)
	case "-Inf":
		return math.IsInf(f, -1)
	}
	want, ok := parseFloat(text, 64)
	return ok && f == want
}
