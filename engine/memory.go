package engine

import (
	"fmt"
	"sync"

	"github.com/sgrules/sgrules/engine/kineto"
)

// What the later stages need beside the columns, in bytes: measured on large traces, rounded
// up. baseMemory is the program itself with its rules, its buffers and its stacks.
const (
	baseMemory       = 48 << 20
	memoryAnActivity = 220 // the kernel, its times, edges and gaps, its place in lists being sorted
	memoryALaunch    = 210
	memoryASpan      = 6
)

// MemoryError says that a trace needs more memory than Options.MaxMemory.
type MemoryError struct {
	Path   string
	Limit  int64 // bytes
	Need   int64 // bytes needed for what was read until then
	Events int64 // read until then
}

// Error gives one line and what to do.
func (e *MemoryError) Error() string {
	return fmt.Sprintf("%s: more than %d MB of memory are needed (%d MB after %d events, and there is more): raise --max-memory, give fewer traces at once, or record fewer steps or no Python stacks",
		e.Path, e.Limit/1e6, e.Need/1e6, e.Events)
}

// budget keeps the memory of all traces of one analysis within a limit, also of those that are
// read at the same time.
type budget struct {
	limit int64 // 0 none

	mu    sync.Mutex
	total int64            // of all traces, bytes
	of    map[string]int64 // the part of it that a trace being read has, by path
}

func newBudget(limit int64) *budget { return &budget{limit: limit, of: map[string]int64{}} }

// set puts what a trace needs now in the place of what it needed before and gives the sum.
func (b *budget) set(path string, bytes int64) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.total += bytes - b.of[path]
	b.of[path] = bytes
	return b.total
}

// watch gives the check that runs while path is read; nil without a limit.
func (b *budget) watch(path string) func(kineto.Held) error {
	if b.limit <= 0 {
		return nil
	}
	return func(h kineto.Held) error {
		need := baseMemory + b.set(path, h.Bytes+memoryAnActivity*h.Activities+memoryALaunch*h.Launches+memoryASpan*h.Spans)
		if need > b.limit {
			return &MemoryError{Path: path, Limit: b.limit, Need: need, Events: h.Events}
		}
		return nil
	}
}

// done counts what is kept of a trace whose graph is built: the spans of the host are not
// asked for again, and go.
func (b *budget) done(path string, t *kineto.Trace) {
	t.Ops, t.Frames = kineto.Spans{}, kineto.Spans{}
	b.set(path, memoryAnActivity*int64(len(t.Activities))+memoryALaunch*int64(len(t.Launches)))
}
