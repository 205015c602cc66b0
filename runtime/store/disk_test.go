package store

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/moldau-io/moldau/connect"
)

var errCrashed = errors.New("crashed")

// crashingDisk ends a process at one of its points, which lie before, between and after
// all changes of a directory: nothing that the process does after that has any effect. It
// knows what a loss of power leaves of the directory.
type crashingDisk struct {
	realDisk
	at, points int
	// files and durable are the contents by name, as the system has them and as they are
	// on the medium: contents are there after a sync of the file, names after one of the
	// directory. Until then a name may be there or not.
	synced  map[string][]byte // of files, by their present name
	durable map[string][]byte // by the names on the medium
}

func newCrashingDisk(at int) *crashingDisk {
	return &crashingDisk{at: at, synced: map[string][]byte{}, durable: map[string][]byte{}}
}

func (d *crashingDisk) around(do func() error) error {
	if d.points == d.at {
		return errCrashed // for ever
	}
	d.points++
	if err := do(); err != nil {
		return err
	}
	if d.points == d.at {
		return errCrashed
	}
	return nil
}

func (d *crashingDisk) CreateTemp(dir, pattern string) (out diskFile, err error) {
	err = d.around(func() error {
		f, err := d.realDisk.CreateTemp(dir, pattern)
		if err == nil {
			out = &crashingFile{f, d}
			d.synced[f.Name()] = nil
		}
		return err
	})
	return out, err
}

func (d *crashingDisk) Rename(from, to string) error {
	return d.around(func() error {
		d.synced[to] = d.synced[from]
		delete(d.synced, from)
		return d.realDisk.Rename(from, to)
	})
}

func (d *crashingDisk) Remove(name string) error {
	return d.around(func() error {
		delete(d.synced, name)
		return d.realDisk.Remove(name)
	})
}

func (d *crashingDisk) SyncDir(dir string) error {
	return d.around(func() error {
		d.durable = maps.Clone(d.synced)
		return d.realDisk.SyncDir(dir)
	})
}

type crashingFile struct {
	diskFile
	d *crashingDisk
}

func (f *crashingFile) Write(b []byte) (n int, err error) {
	err = f.d.around(func() error {
		n, err = f.diskFile.Write(b)
		return err
	})
	return n, err
}

func (f *crashingFile) Sync() error {
	return f.d.around(func() error {
		b, err := os.ReadFile(f.Name())
		if err == nil {
			f.d.synced[f.Name()] = b
			err = f.diskFile.Sync()
		}
		return err
	})
}

// powerLoss leaves of a directory what is on the medium. Names since the last sync of
// the directory are there, or not.
func (d *crashingDisk) powerLoss(t *testing.T, dir string, names bool) {
	t.Helper()
	left := d.durable
	if names {
		left = d.synced
	}
	there, err := filepath.Glob(filepath.Join(dir, "*"))
	must(t, err)
	for _, name := range there {
		must(t, os.Remove(name))
	}
	for name, contents := range left {
		must(t, os.WriteFile(name, contents, 0o600))
	}
}

// Every change of the directory is a crash point of a store in a file, taken once for
// each way to crash. Afterwards the store has what was set and acknowledged, or the set
// that was under way.
func TestFileOffsetsCrashPoints(t *testing.T) {
	const sets = 3
	crashes := map[string]func(*testing.T, *crashingDisk, string){
		"process killed":                func(*testing.T, *crashingDisk, string) {},
		"power lost, names written":     func(t *testing.T, d *crashingDisk, dir string) { d.powerLoss(t, dir, true) },
		"power lost, names not written": func(t *testing.T, d *crashingDisk, dir string) { d.powerLoss(t, dir, false) },
	}
	part := mapOf("filename", "f")
	for _, name := range slices.Sorted(maps.Keys(crashes)) {
		t.Run(name, func(t *testing.T) {
			points := 0
			for at := 0; ; at++ {
				dir := t.TempDir()
				path := filepath.Join(dir, "offsets")
				open := func(d disk) *fileOffsets {
					s := NewFileOffsets(path, discard()).(*fileOffsets)
					s.disk = d
					must(t, s.Start(t.Context()))
					return s
				}
				d := newCrashingDisk(at)
				s := open(d)
				acked, tried := -1, -1
				for i := range sets {
					tried = i
					err := s.Set(t.Context(), "c", []connect.PartitionOffset{offset(part, mapOf("position", i))})
					if err != nil && !errors.Is(err, errCrashed) {
						t.Fatal(err)
					}
					if err != nil {
						break
					}
					acked = i
				}
				crashes[name](t, d, dir)
				s = open(realDisk{})
				if got := int(lookup(t, s, "c", part)[0]); got != acked && got != tried {
					t.Errorf("crash at point %d: offset %d, want %d or %d", at, got, acked, tried)
				}
				// It works on.
				must(t, s.Set(t.Context(), "c", []connect.PartitionOffset{offset(part, mapOf("position", 100))}))
				if got := lookup(t, open(realDisk{}), "c", part)[0]; got != 100 {
					t.Errorf("crash at point %d: offset %d after another set", at, got)
				}
				if acked == sets-1 && d.points < at {
					points = d.points
					break
				}
			}
			// Create, write, sync, rename, sync the directory.
			if want := sets * 5; points != want {
				t.Errorf("%d points, want %d", points, want)
			}
		})
	}
}

func TestReplaceFileFails(t *testing.T) {
	full := errors.New("no space")
	for _, fails := range []string{"write", "sync", "chmod", "rename"} {
		dir := t.TempDir()
		path := filepath.Join(dir, "f")
		must(t, os.WriteFile(path, []byte("old"), 0o600))
		if err := replaceFile(failingDisk{fails: fails, err: full}, path, []byte("new"), 0o600); !errors.Is(err, full) {
			t.Errorf("%s: %v", fails, err)
		}
		there, err := filepath.Glob(filepath.Join(dir, "*"))
		must(t, err)
		if got := fmt.Sprint(there, string(readFile(t, path))); got != fmt.Sprint([]string{path}, "old") {
			t.Errorf("%s leaves %s", fails, got)
		}
	}
}

// failingDisk refuses one kind of call.
type failingDisk struct {
	realDisk
	fails string
	err   error
}

func (d failingDisk) is(what string) error {
	if d.fails == what {
		return d.err
	}
	return nil
}

func (d failingDisk) CreateTemp(dir, pattern string) (diskFile, error) {
	f, err := d.realDisk.CreateTemp(dir, pattern)
	return failingFile{f, d}, err
}

func (d failingDisk) Rename(string, string) error { return d.is("rename") }

type failingFile struct {
	diskFile
	d failingDisk
}

func (f failingFile) Write([]byte) (int, error) { return 0, f.d.is("write") }
func (f failingFile) Sync() error               { return f.d.is("sync") }
func (f failingFile) Chmod(fs.FileMode) error   { return f.d.is("chmod") }
