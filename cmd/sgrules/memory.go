package main

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
)

// memoryUnits are the units of --max-memory in bytes, longest suffix first.
var memoryUnits = []struct {
	suffix string
	bytes  float64
}{{"KIB", 1 << 10}, {"MIB", 1 << 20}, {"GIB", 1 << 30}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"K", 1e3}, {"M", 1e6}, {"G", 1e9}, {"B", 1}}

// memorySize reads the value of --max-memory in bytes; "" is 0, no limit.
func memorySize(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	number, unit := strings.ToUpper(strings.TrimSpace(s)), 1.0
	for _, u := range memoryUnits {
		if rest, ok := strings.CutSuffix(number, u.suffix); ok {
			number, unit = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || !(n > 0) || n*unit >= math.MaxInt64 {
		return 0, usagef("analyze: --max-memory %q: expected a size such as 800MB, 2GB or 1.5GiB", s)
	}
	return int64(n * unit), nil
}

// heapFloor is the heap, in bytes, below which no garbage is collected, and heapGrowth by how much
// of it, percent, it may grow above that.
const (
	heapFloor  = 64 << 20
	heapGrowth = 25
)

// tuneMemory sets how eagerly garbage is collected. A small trace makes so little that it need not
// be collected at all. Of a large one nearly all that is read is kept, so that memory counts for more
// than the time that collecting takes; but a heap may grow again to three quarters of what it was,
// which takes no memory that the program does not have. GOGC set by the user stands.
func tuneMemory(limit int64) {
	if limit > 0 {
		debug.SetMemoryLimit(limit - limit/8)
	}
	if os.Getenv("GOGC") != "" {
		return
	}
	// The runtime's own floor is 4 MiB at 100 %.
	debug.SetGCPercent(heapFloor / (4 << 20) * 100)
	p := &pace{largest: heapFloor, live: []metrics.Sample{{Name: "/gc/heap/live:bytes"}}}
	runtime.SetFinalizer(&cycle{p}, (*cycle).end)
}

// pace sets the percentage anew after each collection.
type pace struct {
	largest uint64 // heap that was allowed so far, bytes
	live    []metrics.Sample
}

// cycle is garbage from the start, so that each collection ends it.
type cycle struct{ *pace }

func (c *cycle) end() {
	metrics.Read(c.live)
	if v := c.live[0].Value; v.Kind() == metrics.KindUint64 {
		percent := growth(v.Uint64(), c.largest/4*3)
		c.largest = max(c.largest, v.Uint64()+v.Uint64()/100*uint64(percent))
		debug.SetGCPercent(percent)
	}
	runtime.SetFinalizer(c, (*cycle).end)
}

// growth is how much a heap of live bytes may grow, percent, where up to allowed bytes cost nothing.
func growth(live, allowed uint64) int {
	if live >= allowed {
		return heapGrowth
	}
	return int(max(heapGrowth, min((allowed-live)*100/max(live, 1), heapFloor/(4<<20)*100)))
}
