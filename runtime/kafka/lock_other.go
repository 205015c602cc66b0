//go:build !unix

package kafka

import "os"

// lockFile does nothing where files cannot be locked; the port then keeps a second
// process with the same settings out.
func lockFile(*os.File) error { return nil }
