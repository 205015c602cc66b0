package registry

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
)

func serde(t testing.TB, f Format, c Client, props map[string]string) *Serde {
	t.Helper()
	all := map[string]string{urlKey: "http://in-memory"}
	for k, v := range props {
		all[k] = v
	}
	s, err := Open(all, false, f, c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const (
	prefixed4 = "\x00\x00\x00\x00\x04"
	someGUID  = "2846f71f-61b2-eae6-87fd-e9697b0d2299"
	guidBytes = "\x01\x28\x46\xf7\x1f\x61\xb2\xea\xe6\x87\xfd\xe9\x69\x7b\x0d\x22\x99"
)

func TestIDsAreWritten(t *testing.T) {
	r := Registered{ID: 4, GUID: someGUID}
	for _, c := range []struct {
		format  Format
		indexes []int
		want    string
	}{
		{Avro, nil, prefixed4},
		{Protobuf, []int{0}, prefixed4 + "\x00"},
		{Protobuf, []int{1}, prefixed4 + "\x02\x02"},
		{Protobuf, []int{2, 0}, prefixed4 + "\x04\x04\x00"},
	} {
		s := serde(t, c.format, NewMemory(nil), nil)
		b, err := s.Begin([]byte("x"), r, c.indexes)
		if err != nil || string(b) != "x"+c.want {
			t.Errorf("%v: %q, %v", c.indexes, b, err)
		}
		headers := connect.RawHeaders{}
		if err := s.Finish(&headers, r, c.indexes); err != nil || len(headers) != 0 {
			t.Errorf("%v: headers %v, %v", c.indexes, headers, err)
		}
		id, payload, err := s.Unframe(nil, []byte(c.want+"rest"))
		if err != nil || id.Number != 4 || string(payload) != "rest" || len(id.Indexes) != len(c.indexes) {
			t.Errorf("%q is read as %v and %q, %v", c.want, id, payload, err)
		}
	}
}

func TestIDsInHeaders(t *testing.T) {
	s := serde(t, Avro, NewMemory(nil), map[string]string{"value" + serializerSuffix: idPackage + "HeaderSchemaIdSerializer"})
	b, err := s.Begin([]byte("x"), Registered{ID: 4}, nil)
	if err != nil || string(b) != "x" {
		t.Errorf("%q, %v", b, err)
	}
	headers := connect.RawHeaders{}
	if err := s.Finish(&headers, Registered{ID: 4, GUID: someGUID}, nil); err != nil || len(headers) != 1 || headers[0].Key != valueHeader || string(headers[0].Value) != guidBytes {
		t.Errorf("%v, %v", headers, err)
	}
	id, payload, err := s.Unframe(&headers, []byte("rest"))
	if err != nil || id.GUID != someGUID || string(payload) != "rest" || id.String() != "SchemaId{schemaType='AVRO', id=null, guid='"+someGUID+"', messageIndexes=null}" {
		t.Errorf("%v, %q, %v", id, payload, err)
	}
	if err := s.Finish(nil, Registered{GUID: someGUID}, nil); errs.Class(err) != errs.ClassSerialization {
		t.Errorf("without headers: %v", err)
	}
	if err := s.Finish(&headers, Registered{ID: 4}, nil); err == nil || !strings.Contains(err.Error(), "PrefixSchemaIdSerializer") {
		t.Errorf("without a GUID: %v", err)
	}
}

func TestBytesWithoutID(t *testing.T) {
	for _, c := range []struct {
		format  Format
		in      string
		class   string
		message string
		hint    string
	}{
		{Avro, "", classUnderflow, "", "empty"},
		{Avro, "\x00\x00", classUnderflow, "", ""},
		{Avro, `{"a":1}`, errs.ClassIllegalArgument, "Unknown magic byte!", "JSON"},
		{Avro, "plain", errs.ClassIllegalArgument, "Unknown magic byte!", "plain text"},
		{Avro, "Obj\x01\x04", errs.ClassIllegalArgument, "Unknown magic byte!", "file of Avro"},
		{Avro, "\xff\xfe\xfd", errs.ClassIllegalArgument, "Unknown magic byte!", "0xff"},
		{Protobuf, prefixed4, classUnderflow, "", ""},
		{Protobuf, prefixed4 + "\x01", errs.ClassIllegalArgument, "Illegal Capacity: -1", ""},
		{Protobuf, prefixed4 + "\xfe\xff\xff\xff\x0f", classUnderflow, "", ""},
		{Protobuf, prefixed4 + "\xff\xff\xff\xff\xff\xff", errs.ClassIllegalArgument, "Varint is too long, the most significant bit in the 5th byte is set", ""},
	} {
		id, _, err := serde(t, c.format, NewMemory(nil), nil).Unframe(nil, []byte(c.in))
		cause := errors.Unwrap(err)
		if errs.Class(err) != errs.ClassSerialization || cause == nil || errs.Class(cause) != c.class || c.format == Avro && !id.none {
			t.Errorf("%q: %v", c.in, errs.Trace(err))
			continue
		}
		if message, _ := errs.Message(cause); message != c.message {
			t.Errorf("%q: %q", c.in, message)
		}
		if !strings.Contains(errs.Trace(err), c.hint) {
			t.Errorf("%q: no %q in %s", c.in, c.hint, errs.Trace(err))
		}
	}
}

// FuzzUnframe checks that an id that is read is one that is written, and that nothing
// is lost behind it.
func FuzzUnframe(f *testing.F) {
	f.Add([]byte(prefixed4+"\x04\x04\x00x"), true)
	f.Add([]byte(guidBytes), false)
	f.Add([]byte(prefixed4+"\xfe\xff\xff\xff\x0f"), true)
	f.Fuzz(func(t *testing.T, b []byte, protobuf bool) {
		format := Avro
		if protobuf {
			format = Protobuf
		}
		s := serde(t, format, NewMemory(nil), nil)
		id, payload, err := s.Unframe(nil, b)
		if err != nil {
			return
		}
		if !bytes.HasSuffix(b, payload) {
			t.Fatalf("%q is no end of %q", payload, b)
		}
		if id.GUID != "" {
			return
		}
		out, err := s.Begin(nil, Registered{ID: id.Number}, id.Indexes)
		if err != nil {
			t.Fatal(err)
		}
		again, rest, err := s.Unframe(nil, append(out, payload...))
		if err != nil || again.String() != id.String() || !bytes.Equal(rest, payload) {
			t.Fatalf("%v and %q come back as %v and %q: %v", id, payload, again, rest, err)
		}
	})
}
