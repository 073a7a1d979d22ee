package ruletest

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sgrules/sgrules/engine/align"
	"github.com/sgrules/sgrules/engine/diag"
	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/match"
	"github.com/sgrules/sgrules/engine/rule"
	"github.com/sgrules/sgrules/engine/tracebuild"
)

// Options say what Run does.
type Options struct {
	// Only leaves out the tests whose rule's id it does not match; nil runs all.
	Only *regexp.Regexp
	// Mutations also drops every condition of every rule and wants a test to notice.
	Mutations bool
}

// Results are what Run found.
type Results struct {
	Tests   int
	Failed  int
	Mutants int
	// Survived counts the mutants that no test noticed and no exception allows.
	Survived int
	Outcomes []Outcome
	// List has what failed, as diagnostics at the tests and at the conditions, and the
	// exceptions that nothing needed.
	List diag.List
}

// Outcome is one test.
type Outcome struct {
	Rule, Test string
	Problems   []string // empty: passed
}

// ready is a test whose trace was built.
type ready struct {
	t   *Test
	g   *graph.Graph
	run rule.Run
}

// Run runs the tests of a suite, in order of rule and file.
func (s *Suite) Run(ctx context.Context, o Options) (*Results, error) {
	res := &Results{}
	used := map[int]bool{}
	for _, f := range s.Files {
		if o.Only != nil && !o.Only.MatchString(f.Rule) {
			continue
		}
		var all []*ready
		sound := true
		for _, t := range f.Tests {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			res.Tests++
			out := Outcome{Rule: f.Rule, Test: t.Name}
			problems, err := s.test(ctx, f.Rule, t, &all)
			if err != nil {
				return nil, err
			}
			for _, p := range problems {
				out.Problems = append(out.Problems, p.text)
				res.List.Add(diag.Diagnostic{Pos: p.pos, Code: "failed-test", Msg: fmt.Sprintf("%s: %s", t.Name, p.text)})
			}
			if len(problems) > 0 {
				res.Failed++
				sound = false
			}
			res.Outcomes = append(res.Outcomes, out)
		}
		if o.Mutations && sound {
			if err := s.mutate(ctx, f, all, res, used); err != nil {
				return nil, err
			}
		}
	}
	if o.Mutations && o.Only == nil {
		for i, e := range s.Set.Exceptions() {
			if e.Check == rule.SurvivingMutant && e.Family == "" && !used[i] && s.Set.Rule(e.Rule) != nil {
				res.List.Add(diag.Diagnostic{Pos: e.Pos, Code: "unused-exception", Msg: "no mutant of " + e.Rule + " at this place survives", Hint: "remove the exception"})
			}
		}
	}
	res.List.Sort()
	return res, nil
}

// problem is one thing that is not as a test has it.
type problem struct {
	pos  diag.Pos
	text string
}

// test builds and checks one test, and keeps what was built in all. What a trace makes of a
// condition that fails on it is a problem of the test; the error is the context's.
func (s *Suite) test(ctx context.Context, id string, t *Test, all *[]*ready) ([]problem, error) {
	r, err := s.build(ctx, t)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return []problem{{t.Pos, err.Error()}}, nil
	}
	*all = append(*all, r)
	problems, err := s.check(id, r, s.Set)
	if err != nil {
		return []problem{{t.Pos, "a rule cannot be evaluated: " + err.Error()}}, nil
	}
	return problems, nil
}

