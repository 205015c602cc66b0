// Command reference writes the reference of settings, from the definitions in the code:
// docs/reference. It holds no text of its own about any setting.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/moldau-io/moldau/plugins/standard"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: reference FOLDER")
		os.Exit(2)
	}
	for name, text := range pages(standard.Registry()) {
		if err := os.WriteFile(filepath.Join(os.Args[1], name), []byte(text), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "reference:", err)
			os.Exit(1)
		}
	}
}
