// Package report is what an analysis found, as plain data, and the writers that print
// it: text for a terminal, Markdown, and JSON.
//
// A Report carries everything: full names, integer nanoseconds, rows below the bar. The
// writers choose what to show. Nothing here computes a finding, and nothing here knows
// how one was made.
package report

// Schema names the shape of the JSON; it changes when a reader would break.
const Schema = "sgrules.report/v1"

// Report is the result of one analysis. Times are integer ns; shares are in percent of
// the GPU time of the whole report unless a field says otherwise, and are computed from
// the times when printed.
type Report struct {
	Schema  string `json:"schema"`
	Version string `json:"version"`
	// Mode is "single" for one trace, "pair" where a mapping trace gave kernels their sites.
	Mode string `json:"mode"`
	// Per is what the kernel tables were asked to be read by: "step" or "layer"; absent for
	// the whole run. Times and counts in the report are always those of the run.
	Per         string      `json:"per,omitempty"`
	Traces      []Trace     `json:"traces"`
	Run         Run         `json:"run"`
	Total       int64       `json:"gpu_time_ns"`
	Activity    Activity    `json:"activity"`
	Load        []Load      `json:"devices"`
	Attribution Attribution `json:"attribution"`
	// Idle tells why the devices did nothing, one entry for each of Load.
	Idle    []Idle       `json:"idle"`
	Stages  []Stage      `json:"stages"`
	Kernels []KernelRow  `json:"kernels"`
	Fuse    []FuseRow    `json:"fuse"`
	Overlap []OverlapRow `json:"overlap"`
	// OverlapPaths is what the overlap rules found: Fused is the path taken, work at the same
	// time, Split the same work in turn.
	OverlapPaths []FuseRow `json:"overlap_paths"`
	// Ranks compares the ranks of the run; absent where one was read.
	Ranks *Ranks `json:"ranks,omitempty"`
	// Timeline shows the worst window; only where asked for.
	Timeline *Timeline `json:"timeline,omitempty"`
	// Notes are what exact matching leaves open; absent where they were turned off.
	Notes *Notes `json:"notes,omitempty"`
	// OverlapWhy says what the overlap table rests on and what it cannot tell.
	OverlapWhy string   `json:"overlap_verdict"`
	Conclusion []string `json:"conclusion"`
	// Headline is the conclusion in one line.
	Headline string `json:"headline"`
	// Warnings tell what was wrong with the input, one sentence each.
	Warnings []string `json:"warnings,omitempty"`
	// Doubts tell what of a trace is missing or hidden, before any table.
	Doubts []Doubt `json:"doubts,omitempty"`
	// Alignment tells what the mapping traces gave, one entry a formal trace.
	Alignment []Alignment `json:"alignment,omitempty"`
	// Picked and Left are the traces of a profile directory that were and were not read.
	Picked []string `json:"picked,omitempty"`
	Left   []string `json:"left,omitempty"`
}

// Trace is one file that was read.
type Trace struct {
	Path    string `json:"path"`
	Role    string `json:"role"` // "trace", "mapping", "formal" or "other rank"
	Bytes   int64  `json:"json_bytes"`
	Events  int64  `json:"events"`
	Skipped int64  `json:"events_skipped"`
	Stage   string `json:"stage_from_name,omitempty"`
	Damage  []Hole `json:"damage,omitempty"`
}

// Doubt is a reason to read the tables with care.
type Doubt struct {
	Trace  string `json:"trace"`
	What   string `json:"what"`
	Time   int64  `json:"time_ns"` // GPU time it concerns; 0 where that cannot be told
	Advice string `json:"advice"`  // what to record or give instead
}

func (d *Doubt) text(r *Report) string {
	s := d.What
	if d.Time > 0 {
		s += " (" + Percent(d.Time, r.Total) + " of the GPU time)"
	}
	if len(r.Traces) > 1 {
		s = d.Trace + ": " + s
	}
	return s + "; " + d.Advice
}

// Hole is a place where a file was damaged.
type Hole struct {
	Offset int64  `json:"byte"`
	Msg    string `json:"message"`
}

// Run is what is known of the server; empty fields are unknown.
type Run struct {
	Framework string            `json:"framework,omitempty"`
	Model     string            `json:"model,omitempty"`
	GPU       string            `json:"gpu,omitempty"`
	Vendor    string            `json:"vendor,omitempty"`
	SM        int64             `json:"sm,omitempty"`
	Rank      int64             `json:"rank"` // -1 unknown
	World     int64             `json:"world,omitempty"`
	TP        int64             `json:"tp,omitempty"`
	ArgsFrom  string            `json:"args_from,omitempty"` // file the arguments were read from
	Args      map[string]string `json:"args,omitempty"`
}

