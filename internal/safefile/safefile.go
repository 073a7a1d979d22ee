// Package safefile writes files that are whole or not there.
package safefile

import (
	"io"
	"os"
	"path/filepath"
)

// Write replaces the file at path by what write writes, through a file beside it, so that a
// failure leaves the old one. The file's mode is 0644; its folder must exist.
func Write(path string, write func(io.Writer) error) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".sgrules-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			tmp.Close() // a second time where that is what failed: the first error counts
			os.Remove(tmp.Name())
		}
	}()
	if err = write(tmp); err != nil {
		return err
	}
	if err = tmp.Chmod(0o644); err != nil {
		return err
	}
	if err = tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
