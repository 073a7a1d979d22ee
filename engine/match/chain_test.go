package match

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/rule"
)

// line is a graph from a short notation: one string a stream, one letter a kernel; its
// class is the letter. A digit after a letter is the kernel's step.
func line(streams ...string) *graph.Graph {
	g := &graph.Graph{Classes: make([]graph.Class, 26), Stages: []string{"all"}}
	for s, text := range streams {
		g.Streams = append(g.Streams, graph.Stream{ID: int64(s)})
		for i := 0; i < len(text); i++ {
			k := graph.Kernel{Class: graph.ClassID(text[i] - 'a'), Stream: int32(s), Pos: int32(len(g.Streams[s].Kernels)), Ts: int64(10 * i), Dur: 5, Replay: -1, Launch: -1}
			if i+1 < len(text) && text[i+1] >= '0' && text[i+1] <= '9' {
				k.Step = int32(text[i+1] - '0')
				i++
			}
			g.Streams[s].Kernels = append(g.Streams[s].Kernels, int32(len(g.Kernels)))
			g.Kernels = append(g.Kernels, k)
		}
	}
	return g
}

// chain is a pattern from a short notation: words of letters (any of them matches),
// "?" behind for optional, "+" for many, "/xy" for what may be skipped before it.
func chain(text string) *pattern {
	p := &pattern{}
	for _, w := range strings.Fields(text) {
		st := step{match: newClassSet(26)}
		if head, skip, ok := strings.Cut(w, "/"); ok {
			w, st.skip = head, newClassSet(26)
			for _, c := range skip {
				st.skip.add(graph.ClassID(c - 'a'))
			}
		}
		st.optional = strings.Contains(w, "?")
		st.many = strings.Contains(w, "+")
		for _, c := range strings.TrimRight(w, "?+") {
			st.match.add(graph.ClassID(c - 'a'))
		}
		p.steps = append(p.steps, st)
	}
	return p
}

// show prints bindings by kernel index, steps apart.
func show(found []binding) string {
	var out []string
	for _, b := range found {
		var steps []string
		for _, ks := range b {
			s := "-"
			if len(ks) > 0 {
				s = strings.Trim(fmt.Sprint(ks), "[]")
			}
			steps = append(steps, s)
		}
		out = append(out, strings.Join(steps, "|"))
	}
	return strings.Join(out, "; ")
}

func TestFind(t *testing.T) {
	for _, c := range []struct{ name, streams, pattern, want string }{
		{"in order", "abcabc", "a b", "0|1; 3|4"},
		{"not across another kernel", "acb", "a b", ""},
		{"across what may be skipped", "accb", "a b/c", "0|3"},
		{"a skip does not reach past another kernel", "acdb", "a b/c", ""},
		{"binding comes before skipping", "abb", "a b/b", "0|1"},
		{"not across streams", "a b", "a b", ""},
		{"kernels of other streams never stand between", "ab c", "a b", "0|1"},
		{"a stream is one line", "ab ab", "a b", "0|1; 2|3"},
		{"not across steps", "a1b2", "a b", ""},
		{"in each step", "a1b1a2b2", "a b", "0|1; 2|3"},
		{"no kernel twice", "aaa", "a a", "0|1"},
		{"optional first, there", "mab", "m? a b", "0|1|2"},
		{"optional first, not there", "ab", "m? a b", "-|0|1"},
		{"optional in the middle", "ab amb", "a m? b", "0|-|1; 2|3|4"},
		{"optional last", "abn ab", "a b n?", "0|1|2; 3|4|-"},
		{"many takes all", "abbbc", "a b+ c", "0|1 2 3|4"},
		{"many gives back", "abbb", "a b+ b", "0|1 2|3"},
		{"many needs one", "ac", "a b+ c", ""},
		{"optional many", "ac", "a b+? c", "0|-|1"},
		{"backtracks over an optional", "aab", "a? a b", "0|1|2"},
		{"tries the next start after a failure", "aab", "a b", "1|2"},
		{"alternatives in one step", "acbc", "ab c", "0|1; 2|3"},
		{"end of the stream", "a", "a b", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := line(strings.Fields(c.streams)...)
			if got := show(newFinder(g).find(chain(c.pattern))); got != c.want {
				t.Errorf("%q in %q: got %q, want %q", c.pattern, c.streams, got, c.want)
			}
		})
	}
}

