//go:build unix

package file

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// polled reads a file only when there is something to read: a read of standard
// input that has begun cannot be called off.
type polled struct{ f *os.File }

func openStdin(f *os.File) (io.Reader, error) { return polled{f}, nil }

func (p polled) Read(b []byte) (int, error) {
	fds := []unix.PollFd{{Fd: int32(p.f.Fd()), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	if n == 0 || errors.Is(err, unix.EINTR) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return p.f.Read(b)
}
