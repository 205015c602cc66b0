package condition

import (
	"context"
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// order is {id:7, name:"ann", tags:["a","b"], items:[{sku:"x",n:1},{sku:"y",n:3.5}], none:null}.
func order() schema.Value {
	item := func(sku string, n schema.Value) schema.Value {
		m := schema.NewMap(2)
		m.PutString("sku", schema.OfString(sku))
		m.PutString("n", n)
		return schema.OfMap(m)
	}
	m := schema.NewMap(5)
	m.PutString("id", schema.OfInt64(7))
	m.PutString("name", schema.OfString("ann"))
	m.PutString("tags", schema.OfArray([]schema.Value{schema.OfString("a"), schema.OfString("b")}))
	m.PutString("items", schema.OfArray([]schema.Value{item("x", schema.OfInt32(1)), item("y", schema.OfFloat64(3.5))}))
	m.PutString("none", schema.Null())
	return schema.OfMap(m)
}

func TestPath(t *testing.T) {
	for path, want := range map[string]string{
		"$":                                     "1",
		"$.id":                                  "7",
		"$['name']":                             "ann",
		"$.tags[0]":                             "a",
		"$.tags[-1]":                            "b",
		"$.tags[5]":                             "",
		"$.tags[*]":                             "a b",
		"$.items[*].sku":                        "x y",
		"$..n":                                  "1 3.5",
		"$.missing.deeper":                      "",
		"$.none":                                "null",
		"$.items[?(@.n > 1)].sku":               "y",
		"$.items[?(@.n >= 1 && @.n < 2)].sku":   "x",
		"$.items[?(@.sku == 'x' || @.n > 3)].n": "1 3.5",
		"$.items[?(!(@.sku == 'x'))].sku":       "y",
		"$.items[?(@.sku =~ /[a-x]/)].sku":      "x",
		"$.items[?(@.sku =~ /X/i)].sku":         "x",
		"$.items[?(@.sku in ['y','z'])].sku":    "y",
		"$.items[?(@.sku nin ['y'])].sku":       "x",
		"$.items[?(@.other)].sku":               "",
		"$.items[?(@.n == $.items[0].n)].sku":   "x",
		"$[?(@.id == 7)].name":                  "ann",
		"$.[?(@.id != 7)].name":                 "",
		"$[?(@.name == \"ann\")].id":            "7",
		"$[?(@.id == '7')].id":                  "",
		"$[?(@.none == null)].id":               "7",
		"$[?(@.tags[?(@ == 'b')])].id":          "7",
	} {
		p, err := CompilePath(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		found, _ := p.Find(order())
		var texts []string
		for _, v := range found {
			if v.Kind() == schema.KindMap {
				texts = append(texts, "1")
				continue
			}
			texts = append(texts, v.Text())
		}
		if got := strings.Join(texts, " "); got != want {
			t.Errorf("%s finds %q, want %q", path, got, want)
		}
	}
}

func TestPathMissing(t *testing.T) {
	for path, want := range map[string]bool{"$[?(@.id == 7)]": false, "$[?(@.nope == 7)]": true, "$[?(@.none == 7)]": true} {
		p, err := CompilePath(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, missing := p.Find(order()); missing != want {
			t.Errorf("%s: missing %v", path, missing)
		}
	}
}

func TestPathErrors(t *testing.T) {
	for path, want := range map[string]string{
		"a":                               "character 1: it must begin with $",
		"$.":                              "character 3: expected a name",
		"$[?(@.a ==)]":                    "character 11: expected a path",
		"$[?(@.a == 'x)]":                 "the quotes are not closed",
		"$[?(@.a =~ /[/)]":                "Unclosed character class",
		"$[x]":                            "character 3: expected a name in quotes",
		"$.a b":                           "character 5: unexpected \"b\"",
		"$[?(1)]":                         "expected a comparison",
		"$[?(" + strings.Repeat("(", 100): "nested too deep",
	} {
		if _, err := CompilePath(path); errs.Class(err) != errs.ClassConfig || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
}

func TestCEL(t *testing.T) {
	r := &connect.Record{Topic: "orders", Partition: 3, Timestamp: 1700000000123, Value: order(),
		Headers: connect.Headers{{Key: "h", Value: schema.OfString("x")}}}
	for text, want := range map[string]string{
		`value.id == 7 && topic == "orders"`:                 "true",
		`value.items.exists(i, i.n > 3.0)`:                   "true",
		`has(value.nope)`:                                    "false",
		`value.nope == 1`:                                    "DataException",
		`headers["h"] == "x" && partition == 3`:              "true",
		`timestamp > timestamp("2023-01-01T00:00:00Z")`:      "true",
		`key == null && offset == null`:                      "true",
		`value.name.matches("^a") || value.tags[0] == "zzz"`: "true",
		`value.name`: "DataException",
		`1 + 1`:      "ConfigException",
		`nope`:       "ConfigException",
		`value.tags.map(a, value.tags.map(b, b + a)).size() == 2`: "true",
	} {
		c, err := CompileCEL(text)
		got := ""
		if err == nil {
			var holds bool
			if holds, err = c.Holds(context.Background(), r); err == nil {
				got = map[bool]string{true: "true", false: "false"}[holds]
			}
		}
		if err != nil {
			got = strings.TrimPrefix(strings.TrimPrefix(errs.Class(err), "org.apache.kafka.connect.errors."), "org.apache.kafka.common.config.")
		}
		if got != want {
			t.Errorf("%s: %s (%v), want %s", text, got, err, want)
		}
	}
}

func FuzzPath(f *testing.F) {
	f.Add("$.items[?(@.n >= 1 && !(@.sku =~ /a/i) || @.x in [1,'y',null])]..sku[0]")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := CompilePath(text)
		if err != nil || len(text) > 60 {
			return
		}
		if strings.Count(text, "..") > 3 {
			return
		}
		p.Find(order())
	})
}
