// Package convert runs single converters over given bytes or values, to see what
// is in a topic, or what a converter would put there, without a cluster. It is
// what `moldau convert` does; flags and files are not its business.
package convert

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/plugins"
	"github.com/moldau-io/moldau/runtime/preview/notation"
)

// Setup says which converter to use, and as what.
type Setup struct {
	// Class is the converter's class name or an alias of it.
	Class string
	// Config are the converter's settings, without prefix.
	Config map[string]string
	// IsKey says that keys are converted, not values.
	IsKey bool
	// Header, where set, is the name of the header whose values are converted.
	Header string
	// Topic is the topic the records are thought to be in.
	Topic string
}

// Engine converts. It is for one goroutine at a time.
type Engine struct {
	registry *plugins.Registry
	codec    *notation.Codec
}

// New returns an engine over the converters of a registry.
func New(registry *plugins.Registry) *Engine {
	return &Engine{registry: registry, codec: notation.New()}
}

// ConfigError says that the converter is unknown or refuses its settings. It has
// been written to the output as {"configError":…}.
type ConfigError struct{ Cause error }

// Error returns the cause's text.
func (e *ConfigError) Error() string { return e.Cause.Error() }

// Unwrap returns the cause.
func (e *ConfigError) Unwrap() error { return e.Cause }

// Decode reads lines of base64, or null, and writes an envelope for each; a line
// that cannot be decoded gives {"error":…}. It returns how many failed. The error
// is that of the configuration, of reading or of writing.
func (e *Engine) Decode(ctx context.Context, setup Setup, in io.Reader, out io.Writer) (failed int, err error) {
	return e.lines(ctx, setup, in, out, func(f *face, line []byte) ([]byte, error) {
		b, err := readBase64(line)
		if err != nil {
			return nil, err
		}
		sv, err := f.to(ctx, b)
		if err != nil {
			return nil, err
		}
		return e.codec.AppendEnvelope(nil, sv.Schema, sv.Value), nil
	})
}

// Encode reads envelopes and writes a line of base64 for each, or null.
func (e *Engine) Encode(ctx context.Context, setup Setup, in io.Reader, out io.Writer) (failed int, err error) {
	return e.lines(ctx, setup, in, out, func(f *face, line []byte) ([]byte, error) {
		sv, err := e.codec.ReadEnvelope(line)
		if err != nil {
			return nil, err
		}
		b, err := f.from(ctx, sv.Schema, sv.Value)
		switch {
		case err != nil:
			return nil, err
		case b == nil:
			return []byte("null"), nil
		}
		return base64.StdEncoding.AppendEncode(nil, b), nil
	})
}

func (e *Engine) lines(ctx context.Context, setup Setup, in io.Reader, out io.Writer, one func(f *face, line []byte) ([]byte, error)) (failed int, err error) {
	f, err := e.open(setup)
	if err != nil {
		if _, werr := out.Write(append(notation.AppendError([]byte(`{"configError":`), err), "}\n"...)); werr != nil {
			return 0, fmt.Errorf("write a result: %w", werr)
		}
		return 0, &ConfigError{err}
	}
	defer func() { err = errors.Join(err, f.close()) }()
	err = eachLine(ctx, in, out, func(line []byte) []byte {
		result, err := one(f, line)
		if err != nil {
			failed++
			return append(notation.AppendError([]byte(`{"error":`), err), '}')
		}
		return result
	})
	return failed, err
}

// eachLine hands on every line that is not blank, and writes what comes back.
func eachLine(ctx context.Context, in io.Reader, out io.Writer, one func(line []byte) []byte) error {
	r, w := bufio.NewReaderSize(in, 64<<10), bufio.NewWriterSize(out, 64<<10)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		line, readErr := r.ReadBytes('\n')
		if line = bytes.TrimSpace(line); len(line) > 0 {
			if _, err := w.Write(append(one(line), '\n')); err != nil {
				return fmt.Errorf("write a result: %w", err)
			}
		}
		if readErr != nil || r.Buffered() == 0 {
			// Whoever waits for an answer before asking on gets it.
			if err := w.Flush(); err != nil {
				return fmt.Errorf("write results: %w", err)
			}
		}
		switch {
		case errors.Is(readErr, io.EOF):
			return nil
		case readErr != nil:
			return fmt.Errorf("read input: %w", readErr)
		}
	}
}

// readBase64 reads base64, or null; quotes around it are allowed.
func readBase64(line []byte) ([]byte, error) {
	if string(line) == "null" {
		return nil, nil
	}
	if n := len(line); n >= 2 && line[0] == '"' && line[n-1] == '"' {
		line = line[1 : n-1]
	}
	b, err := base64.StdEncoding.AppendDecode(make([]byte, 0, len(line)), line)
	if err != nil {
		return nil, errs.IllegalArgument("not base64: %v", err)
	}
	return b, nil
}

// face is a converter or a header converter, made ready.
type face struct {
	converter connect.Converter
	header    connect.HeaderConverter
	setup     Setup
	// headerOnly says that the class has no other face.
	headerOnly bool
}

func (e *Engine) open(setup Setup) (*face, error) {
	f := &face{setup: setup}
	if setup.Header == "" {
		p, ok := e.registry.Find(plugins.Converter, setup.Class)
		if !ok {
			return nil, e.unknown(plugins.Converter, setup.Class)
		}
		var err error
		if f.converter, err = p.NewConverter(); err != nil {
			return nil, err
		}
		return f, f.converter.Configure(setup.Config, setup.IsKey)
	}
	p, ok := e.registry.Find(plugins.HeaderConverter, setup.Class)
	if !ok {
		return nil, e.unknown(plugins.HeaderConverter, setup.Class)
	}
	var err error
	if f.header, err = p.NewHeaderConverter(); err != nil {
		return nil, err
	}
	_, both := e.registry.Find(plugins.Converter, setup.Class)
	f.headerOnly = !both
	return f, f.header.Configure(setup.Config)
}

func (e *Engine) unknown(kind plugins.Kind, class string) error {
	known := ""
	for _, p := range e.registry.List(kind) {
		known += "\n  " + p.Class
	}
	return errs.Connect("No %s named %s. There are:%s", kind, class, known)
}

func (f *face) from(ctx context.Context, s *schema.Schema, v schema.Value) ([]byte, error) {
	if f.header != nil {
		return f.header.FromConnectHeader(f.setup.Topic, f.setup.Header, s, v)
	}
	return f.converter.FromConnectData(ctx, f.setup.Topic, nil, s, v)
}

func (f *face) to(ctx context.Context, b []byte) (connect.SchemaAndValue, error) {
	if f.header != nil {
		return f.header.ToConnectHeader(f.setup.Topic, f.setup.Header, b)
	}
	return f.converter.ToConnectData(ctx, f.setup.Topic, nil, b)
}

func (f *face) close() error {
	if f.header != nil {
		return f.header.Close()
	}
	return f.converter.Close()
}
