package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

const (
	stringConverter = "org.apache.kafka.connect.storage.StringConverter"
	fileConnector   = "org.apache.kafka.connect.file.FileStream"
	// held is how many lines Apache's source may keep back until the file grows: its
	// batch.size. A run is over when all lines but these have arrived.
	held = 2000
	// look is how often progress is looked at.
	look = 10 * time.Millisecond
	// runTimeout is how long one run may take.
	runTimeout = 3 * time.Minute
)

// pipelines measures what moves lines between a file and a topic.
type pipelines struct {
	admin  *kadm.Client
	broker string
	dir    string
	// file has the lines, and so has topic as soon as filled.
	file   string
	lines  int
	size   int64
	topic  string
	serial int
}

// job is one run: how it begins, and how far it is.
type job struct {
	begin func(ctx context.Context) error
	// progress is the number of lines, or of bytes, that have arrived.
	progress func(ctx context.Context) (int64, error)
	goal     int64
}

// observe runs a job in a process and measures that.
func (p *pipelines) observe(ctx context.Context, j job, check func() error) (s sample, err error) {
	s.records = p.lines
	var first time.Time
	if err := j.begin(ctx); err != nil {
		return s, err
	}
	asked := time.Now()
	err = until(ctx, runTimeout, look, func() (bool, error) {
		n, err := j.progress(ctx)
		if err != nil {
			return false, err
		}
		if n > 0 && first.IsZero() {
			first = time.Now()
		}
		if n >= j.goal {
			s.wall = time.Since(first)
			return true, nil
		}
		if time.Since(asked) > time.Second {
			asked = time.Now()
			return false, check()
		}
		return false, nil
	})
	return s, err
}

// onWorker runs a connector on a worker until the goal and deletes it.
func (p *pipelines) onWorker(ctx context.Context, w *worker, name string, config map[string]string, j job) (s sample, err error) {
	pid := w.cmd.Process.Pid
	before, err := cpuOf(pid)
	if err != nil {
		return s, err
	}
	if err := forgetPeak(pid); err != nil {
		return s, err
	}
	config["tasks.max"], config["name"] = "1", name
	config["key.converter"], config["value.converter"] = stringConverter, stringConverter
	j.begin = func(ctx context.Context) error {
		return w.order(ctx, http.MethodPost, "/connectors", map[string]any{"name": name, "config": config})
	}
	if s, err = p.observe(ctx, j, func() error { return w.failed(ctx, name) }); err != nil {
		return s, fmt.Errorf("%s: %s: %w", w.name, name, err)
	}
	after, err := cpuOf(pid)
	if err != nil {
		return s, err
	}
	mem, err := memoryOf(pid)
	if err != nil {
		return s, err
	}
	s.cpu, s.peak = after-before, mem.peak
	return s, w.order(ctx, http.MethodDelete, "/connectors/"+name, nil)
}

// onBare runs a part of this program until it ends.
func (p *pipelines) onBare(ctx context.Context, j job, args ...string) (s sample, err error) {
	self, err := os.Executable()
	if err != nil {
		return s, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var words strings.Builder
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stdout, cmd.Stderr = &words, &words
	j.begin = func(context.Context) error { return cmd.Start() }
	// The peak that the system reports for a child has that of its parent in it, from
	// before exec; so it is read while the child runs.
	var peak int64
	progress := j.progress
	j.progress = func(ctx context.Context) (int64, error) {
		if m, err := memoryOf(cmd.Process.Pid); err == nil {
			peak = max(peak, m.peak)
		}
		return progress(ctx)
	}
	s, err = p.observe(ctx, j, func() error { return nil })
	if err != nil {
		cancel()
		if cmd.Process == nil {
			return s, err
		}
	}
	if err := errors.Join(err, cmd.Wait()); err != nil {
		return s, fmt.Errorf("%s: %w: %s", args[0], err, words.String())
	}
	s.cpu, s.peak = cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime(), peak
	return s, nil
}

// source moves the lines to a new topic, with a worker or, where that is nil, the bare loop.
func (p *pipelines) source(ctx context.Context, w *worker) (sample, error) {
	p.serial++
	topic := "bench-source-" + strconv.Itoa(p.serial)
	return p.fill(ctx, w, topic, func() error {
		return p.dropTopic(ctx, topic)
	})
}

func (p *pipelines) dropTopic(ctx context.Context, topic string) error {
	answers, err := p.admin.DeleteTopics(ctx, topic)
	return errors.Join(err, answers.Error())
}

// prepare makes the topic that sinks read.
func (p *pipelines) prepare(ctx context.Context) error {
	p.topic = "bench-lines"
	_, err := p.fill(ctx, nil, p.topic, func() error { return nil })
	return err
}

func (p *pipelines) fill(ctx context.Context, w *worker, topic string, end func() error) (s sample, err error) {
	answer, err := p.admin.CreateTopic(ctx, 1, 1, nil, topic)
	if err := errors.Join(err, answer.Err); err != nil {
		return s, fmt.Errorf("creating topic %s: %w", topic, err)
	}
	j := job{goal: int64(max(p.lines-held, 1)), progress: func(ctx context.Context) (int64, error) {
		offsets, err := p.admin.ListEndOffsets(ctx, topic)
		if kerr.IsRetriable(offsets.Error()) {
			return 0, nil // a new topic, which the broker does not know everywhere yet
		}
		if err := errors.Join(err, offsets.Error()); err != nil {
			return 0, err
		}
		offset, _ := offsets.Lookup(topic, 0)
		return offset.Offset, nil
	}}
	if w == nil {
		s, err = p.onBare(ctx, j, "bare-source", p.broker, topic, p.file)
	} else {
		s, err = p.onWorker(ctx, w, topic, map[string]string{"connector.class": fileConnector + "SourceConnector", "file": p.file, "topic": topic}, j)
	}
	return s, errors.Join(err, end())
}

// sink moves the lines of the topic to a new file, likewise, and checks the bytes' number.
func (p *pipelines) sink(ctx context.Context, w *worker) (s sample, err error) {
	p.serial++
	name := "bench-sink-" + strconv.Itoa(p.serial)
	file := filepath.Join(p.dir, name+".txt")
	j := job{goal: p.size, progress: func(context.Context) (int64, error) {
		info, err := os.Stat(file)
		if errors.Is(err, os.ErrNotExist) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		return info.Size(), nil
	}}
	if w == nil {
		s, err = p.onBare(ctx, j, "bare-sink", p.broker, p.topic, file, strconv.Itoa(p.lines))
	} else {
		s, err = p.onWorker(ctx, w, name, map[string]string{"connector.class": fileConnector + "SinkConnector", "file": file, "topics": p.topic}, j)
	}
	if err != nil {
		return s, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return s, err
	}
	if info.Size() != p.size {
		return s, fmt.Errorf("%s wrote %d bytes, want %d", name, info.Size(), p.size)
	}
	return s, os.Remove(file)
}
