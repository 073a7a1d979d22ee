package engine

import (
	"context"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sgrules/sgrules/engine/report"
	"github.com/sgrules/sgrules/internal/realtrace"
)

// addsUp holds the sums of a report that is read by layer: idle causes and sites against the load, steps and
// layers against the run.
func addsUp(t *testing.T, r *report.Report) {
	t.Helper()
	if len(r.Idle) != len(r.Load) {
		t.Fatalf("idle time of %d devices, load of %d", len(r.Idle), len(r.Load))
	}
	for i := range r.Idle {
		d, l := &r.Idle[i], &r.Load[i]
		if d.Device != l.Device || d.Window != l.Window || d.Time != l.WindowIdle {
			t.Errorf("device %d: idle %d of %d, its load says %d of %d", d.Device, d.Time, d.Window, l.WindowIdle, l.Window)
		}
		var sum int64
		for j := range d.Causes {
			c := &d.Causes[j]
			sum += c.Time
			var sites int64
			gaps := 0
			for _, s := range c.Sites {
				sites, gaps = sites+s.Time, gaps+s.Gaps
			}
			if c.Host() && (sites != c.Time || gaps != c.Gaps) || !c.Host() && len(c.Sites) > 0 {
				t.Errorf("device %d, %s %s %s: scopes of %d ns and %d gaps, the cause has %d and %d", d.Device, c.Stage, c.Place, c.Cause, sites, gaps, c.Time, c.Gaps)
			}
		}
		if sum != d.Time {
			t.Errorf("device %d: causes of %d ns, idle %d", d.Device, sum, d.Time)
		}
	}
	for i := range r.Stages {
		s := &r.Stages[i]
		var time int64
		for j := range r.Kernels {
			k := &r.Kernels[j]
			if k.Stage != s.Name {
				continue
			}
			time += k.Time
			if (k.Layers != nil) != (s.LayerCounts != nil) {
				t.Errorf("%s: %s is not by layer as its stage is", s.Name, k.Symbol)
			} else if l := k.Layers; l != nil {
				if sum := l.First.Time + l.Inner.Time + l.Last.Time + l.Outside.Time; sum != k.Time {
					t.Errorf("%s: %s lasts %d ns, by layer %d", s.Name, k.Symbol, k.Time, sum)
				}
				if sum := l.First.Launches + l.Inner.Launches + l.Last.Launches + l.Outside.Launches; sum != k.Launches {
					t.Errorf("%s: %s has %d launches, by layer %d", s.Name, k.Symbol, k.Launches, sum)
				}
			}
		}
		if time != s.Time {
			t.Errorf("%s: kernels of %d ns, the stage has %d", s.Name, time, s.Time)
		}
		if s.StepHost > s.StepIdle || s.StepIdle > s.StepSpan || s.Unstepped < 0 || s.Unstepped > s.Time {
			t.Errorf("%s: steps of %d ns, idle %d, by the host %d, outside them %d of %d", s.Name, s.StepSpan, s.StepIdle, s.StepHost, s.Unstepped, s.Time)
		}
	}
}

func byLayer(t *testing.T, path string) *report.Report {
	t.Helper()
	r, err := Analyze(context.Background(), Options{Paths: []string{path}, Rank: -1, Per: PerLayer, Timeline: true, Catalog: shipped})
	if err != nil {
		t.Fatal(err)
	}
	if r.Timeline == nil || r.Timeline.Why == "" {
		t.Error("a timeline was asked for and there is none")
	}
	return r
}

func TestBuiltTracesAddUp(t *testing.T) {
	dir := filepath.Join(realtrace.Root(t), "testdata", "golden", "traces")
	n := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(d.Name(), ".trace.json") {
			return err
		}
		n++
		t.Run(d.Name(), func(t *testing.T) { addsUp(t, byLayer(t, path)) })
		return nil
	})
	if err != nil || n < 15 {
		t.Fatalf("%d built traces: %v", n, err)
	}
	two := byLayer(t, filepath.Join(dir, "two-stages"))
	addsUp(t, two)
}

// realIdle are the window and idle times of recorded traces and how long of it no launch call had begun, the call
// was under way, and neither (of kernels of one graph launch all of it), ns: counted independently of this program.
var realIdle = map[string][5]int64{
	"sglang-dense32-b300-TP-0-DECODE":          {5_225_675, 1_584_110, 820_676, 741_751, 21_683},
	"sglang-qwen3-30b-a3b-lora-gb300-tp4-TP-0": {317_384_139, 99_988_595, 77_763_123, 14_653_421, 6_324_943 + 1_247_108},
	"sglang-qwen3-8b-mi300x-decode-graph":      {10_450_292, 681_612, 338_203, 41_199, 27_978 + 274_232},
	"mi210-gpu-only":                           {5_979_503, 636_081, 425_698, 91_073, 119_310},
}

func TestRealIdle(t *testing.T) {
	for _, name := range realtrace.Names() {
		t.Run(name, func(t *testing.T) {
			r := byLayer(t, realtrace.Path(t, name))
			addsUp(t, r)
			want, ok := realIdle[name]
			if !ok {
				return
			}
			d := &r.Idle[0]
			got := [5]int64{d.Window, d.Time}
			for i := range d.Causes {
				switch c := &d.Causes[i]; c.Cause {
				case report.IdleLate, report.IdleSync:
					got[2] += c.Time
				case report.IdleCall:
					got[3] += c.Time
				default:
					got[4] += c.Time
				}
			}
			if got != want {
				t.Errorf("window, idle, late, in the call, launched: %d, want %d", got, want)
			}
		})
	}
}

// TestHostBoundB300: a decode step that its host holds up says so, and where.
func TestHostBoundB300(t *testing.T) {
	r := byLayer(t, realtrace.Path(t, "sglang-dense32-b300-TP-0-DECODE"))
	if want := "bound by the host: 30.3 % of the window idle; "; !strings.HasPrefix(r.Headline, want) {
		t.Errorf("the headline is %q, want it to begin with %q", r.Headline, want)
	}
	all := strings.Join(r.Conclusion, "\n")
	for _, want := range []string{"Bound by the host: 30.3 % of the window is idle (1.584 ms)", "for 0.821 ms nothing was launched yet", "0.616 ms of it ended with cudaGraphLaunch in cuda_graph_runner.py replay"} {
		if !strings.Contains(all, want) {
			t.Errorf("the conclusion does not say %q:\n%s", want, all)
		}
	}
	top := r.Idle[0].Causes[0].Sites[0]
	if top.Func != "foreach_copy" || top.Op != "aten::_foreach_copy_" || top.After != "clamp_position.py clamp_position_cuda" {
		t.Errorf("the scope with most time is %+v", top)
	}
	if l := r.Timeline; l.To-l.From < 600_000 || len(l.Lanes) != 1 {
		t.Errorf("the timeline is not around the gap before the graph: %s", l.Why)
	}
}
