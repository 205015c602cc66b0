package convert

import (
	"bytes"
	"context"
	"encoding/base64"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/converters/json"
	"github.com/moldau-io/moldau/runtime/preview/notation"
)

// request is one line of a batch.
type request struct {
	ID     stdjson.RawMessage `json:"id"`
	Class  string             `json:"class"`
	Method string             `json:"method"`
	Config map[string]string  `json:"config"`
	IsKey  bool               `json:"isKey"`
	Topic  string             `json:"topic"`
	Header string             `json:"header"`
	Input  stdjson.RawMessage `json:"input"`
	// For converters whose schemas are in a registry:
	Registry []entry      `json:"registry"` // what is in it beforehand
	Headers  *[]rawHeader `json:"headers"`  // of the record
}

// maxOpen is how many configured converters a batch keeps for the lines to come.
const maxOpen = 64

// Batch reads lines {"id","class","method","config","isKey","input"} and writes
// {"id","result"} for each, in order. method is fromConnectData or
// fromConnectHeader, with an envelope as input and {"bytes":…} as result, or
// toConnectData or toConnectHeader, with base64 or null as input and {"value":…} as
// result; "topic" and "header" may be given too. A failure is the result
// {"error":…}. A line for a converter whose schemas are in a registry may have what the
// registry holds beforehand, as "registry", and "headers"; its method may be roundTrip;
// and its result has what was registered. The error is that of reading or writing.
func (e *Engine) Batch(ctx context.Context, in io.Reader, out io.Writer) (failed int, err error) {
	open := map[string]*face{}
	closeAll := func() error {
		var all error
		for _, f := range open {
			all = errors.Join(all, f.close())
		}
		clear(open)
		return all
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	err = eachLine(ctx, in, out, func(line []byte) []byte {
		var req request
		if err := stdjson.Unmarshal(line, &req); err != nil {
			failed++
			return result(req.ID, errorResult(errs.IllegalArgument("not a request: %v", err)))
		}
		answer, err := e.line(ctx, open, req)
		if err != nil {
			failed++
			answer = errorResult(err)
		}
		if len(open) > maxOpen {
			if err := closeAll(); err != nil {
				failed++
				answer = errorResult(err)
			}
		}
		return result(req.ID, answer)
	})
	return failed, err
}

func (e *Engine) line(ctx context.Context, open map[string]*face, req request) ([]byte, error) {
	u, err := e.user(req.Class)
	switch {
	case err != nil:
		return nil, err
	case u != nil:
		return e.withRegistry(ctx, u, req)
	}
	f, err := e.reuse(open, req)
	if err != nil {
		return nil, err
	}
	return e.answer(ctx, f, req)
}

func result(id stdjson.RawMessage, answer []byte) []byte {
	if id == nil {
		id = stdjson.RawMessage("null")
	}
	out := append(append([]byte(`{"id":`), id...), `,"result":`...)
	return append(append(out, answer...), '}')
}

func errorResult(err error) []byte {
	return append(notation.AppendError([]byte(`{"error":`), err), '}')
}

// reuse returns the converter of an earlier line with the same setup, or a new one.
func (e *Engine) reuse(open map[string]*face, req request) (*face, error) {
	setup := Setup{Class: req.Class, Config: req.Config, IsKey: req.IsKey, Topic: req.Topic}
	if setup.Topic == "" {
		setup.Topic = "t"
	}
	switch req.Method {
	case "fromConnectData", "toConnectData":
	case "fromConnectHeader", "toConnectHeader":
		if setup.Header = req.Header; setup.Header == "" {
			setup.Header = "h"
		}
	default:
		return nil, errs.IllegalArgument("method is %q; it must be one of fromConnectData, toConnectData, fromConnectHeader, toConnectHeader", req.Method)
	}
	key, err := stdjson.Marshal(setup)
	if err != nil {
		return nil, fmt.Errorf("remember a converter: %w", err)
	}
	if f, ok := open[string(key)]; ok {
		return f, nil
	}
	f, err := e.open(setup)
	if err != nil {
		return nil, err
	}
	open[string(key)] = f
	return f, nil
}

func (e *Engine) answer(ctx context.Context, f *face, req request) ([]byte, error) {
	if req.Method == "fromConnectData" || req.Method == "fromConnectHeader" {
		return e.answerFrom(ctx, f, req)
	}
	input, err := inputBytes(req.Input)
	if err != nil {
		return nil, err
	}
	sv, err := f.to(ctx, input)
	if err != nil {
		return nil, err
	}
	if n, ok := f.header.(interface{ ReturnsNull([]byte) bool }); ok && n.ReturnsNull(input) {
		return []byte(`{"nullReturn":true}`), nil
	}
	if k := sv.Value.Kind(); f.headerOnly && (k == schema.KindArray || k == schema.KindMap) {
		// The element types of what such a converter guesses are not all in the schema.
		return append(e.codec.AppendTypedMember([]byte{'{'}, "value", sv.Schema, sv.Value), '}'), nil
	}
	return append(e.codec.AppendMember([]byte{'{'}, "value", sv.Schema, sv.Value), '}'), nil
}

func (e *Engine) answerFrom(ctx context.Context, f *face, req request) ([]byte, error) {
	input := []byte(req.Input)
	if input == nil {
		input = []byte("null")
	}
	sv, err := e.codec.ReadEnvelope(input)
	if err != nil {
		return nil, err
	}
	b, err := f.from(ctx, sv.Schema, sv.Value)
	if err != nil {
		return nil, err
	}
	if b == nil {
		return []byte(`{"bytes":null}`), nil
	}
	out := append(base64.StdEncoding.AppendEncode([]byte(`{"bytes":"`), b), '"')
	if f.headerOnly && utf8.Valid(b) {
		out = json.AppendString(append(out, `,"text":`...), string(b))
	}
	if manyEntries(sv.Value) || manyDefaults(sv.Schema) {
		out = append(out, `,"mapOrder":true`...)
	}
	return append(out, '}'), nil
}

// manyEntries says whether a map of two entries or more is inside a value, so that
// the order of what was written is up to the map.
func manyEntries(v schema.Value) bool {
	switch v.Kind() {
	case schema.KindArray:
		for _, e := range v.Array() {
			if manyEntries(e) {
				return true
			}
		}
	case schema.KindMap:
		if v.Map().Len() > 1 {
			return true
		}
		for k, e := range v.Map().All() {
			if manyEntries(k) || manyEntries(e) {
				return true
			}
		}
	case schema.KindStruct:
		for i := range v.Struct().Schema().Fields() {
			if manyEntries(v.Struct().RawAt(i)) {
				return true
			}
		}
	}
	return false
}

// manyDefaults says the like of the defaults within a schema.
func manyDefaults(s *schema.Schema) bool { return defaultsWithin(s, map[*schema.Schema]bool{}) }

// defaultsWithin passes by schemas that were seen: a schema may contain itself.
func defaultsWithin(s *schema.Schema, seen map[*schema.Schema]bool) bool {
	if s == nil || seen[s] {
		return false
	}
	seen[s] = true
	for i := range s.Fields() {
		if defaultsWithin(s.Fields()[i].Schema(), seen) {
			return true
		}
	}
	return manyEntries(s.Default()) || defaultsWithin(s.Key(), seen) || defaultsWithin(s.Value(), seen)
}

// inputBytes reads a JSON string of base64, or null.
func inputBytes(raw stdjson.RawMessage) ([]byte, error) {
	if raw == nil || bytes.Equal(raw, []byte("null")) {
		return nil, nil
	}
	return readBase64(raw)
}
