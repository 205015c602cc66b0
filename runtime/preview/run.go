package preview

import (
	"context"
	"errors"
	"io"
	"strconv"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/converters/json"
	"github.com/moldau-io/moldau/converters/registry"
	"github.com/moldau-io/moldau/runtime/chain"
	"github.com/moldau-io/moldau/runtime/preview/notation"
)

// Options say how Run works.
type Options struct {
	// Topic is that of records which name none; "" takes the first of the connector's topics.
	Topic string
	// FailFast ends at the first record that fails.
	FailFast bool
	// Explain writes what each transform changed before each result.
	Explain bool
	// Bytes adds keyBytes and valueBytes, which the connector's converters make of the result.
	Bytes bool
}

// Job is a connector's configuration to try and how to do so.
type Job struct {
	Options
	Config map[string]string
	// Schemas gives each converter whose schemas are in a registry the client to use
	// instead of the one that its settings describe; nil for theirs.
	Schemas func(u registry.User, isKey bool) registry.Client
}

// Summary counts records.
type Summary struct{ Records, Dropped, Failed int }

// Run reads one record a line and writes what the connector's transforms make of it:
// the record, {"dropped":true} or {"error":…} with the stage and the transform that
// failed. A line is a record in the notation, or the envelope of a value, or any other
// JSON, which is taken as a value without a schema; keyBytes and valueBytes, base64,
// go through the connector's converters. A wrong configuration is written as
// {"configError":…} and returned as a *ConfigError; other errors are those of reading
// and writing.
func (e *Engine) Run(ctx context.Context, o Job, in io.Reader, out io.Writer) (sum Summary, err error) {
	c, connector, failure := e.build(complete(o.Config))
	if failure != nil {
		if _, err := out.Write(append(AppendConfigError(nil, failure), '\n')); err != nil {
			return sum, err
		}
		return sum, failure
	}
	p := &run{Engine: e, opts: o, chain: c, reader: newReader(e, o, connector)}
	defer func() { err = errors.Join(err, p.reader.converters.close(), c.Close()) }()
	err = eachLine(ctx, in, out, func(line []byte, number int) ([]byte, bool) {
		sum.Records++
		answer, how := p.one(ctx, line, number, sum.Records)
		switch how {
		case wasDropped:
			sum.Dropped++
		case hasFailed:
			sum.Failed++
		}
		return answer, how != hasFailed || !o.FailFast
	})
	return sum, err
}

// run is one Run at work.
type run struct {
	*Engine
	opts   Job
	chain  *chain.Chain
	reader *reader
}

// fate is what became of a line.
type fate uint8

const (
	cameOut fate = iota
	wasDropped
	hasFailed
)

func (p *run) one(ctx context.Context, line []byte, lineNumber, recordNumber int) ([]byte, fate) {
	r, at, err := p.reader.read(ctx, line)
	if err != nil {
		return appendFailure(nil, err, func(dst []byte) []byte {
			if at == "" {
				return strconv.AppendInt(append(dst, `,"line":`...), int64(lineNumber), 10)
			}
			return json.AppendString(append(dst, `,"stage":`...), at)
		}), hasFailed
	}
	var answer []byte
	var o outcome
	if p.opts.Explain {
		answer, o = p.explain(ctx, r, recordNumber)
	} else {
		o = apply(ctx, p.chain, r)
	}
	switch {
	case o.err != nil:
		return appendFailure(answer, o.err, func(dst []byte) []byte {
			dst = strconv.AppendInt(append(dst, `,"stage":`...), int64(o.stage), 10)
			return json.AppendString(append(dst, `,"transform":`...), p.chain.Stages()[o.stage].Alias)
		}), hasFailed
	case o.record == nil:
		return append(answer, `{"dropped":true}`...), wasDropped
	case p.opts.Bytes:
		return p.withBytes(ctx, answer, o.record)
	}
	return p.codec.AppendRecord(answer, o.record), cameOut
}

// withBytes appends a record with what the converters make of key and value.
func (p *run) withBytes(ctx context.Context, answer []byte, r *connect.Record) ([]byte, fate) {
	start := len(answer)
	answer = p.codec.AppendRecord(answer, r)
	answer = answer[:len(answer)-1]
	answer, at, err := p.reader.converters.append(ctx, answer, r)
	if err != nil {
		return appendFailure(answer[:start], err, func(dst []byte) []byte {
			return json.AppendString(append(dst, `,"stage":`...), at)
		}), hasFailed
	}
	return append(answer, '}'), cameOut
}

// appendFailure appends {"error":…} with more members.
func appendFailure(dst []byte, err error, more func([]byte) []byte) []byte {
	dst = notation.AppendErrorMembers(append(dst, `{"error":{`...), err)
	return append(more(dst), "}}"...)
}
