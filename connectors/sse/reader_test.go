package sse

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	r3labs "github.com/r3labs/sse/v2"
)

// read returns all events of a stream as text, with what else it says, and its end.
func read(src io.Reader, limit int) (out []string, err error) {
	r := newReader(src, limit)
	r.onRetry = func(ms int64) { out = append(out, fmt.Sprintf("retry %d", ms)) }
	r.onID = func(id string) { out = append(out, fmt.Sprintf("id %q", id)) }
	for {
		e, err := r.next()
		if err != nil {
			return out, err
		}
		id := "-"
		if e.hasID {
			id = fmt.Sprintf("%q", e.id)
		}
		out = append(out, fmt.Sprintf("%s %s %q", e.name, id, e.data))
	}
}

func TestReader(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     []string
	}{
		{"plain", "data: a\n\n", []string{` - "a"`}},
		{"all fields", "event: e\nid: 1\ndata: a\n\n", []string{`e "1" "a"`}},
		{"several lines", "data: a\ndata:b\ndata:  c\n\n", []string{` - "a\nb\n c"`}},
		{"data without colon", "data\n\ndata\ndata\n\n", []string{` - ""`, ` - "\n"`}},
		{"empty data", "data:\n\n", []string{` - ""`}},
		{"no data", "event: e\n\ndata: a\n\n", []string{` - "a"`}},
		{"id without data", "id: 7\n\ndata: a\n\n", []string{`id "7"`, ` - "a"`}},
		{"empty id", "id: 1\ndata: a\n\nid:\ndata: b\n\nid\ndata: c\n\n", []string{` "1" "a"`, ` "" "b"`, ` "" "c"`}},
		{"id with NUL", "id: a\x00b\ndata: a\n\n", []string{` - "a"`}},
		{"comments", ": hello\n\n:\ndata: a\n: in between\ndata: b\n\n", []string{` - "a\nb"`}},
		{"retry", "retry: 250\n\nretry: x\nretry: -1\nretry: +1\nretry:\ndata: a\n\n", []string{"retry 250", ` - "a"`}},
		{"unknown fields", "foo: 1\nDATA: x\n data: y\ndata : z\ndata: a\n\n", []string{` - "a"`}},
		{"CR", "event: e\rdata: a\r\rdata: b\r\r", []string{`e - "a"`, ` - "b"`}},
		{"CR LF", "data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", []string{` - "a\nb"`, ` - "c"`}},
		{"mixed ends", "data: a\n\rdata: b\r\r\ndata: c\r\n\n", []string{` - "a"`, ` - "b"`, ` - "c"`}},
		{"BOM", "\ufeffdata: a\n\n\ufeffdata: b\n\n", []string{` - "a"`}},
		{"cut within data", "data: a\n\ndata: b\n", []string{` - "a"`}},
		{"cut within line", "data: a\n\ndata: b", []string{` - "a"`}},
		{"not UTF-8", "data: a\xffb\n\n", []string{` - "a` + "\ufffd" + `b"`}},
		{"last event name counts", "event: a\nevent: b\ndata: x\n\n", []string{`b - "x"`}},
		{"colons in values", "data: a:b: c\n\n", []string{` - "a:b: c"`}},
		{"many blank lines", "\n\n\ndata: a\n\n\n\n", []string{` - "a"`}},
		{"empty", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			for how, src := range map[string]io.Reader{
				"at once":       strings.NewReader(c.in),
				"byte by byte":  iotest.OneByteReader(strings.NewReader(c.in)),
				"half by half":  iotest.HalfReader(strings.NewReader(c.in)),
				"error at once": iotest.DataErrReader(strings.NewReader(c.in)),
			} {
				got, err := read(src, 1000)
				if err != io.EOF {
					t.Errorf("%s: ends with %v", how, err)
				}
				if fmt.Sprint(got) != fmt.Sprint(c.want) {
					t.Errorf("%s: got %q, want %q", how, got, c.want)
				}
			}
		})
	}
}

