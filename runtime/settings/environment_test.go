package settings

import (
	"reflect"
	"testing"
)

func TestFromEnvironment(t *testing.T) {
	got := FromEnvironment([]string{
		"CONNECT_BOOTSTRAP_SERVERS=a:1,b:2",
		"CONNECT_GROUP_ID=g=h",
		"CONNECT_a_b=lower",
		"CONNECT_SOME__UNDER=1",
		"CONNECT_SOME___DASH=2",
		"CONNECT_A____B=3",
		"CONNECT__LEADING=4",
		"CONNECT_TRAILING_=5",
		"CONNECT_PRODUCER_SASL_JAAS_CONFIG=x required\\nusername=\"u\";",
		"CONNECT_BLANK=  v ",
		"CONNECT_ESCAPED=a\\\\.b\\u0041",
		"CONNECT_WINDOWS=C:\\users",
		"CONNECT_EMPTY=",
		"CONNECT_LINES=a\nb",
		"CONNECT_=no",
		"CONNECT_LOG4J_ROOT_LOGLEVEL=INFO",
		"CONNECT_LOG4J_LOGGERS=x=INFO",
		"CONNECT_CUB_KAFKA_TIMEOUT=5",
		"CONNECTOR=no",
		"KAFKA_GROUP_ID=no",
		"CONNECT_NOVALUE",
	})
	want := map[string]string{
		"bootstrap.servers":         "a:1,b:2",
		"group.id":                  "g=h",
		"a.b":                       "lower",
		"some_under":                "1",
		"some-dash":                 "2",
		"a-_b":                      "3",
		"_leading":                  "4",
		"trailing_":                 "5",
		"producer.sasl.jaas.config": "x required\nusername=\"u\";",
		"blank":                     "v ",
		"escaped":                   "a\\.bA",
		"windows":                   "C:\\users",
		"empty":                     "",
		"lines":                     "a\nb",
	}
	if !reflect.DeepEqual(got, want) {
		for name := range want {
			if got[name] != want[name] {
				t.Errorf("%s: %q, want %q", name, got[name], want[name])
			}
		}
		t.Errorf("got %q", got)
	}
}
