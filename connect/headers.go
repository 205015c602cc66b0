package connect

import "github.com/moldau-io/moldau/connect/schema"

// Header is a named value beside a record. Names may repeat.
type Header struct {
	Key    string
	Schema *schema.Schema
	Value  schema.Value
}

// Headers are the headers of a record in order (ConnectHeaders). The methods that
// change return new Headers and leave the old ones as they were.
type Headers []Header

// With returns the headers and one more at the end.
func (h Headers) With(key string, s *schema.Schema, v schema.Value) Headers {
	return append(h[:len(h):len(h)], Header{key, s, v})
}

// Without returns the headers less all of that name.
func (h Headers) Without(key string) Headers {
	n := 0
	for i := range h {
		if h[i].Key == key {
			n++
		}
	}
	if n == 0 {
		return h
	}
	out := make(Headers, 0, len(h)-n)
	for i := range h {
		if h[i].Key != key {
			out = append(out, h[i])
		}
	}
	return out
}

// Last returns the last header of that name.
func (h Headers) Last(key string) (Header, bool) {
	for i := len(h) - 1; i >= 0; i-- {
		if h[i].Key == key {
			return h[i], true
		}
	}
	return Header{}, false
}