// build makes a test's trace and reads it as an analysis would.
func (s *Suite) build(ctx context.Context, t *Test) (*ready, error) {
	spec := &tracebuild.Spec{Items: t.Items}
	r := t.Run
	switch {
	case r.Vendor != nil:
		spec.Vendor = *r.Vendor
	case r.GPU != nil && strings.HasPrefix(*r.GPU, "AMD"):
		spec.Vendor = "amd"
	}
	spec.Device.Name = map[string]string{"amd": "AMD Instinct MI300X", "nvidia": "NVIDIA H100 80GB HBM3", "": "NVIDIA H100 80GB HBM3"}[spec.Vendor]
	if r.GPU != nil {
		spec.Device.Name = *r.GPU
	}
	if r.SM != nil {
		spec.Device.Major, spec.Device.Minor = int64(*r.SM/10), int64(*r.SM%10)
	}
	if r.World != nil {
		spec.World = int64(*r.World)
	}
	g, err := s.read(ctx, spec, false)
	if err != nil {
		return nil, err
	}
	if len(t.Mapping) > 0 {
		spec.Items = t.Mapping
		m, err := s.read(ctx, spec, true)
		if err != nil {
			return nil, fmt.Errorf("mapping: %w", err)
		}
		laid := align.Map(m, g)
		g.Reattribute(laid.Sites)
		g.HostWaits = append(g.HostWaits, laid.Waits...)
	}
	out := &ready{t: t, g: g}
	out.run = match.Describe(out.g)
	if r.Args != nil {
		match.SetArgs(&out.run, r.Args)
	}
	if r.Vendor != nil && *r.Vendor == "" { // every trace is somebody's: unknown means no GPU either
		out.run.GPU, out.run.SM = "", 0
	}
	set := func(to *string, from *string) {
		if from != nil {
			*to = *from
		}
	}
	number := func(to *int, from *int) {
		if from != nil {
			*to = *from
		}
	}
	set(&out.run.Framework, r.Framework)
	set(&out.run.Vendor, r.Vendor)
	set(&out.run.GPU, r.GPU)
	set(&out.run.Model, r.Model)
	number(&out.run.SM, r.SM)
	number(&out.run.TP, r.TP)
	number(&out.run.World, r.World)
	return out, nil
}

// read builds the trace of a description and reads it.
func (s *Suite) read(ctx context.Context, spec *tracebuild.Spec, mapping bool) (*graph.Graph, error) {
	text, err := tracebuild.Build(spec, tracebuild.Options{Style: tracebuild.Compact})
	if err != nil {
		return nil, fmt.Errorf("the trace cannot be built: %w", err)
	}
	tr, err := kineto.Read(ctx, bytes.NewReader(text), "test", kineto.Options{Strict: true})
	if err != nil {
		return nil, fmt.Errorf("the built trace cannot be read: %w", err)
	}
	return graph.Build(tr, graph.Options{Sites: s.Sites, Mapping: mapping}), nil
}

// check matches a test with a set and says what is not as it must be.
func (s *Suite) check(id string, r *ready, set *rule.Set) ([]problem, error) {
	if r.t.Only {
		set = set.Only(id)
	}
	run := r.run
	res, err := match.Run(r.g, set, &run)
	if err != nil {
		return nil, err
	}
	c := &comparison{id: id, r: r, res: res, seen: map[string]bool{}}
	for _, e := range r.t.Expect {
		c.expect(e)
	}
	c.rest()
	return c.problems, nil
}

// comparison holds what was found against what must be.
type comparison struct {
	id       string
	r        *ready
	res      *match.Result
	seen     map[string]bool // findings and alternatives that an entry is about
	problems []problem
}

func (c *comparison) addf(pos diag.Pos, format string, args ...any) {
	c.problems = append(c.problems, problem{pos, fmt.Sprintf(format, args...)})
}

func (c *comparison) ruleID(i int) string { return c.res.Rules[i].ID }

func (c *comparison) stage(f *match.Finding) string { return c.r.g.Stages[f.Stage] }

func (c *comparison) expect(e *Expect) {
	if e.Under != "" {
		c.alternative(e)
		return
	}
	var found []*match.Finding
	for i := range c.res.Findings {
		f := &c.res.Findings[i]
		if c.ruleID(f.Rule) == e.Rule && (e.Stage == "" || c.stage(f) == e.Stage) {
			found = append(found, f)
		}
	}
	switch {
	case len(found) == 0:
		c.addf(e.Pos, "no finding of %s%s; %s", e.Rule, inStage(e.Stage), c.whatThereIs(e.Rule))
		return
	case len(found) > 1:
		c.addf(e.Pos, "%s is found in %d stages; say which with stage", e.Rule, len(found))
		return
	}
	f := found[0]
	c.seen[fmt.Sprint("f", f.Rule, f.Stage)] = true
	if f.Verdict != e.Verdict {
		c.addf(e.Pos, "the verdict is %s, expected %s", f.Verdict, e.Verdict)
	}
	chains := f.Fused
	if e.Side == match.Split {
		if chains = f.Missed(); f.Verdict == match.ByDesign && len(chains) == 0 {
			chains = f.Split // nothing is missed: what stands there is set aside
			for _, a := range f.Apart {
				chains = append(slices.Clone(chains), a.Chains...)
			}
		}
	}
	if e.Chains > 0 && len(chains) != e.Chains {
		c.addf(e.Pos, "%d %s chains, expected %d", len(chains), e.Side, e.Chains)
	}
	if e.ByDesign >= 0 {
		n := 0
		for _, a := range slices.Concat(f.Apart, f.Residue) {
			n += len(a.Chains)
		}
		if n != e.ByDesign {
			c.addf(e.Pos, "%d chains are set aside by design, expected %d", n, e.ByDesign)
		}
	}
	c.bind(e, chains)
}

