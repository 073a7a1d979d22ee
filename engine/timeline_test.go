package engine

import (
	"strings"
	"testing"
)

// TestTimelineGap: a gap under 1 µs is nothing to draw, also where it is the longest.
func TestTimelineGap(t *testing.T) {
	for second, want := range map[string]string{
		"5.9":   "nothing to show: no exposed collective or copy, and no gap of 1 µs",
		"6.001": "the longest gap of the device: 1.0 µs",
	} {
		r, err := analyzeText(t, document(kernelEvent("a", "0", "5.001", 7, 1), kernelEvent("b", second, "5", 7, 2)))
		if err != nil {
			t.Fatal(err)
		}
		if r.Timeline == nil || r.Timeline.Why != want {
			t.Errorf("a second kernel at %s µs: %+v, want %q", second, r.Timeline, want)
		}
		if drawn := len(r.Timeline.Lanes) > 0; drawn == strings.HasPrefix(want, "nothing") {
			t.Errorf("a second kernel at %s µs: %d lanes", second, len(r.Timeline.Lanes))
		}
	}
}
