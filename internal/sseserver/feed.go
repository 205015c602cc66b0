package sseserver

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/moldau-io/moldau/connectors/datagen"
)

// Event is one event as it is sent.
type Event struct {
	Name, ID string
	Data     []byte // may hold LF
}

// Feed is an ordered list of events. It is safe for concurrent use.
type Feed interface {
	// Len returns the number of events, or -1 when there is no end.
	Len() int64
	// At returns event n, counted from 0.
	At(n int64) Event
	// After returns the number of the event to go on with behind an id, and false
	// for an id that the feed does not know.
	After(id string) (int64, bool)
}

// Generated returns a feed without end of events in the shape of Wikimedia's recent
// changes. at gives the time of event n; nil makes equal events in every run.
func Generated(seed int64, at func(n int64) time.Time) Feed {
	return generated{datagen.NewWikipedia(seed, at)}
}

type generated struct{ w *datagen.Wikipedia }

func (generated) Len() int64 { return -1 }

func (g generated) At(n int64) Event {
	c := g.w.At(n)
	return Event{Name: "message", ID: c.ID, Data: c.Data}
}

func (generated) After(id string) (int64, bool) {
	n, ok := datagen.ParseStreamID(id)
	return n + 1, ok
}

// Limited returns the first n events of a feed.
func Limited(f Feed, n int64) Feed { return limited{f, n} }

type limited struct {
	Feed
	n int64
}

func (l limited) Len() int64 {
	if n := l.Feed.Len(); n >= 0 {
		return min(n, l.n)
	}
	return l.n
}

// Recording is a feed of recorded events.
type Recording struct {
	events      []Event
	first, last map[string]int64
	// Skip says where to go on behind an id that several events share: true behind
	// the last of them, as a server does whose ids are times, false behind the first,
	// which no client can have missed.
	Skip bool
}

// Open reads a recording in the stream's own wire format.
func Open(path string) (*Recording, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r, err := Read(f)
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return r, errors.Join(err, f.Close())
}

// Read reads a recording. Lines end with LF or CR LF.
func Read(src io.Reader) (*Recording, error) {
	r := &Recording{}
	var (
		e    Event
		data [][]byte
	)
	in := bufio.NewReader(src)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		name, value, _ := bytes.Cut(line, []byte{':'})
		value = bytes.TrimPrefix(value, []byte{' '})
		switch string(name) {
		case "event":
			e.Name = string(value)
		case "id":
			e.ID = string(value)
		case "data":
			data = append(data, bytes.Clone(value))
		}
		if len(line) == 0 && len(data) > 0 {
			e.Data = bytes.Join(data, []byte{'\n'})
			r.events = append(r.events, e)
			e, data = Event{}, nil
		}
		if err == io.EOF {
			break
		}
	}
	if len(r.events) == 0 {
		return nil, errors.New("no events: each has lines such as \"data: …\" and ends with an empty line")
	}
	r.index()
	return r, nil
}

// Recorded returns a feed of the given events.
func Recorded(events ...Event) *Recording {
	r := &Recording{events: events}
	r.index()
	return r
}

func (r *Recording) index() {
	r.first, r.last = map[string]int64{}, map[string]int64{}
	for i, e := range r.events {
		if _, ok := r.first[e.ID]; !ok {
			r.first[e.ID] = int64(i)
		}
		r.last[e.ID] = int64(i)
	}
}

// Len returns the number of events.
func (r *Recording) Len() int64 { return int64(len(r.events)) }

// At returns event n.
func (r *Recording) At(n int64) Event { return r.events[n] }

// After returns the number of the event behind an id.
func (r *Recording) After(id string) (int64, bool) {
	at := r.first
	if r.Skip {
		at = r.last
	}
	n, ok := at[id]
	return n + 1, ok
}

// Append writes an event in wire format.
func (e Event) Append(dst []byte) []byte {
	if e.Name != "" {
		dst = append(append(append(dst, "event: "...), e.Name...), '\n')
	}
	if e.ID != "" {
		dst = append(append(append(dst, "id: "...), e.ID...), '\n')
	}
	for line := range bytes.SplitSeq(e.Data, []byte{'\n'}) {
		dst = append(append(append(dst, "data: "...), line...), '\n')
	}
	return append(dst, '\n')
}

// Write writes a recording of the first n events of a feed, in wire format.
func Write(w io.Writer, f Feed, n int64) error {
	out := bufio.NewWriter(w)
	if _, err := out.WriteString(":ok\n\n"); err != nil {
		return err
	}
	var b []byte
	for i := range n {
		b = f.At(i).Append(b[:0])
		if _, err := out.Write(b); err != nil {
			return err
		}
	}
	return out.Flush()
}

// Numbered returns n small events with ids from 1 on, for tests.
func Numbered(n int) *Recording {
	events := make([]Event, n)
	for i := range events {
		id := strconv.Itoa(i + 1)
		events[i] = Event{Name: "message", ID: id, Data: []byte(`{"n":` + id + `,"text":"` + strings.Repeat("x", i%50) + `"}`)}
	}
	return Recorded(events...)
}
