package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// disk is what replaceFile needs of a file system. Tests have one that crashes.
type disk interface {
	// CreateTemp is os.CreateTemp.
	CreateTemp(dir, pattern string) (diskFile, error)
	Rename(from, to string) error
	Remove(name string) error
	// SyncDir makes renames in a directory durable.
	SyncDir(dir string) error
}

type diskFile interface {
	Name() string
	Write(b []byte) (int, error)
	Chmod(mode fs.FileMode) error
	Sync() error
	Close() error
}

// replaceFile gives a file new contents. They are durable when it returns nil;
// whenever it is interrupted, the file has the old ones or the new ones, whole.
func replaceFile(d disk, path string, contents []byte, mode fs.FileMode) (err error) {
	f, err := d.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	renamed := false
	defer func() {
		if err != nil && !renamed {
			err = errors.Join(err, d.Remove(f.Name()))
		}
	}()
	_, err = f.Write(contents)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = d.Rename(f.Name(), path); err != nil {
		return err
	}
	renamed = true
	return d.SyncDir(filepath.Dir(path))
}

// realDisk is the file system.
type realDisk struct{}

func (realDisk) CreateTemp(dir, pattern string) (diskFile, error) {
	f, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (realDisk) Rename(from, to string) error { return os.Rename(from, to) }

func (realDisk) Remove(name string) error { return os.Remove(name) }

func (realDisk) SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be opened there
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
