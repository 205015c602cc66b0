package predicates

import (
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

func TestPredicates(t *testing.T) {
	m := schema.NewMap(2)
	m.PutString("a", schema.OfInt64(5))
	m.PutString("n", schema.Null())
	r := &connect.Record{Topic: "orders-eu", Value: schema.OfMap(m), Headers: connect.Headers{{Key: "h"}}}
	tombstone := &connect.Record{Topic: "t"}
	for _, c := range []struct {
		make  func() connect.Predicate
		props map[string]string
		in    *connect.Record
		want  string
	}{
		{NewHasHeaderKey, map[string]string{"name": "h"}, r, "true"},
		{NewHasHeaderKey, map[string]string{"name": "H"}, r, "false"},
		{NewHasHeaderKey, map[string]string{"name": ""}, r, "Invalid value  for configuration name: String must be non-empty"},
		{NewRecordIsTombstone, nil, r, "false"},
		{NewRecordIsTombstone, nil, tombstone, "true"},
		{NewTopicNameMatches, map[string]string{"pattern": "orders-.*"}, r, "true"},
		{NewTopicNameMatches, map[string]string{"pattern": "orders"}, r, "false"},
		{NewTopicNameMatches, map[string]string{"pattern": "("}, r, "Invalid value ( for configuration pattern: Invalid regex: Unclosed group near index 1\n("},
		{NewTopicNameMatches, map[string]string{"pattern": ""}, r, "Invalid value  for configuration pattern: String must be non-empty"},
		{NewCELCondition, map[string]string{"condition": "value.a == 5"}, r, "true"},
		{NewCELCondition, map[string]string{"condition": "value.b == 5"}, r, "Cannot decide the condition value.b == 5: no such key: b"},
		{NewJSONPathCondition, map[string]string{"condition": "$[?(@.a > 4)]"}, r, "true"},
		{NewJSONPathCondition, map[string]string{"condition": "$.n"}, r, "false"},
		{NewJSONPathCondition, map[string]string{"condition": "$.a", "of": "key"}, r, "false"},
	} {
		p := c.make()
		holds := false
		err := p.Configure(c.props)
		for range 2 {
			if err == nil {
				holds, err = p.Test(c.in)
			}
		}
		got := map[bool]string{true: "true", false: "false"}[holds]
		if err != nil {
			got, _ = errs.Message(err)
		}
		if got != c.want {
			t.Errorf("%T %v: %s, want %s", p, c.props, got, c.want)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}