// Activity is the GPU time by what ran, ns.
type Activity struct {
	Kernels int64 `json:"kernels_ns"`
	Copies  int64 `json:"copies_ns"`
	Sets    int64 `json:"sets_ns"`
}

// Load is how busy one device was.
type Load struct {
	Device  int32 `json:"device"`
	Streams int   `json:"streams"`
	Span    int64 `json:"span_ns"`
	Busy    int64 `json:"busy_ns"`
	Idle    int64 `json:"idle_ns"`
	// Window is the span of the busiest stream, WindowIdle the time in it in which no
	// stream ran anything.
	Window     int64 `json:"window_ns"`
	WindowIdle int64 `json:"window_idle_ns"`
}

// Attribution is the GPU time by how its source line was found, ns.
type Attribution struct {
	Launch  int64 `json:"launch_ns"`
	Node    int64 `json:"node_ns"`
	Aligned int64 `json:"aligned_ns"`
	// Neighbour is the time aligned by its neighbours: the mapping trace ran another kernel
	// at that place.
	Neighbour int64 `json:"neighbour_ns"`
	Replay    int64 `json:"replay_ns"`
	None      int64 `json:"none_ns"`
	// NoLaunch counts kernels without any launch event, Ambiguous those whose
	// correlation id several launches share.
	NoLaunch  int `json:"kernels_without_launch"`
	Ambiguous int `json:"kernels_ambiguous"`
	// Replays counts graph launches, Replayed the kernels that ran for them.
	Replays  int `json:"graph_launches"`
	Replayed int `json:"replayed_kernels"`
}

// Alignment is what a mapping trace gave the replayed kernels of a formal one.
type Alignment struct {
	Mapping string `json:"mapping"`
	Formal  string `json:"formal"`
	// Replayed counts the replayed kernels, Node those that took the site of the captured launch
	// with their graph node id, Aligned those that took the site of their own launch by their
	// place, Neighbour those whose place was settled by the kernels beside them.
	Replayed      int         `json:"replayed_kernels"`
	Node          int         `json:"node_kernels"`
	Aligned       int         `json:"aligned_kernels"`
	Neighbour     int         `json:"neighbour_kernels"`
	ReplayedTime  int64       `json:"replayed_ns"`
	NodeTime      int64       `json:"node_ns"`
	AlignedTime   int64       `json:"aligned_ns"`
	NeighbourTime int64       `json:"neighbour_ns"`
	Left          []Unaligned `json:"unaligned,omitempty"`
}

// Unaligned are replayed kernels that got no site, and why.
type Unaligned struct {
	Reason  string `json:"reason"`
	Kernels int    `json:"kernels"`
	Time    int64  `json:"time_ns"`
}

// Stage sums one stage.
type Stage struct {
	Name    string `json:"stage"`
	Time    int64  `json:"gpu_time_ns"`
	Kernels int    `json:"kernels"`
	Steps   int    `json:"steps"`
	Layers  int    `json:"layers"` // of most steps; 0 unknown
	// Example is the name of the stage's first step, as annotated.
	Example  string   `json:"example_step,omitempty"`
	Families []Family `json:"families"`
	// Waiting is the part of Time in which a collective waited for another rank; 0 where
	// one rank was read.
	Waiting int64 `json:"waiting_ns,omitempty"`
	// StepSpan is, summed over the steps, the time from the first start to the last end of a
	// step's kernels, ns; StepIdle the part of it in which the device was idle between two
	// kernels of the step, and StepHost the part of that which is the host's.
	StepSpan int64 `json:"steps_span_ns,omitempty"`
	StepIdle int64 `json:"steps_idle_ns,omitempty"`
	StepHost int64 `json:"steps_host_ns,omitempty"`
	// Unstepped is the part of Time that was launched outside the stage's steps.
	Unstepped int64 `json:"outside_steps_ns,omitempty"`
	// Outliers are the steps that differ from others that did the same.
	Outliers []OutlierStep `json:"outliers,omitempty"`
	// LayerCounts tells how many layers its steps had together; only where asked for.
	LayerCounts *LayerCounts `json:"layer_counts,omitempty"`
}

