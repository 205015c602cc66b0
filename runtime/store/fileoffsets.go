package store

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
)

// fileOffsets is the offset store of a standalone worker: a table that is written to a
// file at each change, in the format of Java's FileOffsetBackingStore.
type fileOffsets struct {
	memoryOffsets
	path string
	disk disk

	mu      sync.Mutex // held while the file is written
	foreign []OffsetRecord
}

// NewFileOffsets returns an offset store in a file (offset.storage.file.filename),
// which Apache's standalone worker can write and read, too.
func NewFileOffsets(path string, logger *slog.Logger) OffsetStore {
	return &fileOffsets{memoryOffsets: memoryOffsets{newOffsetTable(logger, true)}, path: path, disk: realDisk{}}
}

// Start reads the file. One that does not exist, or ends too soon because its writer
// died, is empty, as in Java.
func (s *fileOffsets) Start(context.Context) error {
	if dir, err := os.Stat(filepath.Dir(s.path)); err != nil || !dir.IsDir() {
		return errs.InvalidValue("offset.storage.file.filename", s.path, "its directory does not exist")
	}
	b, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return errs.Wrap(errs.ClassConnect, err, "Cannot read the offsets of source connectors from %s", s.path)
	}
	records, err := decodeJavaMap(b)
	switch {
	case err != nil && truncated(err):
		if len(b) > 0 {
			s.logger.Warn("The file of source offsets ends too soon, starting without any offsets", "file", s.path)
		}
		return nil
	case err != nil:
		return errs.Wrap(errs.ClassConnect, err, "Cannot read the offsets of source connectors from %s", s.path).
			WithHint("offset.storage.file.filename must name a file that a standalone worker wrote; move this one away to start without offsets")
	}
	for _, r := range records {
		if _, _, err := decodeOffsetKey(r.Key); err != nil {
			s.foreign = append(s.foreign, r) // kept when the file is written again
		}
		s.read(r.Key, r.Value, 0, "file", s.path)
	}
	return nil
}

// Set writes the whole file anew, so that it is never half written.
func (s *fileOffsets) Set(ctx context.Context, connector string, offsets []connect.PartitionOffset) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.memoryOffsets.Set(ctx, connector, offsets); err != nil {
		return err
	}
	if err := s.save(); err != nil {
		return errs.Wrap(errs.ClassConnect, err, "Cannot write the offsets of source connectors to %s", s.path)
	}
	return nil
}

func (s *fileOffsets) save() error {
	return replaceFile(s.disk, s.path, encodeJavaMap(append(s.dump(), s.foreign...)), s.mode())
}

// mode is that of the file which is replaced.
func (s *fileOffsets) mode() fs.FileMode {
	if info, err := os.Stat(s.path); err == nil {
		return info.Mode().Perm()
	}
	return 0o644
}
