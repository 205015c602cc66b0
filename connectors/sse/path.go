package sse

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/moldau-io/moldau/connect/schema"
)

// path leads to a field of a JSON document; nil is no path.
type path []string

// parsePath reads a path such as meta.id, or a JSON pointer (RFC 6901) such as /meta/id.
func parsePath(text string) path {
	if rest, ok := strings.CutPrefix(text, "/"); ok {
		p := strings.Split(rest, "/")
		for i := range p {
			p[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(p[i])
		}
		return p
	}
	return strings.Split(text, ".")
}

// find returns the value at the path, null where there is none.
func (p path) find(v schema.Value) schema.Value {
	for _, name := range p {
		switch v.Kind() {
		case schema.KindMap:
			v, _ = v.Map().GetString(name)
		case schema.KindArray:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(v.Array()) {
				return schema.Null()
			}
			v = v.Array()[i]
		default:
			return schema.Null()
		}
	}
	return v
}

// maxDepth is how deep JSON may be nested.
const maxDepth = 1000

// parseJSON reads one JSON document into schemaless values, as Connect's JSON
// converter does: integers are int64, other numbers float64.
func parseJSON(data []byte) (schema.Value, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, err := parseValue(d, 0)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return schema.Null(), err
	}
	if _, err := d.Token(); err != io.EOF {
		return schema.Null(), errors.New("more follows after the document")
	}
	return v, nil
}

func parseValue(d *json.Decoder, depth int) (schema.Value, error) {
	token, err := d.Token()
	if err != nil {
		return schema.Null(), err
	}
	switch t := token.(type) {
	case string:
		return schema.OfString(t), nil
	case bool:
		return schema.OfBoolean(t), nil
	case json.Number:
		if n, err := strconv.ParseInt(string(t), 10, 64); err == nil {
			return schema.OfInt64(n), nil
		}
		f, err := t.Float64()
		return schema.OfFloat64(f), err
	case json.Delim:
		if depth == maxDepth {
			return schema.Null(), errors.New("nested too deeply")
		}
		if t == '[' {
			return parseArray(d, depth+1)
		}
		return parseObject(d, depth+1)
	}
	return schema.Null(), nil
}

func parseArray(d *json.Decoder, depth int) (schema.Value, error) {
	out := []schema.Value{}
	for d.More() {
		v, err := parseValue(d, depth)
		if err != nil {
			return schema.Null(), err
		}
		out = append(out, v)
	}
	_, err := d.Token()
	return schema.OfArray(out), err
}

func parseObject(d *json.Decoder, depth int) (schema.Value, error) {
	m := schema.NewMap(8)
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return schema.Null(), err
		}
		v, err := parseValue(d, depth)
		if err != nil {
			return schema.Null(), err
		}
		m.PutString(name.(string), v)
	}
	_, err := d.Token()
	return schema.OfMap(m), err
}

// millis reads a time: ISO 8601, or seconds or milliseconds since 1970.
func millis(v schema.Value) (int64, bool) {
	switch v.Kind() {
	case schema.KindInt64:
		return fromNumber(float64(v.Int64())), true
	case schema.KindFloat64:
		return fromNumber(v.Float64()), true
	case schema.KindString:
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", time.DateOnly} {
			if t, err := time.Parse(layout, v.Str()); err == nil {
				return t.UnixMilli(), true
			}
		}
	}
	return 0, false
}

// fromNumber takes numbers below 10^11 for seconds: as milliseconds they would be
// before 1973, as seconds they reach to the year 5138.
func fromNumber(n float64) int64 {
	if math.Abs(n) < 1e11 {
		n *= 1000
	}
	return int64(math.Round(n))
}
