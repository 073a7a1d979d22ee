package diag

import (
	"errors"
	"fmt"
	"io/fs"
)

// Expecting words the error of a file or folder that could not be opened: its name, what was
// found, what was expected in its place. Other errors stay as they are.
func Expecting(err error, want string) error {
	var p *fs.PathError
	if !errors.As(err, &p) {
		return err
	}
	return fmt.Errorf("%s: %w, expected %s", p.Path, p.Err, want)
}
