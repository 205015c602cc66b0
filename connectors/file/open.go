package file

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/moldau-io/moldau/connect/errs"
)

// readPatience is how long a read of a named pipe waits for its writer.
const readPatience = 20 * time.Millisecond

// openFile opens a file for reading. Opening a named pipe does not wait for a writer.
func openFile(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// growing reads a file that others write; nothing new is no error.
type growing struct{ f *os.File }

func (g growing) Read(b []byte) (int, error) {
	if err := g.f.SetReadDeadline(time.Now().Add(readPatience)); err != nil && !errors.Is(err, os.ErrNoDeadline) {
		return 0, err
	}
	n, err := g.f.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// javaError returns the exception that Java's file functions throw.
func javaError(name string, err error) *errs.Error {
	var exists *errs.Error
	switch {
	case errors.As(err, &exists):
		return exists
	case errors.Is(err, fs.ErrNotExist):
		return errs.New("java.nio.file.NoSuchFileException", "%s", name)
	case errors.Is(err, fs.ErrPermission):
		return errs.New("java.nio.file.AccessDeniedException", "%s", name)
	}
	reason := err
	if inner := errors.Unwrap(err); inner != nil {
		reason = inner
	}
	text := reason.Error()
	if errors.Is(err, syscall.EISDIR) {
		text = "Is a directory"
	}
	return errs.New("java.nio.file.FileSystemException", "%s: %s", name, text)
}
