package main

import (
	"errors"
	"fmt"
	"io"
	"runtime/pprof"

	"github.com/sgrules/sgrules/internal/safefile"
)

// profileSelf runs do and writes its CPU profile to path. A run that fails has its profile
// written too: what it did until then is often what one wants to see.
func profileSelf(path string, do func() error) error {
	var failed error
	err := safefile.Write(path, func(w io.Writer) error {
		if err := pprof.StartCPUProfile(w); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
		failed = do()
		return nil
	})
	if err != nil {
		err = fmt.Errorf("--profile-self: %w", err)
	}
	return errors.Join(failed, err)
}
