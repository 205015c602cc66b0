package claimcheck

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var errCrashed = errors.New("crashed")

// inode is a file or, with names, a directory.
type inode struct {
	text, synced string
	names        map[string]*inode // nil for a file
	durable      map[string]*inode // what a loss of power leaves of names
}

func newDir() *inode { return &inode{names: map[string]*inode{}, durable: map[string]*inode{}} }

// crashingDisk is a file system in memory that ends a process at one of its points,
// which lie before, between and after all changes and syncs: nothing has any effect
// after that. It knows what a loss of power leaves.
type crashingDisk struct {
	root       *inode
	at, points int
	temps      int
}

// again is the same disk for another process.
func (d *crashingDisk) again() *crashingDisk {
	return &crashingDisk{root: d.root, at: -1, temps: d.temps}
}

// powerLoss leaves what was synced. Names that were not are there or not, as names says.
func (d *crashingDisk) powerLoss(names bool) {
	var left func(n *inode) *inode
	left = func(n *inode) *inode {
		if n.names == nil {
			return &inode{text: n.synced, synced: n.synced}
		}
		out, from := newDir(), n.durable
		if names {
			from = n.names
		}
		for name, child := range from {
			out.names[name] = left(child)
			out.durable[name] = out.names[name]
		}
		return out
	}
	d.root = left(d.root)
}

func (d *crashingDisk) do(change func() error) error {
	if d.points == d.at {
		return errCrashed // for ever
	}
	d.points++
	if err := change(); err != nil {
		return err
	}
	if d.points == d.at {
		return errCrashed
	}
	return nil
}

func (d *crashingDisk) find(path string) (*inode, error) {
	n := d.root
	for _, name := range strings.FieldsFunc(path, func(r rune) bool { return r == '/' }) {
		if n = n.names[name]; n == nil {
			return nil, fs.ErrNotExist
		}
	}
	return n, nil
}

type info struct{ n *inode }

func (info) Name() string       { return "" }
func (i info) Size() int64      { return int64(len(i.n.text)) }
func (info) Mode() fs.FileMode  { return 0 }
func (info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool      { return i.n.names != nil }
func (info) Sys() any           { return nil }

func (d *crashingDisk) Stat(path string) (fs.FileInfo, error) {
	n, err := d.find(path)
	return info{n}, err
}

// in does something to the directory that a path is in.
func (d *crashingDisk) in(path string, change func(dir *inode, name string) error) error {
	return d.do(func() error {
		dir, err := d.find(filepath.Dir(path))
		if err != nil {
			return err
		}
		return change(dir, filepath.Base(path))
	})
}

func (d *crashingDisk) Mkdir(path string) error {
	return d.in(path, func(dir *inode, name string) error {
		if dir.names[name] != nil {
			return fs.ErrExist
		}
		dir.names[name] = newDir()
		return nil
	})
}

func (d *crashingDisk) CreateTemp(dir string) (diskFile, error) {
	d.temps++
	f := &crashingFile{d, fmt.Sprintf("%s/.tmp-%d", dir, d.temps), &inode{}}
	return f, d.in(f.path, func(dir *inode, name string) error {
		dir.names[name] = f.n
		return nil
	})
}

func (d *crashingDisk) Rename(from, to string) error {
	return d.in(from, func(dir *inode, name string) error {
		dir.names[filepath.Base(to)] = dir.names[name]
		delete(dir.names, name)
		return nil
	})
}

func (d *crashingDisk) Remove(path string) error {
	return d.in(path, func(dir *inode, name string) error {
		delete(dir.names, name)
		return nil
	})
}

func (d *crashingDisk) SyncDir(path string) error {
	return d.in(path+"/x", func(dir *inode, _ string) error {
		dir.durable = map[string]*inode{}
		for name, n := range dir.names {
			dir.durable[name] = n
		}
		return nil
	})
}

type crashingFile struct {
	d    *crashingDisk
	path string
	n    *inode
}

func (f *crashingFile) Name() string { return f.path }

func (f *crashingFile) Write(b []byte) (int, error) {
	return len(b), f.d.do(func() error { f.n.text += string(b); return nil })
}

func (f *crashingFile) Sync() error {
	return f.d.do(func() error { f.n.synced = f.n.text; return nil })
}

func (f *crashingFile) Close() error { return nil }

// Each change of the store and each sync is a crash point, taken once for each way to
// crash. A value that was put is there afterwards, whole. Another process that puts the
// values again has all of them, also after a loss of power of its own.
func TestFileStoreCrashPoints(t *testing.T) {
	values := [][2]string{{"topic/aa/1", "one"}, {"topic/aa/2", "two"}, {"topic/bb/3", "three"}, {"topic/aa/1", "one"}, {"other/aa/4", "four"}}
	put := func(d *crashingDisk) (acked int) {
		s := newFiles("/store/", d)
		for _, v := range values {
			if err := s.put(t.Context(), v[0], []byte(v[1])); err != nil {
				if !errors.Is(err, errCrashed) {
					t.Fatal(err)
				}
				return acked
			}
			acked++
		}
		return acked
	}
	check := func(d *crashingDisk, n int, when string) {
		t.Helper()
		for _, v := range values[:n] {
			if got, err := d.find("/store/" + v[0]); err != nil || got.text != v[1] {
				t.Errorf("%s: value %s: %+v, %v", when, v[0], got, err)
			}
		}
	}
	crashes := map[string]func(*crashingDisk){
		"process killed":                func(*crashingDisk) {},
		"power lost, names written":     func(d *crashingDisk) { d.powerLoss(true) },
		"power lost, names not written": func(d *crashingDisk) { d.powerLoss(false) },
	}
	for name, crash := range crashes {
		t.Run(name, func(t *testing.T) {
			for at := 0; ; at++ {
				d := &crashingDisk{root: newDir(), at: at}
				acked := put(d)
				crash(d)
				when := fmt.Sprintf("crash at point %d", at)
				check(d, acked, when)
				next := d.again()
				if n := put(next); n != len(values) {
					t.Errorf("%s: another process puts %d values", when, n)
				}
				next.powerLoss(false)
				check(next, len(values), when+", another process and a loss of power")
				if acked == len(values) && d.points < at {
					// Directories: six with the store's own; four values of create, write, sync and
					// rename; and each put syncs its directory.
					if want := 6*2 + 4*4 + len(values); d.points != want {
						t.Errorf("%d points, want %d", d.points, want)
					}
					break
				}
			}
		})
	}
}
