package main

import (
	"math"
	"os"
	"runtime/debug"
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

// largeTrace is the size of a file, in bytes, from which memory counts for more than the
// time that collecting garbage takes.
const largeTrace = 16 << 20

// tuneMemory sets how eagerly garbage is collected. A small trace makes so little that it
// need not be collected at all; of a large one nearly everything is kept and is cheap to
// look at, for the columns hold no pointers. GOGC set by the user stands.
func tuneMemory(paths []string, limit int64) {
	if limit > 0 {
		debug.SetMemoryLimit(limit - limit/8)
	}
	if os.Getenv("GOGC") != "" {
		return
	}
	percent := 400
	for _, p := range paths {
		if info, err := os.Stat(p); p == "-" || err != nil || !info.Mode().IsRegular() || info.Size() > largeTrace {
			percent = 25
		}
	}
	debug.SetGCPercent(percent)
}
