package report

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Timeline is what the streams of one device did around the worst window. Instants are ns since
// the device's first kernel began.
type Timeline struct {
	Trace  string `json:"trace,omitempty"`
	Device int32  `json:"device"`
	Why    string `json:"why"` // what it shows, or why there is none
	From   int64  `json:"from_ns"`
	To     int64  `json:"to_ns"`
	// SubjectFrom and SubjectTo are the kernel or the gap that it is about.
	SubjectFrom int64  `json:"subject_from_ns"`
	SubjectTo   int64  `json:"subject_to_ns"`
	Lanes       []Lane `json:"lanes"` // by stream
	// More counts the streams that ran something there and have no lane.
	More int `json:"more_streams,omitempty"`
}

// Lane is one stream of a timeline.
type Lane struct {
	Stream int64  `json:"stream"`
	Spans  []Span `json:"spans"` // by start, cut at the window's ends
	// Left counts the kernels that have no span: the shortest, where there are too many.
	Left int `json:"left_out,omitempty"`
}

// Span is one kernel of a lane.
type Span struct {
	Start  int64  `json:"start_ns"`
	End    int64  `json:"end_ns"`
	Label  string `json:"label"`
	Family string `json:"family"`
}

const (
	laneLabel = 14  // cells of a stream's name
	laneMost  = 200 // and of a lane at the most
	laneIdle  = '·'
)

// familyLetters gives every family of a timeline a letter of its own: by time in it, the first
// letter of its name that is free, else a digit. Beyond these all share the last.
func (t *Timeline) familyLetters() (letters map[string]rune, order []string) {
	time := map[string]int64{}
	for i := range t.Lanes {
		for _, s := range t.Lanes[i].Spans {
			time[s.Family] += s.End - s.Start
		}
	}
	for f := range time {
		order = append(order, f)
	}
	slices.SortFunc(order, func(a, b string) int { return cmp.Or(cmp.Compare(time[b], time[a]), cmp.Compare(a, b)) })
	letters = map[string]rune{}
	taken := map[rune]bool{}
	for _, f := range order {
		letters[f] = '#'
		for _, c := range strings.ToUpper(f) + "0123456789" {
			if (c >= 'A' && c <= 'Z' || c >= '0' && c <= '9') && !taken[c] {
				letters[f], taken[c] = c, true
				break
			}
		}
	}
	return letters, order
}

// draw gives the lanes as lines of n cells, of which there are not more than ns, without their names, then a line that marks
// the subject. A cell shows the family with most time in it.
func (t *Timeline) draw(n int) (lanes []string, mark string) {
	letters, order := t.familyLetters()
	rank := map[string]int{}
	for i, f := range order {
		rank[f] = i
	}
	total := t.To - t.From
	at := func(cell int) int64 { // the begin of a cell; windows are short enough for the product
		return t.From + total/int64(n)*int64(cell) + total%int64(n)*int64(cell)/int64(n)
	}
	for i := range t.Lanes {
		sums := make([]map[string]int64, n)
		for _, s := range t.Lanes[i].Spans {
			first := sort.Search(n, func(c int) bool { return at(c+1) > s.Start })
			for c := first; c < n && at(c) < s.End; c++ {
				if d := min(s.End, at(c+1)) - max(s.Start, at(c)); d > 0 {
					if sums[c] == nil {
						sums[c] = map[string]int64{}
					}
					sums[c][s.Family] += d
				}
			}
		}
		line := make([]rune, n)
		for c := range line {
			line[c] = laneIdle
			best := ""
			for f, d := range sums[c] {
				if line[c] == laneIdle || d > sums[c][best] || d == sums[c][best] && rank[f] < rank[best] {
					best, line[c] = f, letters[f]
				}
			}
		}
		lanes = append(lanes, string(line))
	}
	marks := make([]byte, n)
	for c := range marks {
		marks[c] = ' '
		if at(c) < t.SubjectTo && at(c+1) > t.SubjectFrom {
			marks[c] = '^'
		}
	}
	return lanes, strings.TrimRight(string(marks), " ")
}

// micros prints an instant in µs with one decimal.
func micros(ns int64) string { return fixed(ns, 1_000, 1) + " µs" }

// lines is the whole drawing in lines of at most width cells.
func (t *Timeline) lines(width int) []string {
	n := min(max(width-laneLabel-2, 20), laneMost, int(min(max(t.To-t.From, 1), laneMost))) // a cell has a ns
	lanes, mark := t.draw(n)
	var out []string
	for i, l := range lanes {
		name := fmt.Sprintf("stream %d", t.Lanes[i].Stream)
		out = append(out, pad(name, laneLabel)+"|"+l+"|")
	}
	out = append(out, strings.Repeat(" ", laneLabel+1)+mark)
	a, b := micros(t.From), micros(t.To)
	out = append(out, strings.Repeat(" ", laneLabel+1)+a+left(b, max(n-len([]rune(a)), len([]rune(b))+1)))
	return out
}

// notes are the sentences below the drawing: the letters in its lines, and what is not drawn.
func (t *Timeline) notes(lines []string) []string {
	letters, order := t.familyLetters()
	var parts []string
	for _, f := range order {
		if !slices.ContainsFunc(lines[:len(t.Lanes)], func(l string) bool { return strings.ContainsRune(l[laneLabel:], letters[f]) }) {
			continue
		}
		name := f
		if name == "" {
			name = "other"
		}
		parts = append(parts, string(letters[f])+" "+name)
	}
	parts = append(parts, string(laneIdle)+" nothing", "^ what it is about")
	out := []string{strings.Join(parts, ", ")}
	leftOut := 0
	for i := range t.Lanes {
		leftOut += t.Lanes[i].Left
	}
	if t.More > 0 {
		out = append(out, plural(t.More, "more stream")+" ran something there")
	}
	if leftOut > 0 {
		out = append(out, plural(leftOut, "short kernel")+" not drawn")
	}
	return out
}

func (t *text) timeline() {
	x := t.r.Timeline
	if x == nil {
		return
	}
	if len(x.Lanes) == 0 {
		t.line("TIMELINE")
		t.para(" ", " ", clean(x.Why))
		t.line("")
		return
	}
	t.para("TIMELINE · ", "  ", clean(x.Why))
	lines := x.lines(min(t.v.Width, laneMost) - 1)
	for _, l := range lines {
		t.line(" " + l)
	}
	for _, s := range x.notes(lines) {
		t.para(" ", " ", clean(s))
	}
	t.line("")
}

func (m *markdown) timeline() {
	x := m.r.Timeline
	if x == nil {
		return
	}
	m.printf("## Timeline\n\n%s.\n\n", md(upperFirst(x.Why)))
	if len(x.Lanes) == 0 {
		return
	}
	m.printf("```text\n")
	lines := x.lines(100)
	for _, l := range lines {
		m.printf("%s\n", strings.TrimRight(l, " "))
	}
	m.printf("```\n\n")
	for _, s := range x.notes(lines) {
		m.printf("%s.\n\n", md(s))
	}
}
