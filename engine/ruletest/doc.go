// Package ruletest runs the tests of rules, and checks that they are tests: that dropping any
// one condition of a rule makes one of them fail.
//
// # Files
//
// A rule's tests stand beside it, in rules/<kind>/<id>_test.yaml: one YAML document with the keys
//
//	rule    the id of the rule, as the file's name has it
//	tests   a list of tests
//	define  anything with anchors, for what several tests share
//
// A file has at least one test that the rule must match, and one near miss that it must not.
// Anchors and aliases are allowed, in contrast to rule files. A test has the keys
//
//	name    what it shows, in words; unique in the file
//	run     what is known of the run, in the place of what the trace says
//	trace   the kernels: a list of items in the notation of package tracebuild
//	mapping a second trace, whose launches give the replayed kernels of trace their sites, as with
//	        --mapping: a capture, or the same work without graphs
//	expect  none, or a list of what must be found
//	only    true: match with this rule alone
//
// run has the keys framework, vendor, gpu, sm, model, tp, world, and args with the server's
// arguments by name. vendor, gpu, sm and world also go into the trace that is built; what is not
// given is read from it, as an analysis does. Arguments are known when args is there, be it
// empty. The stage comes from the names of the step items.
//
// A test is matched with all rules of the catalog, because priorities and alternatives are only
// real among them, and says what its own rule must do: a longer chain of another rule that takes
// the kernels away fails the test. Where that would hide what a test is about, only leaves the
// other rules out. Kernel families, aliases and sites are the catalog's in any case.
//
// An entry of expect has the keys
//
//	verdict    of the finding: applied, partial, should-apply, disabled, by-design, unsupported,
//	           upstream, in-flight
//	under      in the place of verdict: the chains stand as an alternative under the finding of
//	           this rule, whose chains won the kernels
//	rule       the rule that is found, where it is not the file's own
//	stage      the finding's stage; needed where the rule is found in several
//	side       fused or split, of an overlap rule overlapped or serial: the chains that chains and bind speak of; if absent, fused for
//	           applied, and split otherwise
//	chains     how many there are; of split, those that count as a path not taken
//	by_design  how many split chains are set aside by residue and by_design
//	bind       by step, the symbol or the functor of the first kernel that the first chain binds
//	           there; or a list with one for each kernel in order, empty where it must bind nothing
//
// The list is complete for the file's own rule: a finding or an alternative of it that no entry
// is about fails the test, and none means that it shows nowhere. Other rules may find what they
// like, but for what an entry with rule says.
//
// # The mutation check
//
// A mutant is a rule with one thing left out: a condition of a match, a where, an only, or
// applies (see rule.Expr.Conjuncts); a skip; an optional or many flag; a residue or by_design; a
// requirement; a whole alternative. At least one of the rule's tests must fail with each. A
// mutant that all tests pass survives: the condition could be wrong or missing and nobody would
// notice. One that cannot be told from the rule by any trace may stand in exceptions.yaml, with
// the check surviving-mutant and as its place either the one that is reported with the mutant
// (split/name of the alternative/step: the condition; alternatives without a name have their
// number) or this up to the colon, for all that is left out there.
//
// # Non-goals
//
// It judges no rule beyond its tests, which is lint, and knows no Markdown. It writes no files.
package ruletest
