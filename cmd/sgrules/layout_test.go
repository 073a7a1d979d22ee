package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"

	"github.com/sgrules/sgrules/internal/race"
	"github.com/sgrules/sgrules/internal/realtrace"
)

// layouts are the views in which a report differs by what is in its lines.
var layouts = [][]string{
	nil,
	{"--per", "step", "--timeline", "--min-share", "0"},
	{"--per", "layer", "--timeline", "--min-share", "0.1"},
}

// fits fails where a line of a report is longer than asked for, or where, in the last view, one
// thread and two give different bytes.
func fits(t *testing.T, args []string, widths ...int) {
	t.Helper()
	cells := &runewidth.Condition{StrictEmojiNeutral: true}
	for i, view := range layouts {
		for _, width := range widths {
			all := slices.Concat(view, []string{"--width", fmt.Sprint(width)}, args)
			got := analyze(t, all...)
			for line := range strings.Lines(string(got)) {
				if n := cells.StringWidth(strings.TrimSuffix(line, "\n")); n > width {
					t.Errorf("%v: a line of %d cells: %q", all, n, line)
				}
			}
			if i+1 < len(layouts) || width != widths[0] {
				continue
			}
			before := runtime.GOMAXPROCS(1)
			alone := analyze(t, all...)
			runtime.GOMAXPROCS(max(before, 2))
			if again := analyze(t, all...); !bytes.Equal(alone, got) || !bytes.Equal(again, got) {
				t.Errorf("%v: another number of threads gives other bytes", all)
			}
			runtime.GOMAXPROCS(before)
		}
	}
}

// TestNothingScrollsSideways reads every built trace and folder in several views and widths.
func TestNothingScrollsSideways(t *testing.T) {
	if race.Enabled {
		t.Skip("SKIPPED under the race detector: the goldens run the same code")
	}
	for _, trace := range builtTraces(t, filepath.Join(root, "testdata", "golden", "traces")) {
		fits(t, goldenArgs(trace), 60, 80, 160)
	}
}

// TestRealReportsFit is the same for recorded traces and pairs, and for two ranks of one run.
func TestRealReportsFit(t *testing.T) {
	if race.Enabled {
		t.Skip("SKIPPED under the race detector: the goldens run the same code")
	}
	at := func(name string) string {
		path, err := filepath.Abs(realtrace.Path(t, name))
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	all := [][]string{
		{"--mapping", at("sglang-qwen3-8b-mi300x-decode-capture"), "--formal", at("sglang-qwen3-8b-mi300x-decode-graph")},
		{"--mapping", at("vllm-gpt-oss-mi300-piecewise-capture"), "--formal", at("vllm-gpt-oss-mi300-piecewise-graph")},
		{"--ranks", "all", at("sglang-qwen3-30b-a3b-lora-gb300-tp4-TP-0"), at("sglang-qwen3-30b-a3b-lora-gb300-tp4-TP-1")},
	}
	for _, name := range []string{"sglang-dense32-b300-TP-0-DECODE", "nccl-train", "hf-qwen1.5-0.5b-h100", "mi210-gpu-only", "alexnet-a100"} {
		all = append(all, []string{at(name)})
	}
	for _, args := range all {
		fits(t, args, 60)
	}
}
