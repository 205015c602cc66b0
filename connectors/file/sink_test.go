package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/connecttest"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

func lines(texts ...string) []*connect.Record {
	var out []*connect.Record
	for i, s := range texts {
		out = append(out, connecttest.SinkRecord("t", 0, int64(i), connect.SchemaAndValue{}, connect.SchemaAndValue{Schema: schema.Of(schema.String), Value: schema.OfString(s)}))
	}
	return out
}

func TestSinkConformance(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	var want bytes.Buffer
	var texts []string
	for i := range 1000 {
		texts = append(texts, fmt.Sprintf("line %d %s", i, strings.Repeat("é", i%300)))
		want.WriteString(texts[i] + "\n")
	}
	connecttest.Sink{
		New:     func() connect.SinkConnector { return NewSink() },
		Config:  map[string]string{keyFile: path, "topics": "t"},
		Records: lines(texts...),
		Check: func(t *testing.T) {
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want.Bytes()) {
				t.Errorf("the file has %d bytes, want %d; %v", len(got), want.Len(), err)
			}
		},
	}.Run(t)
}

func TestSinkValues(t *testing.T) {
	s := schema.NewStruct().Field("a", schema.Of(schema.Int32)).Field("t", schema.TimestampBuilder().MustBuild()).MustBuild()
	m := schema.NewMap(1)
	m.PutString("k", schema.OfArray([]schema.Value{schema.OfFloat64(1.5), schema.Null()}))
	var out bytes.Buffer
	tk := (&SinkConnector{stdout: &out}).NewTask()
	if err := tk.Start(t.Context(), connecttest.NewSinkContext(t), map[string]string{}); err != nil {
		t.Fatal(err)
	}
	var records []*connect.Record
	for _, v := range []schema.Value{
		schema.OfString("text"), schema.OfString(""), schema.Null(), schema.OfInt64(-7), schema.OfBoolean(true), schema.OfMap(m),
		schema.OfStruct(schema.StructOf(s, []schema.Value{schema.OfInt32(5), schema.OfDate(1700000000000)})),
	} {
		records = append(records, &connect.Record{Value: v})
	}
	if err := tk.Put(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	want := "text\n\nnull\n-7\ntrue\n{k=[1.5, null]}\nStruct{a=5,t=Tue Nov 14 22:13:20 UTC 2023}\n"
	if out.String() != want {
		t.Errorf("wrote %q, want %q", out.String(), want)
	}
	if _, err := tk.PreCommit(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if err := tk.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// A line that was cut off when a process was killed gets its end before the next record.
func TestSinkEndsTornLine(t *testing.T) {
	for _, c := range []struct{ before, want string }{
		{"", "a\n"}, {"x\n", "x\na\n"}, {"x\nto", "x\nto\na\n"}, {"\n", "\na\n"},
	} {
		path := filepath.Join(t.TempDir(), "out")
		if err := os.WriteFile(path, []byte(c.before), 0o600); err != nil {
			t.Fatal(err)
		}
		tk := NewSink().NewTask()
		if err := tk.Start(t.Context(), connecttest.NewSinkContext(t), map[string]string{keyFile: path}); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(tk.Put(t.Context(), lines("a")), tk.Stop(t.Context())); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != c.want {
			t.Errorf("%q became %q, want %q; %v", c.before, got, c.want, err)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestSinkErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "out")
	err := NewSink().NewTask().Start(t.Context(), connecttest.NewSinkContext(t), map[string]string{keyFile: path})
	if err == nil {
		t.Fatal("no error")
	}
	trace := errs.Trace(err)
	want := "org.apache.kafka.connect.errors.ConnectException: Couldn't find or create file '" + path + "' for FileStreamSinkTask\n" +
		"Caused by: java.nio.file.NoSuchFileException: " + path + "\n"
	if !strings.HasPrefix(trace, want) || !strings.Contains(trace, "check that the directory in file exists") {
		t.Errorf("trace %q", trace)
	}
	tk := (&SinkConnector{stdout: full{}}).NewTask()
	if err := tk.Start(t.Context(), connecttest.NewSinkContext(t), map[string]string{}); err != nil {
		t.Fatal(err)
	}
	if err := tk.Put(t.Context(), lines("a")); err == nil || !strings.Contains(err.Error(), "no space left on device") || !strings.Contains(err.Error(), "standard output") {
		t.Errorf("a full disk: %v", err)
	}
	if err := tk.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

func BenchmarkSink(b *testing.B) {
	tk := NewSink().NewTask()
	if err := tk.Start(b.Context(), connecttest.NewSinkContext(b), map[string]string{keyFile: filepath.Join(b.TempDir(), "out")}); err != nil {
		b.Fatal(err)
	}
	texts := make([]string, 2000)
	for i := range texts {
		texts[i] = strings.Repeat("x", 199)
	}
	records := lines(texts...)
	b.SetBytes(200 * 2000)
	b.ReportAllocs()
	for b.Loop() {
		if err := tk.Put(b.Context(), records); err != nil {
			b.Fatal(err)
		}
	}
	if err := tk.Stop(b.Context()); err != nil {
		b.Fatal(err)
	}
}
