// Package differential makes cases for a comparison of transforms and converters with
// Connect's own classes on inputs that nobody chose: configurations, records and
// bytes of the vectors, crossed and altered at random.
//
// Oracle.java, which answers the cases, is compiled and run by the integration tests;
// nothing here runs it.
package differential

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/moldau-io/moldau/test/vectors"
)

// Generator makes cases. The same seed gives the same cases.
type Generator struct {
	rng        *rand.Rand
	transforms []vectors.Case
	converters []vectors.Case
	// byPrefix are the transforms' cases by the first word of their ids.
	byPrefix map[string][]vectors.Case
	// values are the values seen for each setting's last part, such as "spec".
	values map[string][]string
	// envs are envelopes of schema and payload, texts what converters were to read.
	envs  []json.RawMessage
	texts [][]byte
}

// New reads the vectors.
func New(seed uint64) (*Generator, error) {
	g := &Generator{rng: rand.New(rand.NewPCG(seed, 1)), byPrefix: map[string][]vectors.Case{}, values: map[string][]string{}}
	var err error
	if g.transforms, err = vectors.Cases(vectors.Transforms); err != nil {
		return nil, err
	}
	for _, file := range []string{vectors.JSONConverter, vectors.SimpleConverters, vectors.HeaderConverter} {
		cases, err := vectors.Cases(file)
		if err != nil {
			return nil, err
		}
		g.converters = append(g.converters, cases...)
	}
	for _, c := range g.transforms {
		prefix, _, _ := strings.Cut(c.ID, "-")
		g.byPrefix[prefix] = append(g.byPrefix[prefix], c)
		for _, k := range sortedKeys(c.Config) {
			last := k[strings.LastIndexByte(k, '.')+1:]
			g.values[last] = append(g.values[last], c.Config[k])
		}
		var r record
		if err := json.Unmarshal(c.Record, &r); err != nil {
			return nil, fmt.Errorf("%s: %w", c.ID, err)
		}
		g.envs = append(g.envs, r.Key, r.Value)
		for _, h := range r.Headers {
			g.envs = append(g.envs, h.Value)
		}
	}
	for _, c := range g.converters {
		var b []byte
		switch {
		case strings.HasPrefix(c.Method, "from"):
			g.envs = append(g.envs, c.Input)
		case json.Unmarshal(c.Input, &b) == nil && b != nil:
			g.texts = append(g.texts, b)
		}
	}
	return g, nil
}

type record struct {
	Kind          string          `json:"kind"`
	Topic         string          `json:"topic"`
	Partition     *int32          `json:"partition"`
	Timestamp     *int64          `json:"timestamp"`
	Offset        *int64          `json:"offset,omitempty"`
	TimestampType string          `json:"timestampType,omitempty"`
	Key           json.RawMessage `json:"key"`
	Value         json.RawMessage `json:"value"`
	Headers       []recordHeader  `json:"headers"`
}

type recordHeader struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

// one returns an element of a list.
func one[T any](g *Generator, list []T) T { return list[g.rng.IntN(len(list))] }

// chance is true p times of 100.
func (g *Generator) chance(p int) bool { return g.rng.IntN(100) < p }

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Transform returns a line with a case for transforms.
func (g *Generator) Transform(id string) ([]byte, error) {
	c := one(g, g.transforms)
	config := c.Config
	switch {
	case g.chance(35):
		config = g.alter(config)
	case g.chance(25):
		config = g.chain(2 + g.rng.IntN(2))
	}
	from := one(g, g.transforms)
	if prefix, _, _ := strings.Cut(c.ID, "-"); g.chance(60) {
		from = one(g, g.byPrefix[prefix])
	}
	var r record
	if err := json.Unmarshal(from.Record, &r); err != nil {
		return nil, err
	}
	if g.chance(30) {
		r.Value = g.env()
	}
	if g.chance(15) {
		r.Key = g.env()
	}
	if g.chance(5) {
		r.Key, r.Value = r.Value, r.Key
	}
	if g.chance(10) {
		r.Headers = append(r.Headers, recordHeader{Name: one(g, []string{"h", "x", "", "__é", "trace"}), Value: g.env()})
	}
	if g.chance(10) {
		r.Topic = one(g, []string{"t", "my.topic-1", "orders_2024", "", "TOPIC", "prefix-a-b-c"})
	}
	return json.Marshal(map[string]any{"id": id, "config": config, "record": r})
}