func TestReaderLimit(t *testing.T) {
	const limit = 100_000
	big := strings.Repeat("x", limit-6)
	for _, c := range []struct {
		name, in string
		events   int
		want     error
	}{
		{"fits", "data: " + big + "\n\ndata: a\n\n", 2, io.EOF},
		{"one byte more", "data: a\n\ndata: y" + big + "\n\n", 1, errTooLarge},
		{"in sum", strings.Repeat("data: "+big[:1000]+"\n", 120) + "\n", 0, errTooLarge},
		{"no end in sight", "data: " + strings.Repeat("x", 20*limit), 0, errTooLarge},
		{"a field nobody knows", "foo: " + strings.Repeat("x", 2*limit) + "\ndata: a\n\n", 0, errTooLarge},
		{"a long comment", ":ok\n:" + strings.Repeat("x", 20*limit) + "\n\ndata: a\n\n", 1, io.EOF},
		{"many comments", "data: a\n" + strings.Repeat(": "+big[:1000]+"\n", 1000) + "\n", 1, io.EOF},
		{"many events", strings.Repeat("data: "+big[:10_000]+"\n\n", 50), 50, io.EOF},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := read(strings.NewReader(c.in), limit)
			if len(got) != c.events || !errors.Is(err, c.want) {
				t.Errorf("got %d events and %v, want %d and %v", len(got), err, c.events, c.want)
			}
		})
	}
}

// reference reads a stream the slow way, after the letter of the standard.
func reference(in string) (out []string) {
	in = strings.TrimPrefix(in, "\ufeff")
	in = strings.ReplaceAll(in, "\r\n", "\n")
	in = strings.ReplaceAll(in, "\r", "\n")
	lines := strings.Split(in, "\n")
	name, id, hasID, data, hasData := "", "", false, "", false
	for _, line := range lines[:len(lines)-1] {
		if line == "" {
			switch {
			case hasData:
				shown := "-"
				if hasID {
					shown = fmt.Sprintf("%q", strings.ToValidUTF8(id, "\ufffd"))
				}
				out = append(out, fmt.Sprintf("%s %s %q", strings.ToValidUTF8(name, "\ufffd"), shown, strings.ToValidUTF8(strings.TrimSuffix(data, "\n"), "\ufffd")))
			case hasID:
				out = append(out, fmt.Sprintf("id %q", strings.ToValidUTF8(id, "\ufffd")))
			}
			name, id, hasID, data, hasData = "", "", false, "", false
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case field == "data":
			data, hasData = data+value+"\n", true
		case field == "event":
			name = value
		case field == "id" && !strings.Contains(value, "\x00"):
			id, hasID = value, true
		case field == "retry" && value != "" && strings.Trim(value, "0123456789") == "":
			if ms, err := strconv.ParseInt(value, 10, 64); err == nil {
				out = append(out, fmt.Sprint("retry ", ms))
			}
		}
	}
	return out
}

func FuzzReader(f *testing.F) {
	for _, seed := range []string{"data: a\n\n", "id: 1\r\revent: x\rdata\r\n\r\n", ":c\n\ndata:a\ndata: b\n\n", "\ufeffretry: 5\n\n"} {
		f.Add(seed, uint8(3))
	}
	f.Fuzz(func(t *testing.T, in string, chunk uint8) {
		want := reference(in)
		for _, src := range []io.Reader{strings.NewReader(in), &chunked{[]byte(in), int(chunk)%7 + 1}} {
			got, err := read(src, 1<<20)
			if err != io.EOF || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("got %q and %v, want %q", got, err, want)
			}
		}
	})
}

type chunked struct {
	b []byte
	n int
}

func (c *chunked) Read(p []byte) (int, error) {
	if len(c.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), c.n)], c.b)
	c.b = c.b[n:]
	return n, nil
}

// The reader of r3labs/sse agrees on streams in which nothing is unusual.
func TestReaderAgreesWithLibrary(t *testing.T) {
	stream := "event: a\nid: 1\ndata: x\n\nevent: b\nid: 2\ndata: y\ndata: z\n\n"
	ours, _ := read(strings.NewReader(stream), 1000)
	lib := r3labs.NewEventStreamReader(strings.NewReader(stream), 1000)
	for i := range ours {
		block, err := lib.ReadEvent()
		if err != nil {
			t.Fatal(err)
		}
		theirs, _ := read(io.MultiReader(bytes.NewReader(block), strings.NewReader("\n\n")), 1000)
		if len(theirs) != 1 || theirs[0] != ours[i] {
			t.Errorf("event %d: got %q, the library has %q", i, ours[i], theirs)
		}
	}
}

func BenchmarkReader(b *testing.B) {
	one := "event: message\nid: [{\"topic\":\"t\",\"partition\":0,\"offset\":1}]\ndata: " + strings.Repeat("x", 1200) + "\n\n"
	stream := strings.Repeat(one, 1000)
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		r := newReader(strings.NewReader(stream), 1<<20)
		for {
			if _, err := r.next(); err != nil {
				break
			}
		}
	}
}
