package file

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/connecttest"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// start starts a task that is stopped at the end of the test.
func start(t *testing.T, c *SourceConnector, store *connecttest.Offsets, props map[string]string) *sourceTask {
	t.Helper()
	tk := c.NewTask().(*sourceTask)
	if err := tk.Start(t.Context(), &connecttest.SourceContext{Store: store, Log: connecttest.NewLog(t).Logger()}, props); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tk.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return tk
}

// poll polls until there are n records, and then once more to see that it is all.
func poll(t *testing.T, tk *sourceTask, n int) []*connect.Record {
	t.Helper()
	got := connecttest.PollN(t, tk, n)
	more, err := tk.Poll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got = append(got, more...); len(got) != n {
		t.Fatalf("got %d records, want %d", len(got), n)
	}
	return got
}

func text(records []*connect.Record) string {
	var out []string
	for _, r := range records {
		out = append(out, fmt.Sprintf("%q", r.Value.Str()))
	}
	return strings.Join(out, " ")
}

func position(t *testing.T, r *connect.Record) int64 {
	t.Helper()
	v, ok := r.SourceOffset.GetString(positionField)
	if !ok || r.SourceOffset.Len() != 1 {
		t.Fatalf("offset %s", connecttest.Show(schema.OfMap(r.SourceOffset)))
	}
	return v.Int64()
}

func TestSourceConformance(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in")
	var b strings.Builder
	for i := range 200 {
		fmt.Fprintf(&b, "line %d é %s\r\n", i, strings.Repeat("日😀", i%7))
	}
	write(t, path, b.String())
	connecttest.Source{
		New:    func() connect.SourceConnector { return NewSource() },
		Config: map[string]string{keyFile: path, keyTopic: "t", keyBatch: "30"},
		Want:   200,
	}.Run(t)
}

// What Apache's task makes of the same bytes, positions included.
func TestSourceLines(t *testing.T) {
	for _, c := range []struct {
		name, in, more string
		want           string
		position       int64
	}{
		{"offsets", "a\n\nccc\n", "", `"a" "" "ccc"`, 7},
		{"CR", "a\rb\r\rc\r", "d\n", `"a" "b" "" "c" "d"`, 9},
		{"mixed", "a\r\r\nb\n\rc\n", "", `"a" "" "b" "" "c"`, 9},
		{"UTF-8", "é\n日本\n😀\na\n", "", `"é" "日本" "😀" "a"`, 10},
		{"BOM", "\ufeffx\n", "", `"\ufeffx"`, 3},
		{"CR LF at the end of a buffer", strings.Repeat("a", 1023) + "\r\nnext\r\n", "", `"` + strings.Repeat("a", 1023) + `" "next"`, 1031},
		{"NUL", "a\x00b\n\x00\n", "", `"a\x00b" "\x00"`, 6},
		{"not UTF-8", "a\xffb\n\xed\xa0\x80\n", "", `"a` + "\ufffd" + `b" "` + "\ufffd" + `"`, 6},
		{"unfinished", "a\nbc", "d\n", `"a" "bcd"`, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "in")
			write(t, path, c.in)
			tk := start(t, NewSource(), &connecttest.Offsets{}, map[string]string{keyFile: path, keyTopic: "t"})
			n := strings.Count(c.want, `" "`) + 1
			var got []*connect.Record
			if c.more != "" {
				first, err := tk.Poll(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, first...)
				appendTo(t, path, c.more)
			}
			got = append(got, poll(t, tk, n-len(got))...)
			if text(got) != c.want {
				t.Errorf("got %s, want %s", text(got), c.want)
			}
			if p := position(t, got[len(got)-1]); p != c.position {
				t.Errorf("position %d, want %d", p, c.position)
			}
			r := got[0]
			if r.Topic != "t" || r.Partition != connect.NoPartition || r.KeySchema != nil || !r.Key.IsNull() ||
				r.ValueSchema != schema.Of(schema.String) || r.Timestamp <= 0 || len(r.Headers) != 0 {
				t.Errorf("record %+v", r)
			}
			if want := `{"filename": "` + path + `"}`; connecttest.Show(schema.OfMap(r.SourcePartition)) != want {
				t.Errorf("partition %s, want %s", connecttest.Show(schema.OfMap(r.SourcePartition)), want)
			}
		})
	}
}