// odd are values that settings are altered to.
var odd = []string{"", " ", "true", "false", "TRUE", "null", "-1", "0", "9", "99999999999", "1.5", "a", "a.b", "f", " f ", "f,f", "f:g", "f:int8", "f:string,other:boolean", "*", "$1", "(.*)", "[", "string", "unix", "Timestamp", "microseconds", "yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "V2", "{\"a\":1}", "é"}

// alter changes, adds or removes one setting.
func (g *Generator) alter(config map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range config {
		out[k] = v
	}
	var keys []string
	for _, k := range sortedKeys(config) {
		if strings.Count(k, ".") >= 2 && (!strings.HasSuffix(k, ".type") || g.chance(10)) {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return out
	}
	k := one(g, keys)
	last := k[strings.LastIndexByte(k, '.')+1:]
	switch {
	case g.chance(15):
		delete(out, k)
	case g.chance(30):
		out[k] = one(g, odd)
	default:
		out[k] = one(g, g.values[last])
	}
	return out
}

// chain puts stages of several cases one after the other.
func (g *Generator) chain(n int) map[string]string {
	out := map[string]string{}
	var aliases, predicates []string
	for i := range n {
		c := one(g, g.transforms)
		rename := func(alias string) string { return fmt.Sprintf("%s%d", strings.TrimSpace(alias), i) }
		for _, alias := range strings.Split(c.Config["transforms"], ",") {
			aliases = append(aliases, rename(alias))
		}
		if list := c.Config["predicates"]; list != "" {
			for _, alias := range strings.Split(list, ",") {
				predicates = append(predicates, rename(alias))
			}
		}
		for _, k := range sortedKeys(c.Config) {
			parts := strings.SplitN(k, ".", 3)
			if len(parts) < 3 {
				continue
			}
			v := c.Config[k]
			if parts[2] == "predicate" {
				v = rename(v)
			}
			out[parts[0]+"."+rename(parts[1])+"."+parts[2]] = v
		}
	}
	out["transforms"] = strings.Join(aliases, ",")
	if predicates != nil {
		out["predicates"] = strings.Join(predicates, ",")
	}
	return out
}

// env returns an envelope, altered at times. It may be one that cannot be read.
func (g *Generator) env() json.RawMessage {
	e := one(g, g.envs)
	if !g.chance(50) {
		return e
	}
	return g.mutate(e)
}

// Converter returns a line with a case for converters.
func (g *Generator) Converter(id string) ([]byte, error) {
	c := one(g, g.converters)
	config := one(g, g.converters)
	for config.Class != c.Class {
		config = one(g, g.converters)
	}
	var input any
	if strings.HasPrefix(c.Method, "from") {
		input = g.env()
		if strings.HasPrefix(config.Config["converter.encoding"], "UTF-16") {
			config.Config = nil // the comparison of maps needs plain text
		}
	} else {
		b := one(g, g.texts)
		switch {
		case g.chance(30):
			b = g.mutate(g.env())
		case g.chance(30):
			b = g.mutate(b)
		case g.chance(50):
			b = g.scramble(b)
		}
		input = base64.StdEncoding.EncodeToString(b)
	}
	return json.Marshal(map[string]any{"id": id, "class": c.Class, "method": c.Method, "config": config.Config, "isKey": config.IsKey, "input": input})
}

// scramble alters text byte by byte.
func (g *Generator) scramble(b []byte) []byte {
	const alphabet = "\"\\{}[],:/ \t\n0123456789.eE-+TZtruefalsNInity\xc3\xa9\x00'"
	out := slices.Clone(b)
	for range 1 + g.rng.IntN(3) {
		at := 0
		if len(out) > 0 {
			at = g.rng.IntN(len(out))
		}
		ch := alphabet[g.rng.IntN(len(alphabet))]
		switch {
		case len(out) == 0 || g.chance(40):
			out = slices.Insert(out, at, ch)
		case g.chance(50):
			out[at] = ch
		default:
			out = slices.Delete(out, at, at+1)
		}
	}
	return out
}
