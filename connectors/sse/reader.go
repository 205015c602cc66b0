package sse

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// event is one event of a stream, in the terms of the HTML standard, section 9.2.
type event struct {
	name  string // of the event field; "" is "message"
	id    string // of its own id field, if hasID
	hasID bool
	data  []byte // the data lines joined by LF
}

// errTooLarge says that an event exceeds the limit.
var errTooLarge = errors.New("event too large")

const readBlock = 32 << 10

// reader reads the events of one connection. An event that the end of the stream
// cuts short is not an event. Lines end with LF, CR or CR LF.
type reader struct {
	src   io.Reader
	limit int // bytes of the fields of one event
	// control hears of what does not belong to an event: a new reconnection time in
	// milliseconds, and the id of a block without data.
	onRetry func(ms int64)
	onID    func(id string)

	buf        []byte
	start, end int
	skipLF     bool // the line before ended with CR
	first      bool // nothing was read yet: a byte order mark may come
	size       int  // bytes of the fields so far
	comment    bool // the rest of a line that is dropped

	cur     event
	hasData bool
}

func newReader(src io.Reader, limit int) *reader {
	return &reader{src: src, limit: limit, first: true, onRetry: func(int64) {}, onID: func(string) {}}
}

// next returns the next event with data. Its data is the caller's. The error is
// errTooLarge or that of the stream.
func (r *reader) next() (event, error) {
	for {
		line, err := r.line()
		if err != nil {
			return event{}, err
		}
		if len(line) > 0 {
			if r.size += len(line); r.size > r.limit && line[0] != ':' {
				return event{}, errTooLarge
			}
			r.field(line)
			continue
		}
		e, dispatch := r.cur, r.hasData
		r.cur, r.hasData, r.size = event{}, false, 0
		if !dispatch {
			if e.hasID {
				r.onID(e.id)
			}
			continue
		}
		if !utf8.Valid(e.data) {
			e.data = bytes.ToValidUTF8(e.data, []byte(string(utf8.RuneError)))
		}
		return e, nil
	}
}

func (r *reader) field(line []byte) {
	name, value, _ := bytes.Cut(line, []byte{':'})
	value = bytes.TrimPrefix(value, []byte{' '})
	switch string(name) {
	case "":
		r.size -= len(line) // a comment
	case "data":
		if r.hasData {
			r.cur.data = append(r.cur.data, '\n')
		}
		r.cur.data, r.hasData = append(r.cur.data, value...), true
	case "event":
		r.cur.name = strings.ToValidUTF8(string(value), string(utf8.RuneError))
	case "id":
		if bytes.IndexByte(value, 0) < 0 {
			r.cur.id, r.cur.hasID = strings.ToValidUTF8(string(value), string(utf8.RuneError)), true
		}
	case "retry":
		if ms, err := strconv.ParseInt(string(value), 10, 64); err == nil && digits(value) {
			r.onRetry(ms)
		}
	}
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// line returns the next line without its end: a view that the next call ends.
func (r *reader) line() ([]byte, error) {
	scanned := r.start
	for {
		if r.skipLF && r.start < r.end {
			if r.buf[r.start] == '\n' {
				r.start++
				scanned = r.start
			}
			r.skipLF = false
		}
		if i := bytes.IndexAny(r.buf[scanned:r.end], "\r\n"); i >= 0 {
			at := scanned + i
			line := r.buf[r.start:at]
			r.skipLF = r.buf[at] == '\r'
			r.start = at + 1
			if r.comment {
				r.comment = false
				scanned = r.start
				continue
			}
			if r.first {
				r.first = false
				line = bytes.TrimPrefix(line, []byte("\ufeff"))
			}
			return line, nil
		}
		scanned = r.end
		if r.end > r.start && !r.first && (r.comment || r.buf[r.start] == ':') {
			r.comment = true // of whatever length; nothing of it is kept
			r.start, r.end = 0, 0
			scanned = 0
		}
		if r.end-r.start > r.limit {
			return nil, errTooLarge
		}
		moved, err := r.fill()
		if err != nil {
			return nil, err
		}
		scanned -= moved
	}
}

// fill reads more, and returns by how much it moved what is there to the front.
func (r *reader) fill() (moved int, err error) {
	if len(r.buf)-r.end < readBlock/4 {
		moved = r.start
		rest := r.end - r.start
		into := r.buf
		if len(r.buf)-rest < readBlock/2 {
			into = make([]byte, max(2*len(r.buf), readBlock))
		}
		copy(into, r.buf[r.start:r.end])
		r.buf, r.start, r.end = into, 0, rest
	}
	for range 100 {
		n, err := r.src.Read(r.buf[r.end:])
		r.end += n
		if n > 0 {
			return moved, nil
		}
		if err != nil {
			return moved, err
		}
	}
	return moved, io.ErrNoProgress
}
