package transforms

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// appendJSON writes a value as JSON: structs and maps as objects, bytes as base64,
// dates as milliseconds since the epoch, decimals as numbers, NaN and infinities as texts.
func appendJSON(dst []byte, v schema.Value) []byte {
	switch v.Kind() {
	case schema.KindNull:
		return append(dst, "null"...)
	case schema.KindString:
		return appendJSONString(dst, v.Str())
	case schema.KindBytes:
		return append(base64.StdEncoding.AppendEncode(append(dst, '"'), v.Bytes()), '"')
	case schema.KindDate:
		return strconv.AppendInt(dst, v.Date(), 10)
	case schema.KindFloat32, schema.KindFloat64:
		if f := toFloat64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return append(v.AppendText(append(dst, '"')), '"')
		}
	case schema.KindArray:
		dst = append(dst, '[')
		for i, e := range v.Array() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, e)
		}
		return append(dst, ']')
	case schema.KindMap:
		dst = append(dst, '{')
		for i, e := range v.Map().Entries() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(append(appendJSONString(dst, e.Key.Text()), ':'), e.Value)
		}
		return append(dst, '}')
	case schema.KindStruct:
		dst = append(dst, '{')
		for i := range v.Struct().Schema().Fields() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendJSONString(dst, v.Struct().Schema().Fields()[i].Name()), ':')
			dst = appendJSON(dst, v.Struct().At(i))
		}
		return append(dst, '}')
	}
	return v.AppendText(dst)
}

func appendJSONString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			dst = utf8.AppendRune(dst, r)
			i += size
			continue
		}
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= ' ':
			dst = append(dst, c)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
	}
	return append(dst, '"')
}

// parseJSON reads a text of JSON: whole numbers as int64, others as float64, objects
// as maps in their own order.
func parseJSON(text string) (schema.Value, error) {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	v, err := readJSON(d, 0)
	if err == nil {
		if _, end := d.Token(); end != io.EOF {
			err = errs.Data("there is more after the JSON")
		}
	}
	if err != nil {
		return v, errs.Wrap(errs.ClassData, err, "Not JSON: "+err.Error())
	}
	return v, nil
}

func readJSON(d *json.Decoder, depth int) (v schema.Value, err error) {
	if depth > maxDepth {
		return v, errTooDeep()
	}
	token, err := d.Token()
	if err != nil {
		return v, err
	}
	switch t := token.(type) {
	case bool:
		return schema.OfBoolean(t), nil
	case string:
		return schema.OfString(t), nil
	case json.Number:
		if n, err := strconv.ParseInt(t.String(), 10, 64); err == nil {
			return schema.OfInt64(n), nil
		}
		f, err := t.Float64()
		return schema.OfFloat64(f), err
	case json.Delim:
		if t == '[' {
			return readList(d, depth)
		}
		m := schema.NewMap(4)
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return v, err
			}
			member, err := readJSON(d, depth+1)
			if err != nil {
				return v, err
			}
			m.PutString(name.(string), member)
		}
		_, err = d.Token()
		return schema.OfMap(m), err
	}
	return schema.Null(), nil
}

func readList(d *json.Decoder, depth int) (v schema.Value, err error) {
	var list []schema.Value
	for d.More() {
		e, err := readJSON(d, depth+1)
		if err != nil {
			return v, err
		}
		list = append(list, e)
	}
	_, err = d.Token()
	return schema.OfArray(list), err
}
