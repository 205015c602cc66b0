//go:build !unix

package file

import (
	"io"
	"os"

	"github.com/moldau-io/moldau/connect/errs"
)

func openStdin(*os.File) (io.Reader, error) {
	return nil, errs.Connect("Reading standard input is not supported on this system").
		WithHint("set " + keyFile + " to the path of a file")
}
