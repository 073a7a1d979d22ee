package ruletest

import (
	"github.com/sgrules/sgrules/engine/diag"
	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/match"
	"github.com/sgrules/sgrules/engine/rule"
	"github.com/sgrules/sgrules/engine/tracebuild"
)

// File is one file of tests, decoded.
type File struct {
	Name  string   // as positions show it
	Pos   diag.Pos // of the rule's id
	Rule  string
	Tests []*Test
}

// Test is one trace and what must come out of it.
type Test struct {
	Name  string
	Pos   diag.Pos // of the name
	Run   RunSpec
	Only  bool // match with this rule alone
	Items []tracebuild.Item
	// Mapping is laid over Items before they are matched; empty: there is none.
	Mapping []tracebuild.Item
	Expect  []*Expect // empty: the rule shows nowhere
	At      diag.Pos  // of expect
}

// RunSpec is what a test says of the run. What is nil is read from the trace.
type RunSpec struct {
	Framework, Vendor, GPU, Model *string
	SM, TP, World                 *int
	Args                          map[string]string // nil: unknown
}

// Expect is one thing that must be found.
type Expect struct {
	Pos      diag.Pos
	Rule     string // the id of the rule it is about
	Verdict  string // "" with Under
	Under    string // the id of the rule under whose finding it stands
	Stage    string // "" for the only one
	Side     match.Side
	Chains   int // 0: any number
	ByDesign int // -1: any number
	Bind     []Bind
}

// Bind is what a step of the first chain must have bound.
type Bind struct {
	Pos  diag.Pos
	Step string
	// Symbols are base symbols or functors: one for each kernel in order, or, with First, the
	// one of the first of at least one kernel.
	Symbols []string
	First   bool
}

// Suite is what Run runs.
type Suite struct {
	Set   *rule.Set
	Sites graph.Policy
	Rules []*rule.Rule // those that must have tests, by id
	Files []*File      // by rule
	// Source has the text of the files of tests, by name.
	Source map[string][]byte
}