// A file is gone on with at positions that Apache's task has stored.
func TestSourceResume(t *testing.T) {
	for _, c := range []struct {
		name, in string
		position int64
		want     string
	}{
		{"between lines", "a\nb\nc\n", 4, `"c"`},
		{"within a line", "abc\ndef\nghi\n", 5, `"ef" "ghi"`},
		{"behind lines that are not ASCII", "éé\nbb\ncc\ndd\n", 9, `"dd"`},
		// A task of Apache's that was restarted takes positions for bytes, and counts on.
		{"of a restarted task", "éé\nbb\ncc\ndd\n", 11, `"dd"`},
		{"beyond the last unit", "éééé\nb\n", 8, `"" "b"`},
		{"null", "a\n", -1, `"a"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "in")
			write(t, path, c.in)
			store, offset := &connecttest.Offsets{}, schema.NewMap(1)
			offset.PutString(positionField, schema.OfInt64(c.position))
			if c.position < 0 {
				offset.PutString(positionField, schema.Null())
			}
			partition := schema.NewMap(1)
			partition.PutString(filenameField, schema.OfString(path))
			store.Put(partition, offset)
			tk := start(t, NewSource(), store, map[string]string{keyFile: path, keyTopic: "t"})
			if got := text(poll(t, tk, strings.Count(c.want, `" "`)+1)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestSourceTruncatedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in")
	write(t, path, "aaaa\nbbbb\n")
	store := &connecttest.Offsets{}
	tk := start(t, NewSource(), store, map[string]string{keyFile: path, keyTopic: "t"})
	for _, r := range poll(t, tk, 2) {
		store.Commit(r)
	}
	write(t, path, "c\n")
	// Nothing until the file grows past the position, for a new task as for the old.
	again := start(t, NewSource(), store, map[string]string{keyFile: path, keyTopic: "t"})
	for _, tk := range []*sourceTask{tk, again} {
		if got, err := tk.Poll(t.Context()); err != nil || len(got) != 0 {
			t.Errorf("got %s, %v", text(got), err)
		}
	}
	appendTo(t, path, "ddddddddddd\ne\n")
	for _, tk := range []*sourceTask{tk, again} {
		if got := text(poll(t, tk, 2)); got != `"ddd" "e"` {
			t.Errorf("got %s", got)
		}
	}
}

// batch.size bounds a batch; lines that were read are not held back, which
// Apache's task does until the file grows.
func TestSourceBatchSize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in")
	write(t, path, strings.Repeat("x\n", 25))
	for size, want := range map[string]int{"10": 10, "1": 1, "0": 1, "-5": 1, "100": 25} {
		tk := start(t, NewSource(), &connecttest.Offsets{}, map[string]string{keyFile: path, keyTopic: "t", keyBatch: size})
		total := 0
		for i := 0; total < 25; i++ {
			got, err := tk.Poll(t.Context())
			if err != nil || len(got) != min(want, 25-total) {
				t.Fatalf("batch.size=%s: %d records, %v", size, len(got), err)
			}
			total += len(got)
		}
	}
}

func TestSourceLateFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in")
	tk := start(t, NewSource(), &connecttest.Offsets{}, map[string]string{keyFile: path, keyTopic: "t"})
	for range 2 {
		if got, err := tk.Poll(t.Context()); err != nil || got != nil {
			t.Fatalf("got %v, %v", got, err)
		}
	}
	write(t, path, "late\n")
	if got := text(poll(t, tk, 1)); got != `"late"` {
		t.Errorf("got %s", got)
	}
}

func TestSourceNamedPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	tk := start(t, NewSource(), &connecttest.Offsets{}, map[string]string{keyFile: path, keyTopic: "t"})
	if got, err := tk.Poll(t.Context()); err != nil || got != nil {
		t.Fatalf("without a writer: %v, %v", got, err)
	}
	appendTo(t, path, "a\nb\n")
	if got := text(poll(t, tk, 2)); got != `"a" "b"` {
		t.Errorf("got %s", got)
	}
}

func TestSourceStandardInput(t *testing.T) {
	for name, props := range map[string]map[string]string{
		"null": {keyTopic: "t"}, "empty": {keyTopic: "t", keyFile: ""},
	} {
		t.Run(name, func(t *testing.T) {
			in, out, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			tk := start(t, &SourceConnector{stdin: in}, &connecttest.Offsets{}, props)
			if got, err := tk.Poll(t.Context()); err != nil || got != nil {
				t.Fatalf("got %v, %v", got, err)
			}
			if _, err := out.WriteString("a\nb\n"); err != nil {
				t.Fatal(err)
			}
			if err := out.Close(); err != nil {
				t.Fatal(err)
			}
			got := poll(t, tk, 2)
			if text(got) != `"a" "b"` || connecttest.Show(schema.OfMap(got[1].SourceOffset)) != `{"position": null}` {
				t.Errorf("got %s at %s", text(got), connecttest.Show(schema.OfMap(got[1].SourceOffset)))
			}
			want := map[string]string{"null": `{"filename": null}`, "empty": `{"filename": ""}`}[name]
			if p := connecttest.Show(schema.OfMap(got[0].SourcePartition)); p != want {
				t.Errorf("partition %s, want %s", p, want)
			}
		})
	}
}

func TestSourceErrors(t *testing.T) {
	dir := t.TempDir()
	tk := start(t, NewSource(), &connecttest.Offsets{}, map[string]string{keyFile: dir, keyTopic: "t"})
	_, err := tk.Poll(t.Context())
	if err == nil || !strings.HasPrefix(errs.String(err), "org.apache.kafka.connect.errors.ConnectException: java.nio.file.FileSystemException: "+dir+": Is a directory") ||
		!strings.Contains(err.Error(), keyFile+"="+dir) {
		t.Errorf("a directory: %v", err)
	}
	store, offset := &connecttest.Offsets{}, schema.NewMap(1)
	offset.PutString(positionField, schema.OfString("7"))
	path := filepath.Join(dir, "in")
	write(t, path, "a\n")
	partition := schema.NewMap(1)
	partition.PutString(filenameField, schema.OfString(path))
	store.Put(partition, offset)
	tk = start(t, NewSource(), store, map[string]string{keyFile: path, keyTopic: "t"})
	if _, err = tk.Poll(t.Context()); err == nil || errs.String(err) != "org.apache.kafka.connect.errors.ConnectException: Offset position is the incorrect type" {
		t.Errorf("a position that is a text: %v", err)
	}
	for key, value := range map[string]string{keyTopic: "", keyBatch: "many"} {
		err := NewSource().Start(t.Context(), &connecttest.ConnectorContext{}, map[string]string{keyTopic: "t", key: value})
		if err == nil || !strings.Contains(err.Error(), key) || errs.Class(err) != errs.ClassConfig {
			t.Errorf("%s=%s: %v", key, value, err)
		}
	}
}

func TestSourceExactlyOnce(t *testing.T) {
	for file, want := range map[string]bool{"": false, "x": true} {
		got, err := NewSource().ExactlyOnceSupport(map[string]string{keyFile: file, keyTopic: "t"})
		if err != nil || got != want {
			t.Errorf("file %q: %v, %v", file, got, err)
		}
	}
}

func TestSourceAlterOffsets(t *testing.T) {
	one := func(name string, v schema.Value) *schema.MapValue {
		m := schema.NewMap(1)
		m.PutString(name, v)
		return m
	}
	file := one(filenameField, schema.OfString("f"))
	for _, c := range []struct {
		name              string
		config            map[string]string
		partition, offset *schema.MapValue
		want              string
	}{
		{"good", map[string]string{keyFile: "f"}, file, one(positionField, schema.OfInt64(7)), ""},
		{"removal of anything", map[string]string{keyFile: "f"}, nil, nil, ""},
		{"stdin", nil, file, one(positionField, schema.OfInt64(7)), "Offsets cannot be modified if the 'file' configuration is unspecified. This is because stdin is used for input and offsets are not tracked."},
		{"no position", map[string]string{keyFile: "f"}, file, one("x", schema.OfInt64(7)), "Offset objects should either be null or contain the key 'position'"},
		{"text", map[string]string{keyFile: "f"}, file, one(positionField, schema.OfString("7")), "The value for the 'position' key in the offset is expected to be a Long value"},
		{"negative", map[string]string{keyFile: "f"}, file, one(positionField, schema.OfInt64(-1)), "The value for the 'position' key in the offset should be a non-negative value"},
		{"no partition", map[string]string{keyFile: "f"}, nil, one(positionField, schema.OfInt64(7)), "Partition objects cannot be null"},
		{"no file", map[string]string{keyFile: "f"}, one("file", schema.OfString("f")), one(positionField, schema.OfInt64(7)), "Partition objects should contain the key 'filename'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			props := map[string]string{keyTopic: "t"}
			for k, v := range c.config {
				props[k] = v
			}
			ok, err := NewSource().AlterOffsets(t.Context(), props, []connect.PartitionOffset{{Partition: c.partition, Offset: c.offset}})
			switch {
			case c.want == "" && (err != nil || !ok):
				t.Errorf("got %v, %v", ok, err)
			case c.want != "" && (err == nil || errs.String(err) != errs.ClassConnect+": "+c.want):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func BenchmarkSource(b *testing.B) {
	const lines = 200_000
	path := filepath.Join(b.TempDir(), "in")
	if err := os.WriteFile(path, []byte(strings.Repeat(strings.Repeat("x", 199)+"\n", lines)), 0o600); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(200 * lines)
	b.ReportAllocs()
	for b.Loop() {
		tk := NewSource().NewTask()
		if err := tk.Start(b.Context(), connecttest.NewSourceContext(b), map[string]string{keyFile: path, keyTopic: "t"}); err != nil {
			b.Fatal(err)
		}
		for n := 0; n < lines; {
			got, err := tk.Poll(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			n += len(got)
		}
		if err := tk.Stop(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