// Family is the time of one kernel family in a stage.
type Family struct {
	Name string `json:"family"`
	Time int64  `json:"time_ns"`
}

// Site is one place in source code that launched something.
type Site struct {
	Path string `json:"path,omitempty"`
	Func string `json:"function,omitempty"`
	Line int    `json:"line,omitempty"`
	// Module is the class of the innermost nn.Module scope, which tells two calls of one
	// function apart (the gate's projection from the down projection).
	Module string `json:"module,omitempty"`
	Method string `json:"method"` // "launch", "aligned", "neighbour", "node", "replay" or "none"
	Count  int    `json:"launches"`
	Time   int64  `json:"time_ns"`
}

// KernelRow is one kernel of one stage.
type KernelRow struct {
	Stage    string `json:"stage"`
	Name     string `json:"name"`   // as the trace has it
	Symbol   string `json:"symbol"` // demangled, qualified, without arguments
	Label    string `json:"label"`  // short, tells it from the table's other kernels
	Family   string `json:"family"`
	Time     int64  `json:"time_ns"`
	Launches int    `json:"launches"`
	Min      int64  `json:"min_ns"`
	Max      int64  `json:"max_ns"`
	// Waiting is the part of Time that was waiting for another rank; 0 where one was read.
	Waiting int64 `json:"waiting_ns,omitempty"`
	// Sites are where it was launched, by time, most first.
	Sites []Site `json:"sites,omitempty"`
	// Ops are the innermost cpu_ops around its launches, by time, most first.
	Ops []Op `json:"ops,omitempty"`
	// Streams are the stream ids it ran on, ascending.
	Streams []int64 `json:"streams"`
	// Layers divides it by place in the layers; only where asked for.
	Layers *KernelLayers `json:"by_layer,omitempty"`
}

// kernelsOf gives the rows of a stage that reach the bar (percent of all GPU time), and how
// many do not, with their time (ns).
func (r *Report) kernelsOf(s *Stage, bar float64) (rows []KernelRow, hidden int, hiddenTime int64) {
	for _, k := range r.Kernels {
		switch {
		case k.Stage != s.Name:
		case below(k.Time, r.Total, bar):
			hidden++
			hiddenTime += k.Time
		default:
			rows = append(rows, k)
		}
	}
	return rows, hidden, hiddenTime
}

// Op is the time launched from one cpu_op.
type Op struct {
	Name string `json:"op"`
	Time int64  `json:"time_ns"`
}

// FuseRow is what one rule found in one stage.
type FuseRow struct {
	Rule    string `json:"rule"`
	Title   string `json:"title"`
	Origin  string `json:"origin"`
	Stage   string `json:"stage"`
	Verdict string `json:"verdict"` // applied partial should-apply disabled by-design unsupported upstream in-flight
	// Why gives the reason of a verdict that is not simply "seen" or "not seen".
	Why string `json:"why,omitempty"`
	// Unknown are conditions of the rule that could not be decided because the server's
	// arguments are not known.
	Unknown []Unknown `json:"unknown,omitempty"`
	Fused   Side      `json:"fused"`
	Split   Side      `json:"split"`
	// ByDesign are chains that look split and have to: the reason, and their counts.
	ByDesign []ByDesign `json:"by_design,omitempty"`
	// Bound is an upper bound of what taking the path would save: the gaps between the
	// bound kernels of the split chains, plus every bound kernel but the longest.
	Bound     int64 `json:"saving_bound_ns"`
	BoundGaps int64 `json:"saving_bound_gaps_ns"` // the part of Bound that is gaps
	// Collective tells that a chain holds a collective, whose time is partly waiting.
	Collective bool `json:"collective,omitempty"`
	// Matched counts the collectives of the row's chains that several ranks' traces split;
	// Transfer and Waiting are their time. Bound does not count their waiting.
	Matched      int           `json:"matched_calls,omitempty"`
	Transfer     int64         `json:"transfer_ns,omitempty"`
	Waiting      int64         `json:"waiting_ns,omitempty"`
	Path         string        `json:"path"`
	Conclude     string        `json:"conclude"`
	Switches     []string      `json:"switches,omitempty"`
	Alternatives []Alternative `json:"alternatives,omitempty"`
}

