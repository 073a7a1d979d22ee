package report

import (
	"bytes"
	"strings"
	"testing"
)

// byLayer is the sample with what --per asks for.
func byLayer(per string) *Report {
	r := sample()
	r.Per = per
	if per != perLayer {
		return r
	}
	r.Stages[0].LayerCounts = &LayerCounts{First: 2, Inner: 68, Last: 2}
	r.Kernels[0].Layers = &KernelLayers{First: LayerPart{200_000, 1}, Inner: LayerPart{5_500_000, 34}, Last: LayerPart{100_000, 1}, Outside: LayerPart{200_000, 0}}
	r.Kernels[0].Waiting = 3_100_000
	r.Kernels[1].Layers = &KernelLayers{First: LayerPart{83_000, 2}, Inner: LayerPart{2_834_000, 68}, Last: LayerPart{83_000, 2}}
	return r
}

func TestPerFitsTheWidth(t *testing.T) {
	for _, per := range []string{perStep, perLayer} {
		for _, w := range []int{60, 72, 80, 100, 120, 160} {
			var b bytes.Buffer
			if err := Text(&b, byLayer(per), View{Width: w}); err != nil {
				t.Fatal(err)
			}
			if strings.ContainsRune(b.String(), '\x1b') {
				t.Errorf("--per %s: an escape sequence reached the output", per)
			}
			for l := range strings.Lines(b.String()) {
				if n := width(strings.TrimSuffix(l, "\n")); n > w {
					t.Errorf("--per %s, width %d: a line of %d cells: %q", per, w, n, l)
				}
			}
		}
		var b bytes.Buffer
		if err := Markdown(&b, byLayer(per), View{}); err != nil {
			t.Fatal(err)
		}
		if s := b.String(); strings.ContainsRune(s, '\x1b') || strings.Contains(s, "<script>") {
			t.Errorf("--per %s: something active reached the output:\n%s", per, s)
		}
	}
}

func TestMeans(t *testing.T) {
	for _, c := range []struct {
		count, n int
		want     string
	}{{36, 1, "36"}, {72, 2, "36"}, {3, 2, "1.5"}, {1, 3, "0.3"}, {1, 30, "0.03"}, {0, 4, "0"}, {25_000, 2, "12,500"}, {5, 0, "5"}} {
		if got := meanCount(c.count, c.n); got != c.want {
			t.Errorf("meanCount(%d, %d) = %q, want %q", c.count, c.n, got, c.want)
		}
	}
	if got := mean(7, 2); got != 4 {
		t.Errorf("mean(7, 2) = %d, want 4: half rounds up", got)
	}
}

// TestScaledAddsUp: the means of a row times its steps are the row of the run within rounding.
func TestScaledAddsUp(t *testing.T) {
	for steps := range 9 {
		r := sample()
		r.Per = perStep
		r.Stages[0].Steps = steps
		f := &r.Fuse[0]
		before := f.Related()
		g, whole := r.scaled(f)
		n := int64(max(steps, 1))
		for what, pair := range map[string][2]int64{
			"related": {g.Related(), f.Related()}, "bound": {g.Bound, f.Bound}, "gaps": {g.BoundGaps, f.BoundGaps}, "all": {whole, r.Total},
			"evidence": {g.Split.Evidence[0].Kernels[0].Time, f.Split.Evidence[0].Kernels[0].Time}, "alternative": {g.Alternatives[0].Time, f.Alternatives[0].Time},
			"by design": {g.ByDesign[0].Time, f.ByDesign[0].Time},
		} {
			if d := pair[0]*n - pair[1]; d > n || d < -n {
				t.Errorf("%d steps: %s is %d, times the steps %d; want %d", steps, what, pair[0], pair[0]*n, pair[1])
			}
		}
		if f.Related() != before {
			t.Error("the row itself was changed")
		}
	}
}

func TestDiffers(t *testing.T) {
	inner := LayerPart{Time: 1_000, Launches: 10}
	for _, c := range []struct {
		name  string
		p     LayerPart
		n, m  int
		inner LayerPart
		want  bool
	}{
		{"the same", LayerPart{200, 2}, 2, 10, inner, false},
		{"a tenth more", LayerPart{220, 2}, 2, 10, inner, false},
		{"more than that", LayerPart{224, 2}, 2, 10, inner, true},
		{"less by more than a tenth", LayerPart{176, 2}, 2, 10, inner, true},
		{"another number of launches", LayerPart{200, 4}, 2, 10, inner, true},
		{"none", LayerPart{}, 2, 10, inner, true},
		{"no inner layers", LayerPart{200, 2}, 2, 0, LayerPart{}, true},
		{"no such layer", LayerPart{}, 0, 10, inner, false},
	} {
		if got := differs(c.p, c.n, c.inner, c.m); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
