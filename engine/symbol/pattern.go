package symbol

import (
	"regexp"
	"sync"
)

// pattern is a regular expression that is compiled when it is first asked for: a trace has the
// names of few libraries, and the start of the program should not wait for all the others.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}
