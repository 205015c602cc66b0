package dlq

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/moldau-io/moldau/runtime/preview"
)

// Preview returns a Replay.Passes that puts letters through a connector's converters and
// transforms and passes those that get through. What still fails is written to failures,
// a line each. An error of the sink itself cannot be foreseen so.
func Preview(e *preview.Engine, config map[string]string, failures io.Writer) func(context.Context, []Letter) ([]bool, error) {
	return func(ctx context.Context, letters []Letter) ([]bool, error) {
		var in, out bytes.Buffer
		for _, l := range letters {
			line, err := previewLine(l)
			if err != nil {
				return nil, err
			}
			in.Write(append(line, '\n'))
		}
		if _, err := e.Run(ctx, preview.Job{Config: config}, &in, &out); err != nil {
			var wrong *preview.ConfigError
			if errors.As(err, &wrong) {
				return nil, fmt.Errorf("the configuration is wrong: %w", err)
			}
			return nil, err
		}
		answers := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte{'\n'})
		if len(answers) != len(letters) {
			return nil, fmt.Errorf("%d previews of %d letters", len(answers), len(letters))
		}
		passes := make([]bool, len(letters))
		for i, line := range answers {
			var answer struct {
				Error *struct{ Class, Message string }
			}
			if err := json.Unmarshal(line, &answer); err != nil {
				return nil, fmt.Errorf("reading a preview: %w", err)
			}
			if passes[i] = answer.Error == nil; !passes[i] {
				l := letters[i]
				if _, err := fmt.Fprintf(failures, "partition %d offset %d would fail again: %s: %s\n", l.Partition, l.Offset, answer.Error.Class, answer.Error.Message); err != nil {
					return nil, err
				}
			}
		}
		return passes, nil
	}
}

// previewLine is a letter in the notation that preview reads.
func previewLine(l Letter) ([]byte, error) {
	line := map[string]any{
		"kind": "sink", "topic": l.Context.Topic, "partition": l.Context.Partition, "offset": l.Context.Offset,
		"timestamp": l.Timestamp.UnixMilli(), "keyBytes": l.Key, "valueBytes": l.Value,
	}
	b, err := json.Marshal(line)
	if err != nil {
		return nil, fmt.Errorf("writing a letter for the preview: %w", err)
	}
	return b, nil
}