func TestFindAcrossRecordedWait(t *testing.T) {
	g := line("ax", "yb")
	g.Waits = []graph.Wait{{From: 0, To: 3}}
	if got, want := show(newFinder(g).find(chain("a b"))), "0|3"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	// One kernel behind one wait is bound once, however many chains could use it.
	g = line("aa", "b")
	g.Waits = []graph.Wait{{From: 0, To: 2}, {From: 1, To: 2}}
	if got, want := show(newFinder(g).find(chain("a b"))), "0|2"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWhereDecidesAndBacktracks(t *testing.T) {
	g := line("abb")
	p := chain("a b+")
	p.where = func(b [][]int32) bool { return len(b[1]) == 1 }
	if got, want := show(newFinder(g).find(p)), "0|1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestHostilePatternEnds(t *testing.T) {
	// Every step could take or leave every kernel; the budget ends the search.
	g := line(strings.Repeat("a", 5000))
	p := chain(strings.Repeat("a+? ", 12) + "b")
	if got := show(newFinder(g).find(p)); got != "" {
		t.Errorf("got %q, want nothing", got)
	}
}

func TestResolve(t *testing.T) {
	ids := []string{"r-a", "r-b", "r-c", "o-a"}
	prio := []int{50, 50, 60, 50}
	kinds := []string{"fuse", "fuse", "fuse", "overlap"}
	c := func(r int, side Side, ks ...int32) Chain { return Chain{Rule: r, Side: side, Kernels: ks} }
	for _, x := range []struct {
		name   string
		chains []Chain
		want   string
	}{
		{"the longer wins", []Chain{c(0, Fused, 1), c(1, Split, 0, 1)}, "r-b split [0 1]; r-a fused [1] under 0"},
		{"then the priority", []Chain{c(0, Split, 0, 1), c(2, Split, 1, 2)}, "r-c split [1 2]; r-a split [0 1] under 0"},
		{"then the id", []Chain{c(1, Split, 0), c(0, Split, 0)}, "r-a split [0]; r-b split [0] under 0"},
		{"a rule's own overlap is dropped", []Chain{c(0, Split, 0, 1), c(0, Split, 1)}, "r-a split [0 1]"},
		{"a loser owns none of its kernels", []Chain{c(0, Split, 0, 1, 2), c(1, Split, 2, 3), c(2, Fused, 3)},
			"r-a split [0 1 2]; r-b split [2 3] under 0; r-c fused [3]"},
		{"each kind for itself", []Chain{c(0, Split, 0, 1), c(3, Split, 1, 2)}, "o-a split [1 2]; r-a split [0 1]"},
		{"apart", []Chain{c(0, Split, 0, 1), c(1, Split, 2, 3)}, "r-a split [0 1]; r-b split [2 3]"},
	} {
		t.Run(x.name, func(t *testing.T) {
			got := resolve(x.chains, 8, func(i int) *rule.Rule { return &rule.Rule{ID: ids[i], Kind: kinds[i], Priority: prio[i]} })
			var out []string
			for _, ch := range got {
				s := fmt.Sprintf("%s %s %v", ids[ch.Rule], ch.Side, ch.Kernels)
				if ch.Under >= 0 {
					s += fmt.Sprintf(" under %d", ch.Under)
				}
				out = append(out, s)
			}
			if s := strings.Join(out, "; "); s != x.want {
				t.Errorf("got %q, want %q", s, x.want)
			}
		})
	}
}

func BenchmarkFind(b *testing.B) {
	g := line(strings.Repeat("gcncnrsahgnxyz", 4000))
	patterns := []*pattern{chain("c n c n r"), chain("r s"), chain("m? x h"), chain("g n")}
	b.ReportAllocs()
	for b.Loop() {
		f := newFinder(g)
		for _, p := range patterns {
			f.find(p)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(g.Kernels)), "ns/kernel")
}
