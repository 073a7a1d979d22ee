package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/sgrules/sgrules/engine/diag"
)

func clean(s string) string { return diag.Escape(s) }

// progress prints one line on a terminal while a trace takes more than a second.
type progress struct {
	w       io.Writer
	on      bool
	start   time.Time
	last    time.Time
	printed bool
}

func newProgress(w io.Writer, quiet bool) *progress {
	f, ok := w.(*os.File)
	return &progress{w: w, on: !quiet && ok && term.IsTerminal(int(f.Fd())), start: time.Now()}
}

func (p *progress) update(path string, read, total int64) {
	now := time.Now()
	if !p.on || now.Sub(p.start) < time.Second || now.Sub(p.last) < 200*time.Millisecond {
		return
	}
	p.last, p.printed = now, true
	if total > 0 {
		fmt.Fprintf(p.w, "\r\x1b[Kreading %s: %d %%", clean(path), min(100, read*100/total))
		return
	}
	fmt.Fprintf(p.w, "\r\x1b[Kreading %s: %d MB", clean(path), read/1_000_000)
}

func (p *progress) done() {
	if p.printed {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	p.on = false
}
