package differential

import (
	"bytes"
	"encoding/json"
	"slices"
)

// raws are JSON values that others are replaced by.
var raws = []string{"null", "true", "false", "0", "1", "-1", "127", "128", "-129", "32768", "2147483648", "9223372036854775807", "9223372036854775808", "1.0", "1.5", "-0.0", "1e3", "1e-7", "1e400", "123456789012345678901234567890",
	"\"\"", "\"x\"", "\"AQ==\"", "\"AQ\"", "\"é\"", "\"\\ud83d\\ude00\"", "\"NaN\"", "\"12\"", "\"2024-02-29T12:34:56.789Z\"", "[]", "{}", "[1,\"a\",null]", "[[1],[2]]", "{\"a\":1,\"b\":{\"c\":[1.5]}}",
	"{\"type\":\"string\"}", "{\"type\":\"int32\",\"optional\":true}", "{\"type\":\"int8\",\"optional\":false,\"default\":3}", "{\"type\":\"int64\",\"name\":\"org.apache.kafka.connect.data.Timestamp\",\"version\":1}",
	"{\"type\":\"bytes\",\"name\":\"org.apache.kafka.connect.data.Decimal\",\"version\":1,\"parameters\":{\"scale\":\"2\"}}", "\"int8\"", "\"int64\"", "\"double\"", "\"float\"", "\"string\"", "\"bytes\"", "\"array\"", "\"map\"", "\"struct\"", "\"boolean\""}

// mutate alters JSON at one or two places. What is no JSON comes back as it is.
func (g *Generator) mutate(b []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil || d.More() {
		return b
	}
	for range 1 + g.rng.IntN(2) {
		at := g.rng.IntN(count(v))
		v = g.replace(v, &at)
	}
	out, err := json.Marshal(v)
	if err != nil {
		return b
	}
	return out
}

// count is the number of values in a value, itself included.
func count(v any) int {
	n := 1
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			n += count(e)
		}
	case map[string]any:
		for _, e := range v {
			n += count(e)
		}
	}
	return n
}

// replace alters the value that is reached after at others, depth first.
func (g *Generator) replace(v any, at *int) any {
	if *at == 0 {
		*at = -1
		return g.other(v)
	}
	*at--
	switch v := v.(type) {
	case []any:
		for i := range v {
			if *at < 0 {
				break
			}
			v[i] = g.replace(v[i], at)
		}
	case map[string]any:
		for _, k := range sortedKeys(v) {
			if *at < 0 {
				break
			}
			v[k] = g.replace(v[k], at)
		}
	}
	return v
}

// other returns another value for a value: a part less or more, or something else.
func (g *Generator) other(v any) any {
	switch v := v.(type) {
	case []any:
		switch {
		case len(v) > 0 && g.chance(30):
			return slices.Delete(v, 0, 1)
		case len(v) > 0 && g.chance(40):
			return append(v, v[0])
		}
	case map[string]any:
		keys := sortedKeys(v)
		switch {
		case len(v) > 0 && g.chance(50):
			delete(v, one(g, keys))
			return v
		case g.chance(60):
			v[one(g, []string{"optional", "default", "name", "version", "doc", "parameters", "field", "x", ""})] = g.raw()
			return v
		}
	}
	return g.raw()
}

func (g *Generator) raw() json.RawMessage { return json.RawMessage(one(g, raws)) }