func inStage(s string) string {
	if s == "" {
		return ""
	}
	return " in stage " + s
}

// whatThereIs helps with a missing finding.
func (c *comparison) whatThereIs(id string) string {
	var out []string
	for i := range c.res.Findings {
		f := &c.res.Findings[i]
		name := c.ruleID(f.Rule)
		out = append(out, fmt.Sprintf("%s %s", name, f.Verdict))
		for _, a := range f.Alternatives {
			if c.ruleID(a.Rule) == id {
				out = append(out, fmt.Sprintf("%s stands under it", id))
			}
		}
	}
	if len(out) == 0 {
		return "nothing is found at all"
	}
	return "found: " + strings.Join(out, ", ")
}

func (c *comparison) alternative(e *Expect) {
	for i := range c.res.Findings {
		f := &c.res.Findings[i]
		if c.ruleID(f.Rule) != e.Under || e.Stage != "" && c.stage(f) != e.Stage {
			continue
		}
		for _, a := range f.Alternatives {
			if c.ruleID(a.Rule) != e.Rule || a.Side != e.Side {
				continue
			}
			c.seen[fmt.Sprint("a", f.Rule, f.Stage, a.Rule, a.Side)] = true
			if e.Chains > 0 && len(a.Chains) != e.Chains {
				c.addf(e.Pos, "%d chains stand under %s, expected %d", len(a.Chains), e.Under, e.Chains)
			}
			c.bind(e, a.Chains)
			return
		}
	}
	c.addf(e.Pos, "no %s chains of %s stand under %s; %s", e.Side, e.Rule, e.Under, c.whatThereIs(e.Rule))
}

// bind compares what the first chain bound.
func (c *comparison) bind(e *Expect, chains []int) {
	if len(e.Bind) == 0 {
		return
	}
	if len(chains) == 0 {
		c.addf(e.Pos, "there is no %s chain to compare with bind", e.Side)
		return
	}
	ch := &c.res.Chains[chains[0]]
	r := c.res.Rules[ch.Rule]
	alts := r.Fused
	if ch.Side == match.Split {
		alts = r.Split
	}
	steps := alts[ch.Alt].Steps
	for _, b := range e.Bind {
		i := slices.IndexFunc(steps, func(s *rule.Step) bool { return s.As == b.Step })
		if i < 0 {
			c.addf(b.Pos, "the chain has no step %s", b.Step)
			continue
		}
		var got []string
		ok := b.First && len(ch.Steps[i]) > 0 || !b.First && len(ch.Steps[i]) == len(b.Symbols)
		for n, k := range ch.Steps[i] {
			s := c.r.g.Symbol(&c.r.g.Kernels[k])
			got = append(got, s.Base)
			want := ""
			switch {
			case b.First && n > 0:
				continue // a lone symbol is that of the first kernel
			case b.First:
				want = b.Symbols[0]
			case n < len(b.Symbols):
				want = b.Symbols[n]
			}
			ok = ok && want != "" && (s.Base == want || s.Functor == want)
		}
		if !ok {
			c.addf(b.Pos, "step %s binds %v, expected %v", b.Step, got, b.Symbols)
		}
	}
}

// rest complains of findings and alternatives of the rule that no entry is about.
func (c *comparison) rest() {
	for i := range c.res.Findings {
		f := &c.res.Findings[i]
		if c.ruleID(f.Rule) == c.id && !c.seen[fmt.Sprint("f", f.Rule, f.Stage)] {
			c.addf(c.r.t.At, "%s is found in stage %s with verdict %s, and nothing is expected there", c.id, c.stage(f), f.Verdict)
		}
		for _, a := range f.Alternatives {
			if c.ruleID(a.Rule) == c.id && !c.seen[fmt.Sprint("a", f.Rule, f.Stage, a.Rule, a.Side)] {
				c.addf(c.r.t.At, "%d %s chains of %s stand under %s, and nothing is expected there", len(a.Chains), a.Side, c.id, c.ruleID(f.Rule))
			}
		}
	}
}
