package file

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// writeBlock is how much text is gathered for one write.
const writeBlock = 256 << 10

// settle is how long a line without an end may stay the same before it is taken for torn.
const settle = 20 * time.Millisecond

// sinkTask writes each value as Java's toString prints it, and a newline
// (org.apache.kafka.connect.file.FileStreamSinkTask). Unlike Apache's, which does
// not look at the outcome of a write, it fails when the file cannot be written.
type sinkTask struct {
	stdout   io.Writer
	filename string
	out      io.Writer
	file     outFile
	regular  bool
	dirty    bool
	buf      []byte
}

// outFile is what a task needs of an *os.File.
type outFile interface {
	io.Writer
	Sync() error
	Close() error
}

func (t *sinkTask) Start(_ context.Context, _ connect.SinkContext, props map[string]string) error {
	cfg, err := sinkDef().Parse(props)
	if err != nil {
		return err
	}
	t.filename, t.out = cfg.String(keyFile), t.stdout
	if t.filename == "" {
		return nil
	}
	f, err := os.OpenFile(t.filename, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666)
	if err != nil {
		return errs.Wrap(errs.ClassConnect, javaError(t.filename, err),
			"Couldn't find or create file '%s' for FileStreamSinkTask", t.filename).
			WithHint("check that the directory in %s exists and can be written", keyFile)
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(t.failed("read", err), f.Close())
	}
	t.file, t.out, t.regular = f, f, info.Mode().IsRegular()
	if t.regular && torn(t.filename) {
		t.buf = append(t.buf[:0], '\n')
		if err := t.write(); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return nil
}

// torn says whether a file's last line has no end, and does not grow: a process that
// is killed can leave half of a write. The next record would become part of that line,
// where no reader finds it.
func torn(path string) bool {
	r, err := os.Open(path)
	if err != nil {
		return false // what can only be written cannot be looked at
	}
	// Nothing was written through it.
	defer r.Close()
	for size := int64(-1); ; {
		info, err := r.Stat()
		if err != nil || info.Size() == 0 {
			return false
		}
		var last [1]byte
		if _, err := r.ReadAt(last[:], info.Size()-1); err != nil || last[0] == '\n' {
			return false
		}
		if info.Size() == size {
			return true
		}
		// Another task may be about to write the rest.
		size = info.Size()
		<-time.After(settle)
	}
}

func (*sinkTask) Open(context.Context, []connect.TopicPartition) error { return nil }

func (t *sinkTask) Put(_ context.Context, records []*connect.Record) error {
	t.buf = t.buf[:0]
	for _, r := range records {
		if r.Value.Kind() == schema.KindString {
			t.buf = append(t.buf, r.Value.Str()...)
		} else {
			t.buf = r.Value.AppendText(t.buf)
		}
		t.buf = append(t.buf, '\n')
		if len(t.buf) >= writeBlock {
			if err := t.write(); err != nil {
				return err
			}
		}
	}
	return t.write()
}

func (t *sinkTask) write() error {
	if len(t.buf) == 0 {
		return nil
	}
	t.dirty = true
	if _, err := t.out.Write(t.buf); err != nil {
		return t.failed("write", err)
	}
	if cap(t.buf) > 4*writeBlock {
		t.buf = nil
	}
	t.buf = t.buf[:0]
	return nil
}

// PreCommit makes the lines written so far durable.
func (t *sinkTask) PreCommit(_ context.Context, offsets map[connect.TopicPartition]int64) (map[connect.TopicPartition]int64, error) {
	if t.dirty && t.regular {
		if err := t.file.Sync(); err != nil {
			return nil, t.failed("sync", err)
		}
	}
	t.dirty = false
	return offsets, nil
}

func (*sinkTask) Close(context.Context, []connect.TopicPartition) error { return nil }

func (t *sinkTask) Stop(context.Context) error {
	if t.file == nil {
		return nil
	}
	f := t.file
	t.file = nil
	if err := f.Close(); err != nil {
		return t.failed("close", err)
	}
	return nil
}

func (t *sinkTask) failed(what string, err error) error {
	name := t.filename
	if name == "" {
		name = "standard output"
	}
	return errs.Wrap(errs.ClassConnect, err, "Cannot %s '%s'", what, name).
		WithHint("check the disk and the permissions of what %s names", keyFile)
}
