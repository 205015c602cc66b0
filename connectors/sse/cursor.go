package sse

import (
	"golang.org/x/net/http/httpguts"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// Names in source partitions and offsets.
const (
	uriField      = "uri"
	idField       = "id"
	retryField    = "retry"
	previousField = "previous"
	seenField     = "seen"
)

// cursor is the place in the stream: what is stored as source offset, and what a
// new connection starts from.
//
// Last-Event-ID says where to go on only if each event has an id of its own. Some
// streams give one id to several events (Wikimedia's ids are times), and a server
// goes on behind all of them. So once the stream has been seen to repeat an id, the
// cursor goes back to the id before it, and drops as many events as it had
// delivered.
type cursor struct {
	id       string // of the last event delivered
	previous string // the id before the events that share id
	seen     int64  // events delivered that share id
	repeats  bool   // an id came more than once
	retry    int64  // the server's reconnection time in milliseconds, -1 for none

	// last is the connection's last event id: it holds until the server sends another.
	last string
	// replay says that events that were delivered before may come again; matched is
	// how many of those with the cursor's id have.
	replay  bool
	matched int64
}

func newCursor() cursor { return cursor{retry: -1} }

// header returns the Last-Event-ID to connect with, and sets the cursor for the
// connection; "" is none.
func (c *cursor) header() string {
	c.last, c.replay, c.matched = c.id, false, 0
	if c.repeats && c.previous != "" {
		c.last, c.replay = c.previous, true
	}
	return c.last
}

// take moves the cursor over an event, and says whether it is to be delivered.
func (c *cursor) take(e event) bool {
	if e.hasID {
		c.setID(e.id)
	}
	if c.replay {
		switch {
		case c.last == c.id && c.matched < c.seen:
			c.matched++
			return false
		case c.last == c.previous && c.matched == 0:
			return false
		}
		c.replay = false
	}
	switch {
	case c.last != c.id:
		c.previous, c.id, c.seen = c.id, c.last, 1
	default:
		c.seen++
		c.repeats = c.repeats || c.id != ""
	}
	return true
}

// setID sets the last event id, unless a request header could not carry it.
func (c *cursor) setID(id string) {
	if httpguts.ValidHeaderFieldValue(id) {
		c.last = id
	}
}

// skip moves the cursor over a block that has an id and no data.
func (c *cursor) skip(id string) { c.setID(id) }

// offset returns the source offset.
func (c *cursor) offset() *schema.MapValue {
	m := schema.NewMap(4)
	m.PutString(idField, optional(c.id))
	m.PutString(retryField, schema.Null())
	if c.retry >= 0 {
		m.PutString(retryField, schema.OfInt64(c.retry))
	}
	if c.repeats && c.previous != "" {
		m.PutString(previousField, schema.OfString(c.previous))
		m.PutString(seenField, schema.OfInt64(c.seen))
	}
	return m
}

func optional(text string) schema.Value {
	if text == "" {
		return schema.Null()
	}
	return schema.OfString(text)
}

// restore sets the cursor to a stored offset.
func (c *cursor) restore(offset *schema.MapValue) error {
	if err := checkOffset(offset); err != nil {
		return err
	}
	text := func(name string) string {
		if v, _ := offset.GetString(name); v.Kind() == schema.KindString {
			return v.Str()
		}
		return ""
	}
	*c = newCursor()
	c.id, c.previous = text(idField), text(previousField)
	if v, _ := offset.GetString(retryField); v.Kind() == schema.KindInt64 {
		c.retry = v.Int64()
	}
	if v, _ := offset.GetString(seenField); v.Kind() == schema.KindInt64 {
		c.seen, c.repeats = v.Int64(), true
	}
	return nil
}

// checkOffset says whether an offset can be restored.
func checkOffset(offset *schema.MapValue) error {
	for _, e := range offset.Entries() {
		if e.Key.Kind() != schema.KindString {
			return errs.Connect("The keys of the offset are expected to be strings")
		}
		name, want := e.Key.Str(), schema.KindInt64
		switch name {
		case idField, previousField:
			want = schema.KindString
		case retryField, seenField:
		default:
			return errs.Connect("Offset objects should not contain the key '%s'; it takes '%s', the last event id", name, idField)
		}
		if k := e.Value.Kind(); k != want && k != schema.KindNull {
			return errs.Connect("The value for the '%s' key in the offset is expected to be a %s value, not a %s", name, want, k)
		}
	}
	if v, ok := offset.GetString(idField); ok && v.Kind() == schema.KindString && !httpguts.ValidHeaderFieldValue(v.Str()) {
		return errs.Connect("The value for the '%s' key in the offset holds characters that the header Last-Event-ID cannot have", idField)
	}
	return nil
}
