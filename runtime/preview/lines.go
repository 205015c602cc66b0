package preview

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// eachLine hands on every line that is not blank, with its number from 1, and writes
// what comes back, until more is false. Whoever waits for an answer before asking on gets it.
func eachLine(ctx context.Context, in io.Reader, out io.Writer, one func(line []byte, number int) (answer []byte, more bool)) error {
	r, w := bufio.NewReaderSize(in, 64<<10), bufio.NewWriterSize(out, 64<<10)
	more := true
	for number := 1; more; number++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		line, readErr := r.ReadBytes('\n')
		if line = bytes.TrimSpace(line); len(line) > 0 {
			var answer []byte
			answer, more = one(line, number)
			if _, err := w.Write(append(answer, '\n')); err != nil {
				return fmt.Errorf("write a result: %w", err)
			}
		}
		if readErr != nil || !more || r.Buffered() == 0 {
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
	return nil
}
