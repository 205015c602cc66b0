package file

import (
	"bytes"
	"io"
)

// Sizes of the blocks that lines are read into: small while a file only trickles,
// so that an idle task costs next to nothing, large while there is much to read.
const (
	minBlock = 4 << 10
	maxBlock = 512 << 10
)

// lineReader cuts lines from a stream that may grow. A line ends with LF, CR or
// CR LF; a CR that is the last byte so far waits for the next one. Lines are views
// of blocks that are never written again.
type lineReader struct {
	src        io.Reader
	buf        []byte
	start, end int // what is read and not handed out
	lf, cr     mark
	size       int
}

// mark is the next place of a byte, or how far there is none.
type mark struct {
	pos   int
	found bool
}

func (m *mark) shift(by int) {
	if m.pos < by {
		*m = mark{}
		return
	}
	m.pos -= by
}

func newLineReader(src io.Reader) *lineReader {
	return &lineReader{src: src, size: minBlock}
}

// next returns a line without its end, and the length of the end in bytes.
func (r *lineReader) next() (line []byte, newline int, ok bool) {
	lf, hasLF := r.seek(&r.lf, '\n')
	cr, hasCR := r.seek(&r.cr, '\r')
	switch {
	case hasCR && (!hasLF || cr < lf):
		if cr+1 >= r.end {
			return nil, 0, false
		}
		newline = 1
		if r.buf[cr+1] == '\n' {
			newline = 2
		}
		line = r.buf[r.start:cr:cr]
	case hasLF:
		newline = 1
		line = r.buf[r.start:lf:lf]
	default:
		return nil, 0, false
	}
	r.start += len(line) + newline
	return line, newline, true
}

func (r *lineReader) seek(m *mark, c byte) (int, bool) {
	from := m.pos
	if m.found {
		if m.pos >= r.start {
			return m.pos, true
		}
		from = r.start
	} else if from < r.start {
		from = r.start
	}
	if i := bytes.IndexByte(r.buf[from:r.end], c); i >= 0 {
		*m = mark{from + i, true}
		return m.pos, true
	}
	*m = mark{r.end, false}
	return 0, false
}

// fill reads once. It returns the number of bytes read; 0 without an error or with
// io.EOF says that there is nothing for now.
func (r *lineReader) fill() (int, error) {
	if rest := r.end - r.start; len(r.buf)-r.end < minBlock/2 || len(r.buf)-r.end < rest {
		size := max(r.size, 2*rest+minBlock)
		next := make([]byte, size)
		copy(next, r.buf[r.start:r.end])
		r.lf.shift(r.start)
		r.cr.shift(r.start)
		r.buf, r.start, r.end = next, 0, rest
	}
	room := r.buf[r.end:]
	n, err := r.src.Read(room)
	r.end += n
	switch {
	case n == len(room):
		r.size = min(2*r.size, maxBlock)
	case n == 0 && r.start == r.end && len(r.buf) > minBlock:
		r.buf, r.start, r.end, r.lf, r.cr, r.size = nil, 0, 0, mark{}, mark{}, minBlock
	}
	return n, err
}
