// Package rule is a YAML rule, checked and compiled: the files, the CEL in them, and what can be
// said about both without a trace.
//
// # Files
//
// A folder of rules has fuse/<id>.yaml and overlap/<id>.yaml with one rule each,
// family/<family>.yaml, aliases.yaml, retired.yaml, exceptions.yaml and sites.yaml. Files that end
// with _test.yaml are the rules' tests and belong to package ruletest. A file is one YAML document of at most 1 MiB
// without aliases, anchors and tags. Unknown and duplicate keys are errors, as is everything
// that would otherwise be ignored.
//
// A rule has the keys
//
//	id        kebab-case, the name of the file, never changes
//	kind      fuse or overlap, the name of the folder
//	title     what the path is
//	origin    sglang, flashinfer, vllm, tensorrt-llm, tokenspeed, torch
//	status    mainline, in-flight, withdrawn, no-fusion (of overlap rules: no-overlap)
//	domain    llm, vlm, diffusion, disaggregation, hisparse, speculative
//	priority  0 to 100, 50 if absent: breaks ties between chains of equal length
//	pulls     upstream pull requests
//	covers    keys of the catalogued patterns that the rule answers
//	sources   a list of repo@commit:path::symbol
//	switches  a list of {name, kind: arg, env or config, default, source, effect}
//	applies   CEL over run: false and the rule is not evaluated
//	requires  a list of {when or unless: CEL over run, because, verdict: unsupported, disabled or by-design}
//	fused     how the path looks when it is taken: a list of alternatives
//	split     how the same work looks when it is not: a list of alternatives
//	path      what the fused path does
//	conclude  what an engineer should conclude
//	unseen    why there is no split, where there is none
//
// A rule of kind overlap has in the place of fused and split
//
//	overlapped  how the path looks when it is taken: work that runs at the same time
//	serial      how the same work looks when it is not
//
// fused, or overlapped, may be absent when the status is withdrawn, no-fusion or no-overlap. An
// alternative is a CEL expression over k, or a mapping with the keys
//
//	name       a label
//	only       CEL over run: the alternative counts only there
//	match      CEL over k: a chain of one step called k
//	chain      a list of steps, in the place of match
//	beside     a list of steps: a second chain, on another stream of the same device, whose time
//	           from its first start to its last end meets that of the first chain; both in one
//	           step of the server, or one of them launched outside every step
//	where      CEL over the bound steps, of both chains
//	residue    {per_step, because}: so many chains a step are by design
//	by_design  why chains of this alternative make no verdict
//
// A step has the keys
//
//	as        its name: a CEL identifier
//	match     CEL over k
//	skip      CEL over k: what may stand before it, behind the step bound last
//	optional  it may bind nothing; not the last step, and not every step
//	many      it binds 1 to 32 kernels in a row
//
// A family has the keys family, title, priority (higher is asked first, then by name) and match,
// a list of CEL expressions over the name's fields of k, any one of which is enough. aliases.yaml
// has paths and symbols, lists of {now, was: [...]}; a path that ends with a slash is a directory.
// retired.yaml has retired, a list of {id, since, because, replaced_by}. sites.yaml says which
// Python frame of a launch is shown, and no rule sees it: packages, a list of {package, prefix,
// framework}, wrappers, a list of {path, function}, and foreign, a list of paths. exceptions.yaml
// has exceptions, a list of {check, rule or family, at, because}: what a check finds and may stay, of lint
// and of the rule tests.
//
// # Expressions
//
// Expressions are CEL and give a bool. In match, skip and where a kernel has the fields
//
//	symbol       string        base name
//	ns           string        namespace, without anonymous ones
//	qualified    string        ns::symbol
//	args         list(string)  top-level template arguments
//	params       string        parameters
//	generator    string        what made the name: aten, inductor, triton, nvjet, cutlass, ck, …
//	functor      string        what a wrapper kernel runs
//	kind         string        the generator's own kind
//	dtype        string        type of the inputs
//	out_dtype    string        type of the output
//	layout       string        operand layout of a GEMM: tn, nn, nt, tt
//	tile         string        output tile
//	epilogue     string        what is done to the result: swiglu, bias, …
//	module       string        module path in the name
//	ops          list(string)  aten ops that a generated kernel fuses
//	words        list(string)  words of symbol, lower case
//	split_k      bool          whether a GEMM is split-K
//	activity     string        kernel, memcpy, memset
//	family       string        from the family files
//	op           string        innermost cpu_op, "" on a replay
//	attribution  string        launch, replay, aligned, none
//
// and the functions
//
//	k.at(path, function)  whether any enclosing Python frame is there; "" is any function
//	k.in_op(name)         whether any enclosing cpu_op has the name
//	k.in_module(name)     whether any enclosing nn.Module scope has the class name
//
// In family files k has no family, op and attribution and none of these functions. In where, the
// steps are variables by their names, and there are
//
//	gap_us(a, b)  double  from the end of a to the start of b, in µs, negative when they overlap
//	us(a)         double  the time of all kernels that a bound, in µs
//	both_us(a, b) double  how long both were under way, from first start to last end, in µs
//
// An optional step that bound nothing has empty fields, a time of 0 and gaps of 0.
//
// In applies, requires and only, run has the fields
//
//	framework   string  sglang, vllm, tensorrt-llm, tokenspeed, "" for unknown
//	model       string
//	vendor      string  nvidia, amd, "" for unknown
//	gpu         string  name of the device
//	sm          int     compute capability times ten; 0 for unknown and other vendors
//	stage       string  extend, decode, mixed, verify, …, all
//	tp          int     0 for unknown
//	world       int     0 for unknown
//	tokens_min  int     fewest tokens of a step of the stage, as annotated; 0 for unknown
//	tokens_max  int     most of them; 0 for unknown
//	moe         bool    whether a kernel of the family moe ran in the stage
//	args_known  bool    whether the arguments are known
//
// and the functions
//
//	run.flag(name)          bool    whether the argument is on; false when absent
//	run.arg(name, default)  string  the argument, or the default when absent
//
// A condition that calls one of them while the arguments are unknown, and is not decided by its
// other parts, is Unknown.
//
// Of CEL's own there are && || ! ?: == != in, < <= > >= for numbers (int and double mixed as
// well), + - * / for numbers, list[index], size, int, double, startsWith, endsWith, contains,
// matches, and the macros exists and all over args, ops and words, not nested. Lint refuses
// contains on names, and matches unless anchored. Names and paths given to at, in_op, in_module,
// flag, arg and matches are literals.
//
// Literals that are compared with symbol, functor and qualified, and the path of at, are
// brought to the current spelling by the aliases when a rule is compiled, and the fields of a
// kernel when its class is prepared: a rule may use any spelling.
//
// In a set that is loaded lazily, a condition on a kernel that is nothing but logic over tests of
// names and places (most are) is read and decided without CEL, which gives the same: checking and
// planning it would take longer than a small trace does. Lint, tests and an eager load compile all
// of them.
//
// # Non-goals
//
// The package knows no traces, no graphs and no Markdown; it binds no chain and gives no
// verdict. There are no macros, includes, overrides or variables in rule files: what a rule does
// is in the rule. CEL does not leave the package.
package rule
