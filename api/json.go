package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

func itoa(n int) string { return strconv.Itoa(n) }

// jsonError is what an unreadable body is answered with: status 500, as Jackson's
// exceptions are.
func jsonError(format string, args ...any) error {
	return errs.New("com.fasterxml.jackson.databind.JsonMappingException", format, args...)
}

// readBody reads a request's whole body; the server has bounded it.
func readBody(r *http.Request) ([]byte, error) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		var big *http.MaxBytesError
		if asMaxBytes(err, &big) {
			return nil, &statusError{http.StatusRequestEntityTooLarge, fmt.Sprintf("The request's body is larger than %d bytes", big.Limit), false}
		}
		return nil, jsonError("cannot read the request's body: %v", err)
	}
	return b, nil
}

// decoder reads one JSON document strictly: nothing may follow it.
func decode(b []byte, read func(d *json.Decoder) error) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := read(d); err != nil {
		// A decoder of tokens does not know its place exactly.
		var whole json.RawMessage
		var wrong *json.SyntaxError
		switch {
		case err == io.EOF && len(bytes.TrimSpace(b)) == 0:
			return jsonError("No content to map due to end-of-input")
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			return jsonError("the request's body is not the JSON that is expected here: it ends within a value, at byte %d; close what is open", len(b))
		case errors.As(json.Unmarshal(b, &whole), &wrong):
			return jsonError("the request's body is not the JSON that is expected here: %v, at byte %d of %d; correct it there", wrong, wrong.Offset, len(b))
		}
		return jsonError("the request's body is not the JSON that is expected here: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return jsonError("there is more in the request's body than one JSON value")
	}
	return nil
}

// readStrings reads an object of scalars as strings, as Jackson does for
// Map<String, String>: numbers keep their text, null stays null.
func readStrings(d *json.Decoder) (map[string]*string, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	if t == nil {
		return nil, nil
	}
	if t != json.Delim('{') {
		return nil, fmt.Errorf("an object is expected, not %v", t)
	}
	out := map[string]*string{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		value, err := d.Token()
		if err != nil {
			return nil, err
		}
		name := key.(string)
		switch v := value.(type) {
		case nil:
			out[name] = nil
		case string:
			out[name] = &v
		case bool:
			text := strconv.FormatBool(v)
			out[name] = &text
		case json.Number:
			text := v.String()
			out[name] = &text
		default:
			return nil, fmt.Errorf("the value of %q must be a string, not an object or array", name)
		}
	}
	_, err = d.Token()
	return out, err
}

// plain drops the keys whose value is null: a null value is checked before, by validation.
func plain(m map[string]*string) map[string]string {
	out := make(map[string]string, len(m))
	for k, v := range m {
		if v != nil {
			out[k] = *v
		}
	}
	return out
}

// toMap turns a decoded JSON object into Connect data: integers that fit are int64.
func toMap(v map[string]any) *schema.MapValue {
	if v == nil {
		return nil
	}
	m := schema.NewMap(len(v))
	for _, k := range sortedKeys(v) {
		m.PutString(k, toValue(v[k]))
	}
	return m
}

func toValue(v any) schema.Value {
	switch v := v.(type) {
	case string:
		return schema.OfString(v)
	case bool:
		return schema.OfBoolean(v)
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return schema.OfInt64(n)
		}
		f, err := v.Float64()
		if err != nil && !math.IsInf(f, 0) {
			return schema.OfString(v.String())
		}
		return schema.OfFloat64(f)
	case []any:
		out := make([]schema.Value, len(v))
		for i := range v {
			out[i] = toValue(v[i])
		}
		return schema.OfArray(out)
	case map[string]any:
		return schema.OfMap(toMap(v))
	}
	return schema.Null()
}

// fromMap is the reverse of toMap, for encoding/json; nil stays null.
func fromMap(m *schema.MapValue) any {
	if m == nil {
		return nil
	}
	return fromValue(schema.OfMap(m))
}

func fromValue(v schema.Value) any {
	if n, ok := v.Integer(); ok {
		return n
	}
	switch v.Kind() {
	case schema.KindString:
		return v.Str()
	case schema.KindBoolean:
		return v.Boolean()
	case schema.KindFloat32:
		return v.Float32()
	case schema.KindFloat64:
		return v.Float64()
	case schema.KindBytes:
		return v.Bytes()
	case schema.KindArray:
		out := make([]any, len(v.Array()))
		for i, e := range v.Array() {
			out[i] = fromValue(e)
		}
		return out
	case schema.KindMap:
		out := make(map[string]any, v.Map().Len())
		for k, e := range v.Map().All() {
			if k.Kind() == schema.KindString {
				out[k.Str()] = fromValue(e)
			}
		}
		return out
	}
	return nil
}
