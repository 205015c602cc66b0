package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/converters/json"
	"github.com/moldau-io/moldau/converters/text"
	"github.com/moldau-io/moldau/plugins/standard"
	"github.com/moldau-io/moldau/runtime/chain"
)

// codecCase is a piece of work of converters and transforms, which this program and
// java/Bench.java know by its name.
type codecCase struct{ name, label string }

var codecCases = []codecCase{
	{"decode-flat", "JSON without schema → data, small"},
	{"encode-flat", "data → JSON without schema, small"},
	{"decode-event", "JSON without schema → data, Wikipedia change"},
	{"encode-event", "data → JSON without schema, Wikipedia change"},
	{"decode-enveloped", "JSON with schema → data"},
	{"encode-enveloped", "data → JSON with schema"},
	{"transform-flat", "three transforms, map"},
	{"transform-enveloped", "three transforms, struct"},
	{"chain-flat", "JSON → three transforms → JSON, no schema, small"},
	{"chain-event", "JSON → three transforms → JSON, no schema, Wikipedia change"},
	{"chain-enveloped", "JSON → three transforms → JSON, with schema"},
	{"decode-string", "StringConverter, bytes → data"},
	{"encode-string", "StringConverter, data → bytes"},
}

// transforms are the three of the JSON chain; java/Bench.java has the same.
var transforms = map[string]string{
	"transforms":             "insert,replace,route",
	"transforms.insert.type": "org.apache.kafka.connect.transforms.InsertField$Value", "transforms.insert.timestamp.field": "ts",
	"transforms.insert.static.field": "src", "transforms.insert.static.value": "bench",
	"transforms.replace.type": "org.apache.kafka.connect.transforms.ReplaceField$Value", "transforms.replace.exclude": "secret",
	"transforms.replace.renames": "name:user", "transforms.route.type": "org.apache.kafka.connect.transforms.TimestampRouter",
}

// recordTime is the timestamp of the records that are transformed.
const recordTime = 1_700_000_000_123

// codecResult is what a process that measured a case prints: how many records it
// worked on in how much CPU time, and the bytes of all results of one round over the
// input, which are the same in Java.
type codecResult struct {
	records int
	cpu     time.Duration
	bytes   int64
}

func (r codecResult) String() string {
	return fmt.Sprintf("%d %d %d", r.records, r.cpu.Nanoseconds(), r.bytes)
}

func parseCodecResult(text string) (r codecResult, err error) {
	var ns int64
	if _, err := fmt.Sscanf(strings.TrimSpace(text), "%d %d %d", &r.records, &ns, &r.bytes); err != nil {
		return codecResult{}, fmt.Errorf("a result of three numbers, not %q: %w", text, err)
	}
	if r.records <= 0 || ns <= 0 || r.bytes <= 0 {
		return codecResult{}, fmt.Errorf("the result %q has a number that is not positive", text)
	}
	r.cpu = time.Duration(ns)
	return r, nil
}

// converter is what the cases need of one: it appends to a buffer that is used again.
type converter interface {
	connect.Converter
	connect.Appender
}

// codec is one case, ready to run over its input.
type codec struct {
	conv  converter
	chain *chain.Chain
	texts [][]byte
	data  []connect.SchemaAndValue
	buf   []byte
	bytes int64
}

// measureCodec works on a case until warm and then until measured of CPU time has gone,
// and says how many records the second part did.
func measureCodec(ctx context.Context, name, dir string, warm, measured time.Duration) (codecResult, error) {
	c, step, err := newCodec(ctx, name, dir)
	if err != nil {
		return codecResult{}, err
	}
	round := func() error {
		c.bytes = 0
		for i := range c.texts {
			if err := step(i); err != nil {
				return err
			}
		}
		return nil
	}
	var r codecResult
	for _, part := range []time.Duration{warm, measured} {
		begin, err := ownCPU()
		if err != nil {
			return r, err
		}
		for r.records, r.cpu = 0, 0; r.cpu < part; r.records += len(c.texts) {
			if err := round(); err != nil {
				return r, err
			}
			now, err := ownCPU()
			if err != nil {
				return r, err
			}
			r.cpu = now - begin
		}
	}
	r.bytes = c.bytes
	return r, c.chain.Close()
}

// newCodec reads the input of a case and returns the step that does one record of it.
func newCodec(ctx context.Context, name, dir string) (*codec, func(i int) error, error) {
	if !slices.ContainsFunc(codecCases, func(c codecCase) bool { return c.name == name }) {
		return nil, nil, fmt.Errorf("no case is named %q", name)
	}
	what, kind, _ := strings.Cut(name, "-")
	c, file := &codec{}, kind
	if c.conv = json.New(); kind == "string" {
		c.conv, file = text.New(), event
	}
	schemas := "false"
	if kind == enveloped {
		schemas = "true"
	}
	if err := c.conv.Configure(map[string]string{"schemas.enable": schemas}, false); err != nil {
		return nil, nil, err
	}
	var err error
	if c.chain, err = chain.Build(transforms, standard.Registry()); err != nil {
		return nil, nil, err
	}
	if c.texts, err = readInputs(dir, file); err != nil {
		return nil, nil, err
	}
	for _, t := range c.texts {
		sv, err := c.conv.ToConnectData(ctx, "t", nil, t)
		if err != nil {
			return nil, nil, err
		}
		c.data = append(c.data, sv)
	}
	return c, map[string]func(int) error{
		"decode":    func(i int) error { return c.decode(ctx, i) },
		"encode":    func(i int) error { return c.encode(ctx, c.data[i]) },
		"transform": func(i int) error { _, err := c.transform(ctx, c.data[i]); return err },
		"chain":     func(i int) error { return c.all(ctx, i) },
	}[what], nil
}

func (c *codec) decode(ctx context.Context, i int) error {
	sv, err := c.conv.ToConnectData(ctx, "t", nil, c.texts[i])
	if err == nil && !sv.Value.IsNull() {
		c.bytes += int64(len(c.texts[i]))
	}
	return err
}

func (c *codec) encode(ctx context.Context, sv connect.SchemaAndValue) error {
	out, ok, err := c.conv.AppendConnectData(ctx, c.buf[:0], "t", nil, sv.Schema, sv.Value)
	if err == nil && !ok {
		err = fmt.Errorf("the converter gave null")
	}
	c.buf = out
	c.bytes += int64(len(out))
	return err
}

func (c *codec) transform(ctx context.Context, sv connect.SchemaAndValue) (connect.SchemaAndValue, error) {
	out, _, err := c.chain.Apply(ctx, &connect.Record{Topic: "t", Timestamp: recordTime, ValueSchema: sv.Schema, Value: sv.Value})
	if err != nil {
		return connect.SchemaAndValue{}, err
	}
	c.bytes += int64(len(out.Topic))
	return connect.SchemaAndValue{Schema: out.ValueSchema, Value: out.Value}, nil
}

func (c *codec) all(ctx context.Context, i int) error {
	sv, err := c.conv.ToConnectData(ctx, "t", nil, c.texts[i])
	if err != nil {
		return err
	}
	if sv, err = c.transform(ctx, sv); err != nil {
		return err
	}
	return c.encode(ctx, sv)
}

// ownCPU is what this process has used so far, garbage collection included.
func ownCPU() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, err
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}