// Side is one side of a rule in one stage: its chains and the kernels they bind.
type Side struct {
	Chains int   `json:"chains"`
	Time   int64 `json:"time_ns"`
	Steps  int   `json:"steps"`  // steps with a chain
	Layers int   `json:"layers"` // most layers with a chain in any one step; 0 unknown
	// Together is, of an overlap rule's taken chains, the time in which both ran, ns.
	Together int64 `json:"together_ns,omitempty"`
	// Evidence lists what was bound, in the order of the chain, one list an alternative
	// of the rule.
	Evidence []Evidence `json:"evidence,omitempty"`
}

// Evidence is one alternative's chains, summed.
type Evidence struct {
	Name    string  `json:"name,omitempty"`
	Chains  int     `json:"chains"`
	Time    int64   `json:"time_ns"`
	Gaps    int64   `json:"gaps_ns"` // between the bound kernels, where positive
	Kernels []Bound `json:"kernels"`
	// Beside is the index in Kernels at which a second chain begins that runs at the same
	// time on another stream; 0 where there is none.
	Beside  int     `json:"beside,omitempty"`
	Streams []int64 `json:"streams"`
}

// Bound is what one step of a chain bound, over all chains.
type Bound struct {
	As     string `json:"as"`
	Symbol string `json:"symbol"` // the most frequent
	Label  string `json:"label"`
	Family string `json:"family"`
	Count  int    `json:"count"`
	Time   int64  `json:"time_ns"`
	Sites  []Site `json:"sites,omitempty"`
}

// Unknown is a condition that could not be decided: what it would mean if it failed, and
// the arguments that decide it.
type Unknown struct {
	Because string   `json:"because"`
	Args    []string `json:"args"`
}

// ByDesign are chains that do not count as a missed path. Those Within are part of the
// split side's counts, the others are not.
type ByDesign struct {
	Because string `json:"because"`
	Within  bool   `json:"within_split"`
	Chains  int    `json:"chains"`
	Time    int64  `json:"time_ns"`
}

// Alternative is a rule that matched on kernels of another finding. It adds nothing to
// any sum.
type Alternative struct {
	Rule  string `json:"rule"`
	Title string `json:"title"`
	Side  string `json:"side"` // "fused" or "split"
	// Verdict is what these chains alone would have given the rule, Why its reason.
	Verdict string `json:"verdict"`
	Why     string `json:"why,omitempty"`
	Chains  int    `json:"chains"`
	Time    int64  `json:"time_ns"`
}

// The verdicts of an overlap row.
const (
	Headroom   = "headroom"           // exposed time that hiding could win
	LowROI     = "low-roi-hidden"     // hidden but for a rest that is not worth the work
	Overlapped = "already-overlapped" // behind compute of other streams
)

// OverlapPath is a catalogued overlap path that holds kernels of a row.
type OverlapPath struct {
	Rule    string `json:"rule"`
	Title   string `json:"title"`
	Verdict string `json:"verdict"` // as FuseRow has it
}

// OverlapRow is one kind of communication or copy in one stage, or of compute that ran mostly
// beside other streams.
type OverlapRow struct {
	Stage  string `json:"stage"`
	Label  string `json:"label"`
	Symbol string `json:"symbol"`
	Family string `json:"family"`
	// Moves tells communication, copies and sets from compute kernels.
	Moves    bool  `json:"moves"`
	Launches int   `json:"launches"`
	Time     int64 `json:"time_ns"`
	Exposed  int64 `json:"exposed_ns"`
	Hidden   int64 `json:"hidden_ns"`
	// HiddenCompute is the part of Hidden under compute kernels.
	HiddenCompute int64 `json:"hidden_under_compute_ns"`
	// Matched counts the launches that several ranks' traces split into Transfer and
	// Waiting.
	Matched  int     `json:"matched_calls,omitempty"`
	Transfer int64   `json:"transfer_ns,omitempty"`
	Waiting  int64   `json:"waiting_ns,omitempty"`
	Streams  []int64 `json:"streams"`
	Sites    []Site  `json:"sites,omitempty"`
	Ops      []Op    `json:"ops,omitempty"` // innermost cpu ops of the launches, most time first
	Verdict  string  `json:"verdict"`       // headroom, low-roi-hidden or already-overlapped
	// Priority is 1 (first) to 3, and 0 where nothing is to be done.
	Priority int `json:"priority"`
	// Risk is how likely a dependency keeps the work where it is: low, high or unclear; empty
	// for compute. RiskWhy is what that rests on.
	Risk    string        `json:"dependency_risk,omitempty"`
	RiskWhy string        `json:"dependency_why,omitempty"`
	Paths   []OverlapPath `json:"paths,omitempty"`
	Advice  string        `json:"advice"`
}
