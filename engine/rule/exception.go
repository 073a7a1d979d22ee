package rule

import (
	"slices"
	"strings"

	"github.com/sgrules/sgrules/engine/diag"
)

// Exception lets one finding of a check pass, for a reason. The exceptions of a catalog stand
// in exceptions.yaml, one list for lint and for the rule tests; one that nothing needs is an
// error, which whoever runs the check reports.
type Exception struct {
	Pos     diag.Pos
	Check   string // the code of a check: see Checks, and SurvivingMutant
	Rule    string // the id of the rule, or
	Family  string // the name of the family
	At      string // the place in the rule, of a surviving mutant; "" is all of it
	Because string
}

// SurvivingMutant is the check of package ruletest that a rule's tests notice when any one
// condition of the rule is left out.
const SurvivingMutant = "surviving-mutant"

// Of names what the exception is for: the rule's id, or the family's name with "the family".
func (e Exception) Of() string {
	if e.Family != "" {
		return "the family " + e.Family
	}
	return e.Rule
}

// DecodeExceptions reads exceptions.yaml: exceptions, a list of {check, rule, at, because} and
// {check, family, because}.
func DecodeExceptions(file string, src []byte) ([]Exception, diag.List) {
	d := &decoder{src: newSource(file, src)}
	root := d.document()
	if root == nil {
		return nil, d.list
	}
	codes := vocabulary{SurvivingMutant}
	for _, c := range checks {
		codes = append(codes, c.Code)
	}
	var out []Exception
	for _, n := range d.items(d.object(root, &exceptionsShape), "exceptions", maxAliases) {
		o := d.object(n, &exceptionShape)
		if o == nil {
			continue
		}
		e := Exception{Pos: d.src.at(n), Check: d.word(o, "check", codes), Rule: d.id(o, "rule"), Family: d.text(o, "family"), At: d.text(o, "at"), Because: d.text(o, "because")}
		switch {
		case (o.values["rule"] == nil) == (o.values["family"] == nil):
			d.list.Addf(e.Pos, "bad-value", "an exception is for one rule or for one family, expected the key rule or the key family")
			continue
		case e.Check == "" || e.Rule == "" && e.Family == "":
			continue
		case e.At != "" && e.Check != SurvivingMutant:
			d.list.Addf(o.pos("at"), "bad-value", "only %s tells places in a rule apart; leave at out", SurvivingMutant)
			continue
		}
		same := func(x Exception) bool {
			return x.Check == e.Check && x.Rule == e.Rule && x.Family == e.Family && x.At == e.At
		}
		if i := slices.IndexFunc(out, same); i >= 0 {
			d.list.Addf(e.Pos, "duplicate-exception", "the exception is there already, in line %d", out[i].Pos.Line)
			continue
		}
		out = append(out, e)
	}
	d.list.Sort()
	return out, d.list
}

// Exceptions lists the set's exceptions in the order of the file.
func (s *Set) Exceptions() []Exception { return s.exceptions }

// AllowsFamily finds the exception for a finding of a check in a family, or -1.
func (s *Set) AllowsFamily(check, family string) int {
	return slices.IndexFunc(s.exceptions, func(e Exception) bool { return e.Check == check && e.Family == family && family != "" })
}

// Allows finds the exception for a finding of a check at one of the places, the nearest first,
// or -1.
func (s *Set) Allows(check, rule string, places ...string) int {
	for _, at := range append(places, "") {
		for i, e := range s.exceptions {
			if e.Check == check && e.Family == "" && e.Rule == rule && strings.TrimSpace(e.At) == at {
				return i
			}
		}
	}
	return -1
}
