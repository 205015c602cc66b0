package claimcheck

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
)

// disk is what a store in a directory needs of a file system. Tests have one that
// crashes.
type disk interface {
	Stat(path string) (fs.FileInfo, error)
	Mkdir(path string) error
	// CreateTemp makes a file with a new name in a directory.
	CreateTemp(dir string) (diskFile, error)
	Rename(from, to string) error
	Remove(path string) error
	// SyncDir makes the names in a directory durable.
	SyncDir(dir string) error
}

type diskFile interface {
	Name() string
	Write(b []byte) (int, error)
	Sync() error
	Close() error
}

// realDisk is the file system.
type realDisk struct{}

func (realDisk) Stat(path string) (fs.FileInfo, error) { return os.Stat(path) }

func (realDisk) Mkdir(path string) error { return os.Mkdir(path, 0o750) }

func (realDisk) CreateTemp(dir string) (diskFile, error) {
	f, err := os.CreateTemp(dir, ".tmp-*")
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (realDisk) Rename(from, to string) error { return os.Rename(from, to) }

func (realDisk) Remove(path string) error { return os.Remove(path) }

func (realDisk) SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be opened there
	}
	f, err := os.Open(dir) // #nosec G304 -- below the directory of the settings
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
