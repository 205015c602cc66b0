package sse

import (
	"fmt"
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect/schema"
)

// server answers as servers do that know an event by its id: from behind the first
// or behind the last event of that id, or from the start.
type server struct {
	ids    []string // of each event; "" is none
	behind string   // "first" or "last"
}

func (s server) from(id string) int {
	if id == "" {
		return 0
	}
	at := -1
	for i, have := range s.ids {
		if have == id && (at < 0 || s.behind == "last") {
			at = i
		}
	}
	return at + 1
}

// Whatever ids a stream has and wherever it is cut, no event is lost, and none comes
// twice once the stream has been seen to repeat ids.
func TestCursorResume(t *testing.T) {
	for _, c := range []struct {
		name, ids string
		behind    string
		mayLose   bool // before the first repeated id nobody can know
		mayRepeat bool
	}{
		{"unique", "1 2 3 4 5 6", "first", false, false},
		{"runs, resumed behind the first", "1 1 1 2 2 3 4 4 5 5 5", "first", false, true},
		{"runs, resumed behind the last", "0 1 1 1 2 2 3 4 4 5 5 5", "last", true, false},
		{"some without id", "1 - - 2 - 3 4 - -", "first", false, true},
		{"all without id", "- - - -", "first", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := server{behind: c.behind}
			for _, id := range strings.Fields(c.ids) {
				srv.ids = append(srv.ids, strings.Trim(id, "-"))
			}
			for cut := range len(srv.ids) + 1 {
				for _, restart := range []bool{false, true} {
					cursor, seen := newCursor(), map[int]int{}
					run := func(to int) {
						for i := srv.from(cursor.header()); i < to; i++ {
							e := event{id: srv.ids[i], hasID: srv.ids[i] != "", data: []byte("x")}
							if cursor.take(e) {
								seen[i]++
							}
						}
					}
					run(cut)
					if restart && cut > 0 {
						stored := cursor.offset()
						if err := cursor.restore(stored); err != nil {
							t.Fatal(err)
						}
					}
					known := cursor.repeats
					run(len(srv.ids))
					for i := range srv.ids {
						if seen[i] == 0 && (!c.mayLose || known) || seen[i] > 1 && !c.mayRepeat {
							t.Errorf("cut before %d, restart %v: event %d came %d times", cut, restart, i, seen[i])
						}
					}
				}
			}
		})
	}
}

func TestCursorOffset(t *testing.T) {
	c := newCursor()
	if got := show(c.offset()); got != "id=null retry=null" {
		t.Errorf("at the start: %s", got)
	}
	c.retry = 1500
	c.take(event{id: "a", hasID: true})
	if got := show(c.offset()); got != "id=a retry=1500" {
		t.Errorf("after an event: %s", got)
	}
	c.take(event{id: "b", hasID: true})
	c.take(event{id: "b", hasID: true})
	if got := show(c.offset()); got != "id=b retry=1500 previous=a seen=2" {
		t.Errorf("after a repeated id: %s", got)
	}
	c.take(event{id: "bad\x01", hasID: true})
	if got := c.header(); got != "a" {
		t.Errorf("an id that a header cannot hold leads to %q", got)
	}
}

func show(m *schema.MapValue) string {
	var out []string
	for k, v := range m.All() {
		text := "null"
		switch v.Kind() {
		case schema.KindString:
			text = v.Str()
		case schema.KindInt64:
			text = fmt.Sprint(v.Int64())
		}
		out = append(out, k.Str()+"="+text)
	}
	return strings.Join(out, " ")
}
