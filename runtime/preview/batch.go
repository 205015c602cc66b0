package preview

import (
	"context"
	"encoding/json"
	"io"
	"strconv"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/preview/notation"
)

// request is one line of a batch.
type request struct {
	ID     json.RawMessage `json:"id"`
	Config config          `json:"config"`
	Record json.RawMessage `json:"record"`
}

// Batch reads lines {"id","config","record"}, each with its own configuration, and
// writes {"id","result"} for each, in order. The result is {"record":RECORD},
// {"dropped":true}, {"error":ERROR} with the stage that failed, or
// {"configError":ERROR} with phase, wrappedBy and direct. It returns how many failed
// either way; the error is that of reading or writing.
func (e *Engine) Batch(ctx context.Context, in io.Reader, out io.Writer) (failed int, err error) {
	err = eachLine(ctx, in, out, func(line []byte, _ int) (answer []byte, more bool) {
		var req request
		var result []byte
		ok := false
		if err := json.Unmarshal(line, &req); err != nil {
			result = append(notation.AppendError([]byte(`{"error":`), errs.IllegalArgument("not a request: %v", err)), '}')
		} else {
			result, ok = e.answer(ctx, req)
		}
		if !ok {
			failed++
		}
		if req.ID == nil {
			req.ID = json.RawMessage("null")
		}
		answer = append(append([]byte(`{"id":`), req.ID...), `,"result":`...)
		return append(append(answer, result...), '}'), true
	})
	return failed, err
}

func (e *Engine) answer(ctx context.Context, req request) (result []byte, ok bool) {
	c, _, failure := e.build(complete(req.Config))
	if failure != nil {
		return AppendConfigError(nil, failure), false
	}
	r, err := e.codec.ReadRecord(req.Record)
	if err == nil {
		o := apply(ctx, c, r)
		switch {
		case o.err != nil:
			result = notation.AppendErrorMembers([]byte(`{"error":{`), o.err)
			result = strconv.AppendInt(append(result, `,"stage":`...), int64(o.stage), 10)
			result = append(result, "}}"...)
		case o.record == nil:
			result, ok = []byte(`{"dropped":true}`), true
		default:
			result, ok = append(e.codec.AppendRecord([]byte(`{"record":`), o.record), '}'), true
		}
		err = c.Close()
	}
	if err != nil {
		return append(notation.AppendError([]byte(`{"error":`), err), '}'), false
	}
	return result, ok
}

// AppendConfigError appends {"configError":…}.
func AppendConfigError(dst []byte, e *ConfigError) []byte {
	dst = notation.AppendErrorMembers(append(dst, `{"configError":{`...), e.Err)
	dst = append(append(dst, `,"phase":"`...), e.Phase...)
	dst = append(dst, '"')
	if e.WrappedBy != "" {
		dst = append(append(append(dst, `,"wrappedBy":"`...), e.WrappedBy...), '"')
	}
	if e.Direct != nil {
		dst = notation.AppendError(append(dst, `,"direct":`...), e.Direct)
	}
	return append(dst, "}}"...)
}
