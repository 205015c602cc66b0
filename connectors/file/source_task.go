package file

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"syscall"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

const (
	// How long the task waits for a file to grow: longer while nothing comes.
	minWait = 10 * time.Millisecond
	maxWait = 500 * time.Millisecond
	// maxBatchBytes bounds what one Poll reads, whatever batch.size says.
	maxBatchBytes = 16 << 20
	// maxLine is the longest line in bytes; Kafka takes far less.
	maxLine = 1 << 30
)

// sourceTask reads one file (org.apache.kafka.connect.file.FileStreamSourceTask).
type sourceTask struct {
	stdin *os.File

	log      *slog.Logger
	offsets  connect.OffsetReader
	filename string
	topic    string
	batch    int

	in        io.Reader
	file      *os.File // nil for standard input
	lines     *lineReader
	partition *schema.MapValue
	position  int64

	out     []*connect.Record
	slab    slab
	wait    time.Duration
	missing bool
}

func (t *sourceTask) Start(_ context.Context, tc connect.SourceContext, props map[string]string) error {
	cfg, err := sourceDef().Parse(props)
	if err != nil {
		return err
	}
	t.log, t.offsets = tc.Logger(), tc.OffsetReader()
	t.filename, t.topic, t.batch = cfg.String(keyFile), cfg.String(keyTopic), max(int(cfg.Int(keyBatch)), 1)
	t.wait = minWait
	t.partition = schema.NewMap(1)
	t.partition.PutString(filenameField, schema.OfString(t.filename))
	if t.filename == "" {
		if cfg.IsNull(keyFile) {
			t.partition.PutString(filenameField, schema.Null())
		}
		if t.in, err = openStdin(t.stdin); err != nil {
			return err
		}
		t.lines = newLineReader(t.in)
	}
	return nil
}

func (t *sourceTask) Poll(ctx context.Context) ([]*connect.Record, error) {
	if t.lines == nil {
		if found, err := t.open(ctx); err != nil || !found {
			return nil, err
		}
	}
	t.out = t.out[:0]
	t.slab.begin()
	now, size := time.Now().UnixMilli(), 0
	for len(t.out) < t.batch && size < maxBatchBytes {
		line, newline, ok := t.lines.next()
		if !ok {
			n, err := t.lines.fill()
			if n > 0 && t.lines.end-t.lines.start < maxLine {
				if ctx.Err() != nil {
					break
				}
				continue
			}
			if n > 0 {
				err = errors.New("a line is longer than 1 GiB")
			}
			if err != nil && !errors.Is(err, io.EOF) {
				return nil, t.failed("read", err)
			}
			break
		}
		size += len(line)
		text, units := decode(line)
		t.position += units + int64(newline)
		t.out = append(t.out, t.record(text, now))
	}
	if len(t.out) == 0 {
		t.pause(ctx)
		return nil, nil
	}
	t.wait = minWait
	return t.out, nil
}

func (t *sourceTask) record(text string, now int64) *connect.Record {
	r, m, e := t.slab.next()
	*r = connect.Record{
		Topic: t.topic, Partition: connect.NoPartition, Timestamp: now,
		ValueSchema: schema.Of(schema.String), Value: schema.OfString(text),
		SourcePartition: t.partition, SourceOffset: m,
	}
	e[0].Key = schema.OfString(positionField)
	if t.file != nil {
		e[0].Value = schema.OfInt64(t.position)
	}
	m.Reset(e)
	return r
}

// open opens the file at the stored position. It returns false when there is no
// such file yet.
func (t *sourceTask) open(ctx context.Context) (bool, error) {
	f, err := openFile(t.filename)
	if errors.Is(err, fs.ErrNotExist) {
		if !t.missing {
			t.log.Warn("waiting for the file to be created", "file", t.filename)
			t.missing = true
		}
		t.pause(ctx)
		return false, nil
	}
	if err != nil {
		return false, t.failed("open", err)
	}
	t.missing = false
	position, err := t.stored(ctx)
	if err == nil {
		err = t.seek(ctx, f, position)
	}
	if err != nil {
		if closeErr := f.Close(); closeErr != nil {
			t.log.Warn("cannot close the file", "file", t.filename, "error", closeErr)
		}
		if ctx.Err() != nil {
			return false, nil
		}
		return false, err
	}
	t.file, t.in, t.position = f, growing{f}, position
	t.lines = newLineReader(t.in)
	return true, nil
}

func (t *sourceTask) stored(ctx context.Context) (int64, error) {
	found, err := t.offsets.Offsets(ctx, []*schema.MapValue{t.partition})
	if err != nil {
		return 0, err
	}
	if len(found) == 0 || found[0] == nil {
		return 0, nil
	}
	v, _ := found[0].GetString(positionField)
	switch v.Kind() {
	case schema.KindNull:
		return 0, nil
	case schema.KindInt64:
		return v.Int64(), nil
	}
	return 0, errs.Connect("Offset position is the incorrect type")
}

// seek goes to a stored position of f.
func (t *sourceTask) seek(ctx context.Context, f *os.File, position int64) error {
	info, err := f.Stat()
	switch {
	case err != nil:
		return t.failed("read", err)
	case info.IsDir():
		return t.failed("read", syscall.EISDIR)
	case !info.Mode().IsRegular() || position <= 0:
		return nil
	}
	at, ok, err := locate(ctx, f, position)
	if err != nil {
		return t.failed("read", err)
	}
	if !ok {
		if info.Size() < position {
			t.log.Warn("the file is shorter than the stored position; waiting for it to grow past it",
				"file", t.filename, "position", position, "size", info.Size())
		} else {
			t.log.Warn("the stored position does not count the characters of this file; taking it for bytes",
				"file", t.filename, "position", position)
		}
		at = position
	}
	if _, err := f.Seek(at, io.SeekStart); err != nil {
		return t.failed("read", err)
	}
	t.log.Debug("going on at the stored position", "file", t.filename, "position", position, "byte", at)
	return nil
}

func (t *sourceTask) failed(what string, err error) error {
	cause := javaError(t.filename, err)
	return errs.Wrap(errs.ClassConnect, cause, errs.String(cause)).
		WithHint("cannot %s what %s=%s names; check the path and its permissions", what, keyFile, t.filename)
}

// pause waits for more to come.
func (t *sourceTask) pause(ctx context.Context) {
	timer := time.NewTimer(t.wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
	t.wait = min(2*t.wait, maxWait)
}

func (*sourceTask) Commit(context.Context) error { return nil }

func (t *sourceTask) Stop(context.Context) error {
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

// slab cuts the records of a batch and their offsets from few allocations.
type slab struct {
	records []connect.Record
	maps    []schema.MapValue
	entries []schema.Entry
	last    int // records of the batch before
	used    int
}

func (s *slab) begin() { s.last, s.used = s.used, 0 }

func (s *slab) next() (*connect.Record, *schema.MapValue, []schema.Entry) {
	if len(s.records) == 0 {
		// As many as the batch before had, so that a trickle does not keep large pieces alive.
		n := min(max(s.last, s.used, 1), 512)
		s.records, s.maps, s.entries = make([]connect.Record, n), make([]schema.MapValue, n), make([]schema.Entry, n)
	}
	r, m, e := &s.records[0], &s.maps[0], s.entries[:1:1]
	s.records, s.maps, s.entries = s.records[1:], s.maps[1:], s.entries[1:]
	s.used++
	return r, m, e
}
