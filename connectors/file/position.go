package file

import (
	"context"
	"errors"
	"io"
	"unicode/utf8"
)

const (
	scanBlock = 1 << 20
	scanPart  = 4 << 10
)

// locate returns the byte at which a stored position lies. Connect counts UTF-16
// units from the start of the file, so the file is read up to there. ok is false
// where the position cannot be one of those: the file holds fewer units, or the
// place is within a line although the two ways of counting differ there. Apache's
// task always takes the position for a number of bytes when it starts again, and
// counts on from it, so a file that is not ASCII can have such positions.
func locate(ctx context.Context, f io.ReaderAt, position int64) (at int64, ok bool, err error) {
	var (
		buf   = make([]byte, scanBlock)
		units int64 // of the bytes before at
		rest  int   // bytes from at on that are already in buf
		last  = byte('\n')
	)
	for units < position {
		if err := ctx.Err(); err != nil {
			return 0, false, err
		}
		n, err := f.ReadAt(buf[rest:], at+int64(rest))
		eof := errors.Is(err, io.EOF)
		if err != nil && !eof {
			return 0, false, err
		}
		b := buf[:rest+n]
		used, u := countUnits(b, position-units, eof)
		if used > 0 {
			last = b[used-1]
		}
		at, units = at+int64(used), units+u
		if eof && units < position {
			return 0, false, nil
		}
		rest = copy(buf, b[used:])
	}
	return at, units == position && (at == position || last == '\n' || last == '\r'), nil
}

// countUnits counts UTF-16 units of b up to want of them, or one more where a pair
// of surrogates lies there. Unless final, it stops before a character at the end of
// b that may not be whole.
func countUnits(b []byte, want int64, final bool) (used int, units int64) {
	for used < len(b) && units < want {
		if part := b[used:min(int64(len(b)), int64(used)+scanPart, int64(used)+want-units)]; ascii(part) {
			used, units = used+len(part), units+int64(len(part))
			continue
		}
		for stop := min(len(b), used+scanPart); used < stop && units < want; {
			if !final && b[used] >= utf8.RuneSelf && len(b)-used < utf8.UTFMax {
				return used, units
			}
			size, u, _ := step(b[used:])
			used, units = used+size, units+u
		}
	}
	return used, units
}
